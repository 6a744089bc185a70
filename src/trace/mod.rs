// SPDX-License-Identifier: GPL-2.0-only
//! Traces: what a scheduler did, event by event. One file for each format that is read or written.

pub mod event;

pub use event::{Comm, Event, EventKind, State, Task};
