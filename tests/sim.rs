// SPDX-License-Identifier: GPL-2.0-only
//! The simulator, seen from outside: textbook answers, queueing theory, properties of every policy.
#![allow(clippy::unwrap_used)]

#[path = "sim/queueing.rs"]
mod queueing;
