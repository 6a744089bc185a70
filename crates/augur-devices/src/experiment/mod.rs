// SPDX-License-Identifier: GPL-2.0-only
//! Whole runs: policies × workloads × seeds, side by side on all cores.

pub mod graph;
pub mod profile;
pub mod queue;
pub mod simulate;
pub mod study;
mod tasks;
pub mod train;
