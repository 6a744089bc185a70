// SPDX-License-Identifier: GPL-2.0-only
//! The command from the outside: help, exit codes, and what it says where it cannot run. Attaches nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

mod common;

use assert_cmd::cargo::cargo_bin;
use common::scx_augur;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_version_is_the_packages() {
    let output = scx_augur(&["--version"]);
    assert_eq!(
        text(&output.stdout),
        format!("scx_augur {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(output.status.success());
}

#[test]
fn help_is_the_manual() {
    let manual = text(&scx_augur(&["--help"]).stdout);
    for part in [
        "Examples:",
        "Exit codes:",
        "Environment:",
        "run",
        "doctor",
        "model",
    ] {
        assert!(manual.contains(part), "no `{part}` in:\n{manual}");
    }
    let run = text(&scx_augur(&["run", "--help"]).stdout);
    assert!(
        run.contains("waits for one") && run.contains("Exit codes:"),
        "{run}"
    );
}

#[test]
fn wrong_use_is_exit_code_2() {
    for arguments in [
        &["nonsense"][..],
        &[],
        &["run", "--policy", "nobody"],
        &["run", "--interval-ms", "0"],
        &["doctor", "--max-domain-cpus", "0"],
        &["model", "check"],
    ] {
        let output = scx_augur(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(!output.stderr.is_empty(), "{arguments:?} is silent");
    }
}

#[test]
fn doctor_ends_with_a_verdict_that_its_exit_code_repeats() {
    let output = scx_augur(&["doctor"]);
    let report = text(&output.stdout);
    let verdict = report.lines().last().unwrap();
    let words = match output.status.code() {
        Some(0) => "scx_augur can run here",
        Some(1) => "scx_augur cannot run here because of: ",
        other => panic!("exit code {other:?}: {}", text(&output.stderr)),
    };
    assert!(verdict.starts_with(words), "{verdict}");
    assert_eq!(
        report.lines().any(|line| line.starts_with("FAIL")),
        output.status.code() == Some(1)
    );
}

#[test]
fn doctor_speaks_json() {
    let output = scx_augur(&[
        "doctor",
        "--json",
        "--model",
        "/nonexistent",
        "--tensorflow",
        "/nonexistent",
    ]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], output.status.success());
    let checks = report["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    for name in ["TensorFlow", "model"] {
        assert_eq!(check(name)["verdict"], "warn");
        assert!(
            check(name)["found"].as_str().unwrap().contains("/nonexistent"),
            "{}",
            check(name)
        );
    }
    assert!(
        ["ok", "fail"]
            .map(serde_json::Value::from)
            .contains(&check("kernel")["verdict"])
    );
}

#[test]
fn without_sched_ext_run_says_one_sentence() {
    if Path::new("/sys/kernel/sched_ext").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.csv");
    let output = scx_augur(&[
        "run",
        "--model",
        "off",
        "--stats",
        "1",
        "--log-decisions",
        log.to_str().unwrap(),
    ]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("scx_augur: Linux ") && said.contains("no sched_ext"),
        "{said}"
    );
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn monitor_waits_for_a_scheduler_and_says_so_once() {
    if Path::new(scx_augur::live::doctor::STATS_SOCKET).exists() {
        return;
    }
    let monitor = std::process::Command::new(cargo_bin("scx_augur"))
        .args(["run", "--monitor", "60"])
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Long enough for it to try several times.
    std::thread::sleep(Duration::from_secs(3));
    kill(Pid::from_raw(monitor.id() as i32), Signal::SIGINT).unwrap();
    let output = monitor.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("waiting for one"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    const TRACE: &str = "tests/traces/ftrace.txt";
    for arguments in [
        vec!["trace", "info", TRACE],
        vec!["trace", "info", TRACE, "--json"],
        vec!["replay", TRACE, "--policy", "recorded"],
        vec!["replay", TRACE, "--policy", "recorded", "--json"],
        vec!["run", "--help-stats"],
        vec!["doctor"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = std::process::Command::new(cargo_bin("scx_augur"))
            .args(&arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(
            output.status.success() && said.is_empty(),
            "{arguments:?}: {said}"
        );
    }
}
