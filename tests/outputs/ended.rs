// SPDX-License-Identifier: GPL-2.0-only
//! Commands that are interrupted, and folders that hold another run.

use super::*;

#[test]
fn who_is_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 3] = [
        &["profile", "--sizes", "2048", "--repeats", "10000", "-o", "p.json"],
        &["simulate", "queue", "--jobs", "1e9"],
        &["calibrate", "--repeats", "100000", "-o", "c.toml"],
    ];
    for arguments in commands.into_iter().filter(|arguments| can(arguments)) {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let mut command = command(arguments);
            command
                .current_dir(folder.path())
                .stderr(Stdio::piped())
                .stdout(Stdio::null());
            let child = command.spawn().unwrap();
            until_it_listens(child.id());
            kill(Pid::from_raw(child.id() as i32), signal).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(130), "{arguments:?} {signal}: {said}");
            assert!(
                said.starts_with("scx_augur: ") && said.contains("interrupted; nothing was written"),
                "{arguments:?} {signal}: {said}"
            );
            assert!(entries(folder.path()).is_empty(), "{arguments:?} {signal}");
        }
    }
    // One that waits for a reader that never comes.
    mkfifo(&folder.path().join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    let mut command = command(&["profile", "-o", "fifo"]);
    let child = command
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until_it_listens(child.id());
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    assert_eq!(entries(folder.path()), ["fifo"]);
}

/// The kernel says which signals a program catches.
fn until_it_listens(pid: u32) {
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        // Of the three, the last that is asked for.
        if caught & (1 << (Signal::SIGHUP as u32 - 1)) != 0
            && caught & (1 << (Signal::SIGTERM as u32 - 1)) != 0
        {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn a_folder_that_holds_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let simulate = |more: &[&str]| {
        let simulate = ["simulate", "--tasks", "9", "--out", out.to_str().unwrap()];
        command(&[&simulate[..], more].concat()).output().unwrap()
    };
    assert!(simulate(&["--policies", "eft,greedy"]).status.success());
    let before = entries(&out);
    let refused = simulate(&["--policies", "eft"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--force") && said.lines().count() == 1, "{said}");
    assert_eq!(entries(&out), before);
    assert!(simulate(&["--policies", "eft", "--force"]).status.success());
    assert_eq!(
        entries(&out),
        ["report.json", "results.csv", "tasks-eft-1.parquet"]
    );
    let experiment = [
        "experiment",
        "--tasks",
        "9",
        "--policies",
        "eft",
        "--out",
        out.to_str().unwrap(),
    ];
    assert_eq!(command(&experiment).output().unwrap().status.code(), Some(2));
    assert_eq!(
        entries(&out),
        ["report.json", "results.csv", "tasks-eft-1.parquet"]
    );
}

#[test]
fn an_interrupted_simulation_keeps_the_runs_that_are_finished() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // The rules are done at once, the learner not in an hour.
    let child = command(&[
        "simulate",
        "--tasks",
        "1e5",
        "--threads",
        "1",
        "--policies",
        "eft,greedy,hybrid_ml[retrain_interval=1]",
    ])
    .args(["--json", "--out", out.to_str().unwrap()])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    // The third table is begun: its place is one more open file without a name in the folder.
    let fds = format!("/proc/{}/fd", child.id());
    loop {
        let links = fs::read_dir(&fds)
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        if links.filter(|link| link.starts_with(&out)).count() >= 3 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted after 2 of 3 runs"), "{said}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let policies = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["policy"].clone());
    assert_eq!(policies.collect::<Vec<_>>(), ["eft", "greedy"]);
    assert_eq!(
        entries(&out),
        [
            "report.json",
            "results.csv",
            "tasks-eft-1.parquet",
            "tasks-greedy-1.parquet"
        ]
    );
}
