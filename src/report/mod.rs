// SPDX-License-Identifier: GPL-2.0-only
//! Figures and how they are shown: plain numbers in, statistics, tables and JSON out.

mod axis;
pub mod bench;
mod canvas;
pub mod cells;
mod chart;
pub mod device;
pub mod drift;
pub mod fairness;
pub mod formats;
pub mod frontier;
pub mod gantt;
pub mod graph;
pub mod interval;
mod label;
pub mod learning;
mod palette;
pub mod percentile;
pub mod profile;
pub mod queue;
pub mod queueing;
pub mod record;
pub mod replay;
pub mod study;
pub mod table;
pub mod task;
pub mod trace;
pub mod trace_diff;

pub use fairness::jain;
pub use interval::Interval;
pub use percentile::Percentiles;
