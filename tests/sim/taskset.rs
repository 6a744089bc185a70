// SPDX-License-Identifier: GPL-2.0-only
//! Workloads of rt-app: its own examples, and what they come to by hand; a trace that was exported and read again.

use crate::common::{fails, json, scx_augur};
use augur_base::topology::Machine;
use augur_sched::policy::cpu::Places;
use augur_sched::policy::cpu::registry::{Choice, parse};
use augur_sched::rtapp;
use augur_sched::sim::cpu::{Options, run};
use augur_sched::sim::program::{Program, RELEASE, WOKEN};
use augur_sched::sim::{burst, taskset};
use augur_trace::Reader;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn path(name: &str) -> String {
    format!("tests/workloads/rt-app/{name}.json")
}

fn program(text: &str) -> Program {
    taskset::program(&rtapp::read(text).unwrap()).unwrap()
}

fn example(name: &str) -> Program {
    program(&std::fs::read_to_string(path(name)).unwrap())
}

/// Work of all threads of a name, in µs, and how many there are.
fn work_us(program: &Program) -> BTreeMap<String, (u64, u64)> {
    let mut work = BTreeMap::new();
    for (task, spec) in program.tasks.iter().enumerate() {
        let sum: u64 = program
            .bursts_of(task as u32)
            .map(|burst| program.bursts[burst as usize].run_ns)
            .sum();
        let entry: &mut (u64, u64) = work.entry(spec.comm.to_string()).or_default();
        *entry = (entry.0 + sum / 1000, entry.1 + 1);
    }
    work
}

/// When it ends under a policy, on a machine of that shape, with nothing in the way.
fn makespan_us(program: &Program, shape: &str, policy: &str) -> u64 {
    let Choice::Scheme(scheme) = parse(policy, 1).unwrap() else {
        panic!()
    };
    let places = Arc::new(Places::new(Arc::new(Machine::from_spec(shape).unwrap())));
    let options = Options {
        jitter_ns: 0,
        costs: Default::default(),
        ..Options::default()
    };
    let done = run(
        Arc::new(program.clone()),
        places,
        scheme.discipline,
        None,
        &options,
    )
    .unwrap();
    let wanted: u64 = program.bursts.iter().map(|burst| burst.run_ns).sum();
    let ran: u64 = done.outcome.tasks.iter().map(|task| task.run_ns).sum();
    assert!(ran >= wanted, "{policy}: {ran} of {wanted}");
    assert_eq!(done.outcome.stranded, 0, "{policy}");
    done.outcome.ledger.makespan_ns / 1000
}

#[test]
fn examples_of_rt_app_come_to_what_they_come_to_by_hand() {
    let of = |entries: &[(&str, u64, u64)]| -> BTreeMap<String, (u64, u64)> {
        entries
            .iter()
            .map(|&(name, work, count)| (name.to_owned(), (work, count)))
            .collect()
    };
    // Twelve threads, ten rounds of 3 ms and ten of 27 ms.
    assert_eq!(
        work_us(&example("example3")),
        of(&[("thread0", 12 * 300_000, 12)])
    );
    // Eight rounds of 120 ms; the other is woken by three signals and six resumes, as every second signal finds it suspended.
    assert_eq!(
        work_us(&example("example5")),
        of(&[("thread0", 960_000, 1), ("thread1", 90_000, 1)])
    );
    // A round takes 9 ms; 555 of them, and what begins in the last 5 ms.
    assert_eq!(
        work_us(&example("example7")),
        of(&[("task0", 2_223_000, 1), ("task1", 2_778_000, 1)])
    );
    // A thread and one that is forked, 10 ms in 20; one is forked 20 ms later, 20 ms in 40.
    let forks = of(&[
        ("thread1", 2_000_000, 2),
        ("thread2", 1_000_000, 1),
        ("thread3", 30_000, 1),
    ]);
    assert_eq!(work_us(&example("example9")), forks);
    // A wakeup in 30 ms, 200 times, down a chain of five; the one that ticks does nothing else.
    let audio = of(&[
        ("AudioTick", 0, 1),
        ("AudioOut", 1_000_000, 1),
        ("AudioTrack", 60_000, 1),
        ("mp3.decoder", 230_000, 1),
        ("OMXCall", 60_000, 1),
    ]);
    assert_eq!(work_us(&example("mp3-short")), audio);
    // `heavy1` stands twice in the second, and both count.
    let spread = of(&[("thread1", 24_000_000, 1), ("thread2", 22_200_000, 1)]);
    assert_eq!(work_us(&example("spreading-tasks")), spread);
}

#[test]
fn with_enough_cpus_they_end_when_they_should() {
    // What the timers say: the twentieth round begins at 570 ms, the eighth at 1400 ms.
    let (three, five) = (example("example3"), example("example5"));
    for policy in ["fcfs", "least-loaded"] {
        let late_us = makespan_us(&three, "1x1x12x1", policy) - 597_000;
        assert!(late_us < 2_000, "{policy}: {late_us}");
        let late_us = makespan_us(&five, "1x1x2x1", policy) - 1_520_000;
        assert!(late_us < 2_000, "{policy}: {late_us}");
    }
    // On one CPU, neither twelve times 3 ms nor twelve times 27 ms fit into 30 ms: no gap is left.
    let busy_us = makespan_us(&three, "1x1x1x1", "fcfs");
    assert!((3_600_000..3_650_000).contains(&busy_us), "{busy_us}");
    let bound = augur_sched::sim::rank::critical_path_ns(&three);
    assert_eq!(bound, 597_000_000);
}

#[test]
fn what_it_says_of_tasks_is_kept() {
    let text = r#"{
      // the rest is as by default
      "tasks": {
        "nice": {"instance": 2, "priority": 5, "delay": 1500, "cpus": [1, 3], "loop": 2, "run": 10, "sleep": 20},
        "fifo": {"policy": "SCHED_FIFO", "priority": 10, "phases": {"p": {"run": 5, "timer0": {"ref": "unique", "period": 40}, "run1": 6}}, "loop": 2},
        "idle": {"policy": "SCHED_IDLE", "loop": 1, "runtime": 7},
      },
      "global": {"duration": 3, "default_policy": "SCHED_OTHER",},
    }"#;
    let program = program(text);
    let found: Vec<_> = program
        .tasks
        .iter()
        .map(|task| (task.prio, task.weight, task.allowed.clone()))
        .collect();
    let nice = (125, 335, vec![1, 3]);
    assert_eq!(found, [nice.clone(), nice, (89, 1024, vec![]), (120, 3, vec![])]);
    let bursts = |task: u32| -> Vec<(u64, u64)> {
        program
            .bursts_of(task)
            .map(|at| {
                (
                    program.bursts[at as usize].after_ns,
                    program.bursts[at as usize].run_ns,
                )
            })
            .collect()
    };
    assert_eq!(bursts(1), [(1_500_000, 10_000), (20_000, 10_000)]);
    // The second 6 of a round and the first 5 of the next are one burst.
    let ticks = [(0, 5_000), (RELEASE | 40_000, 11_000), (RELEASE | 80_000, 6_000)];
    assert_eq!(bursts(2), ticks);
    // A semaphore that was posted is taken without a sleep, but not before it is posted.
    let posts = r#"{"tasks": {
        "a": {"loop": 1, "run": 10, "sem_post": "s", "run2": 5},
        "b": {"loop": 1, "run": 30, "sem_wait": "s", "run2": 4}}}"#;
    let program = self::program(posts);
    assert_eq!(
        program
            .actions
            .iter()
            .map(|action| (action.at_ns, action.task, action.burst))
            .collect::<Vec<_>>(),
        [(10_000, 1, 2)]
    );
    assert_eq!(program.bursts[2].after_ns, WOKEN);
    assert_eq!(makespan_us(&program, "1x1x2x1", "fcfs"), 34);
}

#[test]
fn the_command_replays_them() {
    let report = json(&["replay", &path("example7"), "--json", "--jitter-us", "0"]);
    let results = report["results"].as_array().unwrap();
    let names: Vec<&str> = results
        .iter()
        .map(|run| run["policy"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["eevdf-like", "augur"]);
    for run in results {
        // Two threads on four CPUs: 5 s, and what caches cost.
        let late = run["makespan_ns"].as_u64().unwrap() - 5_000_000_000;
        assert!(late < 100_000_000, "{run}");
        assert_eq!(run["stranded"], 0);
    }
    // What is not simulated is said, once for each kind.
    let output = scx_augur(&["replay", &path("example5"), "--policies", "fcfs", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.lines().count() == 2, "{said}");
    assert!(
        said.contains("'lock' (2 times) is left out") && said.contains("'unlock' (2 times)"),
        "{said}"
    );
}

/// Figures of tasks add up to those of the run, of what was recorded, too.
#[test]
fn figures_of_tasks_add_up() {
    let trace = "tests/traces/recorded/affinity-2x2-eevdf.augur";
    let policies = "recorded,eevdf-like,augur";
    let report = json(&["replay", trace, "--policies", policies, "--per-task", "--json"]);
    for run in report["results"].as_array().unwrap() {
        let tasks = run["tasks"].as_array().unwrap();
        assert!(
            tasks.len() > 5
                && tasks
                    .iter()
                    .all(|task| task["name"].is_string() && task["pid"].is_i64())
        );
        let sum = |key: &str| tasks.iter().map(|task| task[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(
            sum("migrations"),
            run["migrations"]["total"].as_u64().unwrap(),
            "{}",
            run["policy"]
        );
        let latencies = tasks
            .iter()
            .map(|task| &task["wakeup_latency_ns"])
            .filter(|latency| !latency.is_null());
        let longest = latencies
            .clone()
            .map(|latency| latency["max"].as_u64().unwrap())
            .max();
        assert_eq!(longest, run["wakeup_latency_ns"]["max"].as_u64());
        let all = latencies
            .map(|latency| latency["mean"].as_f64().unwrap() * latency["count"].as_f64().unwrap())
            .sum::<f64>();
        let count: u64 = tasks
            .iter()
            .filter_map(|task| task["wakeup_latency_ns"]["count"].as_u64())
            .sum();
        let mean = run["wakeup_latency_ns"]["mean"].as_f64().unwrap();
        assert!(
            (all / count as f64 / mean - 1.0).abs() < 1e-6,
            "{}: {all} {count} {mean}",
            run["policy"]
        );
        let waits = run["wait_ns"]["mean"].as_f64().unwrap() * run["wait_ns"]["count"].as_f64().unwrap();
        assert!(
            (sum("wait_ns") as f64 / waits - 1.0).abs() < 1e-6,
            "{}",
            run["policy"]
        );
        assert!(sum("run_ns") > 1_000_000_000);
    }
    let plain = json(&["replay", trace, "--policies", "augur", "--json"]);
    assert!(plain["results"][0]["tasks"].is_null());
    assert_eq!(
        plain["results"][0]["state_hash"],
        report["results"][2]["state_hash"]
    );
    // Without wakeups nobody knows who waited.
    let switches = "tests/traces/cases/t03_switch_only.txt";
    let report = json(&[
        "replay",
        switches,
        "--policies",
        "recorded,augur",
        "--per-task",
        "--json",
    ]);
    for task in report["results"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|run| run["tasks"].as_array().unwrap())
    {
        assert!(
            task["wait_ns"].is_null() && task["wakeup_latency_ns"].is_null(),
            "{task}"
        );
    }
}

#[test]
fn a_wrong_workload_is_one_sentence_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.json");
    let name = file.to_str().unwrap();
    for (text, words) in [
        ("{\"tasks\": {\n\"a\": {\"run\": 5,,}}}", "line 2"),
        ("{\"tasks\": {}}", "there are no tasks"),
        ("{\"tasks\": []}", "it is a list, not an object"),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1}}}",
            "task 'a': it has no events",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": \"5\"}}}",
            "task 'a': 'run': it is a string",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": -5}}}",
            "-5 µs are below 0",
        ),
        ("{\"tasks\": {\"a\": {\"loop\": 0, \"run\": 5}}}", "'loop' is 0"),
        (
            "{\"tasks\": {\"a\": {\"phases\": {\"p\": {\"timer\": {\"ref\": \"x\"}}}}}}",
            "task 'a': phase 'p': 'timer': it has no period",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": 5, \"policy\": \"SCHED_NEW\"}}}",
            "no policy 'SCHED_NEW'",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": 5, \"priority\": 30}}}",
            "must be -20 to 19, not 30",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": 5, \"cpus\": [-1]}}}",
            "no CPU -1",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"run\": 5, \"instance\": 99999999}}}",
            "32768 is the most",
        ),
        (
            "{\"tasks\": {\"a\": {\"loop\": 1, \"fork\": \"b\"}}}",
            "task 'b', which is not there",
        ),
        (
            "{\"tasks\": {\"a\": {\"run\": 1, \"sleep\": 0}}}",
            "task 'a' loops for ever, and global.duration",
        ),
        (
            "{\"tasks\": {\"a\": {\"run\": 0, \"sleep\": 0}}, \"global\": {\"duration\": 1}}",
            "without any time going by",
        ),
        (
            "{\"tasks\": {\"a\": {\"run\": 1, \"fork\": \"a\"}}, \"global\": {\"duration\": 1}}",
            "more than 32768 threads",
        ),
        ("/* \"tasks\"", "line 1"),
    ] {
        std::fs::write(&file, text).unwrap();
        fails(&["replay", name], 1, words);
    }
    fails(
        &["replay", &path("example4"), "--policies", "fcfs"],
        1,
        "global.duration",
    );
    // As rt-app itself has it: `"suspend",` is not JSON.
    fails(&["replay", &path("video-short")], 1, "line 6");
    fails(
        &["replay", &path("example3"), "--policies", "recorded,fcfs"],
        2,
        "'recorded'",
    );
}

/// Runs and sleeps of a trace are those of its export, to the microsecond.
#[test]
fn an_exported_trace_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.json");
    let name = file.to_str().unwrap();
    let trace = "tests/traces/recorded/interactive-2x2-eevdf.augur";
    let done = scx_augur(&["export", trace, "--format", "rt-app", "-o", name]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let taskset = rtapp::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let again = taskset::program(&taskset).unwrap();
    let events: Vec<_> = Reader::new(std::fs::File::open(trace).unwrap())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let before = burst::rebuild(&events).program;
    let pid = |name: &str| -> i32 { name.rsplit('-').next().unwrap().parse().unwrap() };
    assert!(again.tasks.len() > 10);
    for (task, spec) in taskset.tasks.iter().enumerate() {
        let Some(old) = before
            .tasks
            .iter()
            .position(|other| other.id.pid == pid(&spec.name))
        else {
            panic!("{}", spec.name)
        };
        if before
            .tasks
            .iter()
            .filter(|other| other.id.pid == before.tasks[old].id.pid)
            .count()
            > 1
        {
            continue;
        }
        let sum = |program: &Program, task: usize| -> (u64, u64) {
            program
                .bursts_of(task as u32)
                .fold((0, 0), |(work, count), burst| {
                    let run_ns = program.bursts[burst as usize].run_ns;
                    (work + run_ns, count + 1)
                })
        };
        let ((new_ns, _), (old_ns, bursts)) = (sum(&again, task), sum(&before, old));
        // Each burst is cut to whole microseconds.
        assert!(
            new_ns <= old_ns + 1000 && new_ns + 1000 * (bursts + 1) >= old_ns,
            "{}: {new_ns} of {old_ns}",
            spec.name
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is broken in a file: a program, or one sentence.
    #[test]
    fn a_broken_workload_is_a_sentence(
        which in 0usize..5,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..9, ".{0,2}|[{}\\[\\]\",:/*0-9-]{1,3}"), 1..5),
    ) {
        let name = ["example3", "example5", "example7", "example9", "mp3-short"][which];
        let mut text: Vec<char> = std::fs::read_to_string(path(name)).unwrap().chars().collect();
        for (at, gone, put) in edits {
            let at = at.index(text.len());
            let end = (at + gone).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        let _ = rtapp::seems_one(&text);
        match rtapp::read(&text) {
            // What would run for hours is not gone through here.
            Ok(mut taskset) => {
                taskset.duration_ns = Some(taskset.duration_ns.unwrap_or(u64::MAX).min(50_000_000));
                if let Ok(program) = taskset::program(&taskset) {
                    let last = program.bursts.len() as u32;
                    prop_assert!(program.actions.iter().all(|action| action.burst < last));
                }
            }
            Err(err) => prop_assert!(!format!("{err:#}").contains('\n'), "{err:#}"),
        }
    }
}
