// SPDX-License-Identifier: GPL-2.0-only
//! Figures and how they are shown: plain numbers in, statistics, tables and JSON out.

pub mod bench;
pub mod fairness;
pub mod frontier;
pub mod interval;
mod label;
pub mod percentile;
pub mod replay;

pub use fairness::jain;
pub use interval::Interval;
pub use percentile::Percentiles;
