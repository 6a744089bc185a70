// SPDX-License-Identifier: GPL-2.0-only
//! How fast traces are read and written: `cargo bench --bench trace`. One core, from and to memory or a temporary file.
//!
//! The aim: a million lines of ftrace text in less than a second.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark may end where something is wrong"
)]

use augur_trace::{Event, EventKind, Format, Header, Reader, State, Summary, Task, Writer};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

/// Lines of the text, events of the other files.
const EVENTS: u64 = 1_000_000;

/// Four CPUs, 200 tasks: one is woken, and three events later the CPU switches to it.
fn events() -> impl Iterator<Item = Event> {
    let task = |number: u64| Task {
        pid: 1000 + number as i32,
        comm: ["cc1plus", "rs:main Q:Reg", "kworker/u16:3-e", "lto cgu.00"][number as usize % 4].into(),
        prio: 120,
    };
    (0..EVENTS).map(move |at| {
        let (cpu, step) = ((at / 2 % 4) as u32, at / 8);
        let (prev, next) = (task(step * 7 % 200), task((step + 1) * 7 % 200));
        let kind = if at % 2 == 0 {
            EventKind::Waking {
                task: next,
                target_cpu: cpu,
            }
        } else {
            EventKind::Switch {
                prev,
                prev_state: State {
                    bits: (step % 2) as u16,
                    preempted: step % 4 == 0,
                },
                next,
            }
        };
        Event {
            time_ns: 1_000_000_000_000 + at * 1379,
            cpu,
            kind,
        }
    })
}

fn write(path: &Path, format: Format) {
    let mut writer = Writer::create(path, format, &Header::default()).unwrap();
    events().for_each(|event| writer.write(&event).unwrap());
    writer.finish().unwrap();
}

fn benches(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("million events");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10))
        .throughput(Throughput::Elements(EVENTS));
    for format in [Format::Ftrace, Format::Native, Format::Perfetto] {
        let path = folder.path().join(format.name());
        write(&path, format);
        let bytes = std::fs::read(&path).unwrap();
        let read = |bytes: Vec<u8>| {
            let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
            let count = reader.by_ref().filter(|event| event.is_ok()).count();
            assert_eq!((count as u64, reader.notes().skipped_count()), (EVENTS, 0));
        };
        group.bench_function(format!("read {format}"), |bencher| {
            bencher.iter_batched(|| bytes.clone(), read, BatchSize::PerIteration);
        });
        let out = folder.path().join("out");
        group.bench_function(format!("write {format}"), |bencher| {
            bencher.iter(|| write(&out, format))
        });
    }
    let events: Vec<Event> = events().collect();
    group.bench_function("summary", |bencher| {
        bencher.iter(|| {
            let mut summary = Summary::default();
            events.iter().for_each(|event| summary.add(event));
            summary.finish().tasks.len()
        });
    });
    group.finish();
}

criterion_group!(trace, benches);
criterion_main!(trace);
