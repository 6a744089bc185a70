// SPDX-License-Identifier: GPL-2.0-only
//! Packets that are written by hand, read.

use super::super::is_trace;
use super::super::wire::{put_bytes, put_number};
use super::*;

fn compact_packet() -> Vec<u8> {
    let mut columns = Vec::new();
    let mut packed = |field, values: &[u64]| {
        let mut inside = Vec::new();
        values.iter().for_each(|&value| varint::put(&mut inside, value));
        put_bytes(&mut columns, field, &inside);
    };
    // Of two switches, to pid 7 and to the idle task: times, states, pids, priorities, names.
    packed(1, &[1000, 500]);
    packed(2, &[1, 0x100]);
    packed(3, &[7, 0]);
    packed(4, &[120, 120]);
    packed(6, &[0, 1]);
    // Of a waking of pid 7: time, pid, CPU, priority, name.
    packed(7, &[900]);
    packed(8, &[7]);
    packed(9, &[3]);
    packed(10, &[120]);
    packed(11, &[0]);
    put_bytes(&mut columns, field::INTERN_TABLE, b"cc1");
    put_bytes(&mut columns, field::INTERN_TABLE, b"swapper/3");
    let (mut bundle, mut packet) = (Vec::new(), Vec::new());
    put_number(&mut bundle, field::CPU, 3);
    put_number(&mut bundle, field::LOST, 1);
    put_bytes(&mut bundle, field::COMPACT, &columns);
    put_bytes(&mut packet, field::FTRACE_EVENTS, &bundle);
    packet
}

fn read(trace: &[u8]) -> (Vec<(u64, String)>, Notes) {
    let mut notes = Notes::default();
    let mut source = PerfettoSource::new(trace, None);
    let mut events = Vec::new();
    while let Some(event) = source.next(&mut notes).unwrap() {
        events.push((event.time_ns, format!("{:?}", event.kind)));
    }
    (events, notes)
}

fn check_compact(trace: &[u8]) {
    assert!(is_trace(trace));
    let (events, notes) = read(trace);
    assert_eq!(notes.skipped(), []);
    assert_eq!(events.len(), 4, "{events:?}");
    assert_eq!(events[0].0, 900);
    assert!(events[0].1.starts_with("Waking"), "{events:?}");
    assert!(events[1].1.starts_with("Lost"), "{events:?}");
    assert!(events[2].1.contains("swapper/3"), "{events:?}");
    assert_eq!(events[3].0, 1500);
    let last = &events[3].1;
    assert!(last.contains("preempted: true") && last.contains("cc1"), "{last}");
}

#[test]
fn compact_events() {
    let mut trace = Vec::new();
    put_bytes(&mut trace, field::PACKET, &compact_packet());
    check_compact(&trace);
}

#[test]
fn compressed_packets() {
    let mut inner = Vec::new();
    put_bytes(&mut inner, field::PACKET, &compact_packet());
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &inner).unwrap();
    let (mut outer, mut trace) = (Vec::new(), Vec::new());
    put_bytes(&mut outer, field::COMPRESSED, &packed.finish().unwrap());
    put_bytes(&mut trace, field::PACKET, &outer);
    check_compact(&trace);
}

fn an_event(time_ns: u64) -> Vec<u8> {
    let task = Task {
        pid: 7,
        comm: "cc1".into(),
        prio: 120,
    };
    event::message(time_ns, 7, &EventKind::Exit { task }).unwrap()
}

/// A packet with so many events of a CPU, from that time on.
fn packet(cpu: u64, from_ns: u64, count: u64) -> Vec<u8> {
    let (mut bundle, mut packet, mut trace) = (Vec::new(), Vec::new(), Vec::new());
    put_number(&mut bundle, field::CPU, cpu);
    for time_ns in from_ns..from_ns + count {
        put_bytes(&mut bundle, field::EVENT, &an_event(time_ns));
    }
    put_bytes(&mut packet, field::FTRACE_EVENTS, &bundle);
    put_bytes(&mut trace, field::PACKET, &packet);
    trace
}

#[test]
fn packets_of_any_size() {
    const MANY: u64 = 500_000;
    let large = packet(1, 1_000, MANY);
    assert!(large.len() as u64 > super::super::stream::LARGEST);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &large).unwrap();
    let (mut outer, mut compressed) = (Vec::new(), Vec::new());
    put_bytes(&mut outer, field::COMPRESSED, &packed.finish().unwrap());
    put_bytes(&mut compressed, field::PACKET, &outer);
    let trace = [packet(0, 10, 3), large, packet(0, 20, 3), compressed].concat();
    let mut notes = Notes::default();
    let mut source = PerfettoSource::new(std::io::Cursor::new(trace), None);
    let (mut count, mut last_ns) = (0, 0);
    while let Some(event) = source.next(&mut notes).unwrap() {
        (count, last_ns) = (count + 1, event.time_ns);
    }
    assert_eq!((count, last_ns), (2 * MANY + 6, 999 + MANY));
    assert_eq!(notes.skipped(), []);
}

#[test]
fn a_trace_behind_itself_is_two() {
    let trace = [packet(0, 10, 3), packet(1, 5, 2), packet(0, 20, 3)].concat();
    assert_eq!(read(&trace).0.len(), 8);
    let twice = [&trace[..], &trace].concat();
    let mut source = PerfettoSource::new(std::io::Cursor::new(twice), None);
    let why = source.next(&mut Notes::default()).unwrap_err().to_string();
    assert!(why.contains("several recordings"), "{why}");
}

#[test]
fn what_was_overwritten_and_when_a_cpu_is_known_is_said() {
    let stats = |phase, overrun| {
        let (mut cpu, mut stats) = (Vec::new(), Vec::new());
        put_number(&mut cpu, field::STATS_CPU, 1);
        put_number(&mut cpu, field::OVERRUN, overrun);
        put_number(&mut stats, field::PHASE, phase);
        put_bytes(&mut stats, field::CPU_STATS, &cpu);
        let (mut packet, mut trace) = (Vec::new(), Vec::new());
        put_bytes(&mut packet, field::FTRACE_STATS, &stats);
        put_bytes(&mut trace, field::PACKET, &packet);
        trace
    };
    let known = |cpu, time_ns| {
        let (mut bundle, mut packet, mut trace) = (Vec::new(), Vec::new(), Vec::new());
        put_number(&mut bundle, field::CPU, cpu);
        put_number(&mut bundle, field::KNOWN_FROM, time_ns);
        put_bytes(&mut packet, field::FTRACE_EVENTS, &bundle);
        put_bytes(&mut trace, field::PACKET, &packet);
        trace
    };
    let late_ns = 50_000_000;
    let trace = [
        stats(1, 100),
        known(0, 8),
        known(1, late_ns),
        packet(1, late_ns + 1, 3),
        stats(2, 109),
    ];
    let trace = trace.concat();
    let (events, notes) = read(&trace);
    assert_eq!((events.len(), notes.overwritten()), (3, Some(9)));
    assert_eq!(notes.known_from().iter().collect::<Vec<_>>(), [(&1, &late_ns)]);
}

#[test]
fn a_torn_file_says_so() {
    let mut trace = Vec::new();
    put_bytes(&mut trace, field::PACKET, &compact_packet());
    let whole = trace.len();
    put_bytes(&mut trace, field::PACKET, &compact_packet());
    let (events, notes) = read(&trace[..trace.len() - 1]);
    assert_eq!(events.len(), 4);
    assert!(notes.torn().is_some_and(|why| why.contains("after packet 1")));
    assert!(is_trace(&trace[..whole + 5]));
}
