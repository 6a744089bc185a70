// SPDX-License-Identifier: GPL-2.0-only
//! Traces as people have them: each tool's odd shapes, and files of other projects. What is right is said here, worked
//! out by hand or with a script of a few lines (`traces/public/README.md`), and never by this program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

mod common;

use common::{fails, json, scx_augur, succeeds};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn file(folder: &str, name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/traces", folder, name]
        .iter()
        .collect();
    path.to_str().unwrap().to_owned()
}

fn case(name: &str) -> String {
    file("cases", name)
}

fn info(path: &str, more: &[&str]) -> Value {
    json(&[&["trace", "info", path, "--json"], more].concat())
}

/// Time on CPU and latencies of each task by name.
fn times(found: &Value) -> Vec<(String, u64, Value)> {
    let task = |task: &Value| {
        let (comm, run_ns) = (task["comm"].as_str().unwrap(), task["run_ns"].as_u64().unwrap());
        (comm.to_owned(), run_ns, task["latencies_ns"].clone())
    };
    found["tasks"].as_array().unwrap().iter().map(task).collect()
}

/// A runs 10.001 to 10.003 s and sleeps; B, woken at 10.0025, runs from 10.003 to 10.007.
#[track_caller]
fn is_base(found: &Value, a: &str) {
    let times: Vec<_> = times(found)
        .into_iter()
        .filter(|(comm, ..)| comm != "sh")
        .collect();
    let expected = [
        (a.to_owned(), 2_000_000, json!([])),
        ("B".to_owned(), 4_000_000, json!([500_000])),
    ];
    assert_eq!(times, expected, "{found}");
    assert_eq!(found["events"]["sched_switch"], 3, "{found}");
    assert_eq!(found["skipped"], json!([]));
}

#[test]
fn every_tool_s_shape_says_the_same() {
    for name in [
        "t04a_tracecmd_R.txt",
        "t04b_ftrace_options_fields.txt",
        "t04c_tracecmd_w.txt",
        "t04d_tracecmd_ts_diff.txt",
        "t07_systrace.json",
        "t11_perf_period.txt",
        "t16_stacktrace.txt",
    ] {
        is_base(&info(&case(name), &[]), "A");
    }
    let raw = info(&case("t04a_tracecmd_R.txt"), &[]);
    let life = (
        &raw["events"]["sched_process_fork"],
        &raw["events"]["sched_process_exit"],
    );
    assert_eq!(life, (&json!(1), &json!(1)));
    assert_eq!(
        info(&case("t16_stacktrace.txt"), &[])["left_out"],
        json!({"lines of stacks": 16})
    );
}

/// The base, written by hand as yet other tools and settings print it.
#[test]
fn more_shapes_of_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (idle, a, b) = ("prev_comm=swapper/0 prev_pid=0 prev_prio=120", "comm=A", "comm=B");
    let bodies = [
        format!("sched_switch: {idle} prev_state=R ==> next_{a} next_pid=101 next_prio=120"),
        format!("sched_waking: {b} pid=102 prio=120 target_cpu=000"),
        format!("sched_switch: prev_{a} prev_pid=101 prev_prio=120 prev_state=S ==> next_{b} next_pid=102 next_prio=120"),
        "sched_switch: prev_comm=B prev_pid=102 prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120".into(),
    ];
    let seconds = ["10.001000", "10.002500", "10.003000", "10.007000"];
    let micros = ["10001000", "10002500", "10003000", "10007000"];
    let who = [("<idle>", "0"), ("A", "101"), ("A", "101"), ("B", "102")];
    let text = |line: &dyn Fn(usize) -> String| (0..4).map(line).collect::<Vec<_>>().join("\n") + "\n";
    let plain = |n: usize| {
        format!(
            "{:>16}-{:<7} [000] d..2. {:>12}: {}",
            who[n].0, who[n].1, seconds[n], bodies[n]
        )
    };
    let shapes: Vec<(&str, String)> = vec![
        (
            "latency format",
            text(&|n| {
                format!(
                    "{:>8}-{:<7} 0d..2. {}us+: {}",
                    who[n].0, who[n].1, micros[n], bodies[n]
                )
            }),
        ),
        (
            "dump",
            format!(
                "Booting\n[    1.0] Dumping ftrace buffer:\n[    1.0] ---------------------------------\n{}[    2.0] ---------------------------------\n[    2.1] end\n",
                text(&|n| format!(
                    "[   12.34567{n}] {:>8}-{:<7} 0d..2. {}us : {}",
                    who[n].0, who[n].1, micros[n], bodies[n]
                ))
            ),
        ),
        ("dmesg", text(&|n| format!("[   12.345678][    T1] {}", plain(n)))),
        (
            "lazy flags",
            text(&|n| {
                plain(n)
                    .replace("d..2.", "d.L2..")
                    .replace("[000]", "(-------) [000]")
            }),
        ),
        (
            "page",
            format!(
                "<!DOCTYPE html>\n<script>var x = [1, 2];\n</script>\n<script class=\"trace-data\" type=\"application/text\">\n{}</script>\n<p>end\n",
                text(&plain)
            ),
        ),
        (
            "page with entities",
            format!(
                "<html><pre>\n{}</pre>",
                text(&plain).replace('>', "&gt;").replace('<', "&lt;")
            ),
        ),
        (
            "script",
            format!(
                "  var linuxPerfData = \"\\\n# tracer: nop\\n\\\n{}\";\n",
                text(&plain).replace('\n', "\\n\\\n")
            ),
        ),
        (
            "log",
            format!(
                "{}{}",
                "nothing to see here, 3000 times\n".repeat(3000),
                text(&plain)
            ),
        ),
        (
            "perf old",
            text(&|n| {
                format!(
                    "{:>16} {:>5} [000] {:>12}: {}",
                    who[n].0, who[n].1, seconds[n], bodies[n]
                )
            }),
        ),
        (
            "perf modifier",
            text(&|n| {
                format!(
                    "{:>16} {:>5} [000] {:>12}: sched:{}",
                    who[n].0,
                    who[n].1,
                    seconds[n],
                    bodies[n].replacen(": ", ":u: ", 1)
                )
            }),
        ),
        (
            "perf terms",
            text(&|n| {
                format!(
                    "{:>16} {:>5} [000] {:>12}: sched:{}",
                    who[n].0,
                    who[n].1,
                    seconds[n],
                    bodies[n].replacen(": ", "/call-graph=fp/: ", 1)
                )
            }),
        ),
        (
            "perf symbol",
            text(&|n| {
                format!(
                    "{:>16} {:>5}/{:<5} [000] {:>12}000: 1 sched:{} ffffffff81a1 __schedule+0x3f0 ([kernel.kallsyms])",
                    who[n].0, who[n].1, who[n].1, seconds[n], bodies[n]
                )
            }),
        ),
        (
            "perf chains",
            text(&|n| {
                format!(
                    "{:>16} {:>5} [000] {:>12}: sched:{}\n\tffffffff81a1 __schedule ([kernel.kallsyms])\n        7f0012345678 main (/bin/x)\n",
                    who[n].0, who[n].1, seconds[n], bodies[n]
                )
            }),
        ),
        (
            "perf without names",
            text(&|n| format!("{:>5} [000] {:>12}: sched:{}", who[n].1, seconds[n], bodies[n])),
        ),
        (
            "perf without pids",
            text(&|n| format!("{:>16} [000] {:>12}: sched:{}", who[n].0, seconds[n], bodies[n])),
        ),
        (
            "named buffer",
            text(&|n| {
                format!(
                    "mybuf: {:>16}-{:<7} [000] {:>12}: {}",
                    who[n].0, who[n].1, seconds[n], bodies[n]
                )
            })
            .replacen("mybuf", "cpus=1\nmybuf", 1),
        ),
        (
            "buffer before the event",
            text(&|n| {
                format!(
                    "{:>16}-{:<7} [000] {:>12}: mybuf: {}",
                    who[n].0, who[n].1, seconds[n], bodies[n]
                )
            })
            .replacen(' ', "cpus=1\n ", 1),
        ),
    ];
    for (name, text) in shapes {
        let path = folder.path().join(name);
        std::fs::write(&path, &text).unwrap();
        println!("{name}");
        is_base(&info(path.to_str().unwrap(), &[]), "A");
    }
}

#[test]
fn two_machines_in_one_file_are_never_mixed() {
    let path = case("t05_two_machines.pftrace");
    let sentence = "several machines (0, 1001); choose one with --trace-machine";
    let native = tempfile::tempdir().unwrap().path().join("x.augur");
    fails(&["trace", "info", &path], 1, sentence);
    fails(&["trace", "info", &path, "--partial"], 1, sentence);
    fails(&["replay", &path, "--policies", "recorded"], 1, sentence);
    fails(&["import", &path, "-o", native.to_str().unwrap()], 1, sentence);
    is_base(&with_left_out(info(&path, &["--trace-machine", "0"])), "A");
    let guest = info(&path, &["--trace-machine", "1001"]);
    let expected = [
        ("guestA".to_owned(), 2_000_000, json!([])),
        ("guestB".to_owned(), 4_000_000, json!([500_000])),
    ];
    assert_eq!(times(&guest), expected);
    fails(
        &["trace", "info", &path, "--trace-machine", "7"],
        1,
        "can be one of 0, 1001",
    );
}

/// One packet of the other machine is left out, and said to be.
fn with_left_out(found: Value) -> Value {
    assert_eq!(found["left_out"]["packets of other machines"], 1, "{found}");
    found
}

#[test]
fn several_files_in_one_report_are_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::read_to_string(case("t04d_tracecmd_ts_diff.txt")).unwrap();
    let lines = |label: &str| -> String {
        let lines = base.lines().skip(1);
        lines.map(|line| format!("{label:>10}: {line}\n")).collect()
    };
    let path = folder.path().join("report.txt");
    std::fs::write(
        &path,
        format!("cpus=1\n{}{}", lines("host.dat"), lines("guest.dat")),
    )
    .unwrap();
    let path = path.to_str().unwrap();
    fails(
        &["trace", "info", path],
        1,
        "(guest.dat, host.dat); choose one with --trace-machine",
    );
    let host = info(path, &["--trace-machine", "host.dat"]);
    assert_eq!(
        host["left_out"],
        json!({"events of other machines or buffers": 4})
    );
    is_base(&host, "A");
}

#[test]
fn packets_that_zstd_packed_are_read() {
    let found = info(&case("t06_zstd_packets.pftrace"), &[]);
    assert_eq!(found["events"]["sched_switch"], 6, "{found}");
    let pids: Vec<_> = found["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["pid"])
        .collect();
    let mut pids: Vec<_> = pids.into_iter().filter_map(Value::as_u64).collect();
    pids.sort_unstable();
    assert_eq!(pids, [101, 102, 103, 104]);
    assert_eq!(found["skipped"], json!([]));
}

#[test]
fn what_is_no_time_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let native = folder.path().join("x.augur");
    let (deltas, cycles) = (case("t08_perf_deltatime.txt.gz"), case("t20_tsc_clock.txt"));
    for (path, words) in [
        (&deltas, "--deltatime"),
        (&cycles, "counts cycles or events (x86-tsc, counter)"),
    ] {
        fails(&["trace", "info", path], 1, words);
        fails(&["replay", path], 1, words);
        fails(&["import", path, "-o", native.to_str().unwrap()], 1, words);
        fails(
            &[
                "export",
                path,
                "-o",
                folder.path().join("x.txt").to_str().unwrap(),
            ],
            1,
            words,
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(info(&deltas, &["--partial"])["format"], "perf");
}

#[test]
fn a_trace_most_of_which_cannot_be_read_is_an_error_unless_partial() {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::read_to_string(case("t04d_tracecmd_ts_diff.txt")).unwrap();
    let path = folder.path().join("t");
    let write = |damage: &str| std::fs::write(&path, format!("{base}{damage}")).unwrap();
    let path = path.to_str().unwrap();
    write(&"what is this?\n".repeat(4));
    assert_eq!(info(path, &[])["skipped"].as_array().unwrap().len(), 4);
    write(&"what is this?\n".repeat(5));
    fails(
        &["trace", "info", path],
        1,
        "5 of its 9 lines or packets cannot be read (no `[CPU]` in it)",
    );
    assert_eq!(info(path, &["--partial"])["events"]["sched_switch"], 3);
    let switch = "               A-101     [000]     10.008000: sched_switch: A:101 [120\n";
    write(&switch.repeat(4));
    for command in [&["trace", "info", path][..], &["replay", path]] {
        fails(command, 1, "4 of its 7 switches cannot be read");
    }
    succeeds(&["replay", path, "--policies", "recorded", "--partial"]);
}

#[test]
fn control_signs_in_names_are_shown_and_do_nothing() {
    let path = case("t14_escape_in_name.txt");
    let table = scx_augur(&["trace", "info", &path]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.contains("\\x1b[31mred\\x1b[0m"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    is_base(&info(&path, &[]), "\u{1b}[31mred\u{1b}[0m");
    let table = scx_augur(&["replay", &path, "--policies", "recorded"]);
    assert!(!table.stdout.contains(&0x1b) && !table.stderr.contains(&0x1b));
}

#[test]
fn an_exec_in_a_named_buffer_has_the_task_s_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.txt");
    succeeds(&[
        "export",
        &case("t18_named_buffer_exec.txt"),
        "-o",
        out.to_str().unwrap(),
    ]);
    let text = std::fs::read_to_string(&out).unwrap();
    let exec = text
        .lines()
        .find(|line| line.contains("sched_process_exec"))
        .unwrap();
    assert!(exec.trim_start().starts_with("cc1-50"), "{exec}");
}

#[test]
fn files_of_single_cpus_are_sorted_and_several_recordings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let base = std::fs::read_to_string(case("t16_stacktrace.txt")).unwrap();
    let path = folder.path().join("t");
    let write = |content: &[u8]| std::fs::write(&path, content).unwrap();
    let name = path.to_str().unwrap();
    write(
        format!(
            "{base}{}",
            base.replace("[000]", "[001]")
                .replace("-101", "-201")
                .replace("pid=101", "pid=201")
                .replace("pid=102", "pid=202")
        )
        .as_bytes(),
    );
    let both = info(name, &[]);
    let times: Vec<_> = times(&both)
        .into_iter()
        .map(|(comm, run_ns, _)| (comm, run_ns))
        .collect();
    let expected = [
        ("A", 2_000_000),
        ("A", 2_000_000),
        ("B", 4_000_000),
        ("B", 4_000_000),
    ];
    assert_eq!(times, expected.map(|(comm, run_ns)| (comm.to_owned(), run_ns)));
    assert_eq!(both["cpus"], 2);
    write(format!("{base}{base}").as_bytes());
    fails(&["trace", "info", name], 1, "second recording");
    write(format!("{base}{}", base.replace(" 10.0", " 20.0")).as_bytes());
    fails(&["trace", "info", name], 1, "second recording");
    let native = folder.path().join("x.augur");
    succeeds(&[
        "import",
        &case("t16_stacktrace.txt"),
        "-o",
        native.to_str().unwrap(),
    ]);
    let bytes = std::fs::read(&native).unwrap();
    write(&[&bytes[..], &bytes].concat());
    fails(&["trace", "info", name], 1, "several recordings");
    write(&[&bytes[..], b"more"].concat());
    assert_eq!(
        info(name, &[])["skipped"][0]["why"],
        "what stands behind the end chunk"
    );
}

#[test]
fn lines_without_a_cpu_or_a_time_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let text = std::fs::read_to_string(case("t11_perf_period.txt")).unwrap();
    for without in [
        text.replace("[000]", ""),
        text.lines()
            .map(|line| format!("A 101 [000] {}\n", line.split_once("1 sched:").unwrap().1))
            .collect(),
    ] {
        std::fs::write(&path, without).unwrap();
        fails(
            &["trace", "info", path.to_str().unwrap()],
            1,
            "perf script -F +cpu,+time",
        );
    }
}

#[test]
fn a_format_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t");
    let base = std::fs::read(case("t16_stacktrace.txt")).unwrap();
    std::fs::write(&path, [&b"\0\0\0 a log with zeros in it\n"[..], &base].concat()).unwrap();
    let path = path.to_str().unwrap();
    fails(&["trace", "info", path], 1, "--input-format");
    is_base(&info(path, &["--input-format", "ftrace"]), "A");
    fails(
        &["trace", "info", path, "--input-format", "xyz"],
        2,
        "native, ftrace, trace-cmd, perf, perfetto",
    );
    fails(
        &["trace", "info", path, "--input-format", "rt-app"],
        2,
        "`rt-app`",
    );
}

/// Counts by a script of its own: see `traces/public/README.md`.
#[test]
fn public_traces_of_other_projects_have_the_counts_that_others_count() {
    for (name, format, cpus, counts, skipped, start_ns, end_ns) in [
        (
            "catapult-android_systrace.txt",
            "ftrace",
            1,
            [58, 33, 0],
            0,
            50_260_647_576_000u64,
            50_260_767_491_000u64,
        ),
        (
            "catapult-atrace_data.txt",
            "ftrace",
            1,
            [72, 44, 0],
            0,
            1_212_465_062_000,
            1_213_465_171_000,
        ),
        (
            "trappy-surfaceflinger.html.gz",
            "ftrace",
            8,
            [715, 421, 1370],
            0,
            538_064_659_000,
            538_802_729_000,
        ),
        (
            "trappy-legacy_systrace.html",
            "ftrace",
            8,
            [3, 2, 10],
            0,
            7_480_992_787_000,
            7_480_993_259_000,
        ),
        // The last switch is cut off; the last line that can be read tells of idleness.
        (
            "trappy-idle_unsorted.txt",
            "trace-cmd",
            8,
            [6, 0, 8],
            1,
            7_115_449_594_000,
            7_115_450_065_000,
        ),
        (
            "trappy-raw_trace.txt",
            "trace-cmd",
            6,
            [3, 0, 0],
            0,
            106_439_675_591_000,
            106_439_675_718_000,
        ),
    ] {
        let path = file("public", name);
        assert!(Path::new(&path).exists(), "{path}");
        let found = info(&path, &[]);
        let events = found["events"].as_object().unwrap();
        let count = |name: &str| events.get(name).map_or(0, |count| count.as_u64().unwrap());
        let known = ["sched_switch", "sched_wakeup"].map(count);
        let all: u64 = events.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(
            [known[0], known[1], all - known[0] - known[1]],
            counts,
            "{name}: {found}"
        );
        assert_eq!(
            (&found["format"], &found["cpus"]),
            (&json!(format), &json!(cpus)),
            "{name}"
        );
        assert_eq!(
            (&found["start_ns"], &found["end_ns"]),
            (&json!(start_ns), &json!(end_ns)),
            "{name}"
        );
        assert_eq!(
            found["skipped"].as_array().unwrap().len(),
            skipped,
            "{name}: {}",
            found["skipped"]
        );
    }
}
