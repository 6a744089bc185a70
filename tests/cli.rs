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

#[cfg(feature = "manual")]
/// All commands that are shown, each with the words that name it.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut whole = scx_augur::cli::command().disable_help_subcommand(true);
    whole.build();
    let (mut open, mut found) = (vec![(vec!["scx_augur".to_owned()], whole)], Vec::new());
    while let Some((words, command)) = open.pop() {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            open.push((
                [words.clone(), vec![sub.get_name().to_owned()]].concat(),
                sub.clone(),
            ));
        }
        found.push((words, command));
    }
    found
}

#[cfg(feature = "manual")]
#[test]
fn every_command_has_a_page_of_the_manual_with_all_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let done = scx_augur(&["man", "--out", out.to_str().unwrap()]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let commands = commands();
    assert!(commands.len() > 20, "{} commands", commands.len());
    for (words, command) in &commands {
        let page = std::fs::read_to_string(out.join(format!("{}.1", words.join("-")))).unwrap();
        assert!(
            page.contains(".TH ") && page.contains(".SH NAME"),
            "{words:?}: {page}"
        );
        assert!(!page.contains("EXTRA"), "{words:?}: {page}");
        let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
        for long in shown.filter_map(|arg| arg.get_long()) {
            let written = format!(r"\-\-{}", long.replace('-', r"\-"));
            assert!(page.contains(&written), "{words:?} without {written}: {page}");
        }
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), commands.len());

    // Examples stand on lines of their own, as in the help text.
    let page = std::fs::read_to_string(out.join("scx_augur.1"))
        .unwrap()
        .replace('\\', "")
        .replace("*(Aq", "'");
    let (_, examples) = page.split_once(".SH EXAMPLES\n").unwrap();
    let kept: Vec<&str> = examples.lines().take_while(|line| *line != ".fi").collect();
    let help = text(&scx_augur(&["--help"]).stdout);
    let shown = help.lines().find(|line| line.starts_with("  scx_augur profile "));
    assert!(kept.contains(&shown.unwrap()), "{shown:?} is not in {examples}");
    assert!(kept.len() > 10, "{examples}");
}

#[cfg(feature = "manual")]
/// What a shell says of a script on standard input: whether it succeeds, and its output; nothing where there is no such
/// shell.
fn shell(name: &str, arguments: &[&str], script: &str) -> Option<(bool, String)> {
    let mut command = assert_cmd::Command::new(name);
    match command.args(arguments).write_stdin(script).output() {
        Ok(output) => Some((
            output.status.success(),
            text(&output.stdout) + &text(&output.stderr),
        )),
        Err(_) => {
            eprintln!("SKIPPED: there is no {name}");
            None
        }
    }
}

#[cfg(feature = "manual")]
#[test]
fn shells_read_their_completions() {
    for (name, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = text(&scx_augur(&["completions", name]).stdout);
        assert!(script.contains("scx_augur"), "{name}: {script}");
        let read = shell(name, &[check], &script);
        assert!(name != "bash" || read.is_some(), "the tests need bash");
        if let Some((well, said)) = read {
            assert!(well && said.is_empty(), "{name}: {said}");
        }
    }
    let wrong = scx_augur(&["completions", "sh"]);
    assert_eq!(
        (wrong.status.code(), text(&wrong.stdout)),
        (Some(2), String::new())
    );
}

#[cfg(feature = "manual")]
#[test]
fn bash_completes_commands_and_options() {
    let script = text(&scx_augur(&["completions", "bash"]).stdout);
    for (words, completed) in [
        (&["sim"][..], "simulate"),
        (&["simulate", "tr"], "train"),
        (&["replay", "--log-d"], "--log-decisions"),
    ] {
        let last = words[words.len() - 1];
        let before = words.iter().rev().nth(1).unwrap_or(&"scx_augur");
        let asked = format!(
            "{script}\nCOMP_WORDS=(scx_augur {}); COMP_CWORD={}; _scx_augur scx_augur '{last}' '{before}'\n\
            echo \"${{COMPREPLY[*]}}\"\n",
            words.join(" "),
            words.len()
        );
        let (well, said) = shell("bash", &["--norc"], &asked).unwrap();
        assert_eq!((well, said.trim()), (true, completed), "{words:?}");
    }
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
    // By a process of its own: a file that this one has open for writing is also open in whatever another test starts in
    // that moment, and cannot be run as long as it is.
    let copied = Command::new("cp")
        .arg(cargo_bin("scx_augur"))
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
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
