// SPDX-License-Identifier: GPL-2.0-only
//! Nobody waits past the kernel's watchdog: not alone beside one that never sleeps, not where another class holds the
//! CPU, whatever the weights.

use super::properties::places;
use augur_sched::policy::cpu::load::weight_of_prio;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::cpu::{self, Costs, Options, Run};
use augur_sched::sim::{Class, Program};
use std::sync::Arc;

const SECOND_NS: u64 = 1_000_000_000;
/// What may be waited, two searches (one every 50 ms), and a slice.
const LONGEST_NS: u64 = 5_120_000_000;

fn run(program: Program, machine: &str) -> Run {
    let Ok(Choice::Scheme(scheme)) = registry::parse("augur", 1) else {
        panic!()
    };
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    cpu::run(
        Arc::new(program),
        places(machine),
        scheme.discipline,
        None,
        &options,
    )
    .unwrap()
}

fn longest_wait_ns(run: &Run) -> u64 {
    run.outcome.ledger.waits_ns.iter().copied().max().unwrap_or(0)
}

/// Endless tasks of these priorities (100 is nice -20) on one CPU, all from the beginning.
fn beside_each_other(prios: &[i32], run_ns: &[u64]) -> Program {
    let mut program = Program::independent(run_ns.iter().map(|&run_ns| (0, run_ns)));
    for (task, &prio) in program.tasks.iter_mut().zip(prios) {
        task.prio = prio;
        task.weight = if prio > 139 { 3 } else { weight_of_prio(prio) };
    }
    program
}

#[test]
fn one_that_waits_alone_is_rescued_as_many_are() {
    for (case, prios) in [
        ("nice 19 beside nice -20", vec![100, 139]),
        ("nice 19 beside nice -15", vec![105, 139]),
        ("nice 19 beside nice -10", vec![110, 139]),
        ("SCHED_IDLE beside nice -20", vec![100, 140]),
        ("SCHED_IDLE beside nice 0", vec![120, 140]),
        ("two of nice 19 beside nice -20", vec![100, 139, 139]),
        ("nice 0 beside nice -20", vec![100, 120]),
        ("nice -20 beside nice 19", vec![139, 100]),
    ] {
        let mut run_ns = vec![100_000_000; prios.len()];
        run_ns[0] = 60 * SECOND_NS;
        let run = run(beside_each_other(&prios, &run_ns), "1");
        let longest_ns = longest_wait_ns(&run);
        assert!(longest_ns <= LONGEST_NS, "{case}: {} ms", longest_ns / 1_000_000);
    }
}

#[test]
fn a_turn_that_saves_from_waiting_takes_next_to_nothing_from_the_weights() {
    let work_ns = 60 * SECOND_NS;
    let run = run(beside_each_other(&[100, 139], &[work_ns, work_ns]), "1");
    // A turn ends at a tick, 4 ms at most, every 5 s: 0.08 %.
    let done_ns = run.outcome.tasks[0].done_ns;
    assert!(done_ns > work_ns, "the light one had no turn");
    assert!(done_ns < work_ns + work_ns / 500, "{} ms", done_ns / 1_000_000);
}

#[test]
fn who_comes_later_does_not_stand_behind_those_that_were_rescued() {
    // The last one comes after a minute of that: its share is 1 : 87, 100 ms of work are done in 9 s.
    let mut program = beside_each_other(&[100, 139, 120], &[90 * SECOND_NS, 100_000_000, 100_000_000]);
    program.bursts[2].after_ns = 60 * SECOND_NS;
    let run = run(program, "1");
    let took_ns = run.outcome.tasks[2].done_ns - 60 * SECOND_NS;
    assert!(took_ns < 15 * SECOND_NS, "{} ms", took_ns / 1_000_000);
}

#[test]
fn a_round_through_a_crowded_queue_takes_no_longer_than_anybody_may_wait() {
    // 1,000 tasks with slices of 20 ms each would come round every 20 s.
    let run = run(Program::independent((0..1_000).map(|_| (0, 60_000_000))), "1");
    let longest_ns = longest_wait_ns(&run);
    assert!(longest_ns < 12 * SECOND_NS, "{} ms", longest_ns / 1_000_000);
}

/// `others` from the beginning, and a real-time task that takes CPU 1 of two after 50 ms, for 40 s.
fn displaced(others: &[(u64, Option<u32>)]) -> Program {
    let bursts = others.iter().map(|&(run_ns, _)| (0, run_ns));
    let mut program = Program::independent(bursts.chain([(50_000_000, 40 * SECOND_NS)]));
    for (task, &(_, pinned)) in program.tasks.iter_mut().zip(others) {
        task.pinned = pinned;
        task.cpu = pinned.or(Some(1));
    }
    if let Some(urgent) = program.tasks.last_mut() {
        urgent.prio = 50;
        urgent.class = Class::RealTime;
        urgent.cpu = Some(1);
    }
    program
}

#[test]
fn whom_a_real_time_task_displaces_goes_on_where_a_cpu_idles() {
    let run = run(displaced(&[(2 * SECOND_NS, None)]), "2x1");
    let longest_ns = longest_wait_ns(&run);
    assert!(longest_ns < 10_000_000, "{} ms", longest_ns / 1_000_000);
    assert!(run.outcome.tasks[0].done_ns < 3 * SECOND_NS);
}

#[test]
fn who_waits_where_something_real_time_runs_is_fetched_by_busy_cpus() {
    let hogs = [(40 * SECOND_NS, Some(0)), (SECOND_NS, None), (SECOND_NS, None)];
    let run = run(displaced(&hogs), "2x1");
    // One every 5 s at first; then they share the other CPU.
    let longest_ns = longest_wait_ns(&run);
    assert!(longest_ns < 2 * LONGEST_NS, "{} ms", longest_ns / 1_000_000);
}
