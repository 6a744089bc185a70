// SPDX-License-Identifier: GPL-2.0-only
//! The live kernel: the BPF scheduler, and the daemon that decides with it; the recorder of what any scheduler does; what a
//! migration costs here.
//!
//! The only room that names libbpf and scx_utils.

pub mod bpf;
pub mod calibrate;
mod collect;
mod counters;
pub mod daemon;
pub mod decisions;
pub mod doctor;
mod inquiry;
pub mod log;
pub mod machine;
pub mod monitor;
mod pace;
pub mod pod;
pub mod programs;
mod realtime;
pub mod recorder;
pub mod scheduler;
pub mod stats;
mod steady;
mod window;

pub use scheduler::{LoadOptions, Scheduler};
