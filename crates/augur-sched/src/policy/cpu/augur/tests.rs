// SPDX-License-Identifier: GPL-2.0-only
//! The rules one by one, on a machine of two domains of one CPU each; expected values by hand from `bpf/`.

use super::*;
use crate::policy::cpu::world::Cpu;
use crate::policy::cpu::{Cause, Mask, Places, Queue};
use crate::policy::{Phase, TaskId};
use augur_base::topology::Machine;
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// Three tasks of nice 0 at time 1 s; task 0 runs on CPU 0 since 10 ms, CPU 1 idles.
fn world() -> World {
    let places = Arc::new(Places::new(Arc::new(Machine::from_spec("2x1").unwrap())));
    let task = |pid| {
        let mut task = Task::new(TaskId { pid, start_ns: 1 }, NICE0_WEIGHT, 0);
        task.allowed = 2;
        task
    };
    let mut world = World {
        now_ns: 1_000 * MS,
        cpus: vec![Cpu::default(); 2],
        idle: Mask::of(2, [1]),
        queues: vec![Queue::default(); 2],
        tasks: (1..4).map(task).collect(),
        masks: Arc::new(vec![places.all.clone()]),
        places,
    };
    world.cpus[0].current = 0;
    world.cpus[0].since_ns = 990 * MS;
    world.tasks[0].run_at_ns = 990 * MS;
    world.tasks[0].phase = Phase::Running;
    world
}

fn augur(world: &World, tuning: Tuning) -> Augur {
    let mut augur = Augur::new("augur".to_owned(), tuning);
    augur.prepare(world);
    augur
}

fn plain(world: &World) -> Augur {
    augur(world, Tuning::default())
}

#[test]
fn a_burst_is_hoped_to_be_as_short_as_a_trial() {
    let world = world();
    for (trial_ns, average_ns, hoped_ns, slice_ns) in [
        (MS, 8 * MS, MS, 2 * MS),
        (MS, 300_000, 300_000, MS),
        (0, 8 * MS, 8 * MS, 16 * MS),
        (0, 80 * MS, 80 * MS, 20 * MS),
    ] {
        let mut augur = augur(
            &world,
            Tuning {
                trial_ns,
                ..Tuning::default()
            },
        );
        augur.tasks[1].avg_run_ns = average_ns;
        assert_eq!(augur.hoped_run_ns(1), hoped_ns);
        assert_eq!(augur.interrupting_slice_ns(1), slice_ns);
    }
}

#[test]
fn a_slice_shorter_than_the_least_one_is_no_panic() {
    let world = world();
    let tuning = Tuning {
        slice_ns: 100_000,
        ..Tuning::default()
    };
    assert_eq!(
        augur(&world, tuning).interrupting_slice_ns(1),
        2 * MS.min(100_000) / 2
    );
}

#[test]
fn a_queue_is_ordered_by_where_each_burst_or_slice_will_end() {
    let mut world = world();
    for (weight, burst_ns, average_ns, ahead_ns) in [
        (1024, 0, 3 * MS, 3 * MS),
        (1024, MS, 3 * MS, 2 * MS),
        // It outlived its prediction: as long again.
        (1024, 5 * MS, 3 * MS, 5 * MS),
        // No further than a slice.
        (1024, 0, 90 * MS, 20 * MS),
        // A quarter of the weight, four times the virtual time.
        (256, 0, 3 * MS, 12 * MS),
    ] {
        let mut augur = plain(&world);
        world.tasks[1].weight = weight;
        (augur.tasks[1].burst_ns, augur.tasks[1].avg_run_ns) = (burst_ns, average_ns);
        assert_eq!(augur.queue_key(&world, 1, 7), 7 + ahead_ns);
        augur.tuning.deadline_order = false;
        assert_eq!(augur.queue_key(&world, 1, 7), 7);
    }
}

#[test]
fn only_sleep_limits_what_a_task_is_owed() {
    let world = world();
    let mut augur = plain(&world);
    augur.clocks[0].vtime_now = 500 * MS;
    augur.clocks[1].vtime_now = 100 * MS;
    let own = |augur: &mut Augur, vtime: u64| {
        augur.tasks[1].vtime = vtime;
        augur.tasks[1].vtime_cpu = 0;
    };
    // Waiting: it takes its 90 ms to the other clock, in full.
    own(&mut augur, 410 * MS);
    augur.vtime_place(1, 1);
    assert_eq!(augur.tasks[1].vtime, 10 * MS);
    // Sleeping: 20 ms of them.
    own(&mut augur, 410 * MS);
    augur.vtime_wake(1, 1);
    assert_eq!(augur.tasks[1].vtime, 80 * MS);
    // What it owes is not forgiven.
    own(&mut augur, 530 * MS);
    augur.vtime_wake(1, 0);
    assert_eq!(augur.tasks[1].vtime, 530 * MS);
}

#[test]
fn a_clock_goes_on_beside_a_task_that_runs_alone() {
    let mut world = world();
    let mut augur = plain(&world);
    let mut requests = Vec::new();
    augur.clocks[0].current_vtime = 40 * MS;
    augur.clocks[0].current_weight = 1024;
    augur.tick(&world, 0, &mut requests);
    assert_eq!((augur.clocks[0].vtime_now, requests.len()), (50 * MS, 0));
    // Who waits keeps the clock where it is.
    world.queues[0].insert(1, 1);
    world.now_ns += 4 * MS;
    augur.tick(&world, 0, &mut requests);
    assert_eq!(augur.clocks[0].vtime_now, 50 * MS);
    assert_eq!(requests, [Request::Kick(1)]);
}

#[test]
fn a_tick_lets_the_first_that_waits_interrupt_where_it_could_have_at_its_wakeup() {
    for (case, vtime_ns, burst_ns, tick_preempt, interrupts) in [
        ("its turn, and short", 0, 0, true, true),
        ("not its turn", 11 * MS, 0, true, false),
        ("no short one: it has run for 9 ms", 0, 9 * MS, true, false),
        ("switched off", 0, 0, false, false),
    ] {
        let mut world = world();
        world.idle = Mask::of(2, []);
        world.queues[0].insert(1, 1);
        let mut augur = plain(&world);
        augur.tuning.tick_preempt = tick_preempt;
        // 10 ms beyond its prediction: taken to go on for 10 ms.
        augur.clocks[0].current_weight = 1024;
        augur.tasks[1].vtime = vtime_ns;
        augur.tasks[1].burst_ns = burst_ns;
        let mut requests = Vec::new();
        augur.tick(&world, 0, &mut requests);
        assert_eq!(requests == [Request::Resched(0)], interrupts, "{case}");
    }
}

#[test]
fn a_wakeup_interrupts_and_a_fork_does_not() {
    let mut world = world();
    world.idle = Mask::of(2, []);
    for (why, local) in [(Why::Wakeup, true), (Why::Fork, false)] {
        let mut augur = plain(&world);
        augur.clocks[0].current_weight = 1024;
        augur.clocks[0].current_vtime = 5 * MS;
        let place = augur.enqueue(&world, 1, 0, why, &mut Vec::new());
        assert_eq!(place == Enqueue::Local { preempt: true }, local, "{why:?}");
    }
}

#[test]
fn anything_interrupts_what_runs_only_when_nothing_else_does() {
    let world = world();
    let mut augur = plain(&world);
    augur.clocks[0].current_yields = true;
    augur.tasks[1].vtime = 900 * MS;
    assert!(augur.may_preempt(&world, 1, 0));
    let mut alike = world.clone();
    alike.tasks[1].weight = SCHED_IDLE_WEIGHT;
    assert!(!augur.may_preempt(&alike, 1, 0));
}

#[test]
fn who_was_interrupted_resumes_with_what_is_left_and_ahead_of_whom_it_was_ahead() {
    let world = world();
    for (granted_ns, resumes) in [(20 * MS, true), (11 * MS, false)] {
        let mut augur = plain(&world);
        augur.tasks[0].vtime_cpu = 0;
        augur.tasks[0].charged_at_ns = 990 * MS;
        augur.tasks[0].slice_granted_ns = granted_ns;
        augur.stopping(&world, 0, 0, true);
        assert_eq!(augur.tasks[0].resumes, resumes);
        assert_eq!(augur.tasks[0].slice_left_ns, granted_ns - 10 * MS);
        assert_eq!(
            (augur.tasks[0].vtime, augur.tasks[0].burst_ns),
            (10 * MS, 10 * MS)
        );
        let place = augur.enqueue(&world, 0, 0, Why::Stopped, &mut Vec::new());
        let key = if resumes { 0 } else { 20 * MS };
        assert_eq!(place, Enqueue::Queue { queue: 0, key });
    }
}

#[test]
fn a_child_of_a_vfork_stays_where_no_cpu_idles() {
    let mut world = world();
    world.cpus[0].weight = 3 * 1024;
    for (vforked, stays, idles, cpu) in [
        (true, 1, false, 0),
        (true, 1, true, 1),
        (true, 2, true, 0),
        (true, 0, true, 1),
        (false, 2, true, 1),
    ] {
        world.idle = Mask::of(2, idles.then_some(1));
        world.tasks[1].vforked = vforked;
        let mut augur = plain(&world);
        augur.tuning.vfork_stays = stays;
        let wake = Wake {
            fork: true,
            waker: Some(0),
        };
        let wanted = Placement {
            cpu,
            idle: cpu == 1,
            cause: Cause::Other,
        };
        assert_eq!(augur.place(&world, 1, wake), wanted, "{vforked} {stays} {idles}");
    }
}

#[test]
fn who_is_about_to_be_gone_is_waited_for_and_not_interrupted() {
    let mut world = world();
    let wake = Wake {
        fork: false,
        waker: Some(0),
    };
    let mut augur = plain(&world);
    // Its predicted burst says that the CPU is taken for long, and that a shorter one may interrupt it.
    augur.clocks[0].current_run_ns = 100 * MS;
    augur.clocks[0].current_vtime = 5 * MS;
    augur.tasks[1].avg_run_ns = 5 * MS;
    assert_eq!(augur.place(&world, 1, wake).cpu, 1);
    assert!(augur.may_preempt(&world, 1, 0));
    world.tasks[0].leaving = true;
    assert_eq!(augur.place(&world, 1, wake).cpu, 0);
    assert!(!augur.may_preempt(&world, 1, 0));
    // Who waits there already comes first, so the idle CPU is sooner.
    world.queues[0] = Queue::default();
    world.queues[0].insert(0, 2);
    assert_eq!(augur.place(&world, 1, wake).cpu, 1);
}
