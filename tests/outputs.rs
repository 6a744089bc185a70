// SPDX-License-Identifier: GPL-2.0-only
//! What commands write to: devices, pipes and links stay what they are; files are whole or absent, with the right owner.
//! Devices are made in a folder of the test's own. What needs root says where it is skipped.
#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Pid, mkfifo};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TRACE: &str = "tests/traces/ftrace.txt";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scx_augur"));
    for name in ["RUST_LOG", "SUDO_UID", "SUDO_GID"] {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

fn skipped(test: &str, why: &str) {
    // The macros' output of a test that passes is not shown; this is.
    let _ = writeln!(std::io::stderr(), "SKIPPED outputs::{test}: {why}");
}

#[track_caller]
fn succeeds(arguments: &[&str]) -> Output {
    let output = command(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    output
}

#[track_caller]
fn fails(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// Every command that writes one file, with the place of its name.
fn writers() -> Vec<Vec<&'static str>> {
    vec![
        vec!["export", TRACE, "--format", "ftrace", "-o", "FILE"],
        vec!["export", TRACE, "--format", "parquet", "-o", "FILE"],
        vec!["export", TRACE, "--format", "perfetto", "-o", "FILE"],
        vec!["import", TRACE, "-o", "FILE"],
        vec!["calibrate", "--repeats", "1", "-o", "FILE"],
        vec!["profile", "--sizes", "2", "--repeats", "1", "-o", "FILE"],
        vec!["replay", TRACE, "--policies", "augur", "--log-decisions", "FILE"],
    ]
}

fn with<'a>(arguments: &[&'a str], path: &'a Path) -> Vec<&'a str> {
    let path = path.to_str().unwrap();
    arguments
        .iter()
        .map(|word| if *word == "FILE" { path } else { word })
        .collect()
}

/// Whether `calibrate` can measure here: it needs two CPUs.
fn can(arguments: &[&str]) -> bool {
    arguments[0] != "calibrate" || std::thread::available_parallelism().unwrap().get() > 1
}

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_device_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let null = folder.path().join("null");
    let made = mknod(
        &null,
        SFlag::S_IFCHR,
        Mode::from_bits_truncate(0o666),
        makedev(1, 3),
    );
    if made.is_err() || OpenOptions::new().write(true).open(&null).is_err() {
        return skipped("a_device_stays_one", "no device can be made and opened here");
    }
    let link = folder.path().join("link");
    symlink("null", &link).unwrap();
    for arguments in writers().iter().filter(|arguments| can(arguments)) {
        for path in [&null, &link] {
            succeeds(&with(arguments, path));
            let about = fs::symlink_metadata(&null).unwrap();
            assert!(about.file_type().is_char_device(), "{arguments:?}");
            assert_eq!(
                (about.rdev(), about.mode() & 0o777),
                (makedev(1, 3), 0o666 & !umask())
            );
        }
    }
    assert!(link.is_symlink());
    assert_eq!(entries(folder.path()), ["link", "null"]);
    // What is full says so, and what it is; once.
    let full = folder.path().join("full");
    mknod(
        &full,
        SFlag::S_IFCHR,
        Mode::from_bits_truncate(0o666),
        makedev(1, 7),
    )
    .unwrap();
    for arguments in writers().iter().filter(|arguments| can(arguments)) {
        let said = fails(command(&with(arguments, &full)));
        let sentence = format!(
            "scx_augur: cannot write {}: No space left on device",
            full.display()
        );
        assert!(said.starts_with(&sentence), "{said}");
        assert_eq!(said.matches("No space").count(), 1, "{said}");
    }
}

fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))
        .unwrap();
    u32::from_str_radix(line.trim(), 8).unwrap()
}

#[test]
fn a_fifo_and_a_socket_get_what_a_file_would() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["ftrace", "native", "parquet", "perfetto", "rt-app"] {
        let path = |name: &str| folder.path().join(name);
        let export = |path: &Path| {
            succeeds(&["export", TRACE, "--format", format, "-o", path.to_str().unwrap()]);
        };
        let (file, fifo, socket) = (path("file"), path("fifo"), path("socket"));
        export(&file);
        let expected = fs::read(&file).unwrap();
        mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let read = |mut from: Box<dyn Read + Send>| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            bytes
        };
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| read(Box::new(File::open(&fifo).unwrap())));
            export(&fifo);
            assert!(reader.join().unwrap() == expected, "{format}");
            let reader = scope.spawn(|| read(Box::new(listener.accept().unwrap().0)));
            export(&socket);
            assert!(reader.join().unwrap() == expected, "{format}");
        });
        assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
        assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
        for name in ["fifo", "socket"] {
            fs::remove_file(path(name)).unwrap();
        }
    }
}

#[test]
fn standard_output_has_many_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let export = |name: &str| {
        ["export", TRACE, "--format", "ftrace", "-o"]
            .map(str::to_owned)
            .into_iter()
            .chain([name.to_owned()])
            .collect::<Vec<_>>()
    };
    let run = |name: &str| {
        let words = export(name);
        command(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert!(run(file.to_str().unwrap()).output().unwrap().status.success());
    let expected = fs::read(&file).unwrap();
    let link = folder.path().join("link");
    symlink("/proc/self/fd/1", &link).unwrap();
    for name in [
        "-",
        "/dev/stdout",
        "/dev/fd/1",
        "/proc/self/fd/1",
        link.to_str().unwrap(),
    ] {
        assert!(run(name).output().unwrap().stdout == expected, "{name}");
        // As a file that has something in it already.
        fs::write(&file, "before\n").unwrap();
        let append = OpenOptions::new().append(true).open(&file).unwrap();
        assert!(run(name).stdout(append).status().unwrap().success());
        assert!(
            fs::read(&file).unwrap() == [b"before\n", &expected[..]].concat(),
            "{name}"
        );
    }
    assert!(link.is_symlink());
    assert_eq!(entries(folder.path()), ["file", "link"]);
    // Through a shell's `>(…)`.
    let script = format!(
        "{} export {TRACE} --format ftrace -o >(cat > {}/copy; echo done > {}/done); until [ -e {2}/done ]; do sleep 0.01; done",
        env!("CARGO_BIN_EXE_scx_augur"),
        folder.path().display(),
        folder.path().display()
    );
    let status = Command::new("bash")
        .args(["-c", &script])
        .stderr(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert!(fs::read(folder.path().join("copy")).unwrap() == expected);
    // What is written there is all that is.
    let table = succeeds(&["calibrate", "--repeats", "1", "-o", "-"]).stdout;
    assert!(toml::from_str::<toml::Table>(&String::from_utf8(table).unwrap()).is_ok());
    let profile = succeeds(&["profile", "--sizes", "2", "--repeats", "1", "-o", "-"]).stdout;
    assert!(serde_json::from_slice::<serde_json::Value>(&profile).is_ok());
}

#[test]
fn a_link_stays_and_what_it_leads_to_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("there")).unwrap();
    fs::write(path("there/old"), "old").unwrap();
    symlink("there/old", path("link")).unwrap();
    symlink(path("link"), path("chain")).unwrap();
    symlink("there/new", path("dangling")).unwrap();
    for (link, target) in [("chain", "there/old"), ("dangling", "there/new")] {
        succeeds(&["import", TRACE, "-o", path(link).to_str().unwrap()]);
        assert!(path(link).is_symlink(), "{link}");
        assert!(
            fs::read(path(target)).unwrap().starts_with(b"\x8baugur"),
            "{link}"
        );
        assert!(!path(target).is_symlink());
    }
    assert_eq!(entries(folder.path()), ["chain", "dangling", "link", "there"]);
    assert_eq!(entries(&path("there")), ["new", "old"]);
    symlink("no/where", path("lost")).unwrap();
    let said = fails(command(&["import", TRACE, "-o", path("lost").to_str().unwrap()]));
    assert!(said.contains("there is no folder"), "{said}");
}

#[test]
fn modes_and_owners_are_those_that_people_expect() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let shell = |script: &str| {
        let script = script.replace("AUGUR", env!("CARGO_BIN_EXE_scx_augur"));
        let status = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{script}");
    };
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let file = path("trace");
    let import = format!("AUGUR import {TRACE} -o {}", file.display());
    shell(&format!("umask 022; {import}"));
    assert_eq!(mode(&file), 0o644);
    fs::remove_file(&file).unwrap();
    shell(&format!("umask 027; {import}"));
    assert_eq!(mode(&file), 0o640);
    fs::set_permissions(&file, Permissions::from_mode(0o604)).unwrap();
    shell(&format!("umask 077; {import}"));
    assert_eq!(mode(&file), 0o604);
    if !nix::unistd::geteuid().is_root() {
        return skipped(
            "modes_and_owners_are_those_that_people_expect",
            "this is not root",
        );
    }
    let owner = |path: PathBuf| {
        let about = fs::metadata(&path).unwrap();
        (about.uid(), about.gid())
    };
    // Who replaces a file does not take it away from its owner.
    std::os::unix::fs::chown(&file, Some(4321), Some(1234)).unwrap();
    shell(&import);
    assert_eq!((owner(file.clone()), mode(&file)), ((4321, 1234), 0o604));
    fs::remove_file(&file).unwrap();
    let sudo = "export SUDO_UID=12345 SUDO_GID=23456;";
    shell(&format!("{sudo} {import}"));
    assert_eq!(owner(file), (12345, 23456));
    let out = path("made/results");
    let simulate = format!("simulate --tasks 9 --policies eft --out {}", out.display());
    shell(&format!("{sudo} AUGUR {simulate}"));
    for place in [
        "made",
        "made/results",
        "made/results/results.csv",
        "made/results/tasks-eft-1.parquet",
    ] {
        assert_eq!(owner(path(place)), (12345, 23456), "{place}");
    }
}

#[test]
fn a_full_disk_leaves_nothing_and_names_what_was_to_be_written() {
    let test = "a_full_disk_leaves_nothing_and_names_what_was_to_be_written";
    use nix::mount::{MsFlags, mount, umount};
    let folder = tempfile::tempdir().unwrap();
    let options = Some("size=4k,nr_inodes=20");
    if mount(
        Some("none"),
        folder.path(),
        Some("tmpfs"),
        MsFlags::empty(),
        options,
    )
    .is_err()
    {
        return skipped(test, "no small disk can be mounted here");
    }
    struct Mounted<'a>(&'a Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = umount(self.0);
        }
    }
    let _mounted = Mounted(folder.path());
    fs::write(folder.path().join("trace"), "there before").unwrap();
    let big = "tests/traces/recorded/hackbench-2x2-eevdf.augur";
    for format in ["native", "ftrace", "perfetto", "parquet"] {
        let path = folder.path().join("trace");
        let said = fails(command(&[
            "export",
            big,
            "--format",
            format,
            "-o",
            path.to_str().unwrap(),
        ]));
        let sentence = format!(
            "scx_augur: cannot write {}: No space left on device",
            path.display()
        );
        assert!(said.starts_with(&sentence), "{format}: {said}");
        assert_eq!(
            (entries(folder.path()), fs::read(&path).unwrap()),
            (vec!["trace".to_owned()], b"there before".to_vec())
        );
    }
    let out = folder.path().join("out");
    let said = fails(command(&[
        "simulate",
        "--tasks",
        "9000",
        "--policies",
        "eft",
        "--out",
        out.to_str().unwrap(),
    ]));
    assert!(
        said.contains("tasks-eft-1.parquet: No space left") && !said.contains("External"),
        "{said}"
    );
    assert_eq!(entries(folder.path()), ["trace"]);
}

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

#[test]
fn what_is_packed_or_comes_through_a_pipe_is_read_alike() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let text = fs::read(TRACE).unwrap();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&text).unwrap();
    fs::write(path("trace.gz"), packer.finish().unwrap()).unwrap();
    // One block as it is: a frame's magic, its header (a window of 1 MB), the block's length and `last`.
    let block = [(text.len() as u32) << 3 | 1].map(u32::to_le_bytes)[0];
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50][..], &block[..3], &text].concat();
    fs::write(path("trace.zst"), frame).unwrap();
    let export = |name: &str, to: &str| {
        command(&["export", name, "--format", "ftrace", "-o", &path(to)])
            .stdin(File::open(TRACE).unwrap())
            .output()
            .unwrap()
    };
    assert!(export(TRACE, "plain").status.success());
    for name in [&path("trace.gz"), &path("trace.zst"), "-", "/dev/stdin"] {
        let output = export(name, "other");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {said}");
        assert!(
            fs::read(path("other")).unwrap() == fs::read(path("plain")).unwrap(),
            "{name}"
        );
    }
    // A decision log, packed, for a model that needs no library.
    let log = path("log.csv");
    succeeds(&[
        "replay",
        "tests/traces/recorded/stress-cpu-2x2-eevdf.augur",
        "--policies",
        "augur",
        "--log-decisions",
        &log,
    ]);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&fs::read(&log).unwrap()).unwrap();
    fs::write(path("log.csv.gz"), packer.finish().unwrap()).unwrap();
    let explain = |log: &str| {
        succeeds(&[
            "model",
            "explain",
            "model_dir/augur",
            "--engine",
            "twin",
            "--log",
            log,
        ])
        .stdout
    };
    assert_eq!(explain(&log), explain(&path("log.csv.gz")));
}

#[test]
fn old_names_of_options_still_work() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.json");
    let profile = profile.to_str().unwrap();
    let commands: [&[&str]; 6] = [
        &["replay", TRACE, "--policy", "augur"],
        &["simulate", "queue", "--jobs", "9", "--policy", "random"],
        &[
            "simulate",
            "graph",
            "tests/graphs/topcuoglu-2002.json",
            "--policy",
            "heft",
        ],
        &["simulate", "--tasks", "9", "--policy", "eft"],
        &[
            "run",
            "--simulate",
            "--topology",
            "2x2",
            "--duration",
            "0.1",
            "--model",
            "off",
            "--policies",
            "augur",
        ],
        &["profile", "--sizes", "2", "--repeats", "1", "--out", profile],
    ];
    for arguments in commands {
        succeeds(arguments);
        let help = succeeds(&[arguments[0], "--help"]).stdout;
        let help = String::from_utf8(help).unwrap();
        assert!(
            !help.contains("--topology") && !help.contains("--out <FILE>"),
            "{help}"
        );
    }
    let listed = String::from_utf8(succeeds(&["replay", "--list-policies"]).stdout).unwrap();
    assert!(
        listed.contains("\neevdf-like ") && listed.contains("  cooldown_us=200000 "),
        "{listed}"
    );
}
