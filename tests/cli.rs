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
