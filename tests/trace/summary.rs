// SPDX-License-Identifier: GPL-2.0-only
//! What a trace adds up to, on small machines.

use super::*;
use augur_trace::Summary;
use augur_trace::summary::{Finished, TaskSummary};

const SLEEPS: u16 = 1;
const DEAD: u16 = 0x20;

fn sum(events: &[Event]) -> Finished {
    let mut summary = Summary::default();
    events.iter().for_each(|event| summary.add(event));
    summary.finish()
}

fn idle() -> Task {
    task("swapper", 0, 120)
}

fn work(pid: i32) -> Task {
    task("work", pid, 120)
}

fn waking(pid: i32) -> EventKind {
    EventKind::Waking {
        task: work(pid),
        target_cpu: 0,
    }
}

fn wakeup(pid: i32) -> EventKind {
    EventKind::Wakeup {
        task: work(pid),
        target_cpu: 0,
    }
}

/// Pid, microseconds on CPUs, runs, wakeups, latencies in microseconds, migrations.
type Row<'a> = (i32, u64, u64, u64, &'a [u64], u64);

fn check(events: &[Event], expected: &[Row<'_>]) {
    let expected: Vec<TaskSummary> = expected
        .iter()
        .map(
            |&(pid, run_us, runs, wakeups, latencies_us, migrations)| TaskSummary {
                pid,
                comm: "work".into(),
                run_ns: run_us * 1000,
                runs,
                wakeups,
                latencies_ns: latencies_us.iter().map(|us| us * 1000).collect(),
                migrations,
                ..TaskSummary::default()
            },
        )
        .collect();
    let mut tasks = sum(events).tasks;
    for task in &mut tasks {
        (task.preempted_ns, task.sleep_ns, task.blocked_ns) = (0, 0, 0);
    }
    assert_eq!(tasks, expected);
}

#[test]
fn a_wakeup_is_counted_once_and_waits_from_its_first_sign() {
    check(
        &[
            at(10, 0, waking(1)),
            at(12, 0, wakeup(1)),
            at(15, 0, switch(idle(), 0, work(1))),
            at(20, 0, switch(work(1), SLEEPS, idle())),
            at(30, 0, wakeup(1)),
            at(31, 1, switch(idle(), 0, work(1))),
            at(41, 1, switch(work(1), SLEEPS, idle())),
        ],
        &[(1, 15, 2, 2, &[5, 1], 1)],
    );
}

#[test]
fn who_is_woken_while_running_does_not_wait() {
    check(
        &[
            at(10, 0, switch(idle(), 0, work(1))),
            at(11, 1, waking(1)),
            at(12, 1, wakeup(1)),
            at(20, 0, switch(work(1), 0, work(2))),
            at(30, 0, switch(work(2), SLEEPS, work(1))),
        ],
        &[(1, 10, 2, 1, &[], 0), (2, 10, 1, 0, &[], 0)],
    );
    // Unless it was leaving already.
    check(
        &[
            at(10, 0, switch(idle(), 0, work(1))),
            at(19, 1, waking(1)),
            at(20, 0, switch(work(1), SLEEPS, idle())),
            at(21, 0, wakeup(1)),
            at(25, 0, switch(idle(), 0, work(1))),
        ],
        &[(1, 10, 2, 1, &[6], 0)],
    );
}

#[test]
fn runs_open_at_either_end_count_inside() {
    check(
        &[
            at(100, 1, waking(2)),
            at(130, 0, switch(work(1), SLEEPS, work(2))),
            at(150, 1, waking(1)),
        ],
        &[(2, 20, 1, 1, &[30], 0), (1, 30, 0, 1, &[], 0)],
    );
}

#[test]
fn a_pid_that_is_used_again_is_another_task() {
    let fork = EventKind::Fork {
        parent: work(9),
        child: work(1),
    };
    let new = EventKind::WakeupNew {
        task: work(1),
        target_cpu: 1,
    };
    check(
        &[
            at(10, 0, switch(idle(), 0, work(1))),
            at(20, 0, switch(work(1), DEAD, idle())),
            at(30, 1, fork),
            at(31, 1, new),
            at(32, 1, switch(idle(), 0, work(1))),
            at(42, 1, switch(work(1), DEAD, idle())),
        ],
        // On another CPU, and yet no migration: it never ran before.
        &[
            (1, 10, 1, 0, &[], 0),
            (9, 0, 0, 0, &[], 0),
            (1, 10, 1, 1, &[1], 0),
        ],
    );
}

#[test]
fn a_migration_is_seen_not_asked_for() {
    let migrate = |dest_cpu| EventKind::Migrate {
        task: work(1),
        orig_cpu: 1 - dest_cpu,
        dest_cpu,
    };
    check(&[at(10, 0, migrate(1))], &[(1, 0, 0, 0, &[], 0)]);
    check(
        &[
            at(10, 0, switch(work(1), 0, idle())),
            at(11, 0, migrate(1)),
            at(12, 0, migrate(0)),
            at(13, 0, switch(idle(), 0, work(1))),
            at(14, 0, switch(work(1), 0, idle())),
            // No event but that it runs elsewhere.
            at(15, 1, switch(idle(), 0, work(1))),
        ],
        &[(1, 1, 2, 0, &[], 1)],
    );
}

#[test]
fn after_lost_events_nothing_is_guessed() {
    let events = [
        at(10, 0, switch(idle(), 0, work(1))),
        at(20, 0, EventKind::Lost { count: 7 }),
        at(21, 0, EventKind::Lost { count: 0 }),
        at(50, 0, switch(work(2), SLEEPS, work(1))),
        at(60, 0, switch(work(1), SLEEPS, idle())),
    ];
    check(&events, &[(1, 10, 2, 0, &[], 0), (2, 0, 0, 0, &[], 0)]);
    let found = sum(&events);
    assert_eq!((found.lost, found.cpus.len()), (8, 1));
    assert_eq!((found.start_ns, found.end_ns), (10_000, 60_000));
    assert_eq!((found.events["sched_switch"], found.events["lost"]), (3, 2));
}
