// SPDX-License-Identifier: GPL-2.0-only
//! Features: each by its definition, and none ever without a number.

use crate::world::{World, hostile_snapshots};
use augur_sched::model::FEATURES;
use augur_sched::policy::{Candidate, Snapshot, TaskId, features};
use proptest::prelude::*;

fn candidate(task_index: usize, from: usize, to: usize) -> Candidate {
    Candidate {
        task: TaskId { pid: 1, start_ns: 1 },
        task_index,
        from,
        to,
    }
}

fn feature(snapshot: &Snapshot, candidate: Candidate, name: &str) -> f32 {
    let index = FEATURES.iter().position(|feature| *feature == name).unwrap();
    features::row(snapshot, &candidate)[index]
}

#[test]
fn each_feature_is_what_it_says() {
    let mut world = World::full("2x2x2", &[5, 1, 0, 0]);
    world.tasks[0].waker_domain = Some(1);
    world.tasks[0].allowed_capacity[1] = 1.0;
    let snapshot = world.snapshot();
    let check = |name: &str, expected: f32| {
        assert_eq!(feature(&snapshot, candidate(0, 0, 1), name), expected, "{name}");
    };
    check("cpu_util", 3.0 / 8.0);
    check("idle_cpus", 5.0);
    check("active_cpus", 3.0);
    check("src_load", 2.5);
    check("dst_load", 0.5);
    check("imbalance", 2.0 / 3.0);
    check("src_queue", 3.0);
    check("dst_queue", 0.0);
    check("src_idle", 0.0);
    check("dst_idle", 1.0);
    check("task_load", 1.0);
    check("task_weight", 1.0);
    check("avg_run_us", 1_000.0);
    check("avg_sleep_us", 500.0);
    check("since_run_us", 0.0);
    check("wakeups_hz", 10.0);
    check("last_migration_us", 3e6);
    check("distance", 3.0);
    check("waker_in_dst", 1.0);
    check("capacity_ratio", 0.5);
}

#[test]
fn distance_and_ratio_have_their_corners() {
    let mut world = World::full("2x2x2", &[2, 0, 0, 0]);
    let check = |world: &World, to: usize, name: &str, expected: f32| {
        assert_eq!(
            feature(&world.snapshot(), candidate(0, 0, to), name),
            expected,
            "{name} to {to}"
        );
    };
    check(&world, 0, "distance", 2.0);
    check(&world, 1, "distance", 3.0);
    check(&world, 2, "distance", 4.0);
    check(&world, 0, "imbalance", 0.0);
    check(&world, 2, "imbalance", 1.0);
    world.tasks[0].allowed_capacity = vec![0.0, 2.0, 0.0];
    check(&world, 1, "capacity_ratio", features::CAPACITY_RATIO_MAX);
    check(&world, 2, "capacity_ratio", 0.0);
    check(&world, 3, "capacity_ratio", 0.0);
    world.tasks[0].last_migration_us = f32::INFINITY;
    check(&world, 1, "last_migration_us", features::TIME_MAX_US);
}

#[test]
fn a_task_that_is_not_there_is_its_domains_average() {
    let world = World::new("2x2", &[(0, 1.0), (0, 0.5), (1, 0.2)]);
    let check = |name: &str, expected: f32| {
        assert_eq!(
            feature(&world.snapshot(), candidate(usize::MAX, 0, 1), name),
            expected,
            "{name}"
        );
    };
    check("task_load", 0.75);
    check("waker_in_dst", 0.0);
    check("capacity_ratio", 1.0);
}

proptest! {
    #[test]
    fn every_feature_is_always_a_number(snapshot in hostile_snapshots(), task in 0usize..14, ends in (0usize..7, 0usize..7)) {
        let row = features::row(&snapshot, &candidate(task, ends.0, ends.1));
        for (name, value) in FEATURES.iter().zip(row) {
            prop_assert!(value.is_finite(), "{} is {}", name, value);
            prop_assert!(value.is_sign_positive() || *name == "imbalance", "{} is {}", name, value);
        }
    }
}
