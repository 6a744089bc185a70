// SPDX-License-Identifier: GPL-2.0-only
//! The simulator, seen from outside: textbook answers, queueing theory, properties of every policy.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "sim/queueing.rs"]
mod queueing;

#[path = "sim/burst.rs"]
mod burst;
#[path = "sim/fairness.rs"]
mod fairness;
#[path = "sim/observed.rs"]
mod observed;
#[path = "sim/programs.rs"]
mod programs;
#[path = "sim/properties.rs"]
mod properties;
#[path = "sim/starvation.rs"]
mod starvation;
#[path = "sim/summary.rs"]
mod summary;
#[path = "sim/taskset.rs"]
mod taskset;
#[path = "sim/textbook.rs"]
mod textbook;
