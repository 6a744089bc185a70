// SPDX-License-Identifier: GPL-2.0-only
//! The live kernel: the BPF scheduler, and the daemon that decides with it.
//!
//! The only room that names libbpf and scx_utils.

pub mod bpf;
mod collect;
pub mod daemon;
pub mod decisions;
pub mod doctor;
pub mod log;
pub mod machine;
pub mod monitor;
pub mod pod;
pub mod programs;
pub mod scheduler;
pub mod stats;

pub use scheduler::{LoadOptions, Scheduler, Tuning};
