// SPDX-License-Identifier: GPL-2.0-only
//! Wrong input to every subcommand: one sentence, exit code 1 or 2, nothing lost and nothing left.
//!
//! Most rows come from the command line's own description: each option that takes a number, a policy, a file or a folder meets
//! all values that are wrong for its kind. The rest are written down by hand.
#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

#[path = "wrong_use/options.rs"]
mod options;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use options::rows;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing that is wrong takes so long, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(300);
/// Words of those who wrote the libraries, which tell a user nothing.
const INTERNAL: [&str; 9] = [
    "panicked",
    "invalid digit",
    "expected struct",
    "usize",
    "u64",
    "External:",
    ".part",
    "unwrap",
    "\u{1b}",
];

/// The command line, and which exit code it ends with; none: 1 or 2.
type Row = (Vec<String>, Option<i32>);

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

/// The folder that rows run in, with whatever a user could name by mistake.
fn scratch() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let copy = |from: &str, to: &str| {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(from), path(to)).unwrap();
    };
    copy("tests/traces/ftrace.txt", "trace.txt");
    copy("tests/graphs/topcuoglu-2002.json", "graph.json");
    fs::create_dir(path("model")).unwrap();
    copy("model_dir/augur/manifest.json", "model/manifest.json");
    fs::create_dir(path("folder")).unwrap();
    fs::create_dir(path("used")).unwrap();
    fs::write(path("used/results.csv"), "policy\n").unwrap();
    fs::write(path("used/experiment.toml"), "x = 1\n").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("text"), "There is nothing in here.\n".repeat(9)).unwrap();
    fs::write(
        path("binary"),
        (0..4096u32).map(|n| (n * 31 + n / 7) as u8).collect::<Vec<u8>>(),
    )
    .unwrap();
    fs::write(path("json"), "{\"a\": [1, 2\n").unwrap();
    fs::write(path("torn.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c]).unwrap();
    fs::write(path("packed.xz"), b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F").unwrap();
    fs::write(path("wrong.toml"), "[workload]\ntasks = \"many\"\n").unwrap();
    fs::write(path("unknown.toml"), "[nobody]\nknows = 1\n").unwrap();
    fs::write(
        path("hardware.toml"),
        "[experiment]\nhardware_profile = \"missing\"\n",
    )
    .unwrap();
    let tasks = r#"{"id":"A","time":[1e308]},{"id":"B","time":[1e308]}"#;
    let edges = r#"[{"from":"A","to":"B","transfer":0}]"#;
    fs::write(
        path("endless.json"),
        format!(r#"{{"devices":["P"],"tasks":[{tasks}],"edges":{edges}}}"#),
    )
    .unwrap();
    fs::File::create(path("huge")).unwrap().set_len(1 << 40).unwrap();
    symlink("loop", path("loop")).unwrap();
    symlink("no/where", path("dangling")).unwrap();
    // Where devices cannot be made, two rows are about a file that is not there.
    let _ = mknod(
        &path("zero"),
        SFlag::S_IFCHR,
        Mode::from_bits_truncate(0o666),
        makedev(1, 5),
    );
    folder
}

/// Every entry below a folder, with all that would show a change.
fn listing(folder: &Path) -> BTreeMap<String, (u32, u64, i64, i64, u64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                open.push(path.clone());
            }
            let bytes = if about.is_file() && about.len() < 1 << 20 {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            let content = (
                about.mode(),
                about.ino(),
                about.mtime(),
                about.mtime_nsec(),
                u64::from(crc32fast::hash(&bytes)),
            );
            found.insert(path.strip_prefix(folder).unwrap().display().to_string(), content);
        }
    }
    found
}

/// What is wrong with how a row ended, if anything.
fn fault(row: &Row, folder: &Path) -> Option<String> {
    let (words, code) = row;
    let mut child = Command::new(env!("CARGO_BIN_EXE_scx_augur"))
        .args(words)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Some("does not end".to_owned());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ended = output.status.code();
    let right = match code {
        Some(code) => ended == Some(*code),
        None => matches!(ended, Some(1 | 2)),
    };
    if !right {
        return Some(format!("exit code {ended:?}: {said}"));
    }
    if said.lines().count() != 1 || !said.starts_with("scx_augur: ") {
        return Some(format!("not one sentence: {said}"));
    }
    if let Some(word) = INTERNAL.iter().find(|word| said.contains(**word)) {
        return Some(format!("`{word}` in: {said}"));
    }
    (!output.stdout.is_empty()).then(|| "something on standard output".to_owned())
}

/// Tries all rows, on several threads with a folder each.
#[track_caller]
fn all_are_refused(rows: &[Row], least: usize) {
    assert!(rows.len() >= least, "only {} rows", rows.len());
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let folder = scratch();
                let before = listing(folder.path());
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut fault = fault(row, folder.path());
                    let after = listing(folder.path());
                    if after != before {
                        let changed = |name: &&String| after.get(*name) != before.get(*name);
                        let names: Vec<&String> = after.keys().chain(before.keys()).filter(changed).collect();
                        fault
                            .get_or_insert_default()
                            .push_str(&format!(" changed: {names:?}"));
                    }
                    if let Some(fault) = fault {
                        faults
                            .lock()
                            .unwrap()
                            .push(format!("{:?}: {}", row.0, fault.trim()));
                    }
                    if after != before {
                        return;
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(
        faults.is_empty(),
        "{} of {}:\n{}",
        faults.len(),
        rows.len(),
        faults.join("\n")
    );
}

#[test]
fn numbers() {
    const NAMES: [&str; 20] = [
        "N",
        "K",
        "MS",
        "US",
        "SECS",
        "MB",
        "BYTES",
        "CPUS",
        "SEED",
        "INTERVALS",
        "SHARE",
        "RHO",
        "C",
        "J",
        "N,...",
        "T,...",
        "LOW,HIGH",
        "PREEMPT_RATIO",
        "VFORK_STAYS",
        "W",
    ];
    let wrong = [
        "x",
        "",
        "-1",
        "1e30",
        "nan",
        "99999999999999999999999",
        "0x10",
        "1 2",
    ];
    let table = rows(&wrong, Some(2), |taken| NAMES.contains(&taken.value.as_str()));
    all_are_refused(&table, 350);
}

#[test]
fn names_and_policies() {
    let mut table = Vec::new();
    let wrong = [
        "",
        "nobody",
        ",",
        "eft[",
        "eft]",
        "eft[x=1]",
        "eft[=1]",
        "augur[high=2]",
        "\u{1b}[31mred",
        "a,a",
    ];
    table.extend(rows(&wrong, None, |taken| {
        taken.value.starts_with('P') && taken.option.starts_with("--polic")
    }));
    table.extend(rows(&["nobody", "\u{1b}[31mred"], None, |taken| {
        ["ENGINE", "FORMAT", "CLOCK", "ACCESS", "WHEN", "NAME", "NAME,..."].contains(&taken.value.as_str())
    }));
    table.extend(rows(
        &["0x0", "2x", "x", "-1", "1x2x3x4x5", "99999x99999", "missing.toml"],
        None,
        |taken| taken.option == "--machine",
    ));
    all_are_refused(&table, 90);
}

#[test]
fn files_that_are_read() {
    let mut table = Vec::new();
    let any = [
        "missing",
        "folder",
        "binary",
        "huge",
        "zero",
        "loop",
        "dangling",
        "text",
        "json",
        "torn.gz",
        "packed.xz",
        "text/x",
    ];
    let read = ["--config", "--costs", "--profile", "--log"];
    table.extend(rows(&any, None, |taken| {
        read.contains(&taken.option.as_str()) && taken.path[0] != "bench"
    }));
    table.extend(rows(&["wrong.toml", "unknown.toml"], Some(1), |taken| {
        taken.option == "--config" && taken.path[0] != "bench"
    }));
    let commands: [&[&str]; 8] = [
        &["trace", "info", "FILE"],
        &["import", "FILE", "-o", "new"],
        &["export", "FILE", "-o", "new.ftrace"],
        &["export", "FILE", "-o", "-", "--format", "native"],
        &["replay", "FILE"],
        &["replay", "trace.txt", "--machine", "FILE"],
        &["simulate", "graph", "FILE"],
        &["model", "check", "FILE", "--engine", "twin"],
    ];
    for command in commands {
        for file in any.iter().chain(&["empty", "", "-"]) {
            let words = command
                .iter()
                .map(|word| if *word == "FILE" { file } else { word });
            table.push((words.map(|word| (*word).to_owned()).collect(), None));
        }
    }
    all_are_refused(&table, 150);
}

#[test]
fn files_and_folders_that_are_written() {
    let long = "x".repeat(300);
    let mut table = Vec::new();
    let files = [
        "folder",
        "missing/file",
        "new/",
        "text/file",
        "loop",
        "dangling",
        "",
        &long,
        "/proc/file",
        ".",
    ];
    let written = ["--output", "--timeline", "--log-decisions", "--gantt"];
    // With the policies that a timeline and a log need.
    table.extend(rows(&files, None, |taken| {
        written.contains(&taken.option.as_str()) && taken.path[0] != "run"
    }));
    for (row, _) in &mut table {
        if row[0] == "replay" {
            row.insert(2, "--policies=augur".to_owned());
        }
    }
    let folders = [
        "text",
        "text/folder",
        "loop",
        "dangling/x",
        "",
        &long,
        "/proc/folder",
        "used",
    ];
    table.extend(rows(&folders, None, |taken| {
        taken.option == "--out" && taken.path[0] != "bench"
    }));
    all_are_refused(&table, 80);
}

#[test]
fn what_people_met() {
    let table: [(&[&str], Option<i32>); 36] = [
        (&["nonsense"], Some(2)),
        (&["--tasks", "5"], Some(2)),
        (&["simulate", "--tasks", "-5"], Some(2)),
        (&["simulate", "--gpus", "1", "--gpus", "2"], Some(2)),
        (&["simulate", "--out"], Some(2)),
        (&["simulate", "extra"], Some(2)),
        (&["simulate", "--config", "text", "--config", "text"], Some(2)),
        (&["simulate", "--force"], Some(2)),
        (
            &["simulate", "--tasks", "9", "--policies", "eft", "--out", "used"],
            Some(2),
        ),
        (&["simulate", "--tasks", "9", "--drift-at", "9,3"], None),
        (
            &[
                "simulate",
                "--tasks",
                "9",
                "--gpus",
                "0",
                "--policies",
                "greedy",
                "--config",
                "wrong.toml",
            ],
            Some(1),
        ),
        (
            &[
                "simulate",
                "train",
                "--policy",
                "dqn",
                "--out",
                "out",
                "--episodes",
                "1",
                "--networks",
                "missing",
            ],
            Some(1),
        ),
        (&["simulate", "train", "--policy", "eft", "--out", "out"], Some(2)),
        (
            &["simulate", "train", "--policy", "dqn", "--out", "out", "--resume"],
            Some(1),
        ),
        (
            &[
                "simulate", "train", "--policy", "dqn", "--out", "out", "--resume", "--force",
            ],
            Some(2),
        ),
        (
            &["simulate", "train", "--policy", "dqn", "--out", "used"],
            Some(2),
        ),
        (&["simulate", "graph", "endless.json"], Some(1)),
        (&["simulate", "graph"], Some(2)),
        (&["simulate", "queue", "--load", "1"], Some(2)),
        (&["simulate", "queue", "--service", "hyper:0.5"], Some(2)),
        (
            &["experiment", "--out", "out", "--config", "hardware.toml"],
            Some(1),
        ),
        (&["experiment"], Some(2)),
        (&["bench", "compile", "--vm", "--topology", "0x0"], Some(2)),
        (&["bench", "compile", "--vm", "--kernel", "../../etc"], Some(2)),
        (&["bench", "compile", "--kernel", "6.18"], Some(2)),
        (&["bench", "nothing"], Some(2)),
        (&["bench", "compile", "--schedulers", "nobody"], Some(2)),
        (&["bench", "compile", "--out", "used"], Some(2)),
        (&["record", "--count", "-o", "new"], Some(2)),
        (&["record", "-o", "-", "--json", "--duration", "0.05"], Some(2)),
        (&["calibrate", "-o", "-", "--json"], Some(2)),
        (&["export", "trace.txt", "-o", "new.unknown"], Some(2)),
        (&["export", "trace.txt", "-o", "-"], Some(2)),
        (
            &[
                "replay",
                "trace.txt",
                "--timeline",
                "new.pftrace",
                "--policies",
                "recorded",
            ],
            Some(2),
        ),
        (
            &[
                "replay",
                "trace.txt",
                "--log-decisions",
                "new",
                "--policies",
                "fcfs",
            ],
            Some(2),
        ),
        (&["replay", "trace.txt", "extra"], Some(2)),
    ];
    let table = table.map(|(row, code)| (words(row), code));
    all_are_refused(&table, 36);
}
