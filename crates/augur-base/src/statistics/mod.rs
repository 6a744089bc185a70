// SPDX-License-Identifier: GPL-2.0-only
//! What many numbers come to: percentiles, confidence intervals, fairness, and queueing theory's closed forms.

pub mod fairness;
pub mod interval;
pub mod percentile;
pub mod queueing;

pub use fairness::jain;
pub use interval::Interval;
pub use percentile::Percentiles;
