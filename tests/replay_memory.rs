// SPDX-License-Identifier: GPL-2.0-only
//! A trace larger than memory: the program may have so little that its lists do not fit, and says the same as with all it wants.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

use augur_base::topology::Machine;
use augur_trace::{Event, EventKind, Format, Header, State, Task, Writer};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

const CPUS: u32 = 8;
const MB: u64 = 1 << 20;

/// On each CPU two tasks that wake each other in turn, so many times.
fn write_trace(path: &Path, rounds: u64) -> u64 {
    let mut header = Header::default();
    header.set_machine(&Machine::from_spec("2x4").unwrap());
    let mut writer = Writer::create(path, Format::Native, &header).unwrap();
    let mut events = 0;
    for round in 0..rounds {
        for cpu in 0..CPUS {
            // Bursts of 60 to 130 µs.
            let spread_ns = (round * 2_654_435_761 + u64::from(cpu) * 40_503) % 35_000;
            let time_ns = round * 100_000 + u64::from(cpu) * 1_000 + spread_ns;
            let [runs, sleeps] = [round % 2, 1 - round % 2].map(|side| task(cpu, side as i32));
            for kind in [
                EventKind::Waking {
                    task: sleeps,
                    target_cpu: cpu,
                },
                EventKind::Switch {
                    prev: runs,
                    prev_state: State {
                        bits: 1,
                        preempted: false,
                    },
                    next: sleeps,
                },
            ] {
                let event = Event { time_ns, cpu, kind };
                writer.write(&event).unwrap();
                events += 1;
            }
        }
    }
    writer.finish().unwrap();
    events
}

fn task(cpu: u32, side: i32) -> Task {
    Task {
        pid: 100 + 2 * cpu as i32 + side,
        comm: "pair".into(),
        prio: 120,
    }
}

/// `replay` with no more than so much memory of its own.
fn replay(trace: &Path, data_bytes: u64) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scx_augur"));
    command.arg("replay").arg(trace);
    command.args([
        "--policy",
        "recorded,eevdf-like,augur",
        "--json",
        "--threads",
        "2",
    ]);
    let limit = libc::rlimit {
        rlim_cur: data_bytes,
        rlim_max: data_bytes,
    };
    // SAFETY: between fork and exec, a system call and nothing else.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_DATA, &limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    command.output().unwrap()
}

/// Replays a trace of so many rounds within a limit, and without where `compare`.
fn check(rounds: u64, limit_bytes: u64, compare: bool) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let trace = folder.path().join("pairs.augur");
    let events = write_trace(&trace, rounds);
    let began = Instant::now();
    let little = replay(&trace, limit_bytes);
    println!(
        "{events} events, three policies, {} MB of memory: {:.0} s",
        limit_bytes / MB,
        began.elapsed().as_secs_f64()
    );
    assert!(
        little.status.success(),
        "{}",
        String::from_utf8_lossy(&little.stderr)
    );
    let said: serde_json::Value = serde_json::from_slice(&little.stdout).unwrap();
    // Everybody who was woken ran, and in a replay also who ran when the trace began.
    let woken = rounds * u64::from(CPUS);
    let counts = [woken, woken + u64::from(CPUS), woken + u64::from(CPUS)];
    for (result, count) in said["results"].as_array().unwrap().iter().zip(counts) {
        assert_eq!(
            result["wakeup_latency_ns"]["count"].as_u64(),
            Some(count),
            "{result}"
        );
    }
    if compare {
        let much = replay(&trace, libc::RLIM_INFINITY);
        assert_eq!(
            String::from_utf8_lossy(&little.stdout),
            String::from_utf8_lossy(&much.stdout)
        );
    }
}

/// 2.4 million events, whose lists take 500 MB.
#[test]
fn lists_that_do_not_fit_into_memory_lie_on_disk() {
    check(150_000, 64 * MB, true);
}

/// 64 million, and 13 GB of lists: `cargo test --release --test replay_memory -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes, and 13 GB of disk"]
fn memory_does_not_grow_with_the_trace() {
    check(4_000_000, 64 * MB, false);
}
