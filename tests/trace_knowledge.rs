// SPDX-License-Identifier: GPL-2.0-only
//! What a trace knows, from the outside: what it cannot tell is `-` and null, never 0, and nothing is credited to anybody
//! where it is not known.
//!
//! The files in `tests/traces/cases` are made up; the right values were worked out by hand from their lines. In most of
//! them A runs from 10.001 to 10.003 s and is left asleep, and B, woken at 10.0025, runs from 10.003 to 10.007.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

mod common;

use common::{fails, json, scx_augur, succeeds};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

fn case(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/traces/cases")
        .join(name);
    path.to_str().unwrap().to_owned()
}

fn info(arguments: &[&str]) -> Value {
    json(&[&["trace", "info", "--json"], arguments].concat())
}

fn replay(arguments: &[&str]) -> Value {
    json(&[&["replay", "--json"], arguments].concat())
}

/// The task of that name.
fn task<'a>(report: &'a Value, comm: &str) -> &'a Value {
    let tasks = report["tasks"].as_array().unwrap();
    tasks.iter().find(|task| task["comm"] == comm).unwrap()
}

fn ran(report: &Value, comm: &str) -> u64 {
    task(report, comm)["run_ns"].as_u64().unwrap()
}

/// Switches in ftrace's format: time in µs, CPU, who leaves, in which state, who comes. Pid 0 idles.
fn text(lines: &[&str]) -> String {
    let who = |name: &str, which: &str| match name {
        "-" => format!("{which}_comm=swapper {which}_pid=0 {which}_prio=120"),
        name => format!("{which}_comm={name} {which}_pid={} {which}_prio=120", pid(name)),
    };
    let line = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (at_us, cpu) = (words[0].parse::<u64>().unwrap(), words[1]);
        let body = match words[2] {
            "waking" => format!(
                "sched_waking: comm={0} pid={1} prio=120 target_cpu={cpu}",
                words[3],
                pid(words[3])
            ),
            "moved" => format!(
                "sched_migrate_task: comm={0} pid={1} prio=120 orig_cpu={2} dest_cpu={3}",
                words[3],
                pid(words[3]),
                words[4],
                words[5]
            ),
            "irq" => "irq_handler_entry: irq=1 name=x".to_owned(),
            prev => format!(
                "sched_switch: {} prev_state={} ==> {}",
                who(prev, "prev"),
                words[3],
                who(words[4], "next")
            ),
        };
        format!(
            "  x-1 [{cpu:0>3}] d..2. {}.{:06}: {body}\n",
            at_us / 1_000_000,
            at_us % 1_000_000
        )
    };
    lines.iter().map(line).collect()
}

fn pid(name: &str) -> u32 {
    100 + name.bytes().map(u32::from).sum::<u32>()
}

fn file(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn t02_a_cpu_whose_buffer_started_late_is_known_from_there() {
    let path = case("t02_buffer_started.txt");
    let found = info(&[&path]);
    assert!(ran(&found, "hog") <= 1_000_000, "{found}");
    assert_eq!(
        [ran(&found, "A"), ran(&found, "B"), ran(&found, "C")],
        [4_000_000, 8_000_000, 2_000_000]
    );
    assert_eq!(found["overwritten"], 8989);
    let from = |cpu: usize| found["coverage"][cpu]["begin_ns"].as_u64().unwrap();
    assert_eq!([from(0), from(1)], [10_001_000_000, 12_000_000_000]);
    let table = succeeds(&["trace", "info", &path]);
    assert!(table.contains("8989 events were overwritten"), "{table}");
    // Nothing of before 12.000 s is credited: the two seconds are neither C's wait nor idleness beside a queue.
    let recorded = &replay(&[&path, "--policy", "recorded,eevdf-like"])["results"][0];
    assert!(
        recorded["wait_ns"]["max"].as_u64().unwrap() <= 1_000_000,
        "{recorded}"
    );
    assert!(
        recorded["idle_while_overloaded_ns"].as_u64().unwrap() <= 1_000_000,
        "{recorded}"
    );
    // As a native trace it knows no more and no less.
    let folder = tempfile::tempdir().unwrap();
    let native = folder.path().join("t.augur").to_str().unwrap().to_owned();
    succeeds(&["import", &path, "-o", &native]);
    let again = info(&[&native]);
    for same in ["tasks", "overwritten", "coverage"] {
        assert_eq!(again[same], found[same], "{same}");
    }
}

#[test]
fn t03_without_wakeups_nobody_knows_who_waited() {
    let path = case("t03_switch_only.txt");
    let found = info(&[&path]);
    let seen = task(&found, "A");
    assert_eq!((&seen["run_ns"], &seen["runs"]), (&10_000_000.into(), &10.into()));
    for unknown in ["wakeups", "latencies_ns", "sleep_ns", "blocked_ns"] {
        assert!(seen[unknown].is_null(), "{unknown}: {seen}");
    }
    let said = found["notes"].to_string();
    assert!(said.contains("sched_waking"), "{said}");
    let report = replay(&[&path, "--policy", "recorded,eevdf-like,augur"]);
    for run in report["results"].as_array().unwrap() {
        let none = json!({"p50": null, "p90": null, "p99": null, "p999": null, "max": null, "mean": null, "count": 0});
        assert_eq!(
            (&run["wakeup_latency_ns"], &run["wait_ns"]),
            (&none, &none),
            "{run}"
        );
        assert!(
            run["idle_while_overloaded_ns"].is_null() && run["jain"].is_null(),
            "{run}"
        );
        assert!(
            run["makespan_ns"].as_u64().is_some_and(|ns| ns >= 1_001_000_000),
            "{run}"
        );
    }
    let output = scx_augur(&["replay", &path, "--policy", "recorded,augur"]);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success() && err.contains("record sched_waking"),
        "{err}"
    );
    let row = out.lines().find(|line| line.starts_with("recorded")).unwrap();
    assert_eq!(
        row.split_whitespace().filter(|&cell| cell == "-").count(),
        7,
        "{out}"
    );
}

#[test]
fn a_task_first_seen_on_an_idle_cpu_did_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "1000000 0 - R A",
        "1001000 0 A S -",
        "1500000 0 waking A",
        "1500100 0 - R A",
        "1501000 0 A S -",
        "2000000 0 - R C",
        "2001000 0 C S -",
    ];
    let path = file(&folder, "t.txt", &text(&lines));
    let recorded = &replay(&[&path, "--policy", "recorded"])["results"][0];
    assert_eq!(recorded["wait_ns"]["max"], 100_000, "{recorded}");
    assert_eq!(recorded["wakeup_latency_ns"]["count"], 1, "{recorded}");
}

#[test]
fn the_first_line_begins_the_trace_and_the_header_counts_the_cpus() {
    let folder = tempfile::tempdir().unwrap();
    let lines = ["1000000 0 irq", "1002000 0 A S -", "1003000 0 irq"];
    let path = file(&folder, "t.txt", &format!("cpus=5\n{}", text(&lines)));
    let found = info(&[&path]);
    assert_eq!(
        (&found["start_ns"], &found["end_ns"]),
        (&1_000_000_000.into(), &1_003_000_000.into())
    );
    assert_eq!((&found["cpus"], ran(&found, "A")), (&5.into(), 2_000_000));
    let cpu = &found["coverage"][0];
    assert_eq!(
        (&cpu["busy_ns"], &cpu["idle_ns"]),
        (&2_000_000.into(), &1_000_000.into())
    );
    assert!(found["coverage"][4]["busy_ns"].is_null());
    let report = replay(&[&path, "--policy", "recorded,fcfs"]);
    assert!(report["machine"].as_str().unwrap().contains('5'), "{report}");
}

#[test]
fn a_first_move_that_only_migrate_tells_counts() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "1000000 0 - R B",
        "1000100 0 waking A",
        "1000110 0 moved A 0 1",
        "1000200 1 - R A",
        "1001000 1 A S -",
        "1002000 0 B S -",
    ];
    let path = file(&folder, "t.txt", &text(&lines));
    assert_eq!(task(&info(&[&path]), "A")["migrations"], 1);
    assert_eq!(
        replay(&[&path, "--policy", "recorded"])["results"][0]["migrations"]["total"],
        1
    );
}

#[test]
fn lost_events_leave_waits_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let before = text(&["1000000 0 - R B", "1000100 0 waking A"]);
    let after = text(&["1009000 0 B S A", "1010000 0 A S -"]);
    let path = file(
        &folder,
        "t.txt",
        &format!("{before}CPU:0 [LOST 7 EVENTS]\n{after}"),
    );
    let found = info(&[&path]);
    // A may have run while nobody looked; that B left is all that is known of its run.
    assert_eq!(task(&found, "A")["latencies_ns"], json!([]));
    assert_eq!(
        (ran(&found, "A"), ran(&found, "B"), &found["lost"]),
        (1_000_000, 0, &7.into())
    );
    let recorded = &replay(&[&path, "--policy", "recorded"])["results"][0];
    assert_eq!(recorded["wakeup_latency_ns"]["count"], 0, "{recorded}");
    assert_eq!(found["coverage"][0]["gaps"], 1);
}

#[test]
fn t13_switches_that_contradict_each_other_tell_no_times() {
    let path = case("t13_perf_record_p.txt");
    let found = info(&[&path]);
    let consistency = &found["consistency"];
    assert_eq!(consistency["checked"], consistency["misfits"]);
    assert!(consistency["misfits"].as_u64().unwrap() >= 10, "{consistency}");
    for task in found["tasks"].as_array().unwrap() {
        assert!(task["run_ns"].is_null() && task["migrations"].is_null(), "{task}");
    }
    let table = succeeds(&["trace", "info", &path]);
    assert!(table.contains("switches do not fit who ran before"), "{table}");
    fails(&["replay", &path], 1, "--partial");
    let recorded = &replay(&[&path, "--partial", "--policy", "recorded"])["results"][0];
    assert_eq!(recorded["migrations"]["total"], 0, "{recorded}");
    // A whole trace fits.
    let whole = info(&[&case("t21_machine_too_small.txt")]);
    assert_eq!(whole["consistency"], json!({"checked": 4, "misfits": 0}));
}

#[test]
fn t14_a_name_does_not_steer_the_terminal() {
    let path = case("t14_escape_in_name.txt");
    let table = succeeds(&["trace", "info", &path]);
    assert!(
        !table.contains('\u{1b}') && table.contains("\\x1b[31mred"),
        "{table}"
    );
}

#[test]
fn t19_a_clock_that_is_set_ends_at_once() {
    let path = case("t19_clock_step.txt");
    let output = scx_augur(&[
        "replay",
        &path,
        "--policy",
        "recorded,augur,rusty,oracle",
        "--json",
    ]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && err.contains("1789999999 s"), "{err}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["results"].as_array().unwrap().len(), 4);
    let found = info(&[&path]);
    assert_eq!(found["clock_step"]["step_ns"], 1_789_999_999_994_000_000u64);
    assert_eq!([ran(&found, "A"), ran(&found, "B")], [4_000_000, 8_000_000]);
    // Nor does who runs meanwhile keep the simulation ticking for years.
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "1000000 0 - R A",
        "1790000001000000 0 A S -",
        "1790000001000100 0 - R A",
        "1790000001000200 0 A S -",
    ];
    let path = file(&folder, "t.txt", &text(&lines));
    assert_eq!(ran(&info(&[&path]), "A"), 100_000);
    assert!(
        replay(&[&path, "--policy", "augur,eevdf-like"])["results"][0]["events"]
            .as_u64()
            .unwrap()
            < 10_000
    );
}

#[test]
fn t21_a_machine_that_the_trace_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.augur");
    let path = case("t21_machine_too_small.txt");
    let name = out.to_str().unwrap();
    fails(&["import", "--machine", "1x1", &path, "-o", name], 1, "CPU 1");
    assert!(!out.exists());
    succeeds(&["import", "--machine", "1x2", &path, "-o", name]);
}

#[test]
fn the_part_that_is_asked_for() {
    let path = case("t02_buffer_started.txt");
    let only = info(&[&path, "--task", "A,h*"]);
    let names: Vec<&str> = only["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["comm"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["A", "hog"]);
    // The second half of B's first run, and nothing of the rest.
    let part = info(&[&path, "--from", "10.005", "--to", "+0.009"]);
    assert_eq!([ran(&part, "A"), ran(&part, "B")], [0, 2_000_000]);
    assert_eq!(part["events"], json!({"sched_switch": 1}));
    assert_eq!(ran(&info(&[&path, "--cpu", "1"]), "B"), 0);
    let report = replay(&[&path, "--policy", "recorded", "--task", "B", "--to", "10.9"]);
    assert_eq!(
        report["results"][0]["throughput_hz"].as_f64().map(|hz| hz > 0.0),
        Some(true)
    );
    for wrong in [["--from", "soon"], ["--cpu", "x"], ["--task", "["]] {
        fails(&[&["trace", "info", &path], &wrong[..]].concat(), 2, wrong[1]);
        fails(&[&["replay", &path], &wrong[..]].concat(), 2, wrong[1]);
    }
    fails(&["replay", &path, "--task", "nobody"], 1, "nobody runs");
}

#[test]
fn info_tells_what_perf_timehist_tells() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "1000000 0 - R A",
        "1001000 0 waking B",
        "1002000 0 A R B",
        "1005000 0 B D A",
        "1006000 0 A S -",
        "1009000 0 waking B",
        "1009500 0 - R B",
        "1010000 0 B S -",
        "1020000 0 waking B",
        "1020000 0 - R B",
        "1021000 0 B S -",
    ];
    let found = info(&[&file(&folder, "t.txt", &text(&lines))]);
    let (a, b) = (task(&found, "A"), task(&found, "B"));
    assert_eq!(
        (&a["preempted_ns"], &a["run_ns"]),
        (&3_000_000.into(), &3_000_000.into())
    );
    assert_eq!(
        (&b["blocked_ns"], &b["sleep_ns"]),
        (&4_000_000.into(), &10_000_000.into())
    );
    assert_eq!(b["latencies_ns"], json!([1_000_000, 500_000, 0]));
    let cpu = &found["coverage"][0];
    assert_eq!(
        (&cpu["busy_ns"], &cpu["idle_ns"]),
        (&7_500_000.into(), &13_500_000.into())
    );
    assert_eq!(cpu["switches"], 8);
}

#[test]
fn two_traces_differ_in_what_they_differ() {
    let (a, b) = (case("t21_machine_too_small.txt"), case("t14_escape_in_name.txt"));
    assert!(succeeds(&["trace", "diff", &a, &a]).starts_with("nothing differs"));
    let diff = json(&["trace", "diff", &a, &b, "--json"]);
    assert_eq!(diff["same"], false);
    let total = |what: &str| {
        let totals = diff["totals"].as_array().unwrap();
        let pair = totals.iter().find(|pair| pair["what"] == what).unwrap();
        (pair["a"].as_f64(), pair["b"].as_f64())
    };
    assert_eq!(total("on_cpu_ns"), (Some(12e6), Some(6e6)));
    assert_eq!(total("switches"), (Some(6.0), Some(3.0)));
    let names: Vec<&str> = diff["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["name"].as_str().unwrap())
        .collect();
    // B is the same in both.
    assert!(!names.contains(&"B") && names.contains(&"C"), "{names:?}");
    let table = succeeds(&["trace", "diff", &a, &b]);
    assert!(table.contains("on cpu") && table.contains("-50.0 %"), "{table}");
    // Where one has no wakeups, its latencies are unknown.
    let diff = json(&["trace", "diff", &a, &case("t03_switch_only.txt"), "--json"]);
    let latencies = diff["totals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pair| pair["what"] == "latencies")
        .unwrap();
    assert!(latencies["a"].is_f64() && latencies["b"].is_null(), "{latencies}");
}

#[test]
fn tables_of_events_are_read_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/ftrace.txt");
    let native = folder.path().join("t.augur").to_str().unwrap().to_owned();
    succeeds(&["import", path.to_str().unwrap(), "-o", &native]);
    let mut expected = info(&[&native]);
    for (name, format) in [("t.csv", "csv"), ("t.parquet", "parquet")] {
        let table = folder.path().join(name).to_str().unwrap().to_owned();
        succeeds(&["export", &native, "-o", &table]);
        let found = info(&[&table]);
        assert_eq!(found["format"], format);
        for same in ["events", "tasks", "lost", "start_ns", "end_ns"] {
            assert_eq!(found[same], expected[same], "{name}: {same}");
        }
    }
    // Columns in another order, some missing, a line that is damaged.
    let csv = "event,cpu,time_ns,pid,comm,prio,prev_state,next_pid,next_comm,next_prio\n\
               sched_switch,0,1000,0,swapper,120,0,7,\"a,b\",120\n\
               sched_switch,zero,1500,0,swapper,120,0,7,x,120\n\
               sched_switch,0,3000,7,\"a,b\",120,1,0,swapper,120\n";
    expected = info(&[&file(&folder, "own.csv", csv)]);
    assert_eq!(ran(&expected, "a,b"), 2000);
    assert_eq!(
        expected["skipped"],
        json!([{"line": 3, "why": "`zero` is not a number for cpu"}])
    );
}

#[test]
fn perfetto_gets_processes_and_names_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("t.pftrace");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/ftrace-tgid.txt");
    succeeds(&["export", path.to_str().unwrap(), "-o", out.to_str().unwrap()]);
    let bytes = std::fs::read(&out).unwrap();
    // ProcessTree.Thread of perfetto's process_tree.proto: tid = 1, name = 2, tgid = 3.
    let thread = |tid: u8, name: &str, tgid: u8| {
        [
            &[0x08, tid, 0x12, name.len() as u8],
            name.as_bytes(),
            &[0x18, tgid],
        ]
        .concat()
    };
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(holds(&thread(42, "cc1plus", 42)) && holds(&thread(43, "rs:main Q:Reg", 43)));
    // Nothing tells the process of 45, which never has a line of its own.
    assert!(!holds(&[0x08, 45, 0x12, 10]));
}

/// Whether rt-app is there; said where it is not.
fn has_rt_app() -> bool {
    let there = Command::new("rt-app").arg("--help").output().is_ok();
    if !there {
        eprintln!("SKIPPED: there is no rt-app; scripts/setup vm installs it");
    }
    there
}

/// Exports a trace and lets rt-app play it, as quickly as it can: times are a thousandth, calibrated to nothing.
fn plays(trace: &str, folder: &tempfile::TempDir) -> Value {
    let out = folder.path().join("work.json");
    succeeds(&["export", trace, "-o", out.to_str().unwrap()]);
    let work: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    if has_rt_app() {
        let mut quick = work.clone();
        quick["global"]["calibration"] = 1_000_000.into();
        std::fs::write(&out, quick.to_string()).unwrap();
        let output = Command::new("rt-app")
            .arg(&out)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    work
}

#[test]
fn t09_rt_app_runs_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let work = plays(&case("t09_rtapp_slash.txt"), &folder);
    let names: Vec<&String> = work["tasks"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["0-kworker_0:1-101", "1-ksoftirqd_0-14"]);
}

#[test]
fn rt_app_runs_more_than_500_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for number in 0..620u64 {
        let (at_us, pid) = (1_000_000 + number * 300, 1000 + number);
        let name = format!("w{number}");
        let idle = "comm=swapper/0";
        lines.push(format!(
            "  x-1 [000] d..2. {}.{:06}: sched_switch: prev_{idle} prev_pid=0 prev_prio=120 prev_state=R ==> \
             next_comm={name} next_pid={pid} next_prio=120\n  x-1 [000] d..2. {}.{:06}: sched_switch: prev_comm={name} \
             prev_pid={pid} prev_prio=120 prev_state=S ==> next_{idle} next_pid=0 next_prio=120\n",
            at_us / 1_000_000,
            at_us % 1_000_000,
            (at_us + 200) / 1_000_000,
            (at_us + 200) % 1_000_000,
        ));
    }
    let work = plays(&file(&folder, "many.txt", &lines.concat()), &folder);
    let tasks = work["tasks"].as_object().unwrap();
    let run_us: u64 = tasks
        .values()
        .flat_map(|task| task["phases"].as_object().unwrap().values())
        .filter_map(|phase| phase["run"].as_u64())
        .sum();
    assert_eq!((run_us, tasks.len()), (620 * 200, 128));
}

#[test]
fn rt_app_keeps_deadline_and_real_time_classes() {
    let folder = tempfile::tempdir().unwrap();
    let switch = |at_us: u64, prev: (&str, i32), next: (&str, i32)| {
        let who = |which: &str, (name, prio): (&str, i32)| {
            let pid = if name == "swapper" { 0 } else { pid(name) };
            format!("{which}_comm={name} {which}_pid={pid} {which}_prio={prio}")
        };
        let state = if prev.0 == "swapper" { "R" } else { "S" };
        format!(
            "  x-1 [000] d..2. 1.{at_us:06}: sched_switch: {} prev_state={state} ==> {}\n",
            who("prev", prev),
            who("next", next)
        )
    };
    let idle = ("swapper", 120);
    let mut lines = String::new();
    for round in 0..4u64 {
        for (number, who) in [("dl", -1), ("rt", 49), ("low", 99), ("nice", 130)]
            .into_iter()
            .enumerate()
        {
            let at_us = round * 20_000 + number as u64 * 1000;
            lines += &switch(at_us, idle, who);
            lines += &switch(at_us + 500, who, idle);
        }
    }
    let out = folder.path().join("work.json");
    succeeds(&[
        "export",
        &file(&folder, "t.txt", &lines),
        "-o",
        out.to_str().unwrap(),
    ]);
    let work: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    let of = |name: &str| {
        let tasks = work["tasks"].as_object().unwrap();
        tasks
            .iter()
            .find(|(key, _)| key.contains(name))
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(
        (&of("-rt-")["policy"], &of("-rt-")["priority"]),
        (&"SCHED_FIFO".into(), &50.into())
    );
    assert_eq!(of("-low-")["priority"], 1);
    assert_eq!(
        (&of("-nice-")["policy"], &of("-nice-")["priority"]),
        (&"SCHED_OTHER".into(), &10.into())
    );
    let deadline = of("-dl-");
    let us = |name: &str| deadline[name].as_u64().unwrap();
    assert_eq!(deadline["policy"], "SCHED_DEADLINE");
    // The kernel wants runtime ≤ deadline ≤ period, and at least 1.024 µs.
    assert!(
        (500..=us("dl-deadline")).contains(&us("dl-runtime")) && us("dl-deadline") <= us("dl-period"),
        "{deadline}"
    );
}
