// SPDX-License-Identifier: GPL-2.0-only
//! What commands write to: devices, pipes and links stay what they are; files are whole or absent, with the right owner.
//! Devices are made in a folder of the test's own. What needs root says where it is skipped.
#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

#[path = "outputs/alike.rs"]
mod alike;
#[path = "outputs/ended.rs"]
mod ended;

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

/// Whether `calibrate` can measure here: it needs the live half, and two CPUs.
fn can(arguments: &[&str]) -> bool {
    arguments[0] != "calibrate"
        || cfg!(feature = "live") && std::thread::available_parallelism().unwrap().get() > 1
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
    if cfg!(feature = "live") {
        let table = succeeds(&["calibrate", "--repeats", "1", "-o", "-"]).stdout;
        assert!(toml::from_str::<toml::Table>(&String::from_utf8(table).unwrap()).is_ok());
    }
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
