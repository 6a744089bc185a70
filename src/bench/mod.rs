// SPDX-License-Identifier: GPL-2.0-only
//! Measuring real work under real schedulers: the same workload under each in turn, round by round.
//!
//! Rounds are interleaved (A B C A B C …), so that what drifts on the machine drifts for all. One run more, at the
//! beginning, is thrown away: cold caches migrate up to half as often again. All figures are the kernel's own
//! ([`counters`]), so that they mean the same for every scheduler. Nothing stays behind: whoever was attached is
//! detached, and what was switched on in the kernel is switched off, also on Ctrl-C.

pub mod attached;
pub mod child;
pub mod contender;
pub mod counters;
pub mod frontier;
pub mod guest;
pub mod histogram;
pub mod kernel_build;
pub mod lab;
pub mod plan;
pub mod project;
pub mod report;
pub mod schedstat;
pub mod tracing;
pub mod workload;

pub use contender::Contender;
pub use plan::{Interrupted, Plan};
pub use workload::Workload;
