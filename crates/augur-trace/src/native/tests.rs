// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use crate::reader::Source;
use crate::{Event, EventKind, Format, Header, Notes, Task, Writer};

fn events(count: u64) -> Vec<Event> {
    let task = |pid: u64| Task {
        pid: pid as i32,
        comm: "cc1".into(),
        prio: 120,
    };
    (0..count)
        .map(|at| Event {
            time_ns: at * 1000,
            cpu: at as u32 % 4,
            kind: EventKind::Waking {
                task: task(at * 7919 % 30_000),
                target_cpu: 1,
            },
        })
        .collect()
}

/// A file with these events, in chunks of about 15,000.
fn file(events: &[Event]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.augur");
    let header = Header {
        kernel: "6.18.0".into(),
        lost: 3,
        ..Header::default()
    };
    let mut writer = Writer::create(&path, Format::Native, &header).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    assert!(!path.exists());
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn read(bytes: Vec<u8>) -> (Vec<Event>, Notes, Header) {
    let mut notes = Notes::default();
    let mut source = NativeSource::new(std::io::Cursor::new(bytes)).unwrap();
    let mut events = Vec::new();
    while let Some(event) = source.next(&mut notes).unwrap() {
        events.push(event);
    }
    (events, notes, source.header().clone())
}

#[test]
fn everything_comes_back() {
    let events = events(100_000);
    let (found, notes, header) = read(file(&events));
    assert_eq!(found, events);
    assert_eq!(notes.skipped(), []);
    assert_eq!((header.lost, header.kernel.as_str()), (3, "6.18.0"));
}

#[test]
fn a_torn_end_costs_its_chunk_only() {
    let events = events(100_000);
    let mut bytes = file(&events);
    bytes.truncate(bytes.len() - 30);
    let (found, notes, _) = read(bytes);
    assert!(
        found.len() > 60_000 && found.len() < events.len(),
        "{}",
        found.len()
    );
    assert_eq!(found, events[..found.len()]);
    assert!(
        notes
            .torn()
            .is_some_and(|why| why.contains("ends inside a chunk"))
    );
}

#[test]
fn a_missing_end_chunk_is_reported() {
    let mut bytes = file(&events(10));
    bytes.truncate(bytes.len() - 20);
    let (found, notes, _) = read(bytes);
    assert_eq!(found.len(), 10);
    assert!(
        notes
            .torn()
            .is_some_and(|why| why.contains("before its end chunk"))
    );
}

#[test]
fn a_flipped_bit_costs_its_chunk_only() {
    let events = events(100_000);
    let mut bytes = file(&events);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    let (found, notes, _) = read(bytes);
    assert!(
        found.len() > 60_000 && found.len() < events.len(),
        "{}",
        found.len()
    );
    assert_eq!(found.last(), events.last());
    assert_eq!(notes.skipped_count(), 1);
    assert!(notes.skipped()[0].why.contains("checksum"));
}

#[test]
fn a_damaged_header_is_an_error() {
    let mut bytes = file(&events(10));
    bytes[MAGIC.len() + 25] ^= 1;
    assert!(NativeSource::new(&bytes[..]).is_err());
}
