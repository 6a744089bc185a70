// SPDX-License-Identifier: GPL-2.0-only
//! Tasks that a file lists: what comes of them by hand, what the program left itself, what is wrong with a file.

use crate::common::{fails, json, scx_augur};
use augur_devices::workload::{Listed, Physics};
use proptest::prelude::*;
use serde_json::Value;
use std::io::Write;
use std::path::Path;

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn simulate(workload: &str, more: &[&str]) -> Value {
    json(&[&["simulate", "--workload", workload, "--json"], more].concat())
}

/// Each task of intensity 0.5 and this size takes 0.1 s on a CPU of speed 1.
const TENTH: &str = "10000,0.5,1";

/// Two CPUs, and each goes where it ends first.
fn two_cpus(folder: &Path) -> [String; 2] {
    [
        "--config".to_owned(),
        file(folder, "two.toml", b"[machine]\ncpus = 2\ngpus = 0\n"),
    ]
}

#[test]
fn a_table_comes_to_what_it_comes_to_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    // E is there from the beginning, but waits for F, which comes at 0.5 s.
    let rows = [
        ("E", 0.0, "[F]"),
        ("A", 0.0, ""),
        ("B", 0.0, "A"),
        ("C", 0.0, "'A'; B"),
        ("D", 0.05, "[]"),
        ("F", 0.5, ""),
    ];
    let mut text = "id,Size,compute_intensity,memory_required,arrival_time,dependencies,colour\n".to_owned();
    for (id, arrival_s, parents) in rows {
        text += &format!("{id},{TENTH},{arrival_s},{parents},red\n");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    let workload = file(folder.path(), "tasks.csv.gz", &packed.finish().unwrap());
    let [option, config] = two_cpus(folder.path());
    let output = scx_augur(&[
        "simulate",
        "--workload",
        &workload,
        &option,
        &config,
        "--policies",
        "eft,heft,fifo",
        "--json",
    ]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("'colour'") && said.contains("no task has a deadline"),
        "{said}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for run in report["results"].as_array().unwrap() {
        // A 0.1, then B 0.2, then C 0.3; D 0.05 to 0.15 beside them; F 0.5 to 0.6, and E behind it.
        assert_eq!(run["makespan_ns"], 700_000_000u64, "{run}");
        let mean_ns = (0.1 + 0.2 + 0.3 + 0.1 + 0.1 + 0.7) / 6.0 * 1e9;
        assert!(
            (run["completion_mean_ns"].as_f64().unwrap() - mean_ns).abs() < 10.0,
            "{run}"
        );
        assert_eq!(run["sla_misses"], 0);
    }
    // Deadlines are kept, and missed: A's at 0.1 is met, B's at 0.15 is not.
    let text = format!(
        "task;size;compute_intensity;memory_required;arrival_ns;deadline;dependencies;priority\nA;{0};0;0.1;;3\nB;{0};0;0.15;A;\n",
        TENTH.replace(',', ";")
    );
    let workload = file(folder.path(), "deadlines.csv", text.as_bytes());
    let report = simulate(&workload, &[&option, &config, "--policies", "eft"]);
    assert_eq!(report["results"][0]["sla_misses"], 1, "{report}");
}

/// More parents than a drawn task has, in several batches, under all that plan graphs.
#[test]
fn a_task_may_wait_for_many() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "size,compute_intensity,memory_mb,arrival_s,parents\n".to_owned();
    for _ in 0..1500 {
        text += &format!("{TENTH},1,\n");
    }
    let all: Vec<String> = (0..1500).map(|id| id.to_string()).collect();
    text += &format!("{TENTH},1,{}\n", all.join(" "));
    let workload = file(folder.path(), "many.csv", text.as_bytes());
    let [option, config] = two_cpus(folder.path());
    let policies = "eft,heft,peft,power_of_d[d=2],least_work,round_robin";
    let report = simulate(&workload, &[&option, &config, "--policies", policies]);
    for run in report["results"].as_array().unwrap() {
        // 1500 tenths on two CPUs, and one behind them all.
        let makespan_s = run["makespan_ns"].as_f64().unwrap() / 1e9;
        let least = 1.0 + 75.0 + 0.1;
        assert!(makespan_s >= least - 1e-6, "{run}");
        if run["policy"] != "power_of_d[d=2]" {
            assert!(makespan_s < least + 0.2, "{run}");
        }
    }
}

/// What `--out` left is the same again: the same tasks, the same decisions.
#[test]
fn the_programs_own_tables_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let drawn = json(&[
        "simulate",
        "--tasks",
        "400",
        "--policies",
        "greedy",
        "--out",
        out.to_str().unwrap(),
        "--json",
    ]);
    let table = out.join("tasks-greedy-1.parquet");
    let again = simulate(table.to_str().unwrap(), &["--policies", "greedy"]);
    for key in [
        "state_hash",
        "makespan_ns",
        "completion_p99_ns",
        "sla_misses",
        "events",
    ] {
        assert_eq!(drawn["results"][0][key], again["results"][0][key], "{key}");
    }
}

#[test]
fn a_log_comes_to_what_its_fields_say() {
    let bytes = std::fs::read("tests/workloads/small.swf").unwrap();
    let listed = Listed::read(bytes, &Physics::default()).unwrap();
    let work: Vec<f64> = listed.works().iter().map(|work| work.cpu_s).collect();
    // Runtime times processors; job 3 never ran.
    assert_eq!(work, [100.0, 100.0, 160.0, 5.0]);
    let tasks = listed.tasks();
    let seen: Vec<f64> = tasks
        .iter()
        .map(|task| Physics::default().work(task).cpu_s)
        .collect();
    // What was asked for, where it was.
    for (seen, wanted) in seen.iter().zip([120.0, 100.0, 200.0, 10.0]) {
        assert!((seen / wanted - 1.0).abs() < 1e-9, "{seen} and not {wanted}");
    }
    let arrivals: Vec<u64> = tasks.iter().map(|task| task.arrival_ns / 1_000_000_000).collect();
    assert_eq!(arrivals, [0, 30, 90, 500]);
    let memory: Vec<f64> = tasks.iter().map(|task| task.memory_mb).collect();
    assert_eq!(memory, [2.0, 0.0, 2.0, 0.0]);
    let notes = listed.notes.join("\n");
    for words in [
        "1 jobs never ran",
        "2 jobs used several processors",
        "2 jobs do not say what memory",
        "1 jobs came some time after",
        "no task has a deadline",
    ] {
        assert!(notes.contains(words), "{notes}");
    }
    let folder = tempfile::tempdir().unwrap();
    let [option, config] = two_cpus(folder.path());
    let report = simulate(
        "tests/workloads/small.swf",
        &[&option, &config, "--policies", "least_work"],
    );
    // Job 1 until 100, job 2 from 30 to 130; job 4 waits for job 1, and has the first CPU until 260; job 5 from 500 on.
    assert_eq!(report["results"][0]["makespan_ns"], 505_000_000_000u64);
    let mean_s = (100.0 + 100.0 + 170.0 + 5.0) / 4.0;
    assert!(
        (report["results"][0]["completion_mean_ns"].as_f64().unwrap() / 1e9 - mean_s).abs() < 1e-6,
        "{report}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_one_sentence_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let header = "task,size,compute_intensity,memory_required,arrival_time,dependencies";
    let table = |rows: &str| format!("{header}\n{rows}");
    let swf = |fields: &str| format!("; a log\n{fields}\n");
    for (text, words) in [
        (String::new(), "no column size, compute_intensity"),
        (table(""), "there are no tasks"),
        (
            "size,memory_required,arrival_time\n1,1,1\n".to_owned(),
            "no column compute_intensity",
        ),
        (format!("{header},arrival_ns\n"), "two columns say the arrival"),
        (format!("{header},size\n"), "two columns say what 'size' says"),
        (
            table("a,1,0.5,1,0\n"),
            "line 2 has 5 cells where the first line has 6",
        ),
        (
            table("a,1,0.5,1,0,\n\nb,big,0.5,1,0,\n"),
            "line 4: the size 'big'",
        ),
        (table("a,-1,0.5,1,0,\n"), "line 2: the size '-1'"),
        (table("a,NaN,0.5,1,0,\n"), "line 2: the size 'NaN'"),
        (
            table("a,1,1.5,1,0,\n"),
            "line 2: the compute_intensity '1.5' is not a number from 0 to 1",
        ),
        (table("a,1,0.5,1,-2,\n"), "line 2: the arrival_time '-2'"),
        (table("a,1,0.5,1,,\n"), "line 2: there is no arrival_time"),
        (table(",1,0.5,1,0,\n"), "line 2: the task has no name"),
        (
            table("a,1,0.5,1,0,\na,1,0.5,1,0,\n"),
            "line 3: task 'a' is there twice, also in line 2",
        ),
        (table("a,1,0.5,1,0,x\n"), "line 2: task 'a' waits for task 'x'"),
        (table("a,1,0.5,1,0,b\nb,1,0.5,1,0,a\n"), "in a circle"),
        (table("a,1,0.5,1e8,0,\n"), "fits no device"),
        (swf("1 0 -1 10 1"), "line 2: it has 5 fields"),
        (
            swf("1 0 -1 much 1 -1 -1 1 -1 -1 1 1 1 -1 1 -1 -1 -1"),
            "line 2: field 4 'much'",
        ),
        (
            swf("1 -5 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 -1 -1 -1"),
            "line 2: the submit time",
        ),
        (
            swf("1 0 -1 -1 1 -1 -1 1 -1 -1 1 1 1 -1 1 -1 -1 -1"),
            "there are no tasks",
        ),
        (
            swf("1 0 -1 9 1 -1 -1 1 -1 -1 1 1 1 -1 1 -1 7 -1"),
            "line 2: task '1' waits for task '7'",
        ),
    ] {
        let workload = file(folder.path(), "wrong", text.as_bytes());
        fails(
            &["simulate", "--workload", &workload, "--policies", "eft"],
            1,
            words,
        );
    }
    for (bytes, words) in [
        (&b"size\n\xff\n"[..], "line 2 is not UTF-8"),
        (b"PAR1 and no more", "Parquet"),
        (b"\x1f\x8b\x08\x00torn", "cannot read"),
    ] {
        let workload = file(folder.path(), "wrong", bytes);
        fails(
            &["simulate", "--workload", &workload, "--policies", "eft"],
            1,
            words,
        );
    }
    fails(&["simulate", "--workload", "not-there.csv"], 1, "not-there.csv");
    let log = "tests/workloads/small.swf";
    for option in [["--tasks", "9"], ["--drift-at", "3"]] {
        let output = scx_augur(&[&["simulate", "--workload", log], &option[..]].concat());
        assert_eq!(output.status.code(), Some(2));
    }
    let drift = file(
        folder.path(),
        "drift.toml",
        b"[workload]\ntasks = 9\n[workload.drift]\nat = [3]\n",
    );
    fails(
        &["simulate", "--workload", log, "--config", &drift],
        2,
        "workload.drift",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is broken in a file: tasks, or one sentence.
    #[test]
    fn a_broken_file_is_a_sentence(
        which in 0usize..3,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, prop::collection::vec(any::<u8>(), 0..4)), 1..5),
    ) {
        let mut bytes = match which {
            0 => std::fs::read("tests/workloads/small.swf").unwrap(),
            1 => b"task,size,compute_intensity,memory_required,arrival_time,dependencies\na,1,0.5,1,0,\nb,2,0.25,8,0.5,a\n".to_vec(),
            _ => parquet(),
        };
        for (at, gone, put) in edits {
            let at = at.index(bytes.len());
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, put);
        }
        match Listed::read(bytes, &Physics::default()) {
            Ok(listed) => prop_assert_eq!(listed.tasks().len(), listed.works().len()),
            Err(err) => prop_assert!(!format!("{err:#}").contains('\n'), "{err:#}"),
        }
    }
}

/// A small table of the program's own.
fn parquet() -> Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let made = || {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        json(&[
            "simulate",
            "--tasks",
            "5",
            "--policies",
            "eft",
            "--out",
            out.to_str().unwrap(),
            "--json",
        ]);
        std::fs::read(out.join("tasks-eft-1.parquet")).unwrap()
    };
    BYTES.get_or_init(made).clone()
}
