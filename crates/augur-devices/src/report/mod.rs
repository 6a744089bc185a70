// SPDX-License-Identifier: GPL-2.0-only
//! Figures and how they are shown: plain numbers in, statistics, tables and JSON out.

pub mod device;
pub mod drift;
pub mod gantt;
pub mod graph;
pub mod learning;
pub mod profile;
pub mod queue;
pub mod record;
pub mod study;
