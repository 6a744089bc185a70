// SPDX-License-Identifier: GPL-2.0-only
//! Traces through the library: every format in, every format out and back, and whatever else a file may hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

#[path = "trace/bytes.rs"]
mod bytes;
#[path = "trace/dialects.rs"]
mod dialects;
#[path = "trace/round_trip.rs"]
mod round_trip;
#[path = "trace/summary.rs"]
mod summary;

use augur_trace::{Event, EventKind, Format, Header, Reader, State, Task, Writer};
use std::path::Path;

fn task(comm: &str, pid: i32, prio: i32) -> Task {
    Task {
        pid,
        comm: comm.into(),
        prio,
    }
}

/// Time in microseconds, as text has it.
fn at(micros: u64, cpu: u32, kind: EventKind) -> Event {
    Event {
        time_ns: micros * 1000,
        cpu,
        kind,
    }
}

fn switch(prev: Task, bits: u16, next: Task) -> EventKind {
    EventKind::Switch {
        prev,
        prev_state: State {
            bits,
            preempted: false,
        },
        next,
    }
}

/// All events of a file, with the reader that knows the rest.
fn read(path: &Path) -> (Vec<Event>, Reader) {
    let mut reader = Reader::open(path).unwrap();
    let events = reader.by_ref().map(Result::unwrap).collect();
    (events, reader)
}

fn read_bytes(bytes: &[u8]) -> (Vec<Event>, Reader) {
    let mut reader = Reader::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
    let events = reader.by_ref().map(Result::unwrap).collect();
    (events, reader)
}

fn write(path: &Path, format: Format, header: &Header, events: &[Event]) {
    let mut writer = Writer::create(path, format, header).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap();
}
