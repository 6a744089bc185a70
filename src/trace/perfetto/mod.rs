// SPDX-License-Identifier: GPL-2.0-only
//! Perfetto's protobuf: a trace is packets, some of them hold a CPU's ftrace events, plain or compact.

mod proto;
mod read;
mod wire;
mod write;

pub use read::{PerfettoSource, is_trace};
pub use write::PerfettoWriter;
