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
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TRACE: &str = "tests/traces/ftrace.txt";

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
    for part in ["Examples:", "Exit codes:", "Environment:", "replay", "model"] {
        assert!(manual.contains(part), "no `{part}` in:\n{manual}");
    }
    for command in ["run", "doctor", "record", "bench", "calibrate"] {
        let lines = manual.lines().map(str::trim_start);
        let listed = lines.clone().any(|line| line.starts_with(&format!("{command} ")));
        let shown = manual.contains(&format!("scx_augur {command} "));
        assert_eq!(
            [listed, shown],
            [cfg!(feature = "live"); 2],
            "{command}:\n{manual}"
        );
    }
}

#[cfg(feature = "live")]
#[test]
fn the_help_of_a_command_says_how_it_ends() {
    let run = text(&scx_augur(&["run", "--help"]).stdout);
    assert!(
        run.contains("waits for one") && run.contains("Exit codes:"),
        "{run}"
    );
}

/// What a build lacks is said in one sentence that names the feature.
#[cfg(not(feature = "live"))]
#[test]
fn the_live_half_is_absent_and_says_so() {
    for command in ["run", "doctor", "record", "bench", "calibrate"] {
        common::fails(&[command], 2, "feature `live`");
        common::fails(&["-q", command, "--help"], 2, command);
    }
    common::fails(&["nonsense"], 2, "nonsense");
}

#[cfg(not(feature = "tensorflow"))]
#[test]
fn tensorflow_is_absent_and_says_so() {
    let check = ["model", "check", "model_dir/augur"];
    common::fails(
        &[&check[..], &["--engine", "tensorflow"]].concat(),
        2,
        "feature `tensorflow`",
    );
    let said = common::succeeds(&check);
    assert!(
        said.contains("by the Rust twin\n") && said.contains("this build has no TensorFlow"),
        "{said}"
    );
    let train = ["simulate", "train", "--policy", "dqn", "--episodes", "1", "--out"];
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    common::fails(
        &[&train[..], &[out.to_str().unwrap()]].concat(),
        1,
        "feature `tensorflow`",
    );
    let model = [
        "replay",
        TRACE,
        "--policies",
        "model[dir=model_dir/augur,engine=tensorflow]",
    ];
    common::fails(&model, 1, "feature `tensorflow`");
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
        &["model", "check", "model_dir/augur", "--engine", "neither"],
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

#[cfg(feature = "live")]
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

#[cfg(feature = "live")]
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

#[cfg(feature = "live")]
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

#[cfg(feature = "live")]
#[test]
fn monitor_waits_for_a_scheduler_and_says_so_once() {
    use nix::sys::signal::{Signal, kill};
    if Path::new(scx_augur::live::doctor::STATS_SOCKET).exists() {
        return;
    }
    let monitor = Command::new(cargo_bin("scx_augur"))
        .args(["run", "--monitor", "60"])
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Long enough for it to try several times.
    std::thread::sleep(std::time::Duration::from_secs(3));
    kill(nix::unistd::Pid::from_raw(monitor.id() as i32), Signal::SIGINT).unwrap();
    let output = monitor.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("waiting for one"), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for arguments in [
        vec!["trace", "info", TRACE],
        vec!["trace", "info", TRACE, "--json"],
        vec!["replay", TRACE, "--policy", "recorded"],
        vec!["replay", TRACE, "--policy", "recorded", "--json"],
        #[cfg(feature = "live")]
        vec!["run", "--help-stats"],
        #[cfg(feature = "live")]
        vec!["doctor"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(cargo_bin("scx_augur"))
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

/// The program alone in a folder, as `cargo install` leaves it, run where there is no model either.
fn installed(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("bin/scx_augur");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::copy(cargo_bin("scx_augur"), &program).unwrap();
    let mut command = Command::new(&program);
    command.env_remove("RUST_LOG").args(arguments);
    command.current_dir(folder.path()).output().unwrap()
}

fn in_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where no model directory is, the model that is built in decides as the shipped one does, and the program says so.
#[test]
fn a_program_alone_has_a_model() {
    let trace = in_project("tests/traces/recorded/compile-2x2-eevdf.augur");
    let replay =
        |policy: &str| installed(&["replay", trace.to_str().unwrap(), "--json", "--policies", policy]);
    let hash = |output: &Output| {
        assert!(output.status.success(), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["results"][0]["state_hash"].as_str().unwrap().to_owned()
    };
    let built_in = replay("model");
    let said = text(&built_in.stderr);
    assert_eq!(
        said.matches("the model that is built in decides, run by the Rust twin")
            .count(),
        1,
        "{said}"
    );
    let shipped = replay(&format!("model[dir={}]", in_project("model_dir/augur").display()));
    let said = text(&shipped.stderr);
    assert!(!said.contains("built in"), "{said}");
    assert_eq!(hash(&built_in), hash(&shipped));
    assert_ne!(hash(&built_in), hash(&replay("augur")));
    // What is named is meant.
    let named = replay("model[dir=model_dir/augur]");
    assert_eq!(named.status.code(), Some(1));
    assert!(text(&named.stderr).contains("model_dir/augur/manifest.json cannot be read"));
}

#[cfg(feature = "live")]
#[test]
fn a_program_alone_runs_with_its_model() {
    let simulated = [
        "run",
        "--simulate",
        "--machine",
        "2x2",
        "--duration",
        "1",
        "--json",
    ];
    let metrics = |more: &[&str]| {
        let output = installed(&[&simulated[..], more].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let metrics: Value = serde_json::from_slice(&output.stdout).unwrap();
        (metrics, text(&output.stderr))
    };
    let (run, said) = metrics(&[]);
    assert_eq!(
        (&run["model"], &run["engine"]),
        (&"augur".into(), &"the Rust twin".into())
    );
    assert!(run["model_rounds"].as_u64().unwrap() > 0, "{run}");
    assert!(said.contains("the model that is built in decides"), "{said}");
    // TensorFlow needs the files.
    if cfg!(feature = "tensorflow") {
        let (run, said) = metrics(&["--engine", "tensorflow"]);
        assert_eq!(run["model_rounds"], 0);
        assert!(said.contains("model_dir/augur/manifest.json"), "{said}");
    }
    let doctor = installed(&["doctor", "--json"]);
    let doctor = text(&doctor.stdout);
    assert!(
        doctor.contains("`augur`, which is built in, is fit for use; the Rust twin runs it"),
        "{doctor}"
    );
}
