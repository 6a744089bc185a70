// SPDX-License-Identifier: GPL-2.0-only
//! Perfetto's protobuf: a trace is packets, some of them hold a CPU's ftrace events, plain or compact.

mod event;
mod large;
mod machines;
mod proto;
mod read;
mod stream;
mod wire;
mod write;

pub use read::PerfettoSource;
pub use stream::is_trace;
pub use write::PerfettoWriter;
