// SPDX-License-Identifier: GPL-2.0-only
//! `trace info`, `import` and `export` from the outside: what they print, their exit codes, and what they leave behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

mod common;

use common::{fails, json, scx_augur, succeeds};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/traces")
        .join(name);
    path.to_str().unwrap().to_owned()
}

/// A folder with files in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.name(name)
    }

    /// Names of all that is in it.
    fn entries(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn info(file: &str) -> Value {
    json(&["trace", "info", file, "--json"])
}

#[test]
fn info_has_the_shape_that_others_rely_on() {
    let found = info(&fixture("ftrace.txt"));
    let keys: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "clock",
            "clock_step",
            "command",
            "consistency",
            "coverage",
            "cpus",
            "end_ns",
            "events",
            "format",
            "kernel",
            "left_out",
            "lost",
            "machine",
            "notes",
            "overwritten",
            "scheduler",
            "skipped",
            "start_ns",
            "tasks"
        ]
    );
    assert_eq!((&found["format"], &found["cpus"]), (&"ftrace".into(), &2.into()));
    assert_eq!(found["start_ns"], 1_326_000_100_000u64);
    assert_eq!(found["end_ns"], 1_326_000_210_000u64);
    assert_eq!(found["events"]["sched_switch"], 6);
    assert_eq!(
        (&found["lost"], &found["skipped"]),
        (&0.into(), &Value::Array(vec![]))
    );
    let compiler = found["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|task| task["pid"] == 42);
    assert_eq!(
        *compiler.unwrap(),
        serde_json::json!({
            "pid": 42, "comm": "cc1plus", "run_ns": 65_000, "runs": 2, "wakeups": 1,
            "latencies_ns": [15_000], "migrations": 0, "preempted_ns": 0, "sleep_ns": 0, "blocked_ns": 0
        })
    );
}

#[test]
fn info_reports_what_it_skips_and_what_was_lost() {
    let folder = Folder::new();
    let text = std::fs::read_to_string(fixture("ftrace.txt")).unwrap();
    let file = folder.file("t", format!("{text}nonsense\nCPU:1 [LOST 9 EVENTS]\n").as_bytes());
    let found = info(&file);
    assert_eq!(found["lost"], 9);
    assert_eq!(
        found["skipped"],
        serde_json::json!([{"line": 26, "why": "no `[CPU]` in it"}])
    );
    let table = succeeds(&["trace", "info", &file]);
    for part in [
        "ftrace trace, 2 CPUs",
        "sched_switch",
        "9 events were lost",
        "line 26",
        "cc1plus",
    ] {
        assert!(table.contains(part), "no `{part}` in:\n{table}");
    }
}

#[test]
fn through_every_format_and_back() {
    let folder = Folder::new();
    let native = folder.name("trace.augur");
    succeeds(&["import", &fixture("perf.txt"), "-o", &native]);
    let mut expected = info(&native);
    assert_eq!(expected["format"], "native");
    for (name, format) in [
        ("t.perfetto-trace", "perfetto"),
        ("t.pftrace", "perfetto"),
        ("t.ftrace", "ftrace"),
        ("t.txt", "ftrace"),
        ("t.augur", "native"),
    ] {
        let (there, back) = (folder.name(name), folder.name("back.augur"));
        succeeds(&["export", &native, "-o", &there]);
        expected["format"] = format.into();
        let found = info(&there);
        // Not every format has a place for these.
        for absent in ["command", "kernel"] {
            expected[absent] = found[absent].clone();
        }
        assert_eq!(found, expected, "{name}");
        succeeds(&["import", &there, "-o", &back]);
        expected["format"] = "native".into();
        assert_eq!(info(&back), expected, "{name}");
    }
    succeeds(&["export", &native, "-o", &folder.name("t.parquet")]);
    succeeds(&[
        "export",
        &native,
        "-o",
        &folder.name("work"),
        "--format",
        "rt-app",
    ]);
    assert!(
        std::fs::read(folder.path("t.parquet"))
            .unwrap()
            .starts_with(b"PAR1")
    );
    let work: Value = serde_json::from_slice(&std::fs::read(folder.path("work")).unwrap()).unwrap();
    assert_eq!(work["tasks"].as_object().unwrap().len(), 5, "{work}");
}

#[test]
fn bad_input_is_one_sentence_and_leaves_nothing() {
    let folder = Folder::new();
    let native = folder.name("whole.augur");
    succeeds(&["import", &fixture("perf.txt"), "-o", &native]);
    let whole = std::fs::read(&native).unwrap();
    let perfetto = folder.name("whole.pftrace");
    succeeds(&["export", &native, "-o", &perfetto]);
    let packets = std::fs::read(&perfetto).unwrap();
    let without = " sh-1     [000] d..2.  1.000001: sched_process_exit: comm=sh pid=1 prio=120\n";
    for (content, words) in [
        (&b""[..], "empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0", "binary"),
        (b"hello\nworld\n", "no line of it is an event"),
        (&whole[..12], "damaged"),
        (&whole[..whole.len() / 2], ""),
        (&packets[..9], ""),
        (without.as_bytes(), "no sched_switch"),
        (b"# tracer: nop\n#\n", "no sched_switch"),
        (b"{\"traceEvents\": []}", "no `systemTraceEvents`"),
        (b"PERFILE2\0\0", "perf script"),
    ] {
        let input = folder.file("bad", content);
        let before = folder.entries();
        let output = folder.name("out.augur");
        fails(&["trace", "info", &input], 1, words);
        fails(&["trace", "info", &input, "--json"], 1, words);
        fails(&["import", &input, "-o", &output], 1, words);
        fails(&["export", &input, "-o", &folder.name("out.json")], 1, words);
        assert_eq!(folder.entries(), before);
    }
    fails(&["trace", "info", &folder.name("nowhere")], 1, "nowhere");
    fails(&["trace", "info", &folder.name("")], 1, "folder");
}

#[test]
fn a_file_that_was_there_stays_when_the_new_one_fails() {
    let folder = Folder::new();
    let (input, output) = (
        folder.file("in", b"# tracer: nop\n"),
        folder.file("out.augur", b"precious"),
    );
    fails(&["import", &input, "-o", &output], 1, "no sched_switch");
    assert_eq!(std::fs::read(&output).unwrap(), b"precious");
    assert_eq!(folder.entries(), ["in", "out.augur"]);
}

#[test]
fn a_torn_trace_is_converted_on_request_only() {
    let folder = Folder::new();
    let native = folder.name("whole.augur");
    succeeds(&["import", &fixture("perf.txt"), "-o", &native]);
    let mut bytes = std::fs::read(&native).unwrap();
    bytes.truncate(bytes.len() - 20);
    let (torn, output) = (folder.file("torn", &bytes), folder.name("out.augur"));
    fails(
        &["import", &torn, "-o", &output],
        1,
        "--partial takes the 13 events",
    );
    assert!(!Path::new(&output).exists());
    succeeds(&["import", &torn, "-o", &output, "--partial"]);
    assert_eq!(info(&output)["tasks"], info(&native)["tasks"]);
    let perfetto = folder.name("whole.pftrace");
    succeeds(&["export", &native, "-o", &perfetto]);
    let packets = std::fs::read(&perfetto).unwrap();
    let half = folder.file("half", &packets[..packets.len() / 2]);
    fails(&["export", &half, "-o", &folder.name("half.augur")], 1, "torn");
    assert!(!folder.path("half.augur").exists());
    let skipped = &info(&half)["skipped"];
    assert!(skipped[0]["why"].as_str().unwrap().contains("torn"), "{skipped}");
    let skipped = &info(&torn)["skipped"];
    assert!(
        skipped[0]["why"].as_str().unwrap().contains("end chunk"),
        "{skipped}"
    );
}

#[test]
fn wrong_use_is_exit_code_2() {
    let folder = Folder::new();
    let input = fixture("ftrace.txt");
    let output = folder.name("out.xyz");
    fails(&["export", &input, "-o", &output], 2, "perfetto (.perfetto-trace");
    fails(
        &["export", &input, "-o", &output, "--format", "xyz"],
        2,
        "`xyz` is not a format",
    );
    fails(
        &["export", &input, "-o", &output, "--format", "perf"],
        2,
        "`perf` is not a format",
    );
    for arguments in [
        &["trace"][..],
        &["import", &input],
        &["export", "-o", &output],
        &["trace", "info"],
    ] {
        assert_eq!(scx_augur(arguments).status.code(), Some(2), "{arguments:?}");
    }
    fails(
        &["import", &input, "-o", &folder.name("no/where.augur")],
        1,
        "no/where",
    );
    assert!(folder.entries().is_empty());
}

#[test]
fn an_import_can_say_what_the_machine_was() {
    let folder = Folder::new();
    let import = |name: &str, machine: &str| {
        let to = folder.name(name);
        let done = scx_augur(&["import", &fixture("ftrace.txt"), "-o", &to, "--machine", machine]);
        (done.status.code(), to)
    };
    let (code, native) = import("a.augur", "2x1");
    assert_eq!(code, Some(0));
    let replayed = scx_augur(&["replay", &native, "--policy", "recorded"]);
    let text = String::from_utf8(replayed.stdout).unwrap();
    assert!(
        text.starts_with("machine: 1 node, 2 LLCs, 2 cores, 2 CPUs, 2 domains"),
        "{text}"
    );
    assert_eq!(import("b.augur", "2x").0, Some(2));
    assert_eq!(folder.entries(), ["a.augur"]);
}
