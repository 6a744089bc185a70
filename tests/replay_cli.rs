// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur replay` from the outside: what it prints, what it writes, and what it says to bad input.
#![allow(clippy::unwrap_used)]

mod common;

use common::{fails, json, scx_augur};
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const TRACE: &str = "tests/traces/ftrace.txt";

fn replay(arguments: &[&str]) -> Output {
    scx_augur(&[&["replay"], arguments].concat())
}

fn replayed(arguments: &[&str]) -> Value {
    json(&[&["replay"], arguments, &["--json"]].concat())
}

#[test]
fn json_has_a_result_for_each_policy() {
    let policies = "recorded,eevdf-like,rusty,augur[high=0.2,low=0.1],never,random,least-loaded,clairvoyant";
    let report = replayed(&[TRACE, "--policy", policies, "--seed", "7"]);
    assert_eq!(report["seed"], 7);
    let names: Vec<&str> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["policy"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 8);
    assert_eq!((names[0], names[3]), ("recorded", "augur[high=0.2,low=0.1]"));
    for run in report["results"].as_array().unwrap() {
        assert!(run["makespan_ns"].as_u64().unwrap() > 0);
        assert!(run["migrations"]["total"].is_u64() && run["causes"]["steal"].is_u64());
        assert!(run["wakeup_latency_ns"]["p999"].is_u64() && run["wait_ns"]["max"].is_u64());
        assert!(
            run["idle_while_overloaded_ns"].is_u64() && run["jain"].is_f64() && run["decisions"].is_u64()
        );
        assert_eq!(run["state_hash"].as_str().unwrap().len(), 16);
    }
}

#[test]
fn one_seed_one_hash_on_any_number_of_threads() {
    let hashes = |threads: &str| {
        let report = replayed(&[
            TRACE,
            "--policy",
            "augur,random,rusty",
            "--seeds",
            "3",
            "--threads",
            threads,
        ]);
        assert_eq!(report["intervals"].as_array().unwrap().len(), 3);
        let runs = report["results"].as_array().unwrap().clone();
        runs.iter()
            .map(|run| run["state_hash"].clone())
            .collect::<Vec<Value>>()
    };
    assert_eq!(hashes("1"), hashes("2"));
    assert_eq!(hashes("1").len(), 9);
}

#[test]
fn recorded_says_what_trace_info_says() {
    let info = json(&["trace", "info", TRACE, "--json"]);
    let sum = |name: &str| {
        info["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task[name].as_u64().unwrap())
            .sum::<u64>()
    };
    let recorded = &replayed(&[TRACE, "--policy", "recorded"])["results"][0];
    assert_eq!(recorded["migrations"]["total"], sum("migrations"));
    assert!(sum("run_ns") > 0);
}

#[test]
fn the_table_never_shows_migrations_alone() {
    let output = replay(&[TRACE, "--policy", "recorded,augur"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let header = text.lines().find(|line| line.contains("migrations")).unwrap();
    assert!(header.contains("makespan") && header.contains("p99"), "{text}");
}

#[test]
fn a_timeline_is_a_trace_that_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let timeline = folder.path().join("run.perfetto-trace");
    let first = replayed(&[
        TRACE,
        "--policy",
        "augur",
        "--timeline",
        timeline.to_str().unwrap(),
    ]);
    let again = replayed(&[timeline.to_str().unwrap(), "--policy", "recorded"]);
    let migrations = |report: &Value| report["results"][0]["migrations"].clone();
    assert_eq!(migrations(&first), migrations(&again));
}

/// A stay may begin in the very last moment of a trace.
#[test]
fn what_was_recorded_has_sound_figures_whatever_the_trace_ends_with() {
    let traces = std::fs::read_dir("tests/traces/recorded").unwrap();
    let mut seen = 0;
    for trace in traces.map(|entry| entry.unwrap().path()) {
        let output = replay(&[trace.to_str().unwrap(), "--policies", "recorded", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let run = &report["results"][0];
        let imbalance = run["imbalance"].as_f64().unwrap();
        assert!(
            (0.0..100.0).contains(&imbalance),
            "{}: {imbalance}",
            trace.display()
        );
        let idle_ns = run["idle_while_overloaded_ns"].as_u64().unwrap();
        assert!(
            idle_ns < 8 * run["makespan_ns"].as_u64().unwrap(),
            "{}: {idle_ns}",
            trace.display()
        );
        seen += 1;
    }
    assert!(seen >= 28, "{seen}");
}

#[test]
fn a_decision_log_has_the_live_ones_columns_and_the_label() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let output = replay(&[
        TRACE,
        "--policy",
        "augur",
        "--machine",
        "2x1",
        "--log-decisions",
        log.to_str().unwrap(),
    ]);
    assert!(output.status.success());
    let text = std::fs::read_to_string(&log).unwrap();
    // So short a trace leaves no domain idle beside a busy one.
    assert_eq!(text.lines().count(), 1, "{text}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("has no row") && said.lines().count() == 1, "{said}");
    let header = text.lines().next().unwrap().to_owned();
    let wanted: Vec<&str> = augur_sched::model::log::columns()
        .chain(["label", "gain_ns"])
        .collect();
    assert_eq!(header, wanted.join(","));
}

#[test]
fn a_decision_log_asks_about_moves_and_about_stealing_and_labels_both() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let trace = "tests/traces/recorded/affinity-2x2-augur.augur";
    let output = replay(&[
        trace,
        "--policy",
        "augur",
        "--log-decisions",
        log.to_str().unwrap(),
    ]);
    assert!(output.status.success());
    let mut reader = csv::Reader::from_path(&log).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    for kind in ["balance", "steal"] {
        let of_kind = || rows.iter().filter(|row| &row[column("kind")] == kind);
        let gains: Vec<i64> = of_kind()
            .map(|row| row[column("gain_ns")].parse().unwrap())
            .collect();
        assert!(
            gains.iter().any(|&gain| gain > 0),
            "{kind}: no answer was ever right"
        );
        for (row, gain) in of_kind().zip(gains) {
            assert_eq!(&row[column("label")] == "1", gain > 0);
            assert_ne!(&row[column("window_ns")], "0");
        }
    }
    // Two domains: four questions a round, and none is left out.
    let steals = rows.iter().filter(|row| &row[column("kind")] == "steal").count();
    assert!(steals >= 40 && steals % 4 == 0, "{steals}");
}

#[test]
fn bad_input_is_one_sentence_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("binary"), [0u8, 255, 3, 7].repeat(999)).unwrap();
    std::fs::write(
        path("no-switch"),
        "  a-1 [000] d... 1.000001: sched_waking: comm=b pid=2 prio=120 target_cpu=000\n",
    )
    .unwrap();
    std::fs::write(path("bad.toml"), "shape = 7").unwrap();
    std::fs::write(
        path("down.toml"),
        "[same_llc]\nworking_set_kb = [8, 4]\nrefill_ns = [1, 2]",
    )
    .unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let out = path("out.csv");
    for (code, arguments) in [
        (1, vec![path("empty")]),
        (1, vec![path("binary")]),
        (1, vec![path("no-switch")]),
        (1, vec![path("not-there")]),
        (1, vec![TRACE.into(), "--machine".into(), path("bad.toml")]),
        (1, vec![TRACE.into(), "--costs".into(), path("bad.toml")]),
        (1, vec![TRACE.into(), "--costs".into(), path("down.toml")]),
        (
            1,
            vec![TRACE.into(), "--policy".into(), "model[dir=/nonexistent]".into()],
        ),
        (
            1,
            vec![
                TRACE.into(),
                "--policy".into(),
                "augur".into(),
                "--timeline".into(),
                path("no/where.augur"),
            ],
        ),
        (2, vec![TRACE.into(), "--policy".into(), "nobody".into()]),
        (2, vec![TRACE.into(), "--policy".into(), "augur[high=7]".into()]),
        (2, vec![TRACE.into(), "--policy".into(), "augur,augur".into()]),
        (2, vec![TRACE.into(), "--machine".into(), "0x2".into()]),
        (
            2,
            vec![
                TRACE.into(),
                "--policy".into(),
                "recorded".into(),
                "--log-decisions".into(),
                out.clone(),
            ],
        ),
        (
            2,
            vec![
                TRACE.into(),
                "--policy".into(),
                "augur".into(),
                "--timeline".into(),
                path("x.unknown"),
            ],
        ),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&[&["replay"], &arguments[..]].concat(), code, "");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_measured_curve_is_what_migrations_cost() {
    let folder = tempfile::tempdir().unwrap();
    let overhead = |curve: &str| {
        let path = folder.path().join("costs.toml");
        std::fs::write(&path, curve).unwrap();
        let costs = path.to_str().unwrap();
        let found =
            &replayed(&[TRACE, "--policy", "random", "--machine", "2x1", "--costs", costs])["results"][0];
        (
            found["migrations"]["total"].as_u64().unwrap(),
            found["overhead_ns"].as_u64().unwrap(),
        )
    };
    let (free, nothing) = overhead("[cross_llc]\nworking_set_kb = [512]\nrefill_ns = [0]");
    let (dear, something) = overhead("[cross_llc]\nworking_set_kb = [512]\nrefill_ns = [900000]");
    assert!(free > 0 && dear > 0);
    assert_eq!(nothing, 0);
    assert!(something > 0, "{something}");
}

#[cfg(feature = "live")]
#[test]
fn what_calibrate_writes_replay_reads() {
    use assert_cmd::Command;
    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::Pid;
    let folder = tempfile::tempdir().unwrap();
    let costs = folder.path().join("costs.toml");
    let calibrate = || {
        let mut command = Command::cargo_bin("scx_augur").unwrap();
        command
            .args(["calibrate", "--json", "--repeats", "1", "-o"])
            .arg(&costs);
        command.output().unwrap()
    };
    // What this test starts inherits the CPUs of this thread.
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let cpus: Vec<usize> = (0..CpuSet::count())
        .filter(|&cpu| allowed.is_set(cpu).unwrap())
        .collect();
    if cpus.len() > 1 {
        let output = calibrate();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows = report["refills"].as_array().unwrap();
        assert!(rows.len().is_multiple_of(5) && rows.iter().all(|row| row["samples"].as_u64() >= Some(15)));
        // Four times the lines take longer to read, whatever else the machine does.
        let stay = |row: usize| rows[row]["stay_ns"].as_f64().unwrap();
        assert!(stay(0) > 0.0 && stay(4) > stay(0), "{report}");
        let found = replayed(&[TRACE, "--policy", "augur", "--costs", costs.to_str().unwrap()]);
        assert_eq!(found["results"].as_array().unwrap().len(), 1);
        std::fs::remove_file(&costs).unwrap();
    }
    let mut one = CpuSet::new();
    one.set(cpus[0]).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
    let output = calibrate();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("only one CPU") && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
