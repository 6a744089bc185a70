// SPDX-License-Identifier: GPL-2.0-only
//! Traces: what a scheduler did, event by event. One file for each format that is read or written.
//!
//! ```text
//!  file ─▶ unpack ─▶ Format::detect ─▶ text │ perfetto │ native │ table ─▶ Reader ─▶ Event, Event, …
//!                                                          └─▶ Notes: skipped lines, foreign events, a torn tail
//!  Event, Event, … ─▶ Writer ─▶ native │ perfetto │ ftrace text │ Parquet, CSV │ rt-app JSON
//! ```
//!
//! Both ends stream: a reader holds a buffer and a window of events (of text and Perfetto up to 40 MB, for what is out of
//! order there is sorted), a writer one chunk, whatever the size of the file. A reader never panics, and what it cannot
//! read it reports and skips. A file that is written gets its name when it is whole. No other room knows a file format.

#![deny(unreachable_pub)]

mod census;
pub mod coverage;
pub mod diff;
pub mod event;
mod format;
mod header;
mod lines;
mod native;
mod notes;
mod perfetto;
mod reader;
pub mod report;
mod rtapp;
pub mod scope;
mod shown;
mod sort;
pub mod summary;
mod table;
mod text;
mod unpack;
mod varint;
mod writer;

pub use coverage::Coverage;
pub use event::{Comm, Event, EventKind, State, Task};
pub use format::Format;
pub use header::{Header, Place};
pub use notes::{Notes, Skip};
pub use reader::{Choice, Reader};
pub use scope::Scope;
pub use shown::shown;
pub use summary::Summary;
pub use writer::Writer;

use writer::Sink;
