// SPDX-License-Identifier: GPL-2.0-only
//! Figures and how they are shown: plain numbers in, statistics, tables and JSON out.

pub mod bench;
pub mod device;
pub mod drift;
pub mod frontier;
pub mod gantt;
pub mod graph;
pub mod learning;
pub mod profile;
pub mod queue;
pub mod record;
pub mod replay;
pub mod study;
pub mod task;
pub mod trace;
pub mod trace_diff;

pub use augur_base::picture::formats;
pub use augur_base::statistics::{Interval, Percentiles, fairness, interval, jain, percentile, queueing};
pub use augur_base::{cells, table};

use augur_base::picture::{axis, canvas, chart, label, palette};
