// SPDX-License-Identifier: GPL-2.0-only
//! Perfetto's protobuf: a trace is packets, some of them hold a CPU's ftrace events, plain or compact.

mod event;
mod field;
mod large;
mod machines;
mod read;
mod stream;
mod wire;
mod write;

pub(crate) use read::PerfettoSource;
pub(crate) use stream::is_trace;
pub(crate) use write::PerfettoWriter;
