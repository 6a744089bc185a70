// SPDX-License-Identifier: GPL-2.0-only
//! What is written comes back, as far as the format can carry it.

use super::*;
use augur_base::topology::Machine;
use augur_trace::Comm;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;
use proptest::strategy::Union;

/// A name of up to 15 bytes, odd ones among them.
fn comm() -> impl Strategy<Value = Comm> {
    let odd = [
        "rs:main Q:Reg",
        "lto cgu.00",
        "kworker/u16:3-e",
        "a:1 [1] S ==> b",
        " pid=3 prio=4",
        "x prev_pid=1 y",
        "<idle>",
        "[x] 1.0: a: b",
        "",
    ];
    prop_oneof![
        prop::sample::select(odd.to_vec()).prop_map(Comm::from),
        "[ -~]{0,15}".prop_map(|name| Comm::from(name.as_str())),
        "[äß∑a-z]{0,5}".prop_map(|name| Comm::from(name.as_str())),
    ]
}

fn any_task() -> impl Strategy<Value = Task> {
    (0i32..50, comm(), -1i32..140).prop_map(|(pid, comm, prio)| Task { pid, comm, prio })
}

/// As fork and exec have it: without a priority.
fn named() -> impl Strategy<Value = Task> {
    any_task().prop_map(|task| Task { prio: 0, ..task })
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    let cpu = 0u32..4;
    let state = (0u16..0x100, any::<bool>()).prop_map(|(bits, preempted)| State { bits, preempted });
    let exec = ("(/[a-z= ]{0,9}){0,3}/", "[a-z.=]{1,15}", 1i32..50, 1i32..50).prop_map(
        |(folder, name, pid, old_pid)| EventKind::Exec {
            task: task(&name, pid, 0),
            old_pid,
            filename: format!("{folder}{name}").into(),
        },
    );
    Union::new_weighted(vec![
        (
            8,
            (any_task(), state, any_task())
                .prop_map(|(prev, prev_state, next)| EventKind::Switch {
                    prev,
                    prev_state,
                    next,
                })
                .boxed(),
        ),
        (
            2,
            (any_task(), cpu.clone())
                .prop_map(|(task, target_cpu)| EventKind::Waking { task, target_cpu })
                .boxed(),
        ),
        (
            2,
            (any_task(), cpu.clone())
                .prop_map(|(task, target_cpu)| EventKind::Wakeup { task, target_cpu })
                .boxed(),
        ),
        (
            1,
            (any_task(), cpu.clone())
                .prop_map(|(task, target_cpu)| EventKind::WakeupNew { task, target_cpu })
                .boxed(),
        ),
        (
            1,
            (any_task(), cpu.clone(), cpu)
                .prop_map(|(task, orig_cpu, dest_cpu)| EventKind::Migrate {
                    task,
                    orig_cpu,
                    dest_cpu,
                })
                .boxed(),
        ),
        (
            1,
            (named(), named())
                .prop_map(|(parent, child)| EventKind::Fork { parent, child })
                .boxed(),
        ),
        (1, exec.boxed()),
        (1, any_task().prop_map(|task| EventKind::Exit { task }).boxed()),
    ])
}

/// Events in the order of time, with many ties.
pub fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let event = (prop_oneof![Just(0u64), 0u64..3_000_000_000], 0u32..4, any_kind());
    prop::collection::vec(event, 1..60).prop_map(|parts| {
        let mut time_ns = 0;
        let event = |(delta, cpu, kind)| {
            time_ns += delta;
            Event { time_ns, cpu, kind }
        };
        parts.into_iter().map(event).collect()
    })
}

fn there_and_back(events: &[Event], format: Format) -> Vec<Event> {
    let folder = tempfile::tempdir().unwrap();
    let (first, there, back) = (
        folder.path().join("first"),
        folder.path().join("there"),
        folder.path().join("back"),
    );
    let header = Header::default();
    write(&first, Format::Native, &header, events);
    write(&there, format, &header, &read(&first).0);
    let (found, reader) = read(&there);
    assert_eq!(reader.notes().skipped(), []);
    assert_eq!(reader.format(), format);
    write(&back, Format::Native, &header, &found);
    read(&back).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_event_comes_back(events in any_events()) {
        for format in [Format::Native, Format::Ftrace, Format::Perfetto] {
            prop_assert_eq!(there_and_back(&events, format), &events[..], "{}", format);
        }
    }
}

#[test]
fn lost_events_come_back() {
    let exit = EventKind::Exit {
        task: task("cc1", 7, 120),
    };
    let lost = |count| at(5, 1, EventKind::Lost { count });
    for (format, expected) in [(Format::Native, 12), (Format::Ftrace, 12), (Format::Perfetto, 0)] {
        let events = [at(1, 0, exit.clone()), lost(12), at(5, 1, exit.clone())];
        let found = there_and_back(&events, format);
        assert_eq!(
            found,
            [events[0].clone(), lost(expected), events[2].clone()],
            "{format}"
        );
    }
}

#[test]
fn the_header_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let mut header = Header {
        kernel: "6.18.0".into(),
        clock: "mono".into(),
        scheduler: "augur".into(),
        command: vec!["make".into(), "-j 8".into()],
        lost: 17,
        ..Header::default()
    };
    header.set_machine(&Machine::from_spec("1x2x4x2").unwrap());
    let events = [at(1, 0, switch(task("a", 1, 120), 0, task("b", 2, 120)))];
    write(&path, Format::Native, &header, &events);
    assert_eq!(*read(&path).1.header(), header);
    for format in [Format::Perfetto, Format::Ftrace] {
        write(&path, format, &header, &events);
        assert_eq!(read(&path).1.header().cpus, 16, "{format}");
    }
}

#[test]
fn parquet_has_a_row_for_each_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.parquet");
    let exec = EventKind::Exec {
        task: task("cc1", 8, 0),
        old_pid: 8,
        filename: "/usr/bin/cc1".into(),
    };
    let mut events = vec![
        at(1, 3, switch(task("a", 7, 120), 2, task("b", 8, 100))),
        at(2, 3, exec),
        at(3, 3, EventKind::Lost { count: 5 }),
    ];
    events.extend((4..100_000).map(|time| {
        at(
            time,
            0,
            EventKind::Exit {
                task: task("a", 7, 120),
            },
        )
    }));
    write(&path, Format::Parquet, &Header::default(), &events);
    let file = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 99_999);
    let row = |index: usize| -> Vec<(String, Field)> {
        let row = file.get_row_iter(None).unwrap().nth(index).unwrap().unwrap();
        let cells = row.get_column_iter().filter(|(_, cell)| **cell != Field::Null);
        cells.map(|(name, cell)| (name.clone(), cell.clone())).collect()
    };
    let cell = |name: &str, cell| (name.to_owned(), cell);
    let text = |text: &str| Field::Str(text.into());
    assert_eq!(
        row(0),
        [
            cell("time_ns", Field::ULong(1000)),
            cell("cpu", Field::UInt(3)),
            cell("event", text("sched_switch")),
            cell("pid", Field::Int(7)),
            cell("comm", text("a")),
            cell("prio", Field::Int(120)),
            cell("prev_state", Field::Int(2)),
            cell("preempted", Field::Bool(false)),
            cell("next_pid", Field::Int(8)),
            cell("next_comm", text("b")),
            cell("next_prio", Field::Int(100)),
        ]
    );
    assert!(row(1).contains(&cell("filename", text("/usr/bin/cc1"))));
    assert_eq!(row(2)[3..], [cell("lost", Field::ULong(5))]);
}

#[test]
fn rt_app_gets_runs_and_sleeps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.json");
    let (idle, odd, other) = (
        task("swapper/0", 0, 120),
        task("\"odd\" name", 7, 115),
        task("rt", 8, 49),
    );
    let wake = |task| EventKind::Waking { task, target_cpu: 0 };
    let events = [
        at(1000, 0, switch(idle, 0, odd)),
        at(1300, 0, switch(odd, 0, other)),
        at(1350, 0, switch(other, 1, odd)),
        at(1500, 0, switch(odd, 1, idle)),
        at(2000, 0, wake(odd)),
        at(2100, 0, switch(idle, 0, odd)),
        at(2250, 0, switch(odd, 0x20, idle)),
    ];
    write(&path, Format::RtApp, &Header::default(), &events);
    let work: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let odd = &work["tasks"]["0-\"odd\" name-7"];
    assert_eq!(odd["policy"], "SCHED_OTHER");
    assert_eq!((&odd["priority"], &odd["delay"]), (&(-5).into(), &0.into()));
    assert_eq!(
        odd["phases"],
        serde_json::json!({"p0": {"run": 450, "sleep": 500}, "p1": {"run": 150}})
    );
    let other = &work["tasks"]["1-rt-8"];
    assert_eq!(
        (&other["policy"], &other["priority"]),
        (&"SCHED_FIFO".into(), &50.into())
    );
    assert_eq!(
        other["phases"]["p0"],
        serde_json::json!({"run": 50, "sleep": 900})
    );
}

#[test]
fn more_events_than_are_sorted_in_memory() {
    let count = 1_200_000;
    let exit = |at: u64| Event {
        time_ns: at * 10,
        cpu: (at % 5) as u32,
        kind: EventKind::Exit {
            task: task("cc1", (at % 977) as i32, 120),
        },
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.perfetto-trace");
    let mut writer = Writer::create(&path, Format::Perfetto, &Header::default()).unwrap();
    for at in 0..count {
        writer.write(&exit(at)).unwrap();
    }
    writer.finish().unwrap();
    let mut reader = Reader::open(&path).unwrap();
    for at in 0..count {
        assert_eq!(reader.next().unwrap().unwrap(), exit(at));
    }
    assert!(reader.next().is_none());
}
