// SPDX-License-Identifier: GPL-2.0-only
//! Damaged files through `trace info` and `replay`: whatever is in them, both end, with a report or with one sentence,
//! in a bounded memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

use assert_cmd::Command;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Damaged files; each goes through both commands.
const FILES: u64 = 600;
/// The most memory that either may ask for, in KB; as much as both need for a whole file many times over.
const MEMORY_KB: u64 = 3 << 20;
/// Nothing here takes a second; who takes that long hangs.
const HANGS: Duration = Duration::from_secs(120);

/// Files of every shape.
fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let files = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let left_out = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "md");
        entries.filter(move |path| path.is_file() && !left_out(path))
    };
    let mut paths: Vec<PathBuf> = [root.clone(), root.join("cases"), root.join("public")]
        .into_iter()
        .flat_map(files)
        .collect();
    paths.sort();
    paths.push(root.join("recorded/pairs-2x2-eevdf.augur"));
    let read = |path: &PathBuf| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.truncate(100_000);
        bytes
    };
    paths.iter().map(read).collect()
}

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// Bytes, pieces and numbers in the wrong place.
fn damage(mut bytes: Vec<u8>, other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"\n",
        b"\0",
        b"99999999999999999999",
        b"-1",
        b"0xffffffffffffffff (9)",
        b"# tracer: nop\n",
        b"[004095] ",
        b"18446744073.709551615: ",
        b"sched:sched_switch:u: ",
        b"CPU:0 [LOST 18446744073709551615 EVENTS]\n",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"</script>\n",
        b"\x1b]0;x\x07",
    ];
    for _ in 0..=numbers.below(6) {
        let at = numbers.below(bytes.len());
        match numbers.below(6) {
            0 => bytes[at] = numbers.below(256) as u8,
            1 => bytes[at] ^= 1 << numbers.below(8),
            2 => drop(bytes.drain(at..(at + numbers.below(200)).min(bytes.len()))),
            3 => drop(bytes.splice(at..at, WORDS[numbers.below(WORDS.len())].iter().copied())),
            4 => {
                let from = numbers.below(other.len());
                let to = (from + numbers.below(400)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => bytes.truncate(at.max(1)),
        }
        if bytes.is_empty() {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[track_caller]
fn ends_well(arguments: &[&str], bytes: &[u8]) -> bool {
    let program = assert_cmd::cargo::cargo_bin("scx_augur");
    let limited = format!("ulimit -v {MEMORY_KB}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, "sh"]).arg(program).args(arguments);
    let output = command.env_remove("RUST_LOG").timeout(HANGS).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let shape = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{arguments:?}: {said}\n{shape}"
    );
    assert!(!said.contains("panicked"), "{arguments:?}: {said}\n{shape}");
    let escape = |bytes: &[u8]| bytes.contains(&0x1b);
    assert!(
        !escape(&output.stdout) && !escape(&output.stderr),
        "{arguments:?}: {said}"
    );
    output.status.success()
}

#[test]
fn whatever_a_file_holds_both_commands_end() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = seeds();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4) as u64;
    let worker = |first: u64| {
        let path = folder.path().join(format!("t{first}"));
        let name = path.to_str().unwrap();
        let mut read = 0;
        for number in (first..FILES).step_by(threads as usize) {
            let mut numbers = Numbers(number + 1);
            let seed = seeds[number as usize % seeds.len()].clone();
            let other = &seeds[numbers.below(seeds.len())];
            let bytes = damage(seed, other, &mut numbers);
            std::fs::write(&path, &bytes).unwrap();
            read += u64::from(ends_well(&["trace", "info", name], &bytes));
            let replay = [
                "replay",
                name,
                "--policies",
                "recorded,eevdf-like",
                "--threads",
                "1",
                "--partial",
            ];
            ends_well(&replay, &bytes);
        }
        read
    };
    let read: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || worker(first)))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    // Damage of some bytes costs some lines, not the trace.
    assert!(read > FILES / 4, "{read} of {FILES} were read");
}
