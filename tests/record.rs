// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur record` against the kernel's own counters. Needs BPF: root, and a kernel with BTF; elsewhere the tests that
//! need it say that they are skipped.
//!
//! What is recorded is this very test program, started again as a load ([`load`]) that reads the kernel's counters of
//! itself while it is recorded.
#![allow(clippy::unwrap_used)]

use assert_cmd::cargo::CommandCargoExt;
use augur_sched::policy::cpu::Places;
use augur_sched::sim::burst::{Builder, Rebuilt};
use augur_sched::sim::recorded;
use augur_trace::{Event, EventKind, Reader};
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gettid};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Whether BPF programs can be loaded here; says so where not.
fn bpf_is_permitted(test: &str) -> bool {
    let why = if !nix::unistd::geteuid().is_root() {
        "this is not root"
    } else if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        "the kernel has no BTF"
    } else {
        return true;
    };
    // The macros' output of a test that passes is not shown; this is.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED record::{test}: {why}, so nothing can be recorded"
    );
    false
}

fn record() -> Command {
    let mut command = Command::cargo_bin("scx_augur").unwrap();
    command.arg("record");
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output
}

/// The kernel's own counters of one thread, as it read them itself.
#[derive(Debug, Default, Clone, Copy)]
struct Thread {
    tid: i32,
    /// Times it slept: it left its CPU of its own will.
    sleeps: u64,
    switches: u64,
    run_ns: u64,
    migrations: u64,
}

impl Thread {
    fn read() -> Thread {
        // Who sleeps is accounted for to the moment; who runs, to the last tick.
        std::thread::sleep(Duration::from_millis(1));
        let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let sched = fs::read_to_string("/proc/thread-self/sched").unwrap_or_default();
        let migrations = sched.lines().find(|line| line.starts_with("se.nr_migrations"));
        let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        Thread {
            tid: gettid().as_raw(),
            sleeps: usage.voluntary_context_switches() as u64,
            switches: (usage.voluntary_context_switches() + usage.involuntary_context_switches()) as u64,
            run_ns: schedstat.split_whitespace().next().unwrap().parse().unwrap(),
            migrations: migrations.map_or(0, |line| line.rsplit(':').next().unwrap().trim().parse().unwrap()),
        }
    }

    fn print(self) {
        println!(
            "thread {} {} {} {} {}",
            self.tid, self.sleeps, self.switches, self.run_ns, self.migrations
        );
    }
}

fn threads(output: &Output) -> Vec<Thread> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("thread "));
    let threads: Vec<Thread> = lines
        .map(|line| {
            let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            Thread {
                tid: numbers[0] as i32,
                sleeps: numbers[1],
                switches: numbers[2],
                run_ns: numbers[3],
                migrations: numbers[4],
            }
        })
        .collect();
    assert_eq!(threads.len(), 3, "{text}");
    threads
}

/// All switches of the machine since it was booted.
fn context_switches() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let line = stat.lines().find_map(|line| line.strip_prefix("ctxt "));
    line.unwrap().parse().unwrap()
}

/// What is recorded: two threads that wake each other, and one that computes on each CPU in turn.
#[test]
#[ignore = "the load of the other tests, not a test"]
fn load() {
    const ROUNDS: usize = 3000;
    let compute = |count: u64| {
        std::hint::black_box((0..count).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n)));
    };
    let before = context_switches();
    let ((mut from_ping, mut ping), (mut from_pong, mut pong)) = (pipe().unwrap(), pipe().unwrap());
    let pinger = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            compute(30_000);
            ping.write_all(&[1]).unwrap();
            from_pong.read_exact(&mut [0]).unwrap();
        }
        Thread::read()
    });
    let ponger = std::thread::spawn(move || {
        for _ in 0..ROUNDS {
            from_ping.read_exact(&mut [0]).unwrap();
            compute(30_000);
            pong.write_all(&[1]).unwrap();
        }
        Thread::read()
    });
    let traveller = std::thread::spawn(move || {
        let me = Pid::from_raw(0);
        let allowed = sched_getaffinity(me).unwrap();
        let cpus: Vec<usize> = (0..CpuSet::count())
            .filter(|&cpu| allowed.is_set(cpu).unwrap())
            .collect();
        for &cpu in cpus.iter().cycle().take(40) {
            let mut one = CpuSet::new();
            one.set(cpu).unwrap();
            sched_setaffinity(me, &one).unwrap();
            compute(3_000_000);
        }
        Thread::read()
    });
    // After the name of the test, which stands on this line already.
    println!();
    for thread in [pinger, ponger, traveller] {
        thread.join().unwrap().print();
    }
    println!("switches {}", context_switches() - before);
}

fn load_command() -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let words = ["load", "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    std::iter::once(program).chain(words.map(String::from)).collect()
}

fn read(path: &Path) -> (Rebuilt, Vec<Event>) {
    let mut reader = Reader::open(path).unwrap();
    let events: Vec<_> = reader.by_ref().collect::<anyhow::Result<_>>().unwrap();
    assert_eq!(reader.notes().skipped_count(), 0, "{:?}", reader.notes());
    assert!(reader.notes().torn().is_none());
    let header = reader.header();
    assert!(
        header.clock == "mono" && header.cpus > 0 && !header.scheduler.is_empty(),
        "{header:?}"
    );
    assert!(
        header.machine().unwrap().is_some() && header.lost == 0 && header.command.len() == 6,
        "{header:?}"
    );
    let mut builder = Builder::default();
    events.iter().for_each(|event| builder.push(event));
    (builder.finish(), events)
}

/// Time that the hypervisor took from all CPUs together, in ns: the kernel's counters leave it out.
fn stolen_ns() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let ticks: u64 = stat
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .nth(8)
        .unwrap()
        .parse()
        .unwrap();
    ticks * 10_000_000
}

/// How long those waited, in ns, who were woken while the thread ran and came after it.
fn waited_for_ns(events: &[Event], tid: i32) -> u64 {
    let (mut came_ns, mut waited_ns) = (0, 0);
    let mut woken = HashMap::new();
    for event in events {
        match &event.kind {
            EventKind::Waking { task, .. } => {
                woken.insert(task.pid, event.time_ns);
            }
            EventKind::Switch { next, .. } if next.pid == tid => came_ns = event.time_ns,
            EventKind::Switch { prev, next, .. } if prev.pid == tid => {
                let at_ns = woken.get(&next.pid).copied().filter(|&at_ns| at_ns > came_ns);
                waited_ns += at_ns.map_or(0, |at_ns| event.time_ns - at_ns);
            }
            _ => {}
        }
    }
    waited_ns
}

#[test]
fn a_recording_agrees_with_the_kernels_counters_of_every_thread() {
    if !bpf_is_permitted("a_recording_agrees_with_the_kernels_counters_of_every_thread") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.augur");
    let before_ns = stolen_ns();
    let output = run(record().arg("-o").arg(&path).arg("--").args(load_command()));
    let stolen_ns = stolen_ns() - before_ns;
    let (rebuilt, events) = read(&path);
    let machine = Reader::open(&path).unwrap().header().machine().unwrap().unwrap();
    let replayed = recorded::outcome(&rebuilt, &Places::new(Arc::new(machine)));
    for thread in threads(&output) {
        let left =
            |event: &&Event| matches!(&event.kind, EventKind::Switch { prev, .. } if prev.pid == thread.tid);
        // The kernel's count is from before the thread's end: one switch more, or a few where it was interrupted.
        let switches = events.iter().filter(left).count() as u64;
        let more = switches - thread.switches;
        assert!(
            (1..=20).contains(&more),
            "{thread:?}: {switches} switches were recorded"
        );
        let moved = |event: &&Event| {
            matches!(&event.kind, EventKind::Migrate { task, orig_cpu, dest_cpu }
                if task.pid == thread.tid && orig_cpu != dest_cpu)
        };
        let migrations = events.iter().filter(moved).count() as u64;
        let more = migrations - thread.migrations;
        assert!(more <= 2, "{thread:?}: {migrations} migrations were recorded");
        // `replay --policy recorded`, task by task.
        let tasks = &rebuilt.program.tasks;
        let index = tasks.iter().position(|task| task.id.pid == thread.tid).unwrap();
        let run_ns = replayed.tasks[index].run_ns;
        // A switch that a wakeup brought about is accounted for as of the wakeup (the kernel's RQCF_REQ_SKIP): what
        // passed since then is charged to who comes, not to who leaves.
        let waited_ns = replayed.tasks[index].wait_ns;
        let least = (thread.run_ns - thread.run_ns / 50).saturating_sub(waited_ns);
        let most =
            thread.run_ns + thread.run_ns / 20 + 1_000_000 + stolen_ns + waited_for_ns(&events, thread.tid);
        assert!(
            (least..=most).contains(&run_ns),
            "{thread:?}: ran {run_ns} ns in the replay, waited {waited_ns} ns: {least} to {most}"
        );
    }
}

/// Counts sched_migrate_task with ftrace, while it lives; `None` where there is no tracefs.
struct Ftrace {
    folder: tempfile::TempDir,
    instance: std::path::PathBuf,
}

impl Ftrace {
    fn new() -> Option<Ftrace> {
        let folder = tempfile::tempdir().unwrap();
        mount(
            Some("tracefs"),
            folder.path(),
            Some("tracefs"),
            MsFlags::empty(),
            None::<&str>,
        )
        .ok()?;
        let instance = folder.path().join("instances/scx_augur-test");
        let ftrace = Ftrace { folder, instance };
        fs::create_dir(&ftrace.instance).ok()?;
        let events = ftrace.instance.join("events/sched/sched_migrate_task");
        // A filter compares with numbers only. Without it, tasks that stay are counted, too.
        let cpus = fs::read_dir(ftrace.instance.join("per_cpu")).ok()?.count();
        let moves: Vec<String> = (0..cpus.min(32))
            .map(|cpu| format!("(orig_cpu != {cpu} || dest_cpu != {cpu})"))
            .collect();
        fs::write(events.join("filter"), moves.join(" && ")).ok()?;
        fs::write(events.join("enable"), "1").ok()?;
        Some(ftrace)
    }

    fn count(&self) -> u64 {
        let cpus = fs::read_dir(self.instance.join("per_cpu")).unwrap().flatten();
        cpus.map(|cpu| {
            let stats = fs::read_to_string(cpu.path().join("stats")).unwrap();
            let number = |name: &str| -> u64 {
                let line = stats.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap().trim().parse().unwrap()
            };
            number("entries:") + number("overrun:")
        })
        .sum()
    }
}

impl Drop for Ftrace {
    fn drop(&mut self) {
        let _ = fs::write(self.instance.join("events/enable"), "0");
        let _ = fs::remove_dir(&self.instance);
        let _ = umount(self.folder.path());
    }
}

#[test]
fn counts_lie_between_the_kernels_counters_inside_and_outside() {
    if !bpf_is_permitted("counts_lie_between_the_kernels_counters_inside_and_outside") {
        return;
    }
    let ftrace = Ftrace::new();
    let before = context_switches();
    let output = run(record().args(["--count", "--json", "--"]).args(load_command()));
    let outside = context_switches() - before;
    let moved_outside = ftrace.as_ref().map(Ftrace::count);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let inside: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("switches "))
        .unwrap()
        .parse()
        .unwrap();
    let counts: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let switches = number(&counts["switches"]);
    assert!(
        (inside..=outside).contains(&switches),
        "{inside} <= {switches} <= {outside}"
    );
    let migrations = &counts["migrations"];
    let moved_inside: u64 = threads(&output).iter().map(|thread| thread.migrations).sum();
    let moved = number(&migrations["total"]);
    assert!(moved >= moved_inside, "{moved} >= {moved_inside}");
    match moved_outside {
        Some(most) => assert!(moved <= most, "{moved} <= {most}"),
        None => {
            let _ = writeln!(
                std::io::stderr(),
                "tracefs cannot be mounted: ftrace's count is not compared"
            );
        }
    }
    let kinds = ["same_core", "same_llc", "cross_llc", "cross_node", "unplaced"];
    assert_eq!(
        kinds.iter().map(|kind| number(&migrations[kind])).sum::<u64>(),
        moved
    );
    let buckets = counts["latency"].as_array().unwrap();
    let latencies: u64 = buckets.iter().map(|bucket| number(&bucket["count"])).sum();
    // Nearly everyone who is woken runs: some were woken before they slept, or wait still.
    let woken = number(&counts["wakeups"]) + number(&counts["new_tasks"]);
    assert!(
        latencies == number(&counts["latencies"]) && latencies <= woken,
        "{counts}"
    );
    // Who slept and ran again was woken, and had a latency. How often the threads sleep is the machine's affair: one
    // that finds its byte in the pipe goes on.
    let slept: u64 = threads(&output).iter().map(|thread| thread.sleeps).sum();
    assert!(
        slept > 0 && latencies >= slept - slept / 100,
        "{slept} slept: {counts}"
    );
    assert!(number(&counts["execs"]) >= 1, "{counts}");
}

#[test]
fn the_commands_exit_code_is_passed_on_and_one_that_cannot_start_leaves_no_file() {
    if !bpf_is_permitted("the_commands_exit_code_is_passed_on_and_one_that_cannot_start_leaves_no_file") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.perfetto-trace");
    let status = |words: &[&str]| {
        let output = record()
            .arg("-o")
            .arg(&path)
            .arg("--")
            .args(words)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = status(&["/nonexistent/program"]);
    assert!(
        code == Some(127) && said.contains("/nonexistent/program") && said.lines().count() == 1,
        "{said}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(status(&["/etc/passwd"]).0, Some(126));
    assert_eq!(status(&["sh", "-c", "exit 3"]).0, Some(3));
    assert_eq!(Reader::open(&path).unwrap().format().name(), "perfetto");
    assert_eq!(status(&["sh", "-c", "kill -9 $$"]).0, Some(128 + 9));
}

#[test]
fn ctrl_c_ends_a_recording_whole() {
    if !bpf_is_permitted("ctrl_c_ends_a_recording_whole") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, mark) = (folder.path().join("trace.augur"), folder.path().join("mark"));
    let script = format!("touch {}; exec sleep 600", mark.display());
    let mut recorder = record();
    recorder.arg("-o").arg(&path).args(["--", "sh", "-c", &script]);
    let recorder = recorder
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !mark.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(Pid::from_raw(recorder.id() as i32), Signal::SIGINT).unwrap();
    let output = recorder.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 15), "{output:?}");
    let mut reader = Reader::open(&path).unwrap();
    let execs = |event: &anyhow::Result<Event>| matches!(&event.as_ref().unwrap().kind, EventKind::Exec { filename, .. } if filename.ends_with("/touch"));
    assert_eq!(reader.by_ref().filter(execs).count(), 1);
    assert!(reader.notes().torn().is_none());
}

#[test]
fn what_cannot_be_is_one_sentence() {
    let check = |command: &mut Command, code: i32, part: &str| {
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(
            said.contains(part) && (code == 2 || said.lines().count() == 1),
            "{said}"
        );
    };
    check(record().args(["--count", "-o", "x"]), 2, "cannot be used with");
    check(record().args(["--buffer-mb", "0"]), 2, "from 1 to 1024");
    check(record().args(["--duration=-1"]), 2, "number of seconds");
    if !bpf_is_permitted("what_cannot_be_is_one_sentence") {
        return;
    }
    let nowhere = ["--duration", "0.05", "-o", "/nonexistent/trace.augur"];
    check(record().args(nowhere), 1, "/nonexistent");
    // Somebody else may not read this folder of a build; then there is nothing to see.
    let mut nobody = record();
    nobody
        .args(["--count", "--duration", "0.05"])
        .uid(65534)
        .gid(65534)
        .current_dir("/");
    if nobody.output().is_ok() {
        check(&mut nobody, 1, "CAP_BPF and CAP_PERFMON");
    }
}
