// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur bench` from the outside, under the kernel's own scheduler: what it prints, what it writes, how it ends.
#![allow(clippy::unwrap_used)]

mod common;

use assert_cmd::cargo::cargo_bin;
use common::scx_augur;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

fn bench(arguments: &[&str]) -> Output {
    scx_augur(&[&["bench"], arguments].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a Makefile whose work is `recipe`.
fn project(recipe: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let makefile = format!("all:\n\t{recipe}\nclean:\n\techo clean >> order\n");
    fs::write(folder.path().join("Makefile"), makefile).unwrap();
    folder
}

#[test]
fn every_run_is_printed_and_written() {
    let source = project("echo run >> order");
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("results");
    let arguments = [
        "compile",
        "--schedulers",
        "eevdf",
        "--repeats",
        "2",
        "--jobs",
        "1",
        "--json",
        "--source",
    ];
    let output = bench(
        &[
            &arguments[..],
            &[source.path().to_str().unwrap(), "--out", out.to_str().unwrap()],
        ]
        .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));

    // One run more than is counted, each after a cleaning.
    let order = fs::read_to_string(source.path().join("order")).unwrap();
    assert_eq!(order, "clean\nrun\n".repeat(3));

    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["about"]["repeats"], 2);
    let runs: Vec<&Value> = lines.iter().filter_map(|line| line.get("run")).collect();
    assert_eq!((runs.len(), runs[1]["repeat"].as_u64()), (2, Some(1)));
    let times: Vec<f64> = runs
        .iter()
        .map(|run| run["figures"]["time_s"].as_f64().unwrap())
        .collect();
    let summary = &lines.last().unwrap()["summary"][0];
    assert_eq!(summary["scheduler"], "EEVDF");
    let median = summary["figures"]["time_s"]["median"].as_f64().unwrap();
    assert!((median - (times[0] + times[1]) / 2.0).abs() < 1e-9);
    assert_eq!(summary["figures"]["time_s"]["ratio"], 1.0);

    let mut reader = csv::Reader::from_path(out.join("samples.csv")).unwrap();
    let column = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "time_s")
        .unwrap();
    let written: Vec<f64> = reader
        .records()
        .map(|row| row.unwrap()[column].parse().unwrap())
        .collect();
    assert_eq!(written, times);
    let jsonl = fs::read_to_string(out.join("samples.jsonl")).unwrap();
    assert_eq!(
        jsonl.lines().filter(|line| line.starts_with("{\"run\"")).count(),
        2
    );
    assert!(
        fs::read_to_string(out.join("table.md"))
            .unwrap()
            .contains("| EEVDF | ")
    );
}

#[test]
fn work_that_fails_is_one_sentence_and_no_file() {
    let source = project("@echo 'x.c:1: error: no' >&2; exit 3");
    let out = source.path().join("results");
    let arguments = [
        "compile",
        "--schedulers",
        "eevdf",
        "--source",
        source.path().to_str().unwrap(),
    ];
    let output = bench(&[&arguments[..], &["--out", out.to_str().unwrap()]].concat());
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("scx_augur: `make") && last.contains("failed in"),
        "{said}"
    );
    assert!(!out.exists());
}

#[test]
fn ctrl_c_ends_the_work_and_keeps_what_was_measured() {
    // The warm-up and the first run end, the second does not.
    let source = project("echo run >> order; [ $$(grep -c run order) -lt 3 ] || sleep 1000");
    let out = source.path().join("results");
    let mut child = std::process::Command::new(cargo_bin("scx_augur"))
        .args([
            "bench",
            "compile",
            "--schedulers",
            "eevdf",
            "--repeats",
            "5",
            "--source",
        ])
        .arg(source.path())
        .arg("--out")
        .arg(&out)
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let runs = || {
        fs::read_to_string(source.path().join("order"))
            .unwrap_or_default()
            .matches("run")
            .count()
    };
    for _ in 0..600 {
        if runs() == 3 || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted after 1 of 5 runs"), "{said}");
    let rows = fs::read_to_string(out.join("samples.csv")).unwrap();
    assert_eq!(rows.lines().count(), 1 + 1);
    // Who was killed is gone as soon as it had a CPU once more.
    let at_work = || {
        let folders = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.unwrap().path().join("cwd")).ok());
        folders.filter(|folder| folder == source.path()).count()
    };
    let patience = Instant::now() + Duration::from_secs(30);
    while at_work() > 0 {
        assert!(
            Instant::now() < patience,
            "{} processes are still at work",
            at_work()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_sched_ext_it_says_what_can_be_done() {
    if Path::new("/sys/kernel/sched_ext").exists() {
        return;
    }
    let output = bench(&["hackbench", "--schedulers", "augur"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.lines().count() == 1 && said.contains("no sched_ext") && said.contains("--vm"),
        "{said}"
    );
}

#[test]
fn wrong_use_and_bad_places() {
    for (arguments, code, part) in [
        (
            &["compile", "--schedulers", "nobody"][..],
            2,
            "'nobody' is no scheduler",
        ),
        (&["compile", "--schedulers", "eevdf,eevdf"], 2, "named twice"),
        (&["compile", "--repeats", "0"], 2, "--repeats"),
        (&["compile", "--topology", "2x2"], 2, "--vm"),
        (
            &["compile", "--schedulers", "eevdf", "--source", "/proc"],
            1,
            "has no Makefile",
        ),
        (
            &["compile", "--schedulers", "eevdf", "--out", "/no/where/out"],
            1,
            "no folder to make it in",
        ),
        (
            &["kernel-build", "--schedulers", "eevdf", "--source", "/proc"],
            1,
            "is no kernel tree",
        ),
    ] {
        let output = bench(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            said.contains(part) && output.stdout.is_empty(),
            "{arguments:?}: {said}"
        );
    }
}
