// SPDX-License-Identifier: GPL-2.0-only
//! The heuristic: that it acts where it must, stays where it should, and settles.

use crate::world::{World, decide, hostile_snapshots, task, worlds};
use augur_base::topology::{Cpu, Machine, Shape};
use augur_sched::policy::{Augur, Phase, Settings};
use proptest::prelude::*;
use std::sync::Arc;

fn augur() -> Augur {
    Augur::new(Settings::default())
}

/// Rounds of 100 ms until nothing moves; at most `rounds` of them may have moves.
fn settle(mut world: World, rounds: usize) -> Vec<usize> {
    let mut policy = augur();
    for _ in 0..rounds {
        world.round(&mut policy, 100_000.0);
    }
    for round in 0..5 {
        assert_eq!(
            world.round(&mut policy, 1e6),
            0,
            "moves in round {round} after it should have settled"
        );
    }
    world.counts()
}

#[test]
fn equal_tasks_spread_evenly() {
    let check = |spec: &str, counts: &[usize], expected: &[usize]| {
        assert_eq!(
            settle(World::full(spec, counts), 3),
            expected,
            "{spec} {counts:?}"
        );
    };
    check("2x2", &[8, 0], &[4, 4]);
    check("2x2", &[0, 8], &[4, 4]);
    check("2x2", &[5, 3], &[4, 4]);
    check("2x1", &[2, 0], &[1, 1]);
    check("4x2", &[16, 0, 0, 0], &[4, 4, 4, 4]);
    check("2x2x2", &[0, 0, 12, 4], &[4, 4, 4, 4]);
}

#[test]
fn what_cannot_be_more_even_stays() {
    let check = |spec: &str, counts: &[usize]| {
        assert_eq!(settle(World::full(spec, counts), 0), counts, "{spec}");
    };
    check("2x2", &[4, 4]);
    check("2x1", &[2, 1]);
    check("2x2", &[2, 1]);
    check("2x2", &[5, 4]);
    check("4x1", &[2, 1, 1, 1]);
    check("1", &[5]);
    check("4", &[9]);
}

#[test]
fn three_tasks_on_two_domains_do_not_swing() {
    assert_eq!(settle(World::full("2x1", &[3, 0]), 1), [2, 1]);
}

#[test]
fn one_hot_domain_among_three_cold_ones_is_seen() {
    let world = World::new(
        "4x2",
        &[&[(0, 1.0); 4][..], &[(1, 0.9); 2], &[(2, 0.9); 2], &[(3, 0.2)]].concat(),
    );
    let moves = decide(&mut augur(), &world.snapshot());
    assert!(!moves.is_empty());
    assert!(
        moves.iter().all(|&(_, from, to)| (from, to) == (0, 3)),
        "{moves:?}"
    );
}

#[test]
fn the_nearest_domain_is_preferred() {
    // Domain 2 of node 1 is empty too, and has the lower index of the far ones.
    let world = World::full("2x2x2", &[2, 4, 0, 0]);
    assert_eq!(
        decide(&mut augur(), &world.snapshot())[0].2,
        2,
        "domain 0 is at the mean already"
    );
    let world = World::full("2x2x2", &[0, 4, 0, 0]);
    assert_eq!(decide(&mut augur(), &world.snapshot())[0].2, 0);
}

#[test]
fn an_idle_domain_is_filled_at_once_although_the_loads_are_young() {
    let mut world = World::new("2x2", &[(0, 0.01); 4]);
    assert_eq!(world.round(&mut augur(), 1e5), 2);
    assert_eq!(world.waiting(), 0);
}

#[test]
fn an_idle_domain_is_filled_although_its_load_still_decays() {
    let mut snapshot = World::full("2x2", &[4, 0]).snapshot();
    snapshot.domains[1].load = 9.0;
    assert_eq!(decide(&mut augur(), &snapshot).len(), 2);
}

#[test]
fn a_measured_load_that_trails_the_moves_drains_nothing_twice() {
    let mut snapshot = World::full("2x2", &[4, 4]).snapshot();
    (snapshot.domains[0].load, snapshot.domains[1].load) = (3.7, 0.3);
    assert_eq!(decide(&mut augur(), &snapshot), []);
}

#[test]
fn a_running_task_is_not_made_to_wait() {
    // Two heavy tasks on two CPUs are four times the load of four light ones, but nobody waits behind them.
    let world = World::new(
        "2x2",
        &[(0, 8.0), (0, 8.0), (1, 1.0), (1, 1.0), (1, 1.0), (1, 1.0)],
    );
    assert_eq!(decide(&mut augur(), &world.snapshot()), []);
}

#[test]
fn the_best_fit_goes() {
    let check = |loads: &[f32], expected: usize| {
        let mut world = World::new("2x1", &[(0, 0.1)]);
        let machine = world.machine.clone();
        world
            .tasks
            .extend(loads.iter().map(|&load| task(&machine, 0, load)));
        let snapshot = World::of(machine, world.tasks).snapshot();
        assert_eq!(decide(&mut augur(), &snapshot)[0].0, expected, "{loads:?}");
    };
    check(&[1.0, 0.2, 0.3], 1);
    check(&[0.05, 0.9, 0.9], 2);
    check(&[0.2, 0.8, 0.7], 2);
}

/// Whether a waiting task of `load` leaves a domain whose other tasks, of load `rest`, are pinned.
fn leaves(machine: Arc<Machine>, load: f32, rest: &[f32], opposite: f32) -> bool {
    let mut tasks: Vec<_> = rest.iter().map(|&load| task(&machine, 0, load)).collect();
    tasks.iter_mut().for_each(|task| task.pinned = true);
    tasks.extend([task(&machine, 0, load), task(&machine, 1, opposite)]);
    !decide(&mut augur(), &World::of(machine, tasks).snapshot()).is_empty()
}

#[test]
fn a_task_goes_where_that_at_least_halves_the_gap() {
    let check = |rest: f32, expected: bool| {
        let machine = Arc::new(Machine::from_spec("2x1").unwrap());
        assert_eq!(leaves(machine, 1.0, &[rest], 1.0), expected, "{rest}");
    };
    check(2.0, true);
    check(1.4, true);
    check(1.25, false);
}

#[test]
fn a_small_domain_is_not_made_the_most_loaded() {
    let check = |load: f32, expected: bool| {
        // Twelve CPUs opposite one: what makes the pair even is nearly the whole gap.
        let cpus = "13".parse::<Shape>().unwrap().cpus().into_iter();
        let cpus = cpus
            .map(|cpu| Cpu {
                llc: cpu.id / 12,
                ..cpu
            })
            .collect();
        let machine = Arc::new(Machine::from_cpus(cpus, None).unwrap());
        assert_eq!(
            leaves(machine, load, &[(24.0 - load) / 23.0; 23], 1.0),
            expected,
            "{load}"
        );
    };
    check(0.99, true);
    check(1.01, false);
}

#[test]
fn waiting_goes_before_running_and_running_before_sleeping() {
    let check = |edit: fn(&mut World), expected: usize| {
        let mut world = World::full("2x1", &[4, 0]);
        edit(&mut world);
        assert_eq!(decide(&mut augur(), &world.snapshot())[0].0, expected);
    };
    check(|_| (), 1);
    check(|world| world.tasks[2].since_run_us = 5e4, 2);
    check(|world| world.tasks[1].phase = Phase::Sleeping, 2);
    check(
        |world| world.tasks[1..].iter_mut().for_each(|task| task.pinned = true),
        0,
    );
    check(
        |world| {
            world.tasks[1..].iter_mut().for_each(|task| task.pinned = true);
            (world.tasks[1].phase, world.tasks[1].pinned) = (Phase::Sleeping, false);
            world.tasks[1].since_run_us = 9e5;
        },
        0,
    );
}

#[test]
fn what_may_not_move_stays() {
    let check = |edit: fn(&mut World)| {
        let mut world = World::full("2x2", &[8, 0]);
        edit(&mut world);
        assert_eq!(decide(&mut augur(), &world.snapshot()), []);
    };
    check(|world| world.tasks.iter_mut().for_each(|task| task.pinned = true));
    check(|world| {
        world
            .tasks
            .iter_mut()
            .for_each(|task| task.allowed_capacity[1] = 0.0)
    });
    check(|world| {
        world
            .tasks
            .iter_mut()
            .for_each(|task| task.allowed_capacity.clear())
    });
    check(|world| {
        world
            .tasks
            .iter_mut()
            .for_each(|task| task.last_domain_move_us = 199_999.0)
    });
    check(|world| {
        world
            .tasks
            .iter_mut()
            .for_each(|task| task.last_domain_move_us = f32::NAN)
    });
}

#[test]
fn the_budget_and_the_share_bound_a_round() {
    let check = |settings: Settings, expected: usize| {
        let moves = decide(
            &mut Augur::new(settings),
            &World::full("2x2", &[12, 2]).snapshot(),
        );
        assert_eq!(moves.len(), expected);
    };
    check(Settings::default(), 5);
    check(
        Settings {
            budget: 3,
            ..Settings::default()
        },
        3,
    );
    check(
        Settings {
            budget: 0,
            ..Settings::default()
        },
        0,
    );
    check(
        Settings {
            share: 0.2,
            ..Settings::default()
        },
        2,
    );
}

#[test]
fn draining_starts_high_and_stops_low() {
    // Ten CPUs a domain; each task is a tenth of a CPU's worth of load per capacity.
    let moves = |policy: &mut Augur, counts: [usize; 2]| {
        let world = World::full("2x10", &counts);
        decide(policy, &world.snapshot()).len()
    };
    let settings = Settings {
        high: 0.3,
        low: 0.1,
        share: 0.01,
        ..Settings::default()
    };
    let mut policy = Augur::new(settings);
    assert_eq!(moves(&mut policy, [24, 20]), 0, "between the marks, from below");
    assert_eq!(moves(&mut policy, [30, 20]), 1, "above the high mark");
    assert_eq!(moves(&mut policy, [24, 20]), 1, "between the marks, from above");
    assert_eq!(moves(&mut policy, [22, 20]), 0, "below the low mark");
    assert_eq!(
        moves(&mut policy, [24, 20]),
        0,
        "between the marks, from below again"
    );
}

#[test]
fn load_is_weighed_by_capacity() {
    let mut cpus = "2x2".parse::<Shape>().unwrap().cpus();
    cpus[2..].iter_mut().for_each(|cpu| cpu.capacity = 0.5);
    let machine = Arc::new(Machine::from_cpus(cpus, None).unwrap());
    let tasks = (0..9).map(|_| task(&machine, 0, 1.0)).collect();
    assert_eq!(settle(World::of(machine, tasks), 3), [6, 3]);
}

/// What the heuristic weighs, domain loads and waiting tasks, never gets worse; and it comes to rest.
fn check_settles(mut world: World) -> Result<(), TestCaseError> {
    let mut policy = Augur::new(Settings {
        cooldown_us: 0.0,
        ..Settings::default()
    });
    let mut moves = 0;
    for _ in 0..40 {
        let (gap, waiting) = (world.gap(), world.waiting());
        let moved = world.round(&mut policy, 1e5);
        prop_assert!(
            world.gap() <= gap + 1e-4,
            "the gap grew from {gap} to {}",
            world.gap()
        );
        prop_assert!(
            world.waiting() <= waiting,
            "{waiting} waited, now {}",
            world.waiting()
        );
        moves += moved;
        if moved == 0 {
            prop_assert!(
                moves <= 2 * world.tasks.len(),
                "{moves} moves of {} tasks",
                world.tasks.len()
            );
            return Ok(());
        }
    }
    Err(TestCaseError::fail(format!(
        "no rest after 40 rounds and {moves} moves"
    )))
}

proptest! {
    #[test]
    fn it_settles_without_ever_making_things_worse(world in worlds()) {
        check_settles(world)?;
    }

    #[test]
    fn a_round_is_allowed_and_names_no_task_twice(world in worlds()) {
        let mut seen = std::collections::BTreeSet::new();
        for (index, from, to) in decide(&mut augur(), &world.snapshot()) {
            prop_assert!(seen.insert(index));
            prop_assert_eq!(world.tasks[index].domain, from);
            prop_assert!(world.tasks[index].may_move_to(to));
        }
    }

    #[test]
    fn nonsense_is_survived(snapshot in hostile_snapshots()) {
        for (index, from, to) in decide(&mut augur(), &snapshot) {
            prop_assert!(from != to && to < snapshot.domains.len());
            prop_assert!(!snapshot.tasks[index].pinned);
        }
    }
}
