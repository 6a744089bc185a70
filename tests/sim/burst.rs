// SPDX-License-Identifier: GPL-2.0-only
//! Bursts from events that were written by hand.

use augur_sched::sim::burst::{Rebuilt, rebuild};
use augur_sched::sim::{Class, WOKEN, recorded};
use augur_trace::{Event, EventKind, State, Task};

fn task(pid: i32) -> Task {
    Task {
        pid,
        comm: if pid == 0 {
            "swapper".into()
        } else {
            format!("task{pid}").as_str().into()
        },
        prio: 120,
    }
}

fn at(time_ns: u64, cpu: u32, kind: EventKind) -> Event {
    Event { time_ns, cpu, kind }
}

/// `state`: `S` sleeps, `R` is runnable, `+` was preempted.
fn switch(time_ns: u64, cpu: u32, prev: i32, state: char, next: i32) -> Event {
    let prev_state = State {
        bits: u16::from(state == 'S'),
        preempted: state == '+',
    };
    let kind = EventKind::Switch {
        prev: task(prev),
        prev_state,
        next: task(next),
    };
    at(time_ns, cpu, kind)
}

fn waking(time_ns: u64, cpu: u32, pid: i32, target_cpu: u32) -> Event {
    at(
        time_ns,
        cpu,
        EventKind::Waking {
            task: task(pid),
            target_cpu,
        },
    )
}

fn wakeup(time_ns: u64, cpu: u32, pid: i32, target_cpu: u32) -> Event {
    at(
        time_ns,
        cpu,
        EventKind::Wakeup {
            task: task(pid),
            target_cpu,
        },
    )
}

/// The bursts of a pid: (sleep before, work).
fn bursts(rebuilt: &Rebuilt, pid: i32) -> Vec<(u64, u64)> {
    let program = &rebuilt.program;
    let of = program.tasks.iter().position(|task| task.id.pid == pid).unwrap() as u32;
    let bursts = &program.bursts[program.bursts_of(of).start as usize..program.bursts_of(of).end as usize];
    bursts
        .iter()
        .map(|burst| (burst.after_ns, burst.run_ns))
        .collect()
}

fn ran(rebuilt: &Rebuilt, pid: i32) -> u64 {
    bursts(rebuilt, pid).iter().map(|burst| burst.1).sum()
}

#[test]
fn a_burst_that_is_interrupted_is_one_burst() {
    let rebuilt = rebuild(&[
        switch(100, 0, 0, 'R', 1),
        switch(110, 0, 1, '+', 2),
        switch(115, 0, 2, 'S', 1),
        switch(135, 0, 1, 'S', 0),
    ]);
    assert_eq!(bursts(&rebuilt, 1), [(0, 30)]);
    // No wakeup in the whole trace: when it was first seen to run is all that is known.
    assert_eq!(bursts(&rebuilt, 2), [(10, 5)]);
}

#[test]
fn a_wakeup_by_a_task_waits_for_that_task_and_one_from_idleness_for_the_clock() {
    let rebuilt = rebuild(&[
        switch(0, 1, 2, 'S', 0),
        switch(0, 0, 0, 'R', 1),
        waking(10, 0, 2, 1),
        wakeup(10, 0, 2, 1),
        switch(12, 1, 0, 'R', 2),
        switch(20, 1, 2, 'S', 0),
        switch(30, 0, 1, 'S', 0),
        waking(50, 0, 1, 0),
        wakeup(50, 0, 1, 0),
        switch(53, 0, 0, 'R', 1),
        switch(60, 0, 1, 'S', 0),
    ]);
    assert_eq!(bursts(&rebuilt, 1), [(0, 30), (20, 7)]);
    assert_eq!(bursts(&rebuilt, 2), [(0, 0), (WOKEN, 8)]);
    let program = &rebuilt.program;
    let action = program.actions[0];
    let waker = program.tasks.iter().find(|task| task.id.pid == 1).unwrap();
    assert_eq!(program.actions_of(waker.first_burst), [action]);
    assert_eq!(
        (action.at_ns, program.tasks[action.task as usize].id.pid),
        (10, 2)
    );
    let outcome = recorded::outcome(&rebuilt, &super::properties::places("2"));
    assert_eq!(*outcome.ledger.latencies_ns, [2, 3]);
}

#[test]
fn ends_are_open() {
    let rebuilt = rebuild(&[
        // 7 has been running on CPU 1 since before the trace; 8 comes and does not go.
        waking(1_000, 0, 5, 0),
        switch(1_040, 1, 7, 'S', 8),
        switch(1_090, 0, 0, 'R', 5),
        wakeup(1_100, 0, 9, 0),
    ]);
    assert_eq!(ran(&rebuilt, 7), 40);
    assert_eq!(ran(&rebuilt, 8), 60);
    assert_eq!(ran(&rebuilt, 5), 10);
    // Woken, and never seen to run: no burst.
    assert_eq!(bursts(&rebuilt, 9), []);
    assert_eq!(rebuilt.recording.span_ns, 100);
    // First seen waiting: since the beginning.
    assert_eq!(bursts(&rebuilt, 8), [(0, 60)]);
}

#[test]
fn a_waking_that_comes_before_its_sleeper_has_left_the_cpu_is_its_wakeup() {
    let rebuilt = rebuild(&[
        switch(0, 0, 0, 'R', 1),
        switch(0, 1, 0, 'R', 2),
        waking(10, 1, 1, 0),
        switch(11, 0, 1, 'S', 0),
        wakeup(12, 0, 1, 0),
        switch(13, 0, 0, 'R', 1),
        switch(20, 0, 1, 'S', 0),
        switch(20, 1, 2, 'S', 0),
    ]);
    assert_eq!(bursts(&rebuilt, 1), [(0, 11), (WOKEN, 7)]);
    assert_eq!(rebuilt.program.actions[0].at_ns, 10);
}

#[test]
fn a_pid_is_a_task_until_its_exit() {
    let fork = EventKind::Fork {
        parent: task(1),
        child: task(2),
    };
    let new = |time_ns| {
        at(
            time_ns,
            0,
            EventKind::WakeupNew {
                task: task(2),
                target_cpu: 1,
            },
        )
    };
    let exit = |time_ns| at(time_ns, 1, EventKind::Exit { task: task(2) });
    let rebuilt = rebuild(&[
        switch(0, 0, 0, 'R', 1),
        at(5, 0, fork.clone()),
        new(6),
        switch(8, 1, 0, 'R', 2),
        exit(17),
        switch(18, 1, 2, 'S', 0),
        at(20, 0, fork),
        new(21),
        switch(22, 1, 0, 'R', 2),
        exit(24),
        switch(25, 1, 2, 'S', 0),
        switch(30, 0, 1, 'S', 0),
    ]);
    let works: Vec<u64> = rebuilt
        .program
        .tasks
        .iter()
        .map(|task| {
            let bursts = task.first_burst as usize..(task.first_burst + task.bursts) as usize;
            rebuilt.program.bursts[bursts]
                .iter()
                .map(|burst| burst.run_ns)
                .sum()
        })
        .collect();
    assert_eq!(works, [30, 10, 3]);
    let exits: Vec<Option<u64>> = rebuilt.program.tasks.iter().map(|task| task.exits_ns).collect();
    assert_eq!(exits, [None, Some(9), Some(2)]);
    assert_ne!(rebuilt.program.tasks[1].id, rebuilt.program.tasks[2].id);
    assert_eq!(rebuilt.program.actions.len(), 2);
}

#[test]
fn a_stay_whose_end_was_lost_counts_no_time() {
    let rebuilt = rebuild(&[
        switch(0, 0, 0, 'R', 1),
        waking(10, 0, 3, 0),
        at(40, 0, EventKind::Lost { count: 5 }),
        switch(50, 0, 2, 'S', 4),
        // The switch from 4 to 2 is missing without a word.
        switch(60, 0, 2, 'S', 1),
        switch(61, 0, 1, 'S', 0),
    ]);
    assert_eq!([1, 2, 4].map(|pid| ran(&rebuilt, pid)), [1, 0, 0]);
    assert_eq!(
        (rebuilt.recording.notes.lost, rebuilt.recording.notes.mismatches),
        (5, 1)
    );
}

#[test]
fn kernel_threads_of_a_cpu_are_bound_and_low_priorities_are_real_time() {
    let named = |pid: i32, comm: &str, prio: i32| Task {
        pid,
        comm: comm.into(),
        prio,
    };
    let run = |time_ns: u64, cpu: u32, who: Task| {
        let kind = |prev, next| EventKind::Switch {
            prev,
            prev_state: State {
                bits: 1,
                preempted: false,
            },
            next,
        };
        [
            at(time_ns, cpu, kind(task(0), who)),
            at(time_ns + 1, cpu, kind(who, task(0))),
        ]
    };
    let rebuilt = rebuild(
        &[
            run(0, 3, named(1, "ksoftirqd/3", 120)),
            run(2, 3, named(2, "kworker/3:1H", 100)),
            run(4, 3, named(3, "kworker/u8:3", 120)),
            run(6, 2, named(4, "migration/2", 0)),
            run(8, 2, named(5, "irq/3-nvme", 49)),
        ]
        .concat(),
    );
    let pinned: Vec<Option<u32>> = rebuilt.program.tasks.iter().map(|task| task.pinned).collect();
    assert_eq!(pinned, [Some(3), Some(3), None, Some(2), None]);
    let real_time = rebuilt
        .program
        .tasks
        .iter()
        .map(|task| task.class == Class::RealTime);
    assert_eq!(real_time.collect::<Vec<_>>(), [false, false, false, true, true]);
}

#[test]
fn what_devices_and_timers_end_is_not_the_running_tasks_doing() {
    const MS: u64 = 1_000_000;
    let leaves = |time_ns: u64, pid: i32, bits: u16| {
        let kind = EventKind::Switch {
            prev: task(pid),
            prev_state: State {
                bits,
                preempted: false,
            },
            next: task(1),
        };
        at(time_ns, 0, kind)
    };
    // Task 1 runs whenever nobody else does. Each of the others sleeps in these states for so long, woken on its own
    // CPU.
    let sleeps = |naps: &[(u16, u64)]| {
        let mut now_ns = 10;
        let mut events = vec![leaves(now_ns, 2, naps[0].0)];
        for (number, (_, nap_ns)) in naps.iter().enumerate() {
            now_ns += nap_ns;
            events.push(waking(now_ns, 0, 2, 0));
            events.push(switch(now_ns + 5, 0, 1, '+', 2));
            now_ns += 20;
            events.push(leaves(now_ns, 2, naps.get(number + 1).map_or(1, |next| next.0)));
        }
        let rebuilt = rebuild(&events);
        bursts(&rebuilt, 2)[1..]
            .iter()
            .map(|burst| burst.0)
            .collect::<Vec<u64>>()
    };
    // Waiting for a device, then for somebody.
    assert_eq!(sleeps(&[(2, 3 * MS), (1, 3 * MS / 2)]), [3 * MS, WOKEN]);
    // The second of two equal sleeps is known for a timer's, unless they are too short to tell.
    assert_eq!(
        sleeps(&[(1, 5 * MS), (1, 5 * MS + 90_000)]),
        [WOKEN, 5 * MS + 90_000]
    );
    assert_eq!(sleeps(&[(1, 5_000), (1, 5_000)]), [WOKEN, WOKEN]);
}

#[test]
fn nothing_gives_nothing() {
    let rebuilt = rebuild(&[]);
    assert!(rebuilt.program.tasks.is_empty() && rebuilt.recording.stays.is_empty());
}
