// SPDX-License-Identifier: GPL-2.0-only
//! The same events as every tool prints them.

use super::*;
use std::path::PathBuf;

const START: u64 = 1_326_000_000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/traces")
        .join(name)
}

/// What the fixtures say.
fn expected() -> Vec<Event> {
    let at = |micros, cpu, kind| at(START + micros, cpu, kind);
    let (shell, idle) = (task("sh", 41, 120), task("swapper/1", 0, 120));
    let (child, compiler) = (task("sh", 42, 120), task("cc1plus", 42, 120));
    let (worker, logger, linker) = (
        task("kworker/u16:3-e", 44, 100),
        task("rs:main Q:Reg", 43, 120),
        task("lto cgu.00", 45, -1),
    );
    let plain = |task: Task| Task { prio: 0, ..task };
    let preempted = State {
        bits: 0,
        preempted: true,
    };
    vec![
        at(
            100,
            0,
            EventKind::Fork {
                parent: plain(shell),
                child: plain(child),
            },
        ),
        at(
            110,
            0,
            EventKind::WakeupNew {
                task: child,
                target_cpu: 1,
            },
        ),
        at(125, 1, switch(idle, 0, child)),
        at(
            150,
            1,
            EventKind::Exec {
                task: plain(compiler),
                old_pid: 42,
                filename: "/usr/lib/gcc [x]/cc1plus".into(),
            },
        ),
        at(
            160,
            0,
            EventKind::Waking {
                task: logger,
                target_cpu: 1,
            },
        ),
        at(
            160,
            0,
            EventKind::Migrate {
                task: logger,
                orig_cpu: 1,
                dest_cpu: 0,
            },
        ),
        at(
            161,
            0,
            EventKind::Wakeup {
                task: logger,
                target_cpu: 0,
            },
        ),
        at(
            170,
            0,
            EventKind::Switch {
                prev: shell,
                prev_state: preempted,
                next: logger,
            },
        ),
        at(170, 1, switch(compiler, 0x102, worker)),
        at(180, 0, switch(logger, 1, linker)),
        at(190, 1, switch(worker, 0x80, compiler)),
        at(200, 1, EventKind::Exit { task: compiler }),
        at(210, 1, switch(compiler, 0x20, idle)),
    ]
}

fn check(name: &str, format: Format) {
    let (events, reader) = read(&fixture(name));
    assert_eq!(reader.format(), format, "{name}");
    assert_eq!(reader.notes().skipped(), [], "{name}");
    for (found, expected) in events.iter().zip(expected()) {
        assert_eq!(*found, expected, "{name}");
    }
    assert_eq!(events.len(), expected().len(), "{name}");
}

#[test]
fn all_tools_say_the_same() {
    check("ftrace.txt", Format::Ftrace);
    check("ftrace-tgid.txt", Format::Ftrace);
    check("trace-cmd.txt", Format::TraceCmd);
    check("trace-cmd-raw.txt", Format::TraceCmd);
    check("perf.txt", Format::Perf);
    check("perf-plugins.txt", Format::Perf);
}

#[test]
fn headings_tell_of_the_machine() {
    let cpus = |name| read(&fixture(name)).1.header().cpus;
    assert_eq!(
        [cpus("ftrace.txt"), cpus("trace-cmd.txt"), cpus("perf.txt")],
        [2; 3]
    );
    assert_eq!(read(&fixture("perf.txt")).1.header().kernel, "6.18.0");
}

#[test]
fn a_malformed_line_costs_itself_only() {
    let text = std::fs::read_to_string(fixture("ftrace.txt")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(13, "what is this?");
    lines.insert(
        15,
        "              sh-41      [000] d..2.  1326.000111: sched_switch: prev_comm=sh prev_pid=",
    );
    lines.insert(16, "");
    lines.insert(
        17,
        "              sh-41      [000] d.h..  1326.000112: irq_handler_entry: irq=1 name=timer",
    );
    let (events, reader) = read_bytes(lines.join("\r\n").as_bytes());
    assert_eq!(events, expected());
    let notes = reader.notes();
    let skipped: Vec<_> = notes
        .skipped()
        .into_iter()
        .map(|skip| (skip.line, skip.why))
        .collect();
    assert_eq!(
        skipped,
        [
            (14, "no `[CPU]` in it".to_owned()),
            (16, "the fields of sched_switch are damaged".to_owned())
        ]
    );
    assert_eq!(notes.foreign_events()["irq_handler_entry"], 1);
}
