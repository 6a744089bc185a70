// SPDX-License-Identifier: GPL-2.0-only
//! The steal gate's questions.

use crate::world::{World, hostile_snapshots};
use augur_sched::policy::steal::{PAIRS_MAX, Pair, pairs, rows};
use proptest::prelude::*;

fn ends(world: &World) -> Vec<(usize, usize)> {
    pairs(&world.snapshot())
        .iter()
        .map(|pair| (pair.from, pair.to))
        .collect()
}

#[test]
fn every_pair_is_asked_and_the_nearest_first() {
    let expected = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3), //
        (0, 1),
        (1, 0),
        (2, 3),
        (3, 2), //
        (0, 2),
        (0, 3),
        (1, 2),
        (1, 3),
        (2, 0),
        (2, 1),
        (3, 0),
        (3, 1),
    ];
    assert_eq!(ends(&World::full("2x2x1", &[])), expected);
    assert_eq!(ends(&World::full("1", &[])), [(0, 0)]);
}

#[test]
fn the_questions_are_bounded() {
    let world = World::full("2x40x1", &[]);
    let ends = ends(&world);
    assert_eq!(ends.len(), PAIRS_MAX);
    let near = ends.iter().filter(|(from, to)| (from / 40) == (to / 40)).count();
    assert_eq!(near, 2 * 40 * 40, "all pairs of one node come before the others");
}

#[test]
fn the_task_that_waited_longest_stands_for_the_pair() {
    // Task 0 runs; the others wait.
    let mut world = World::full("2x1", &[4]);
    for (index, since_run_us) in [(1, 10.0), (2, 30.0), (3, 20.0)] {
        world.tasks[index].since_run_us = since_run_us;
    }
    let check = |world: &World, from: usize, to: usize, expected: Option<usize>| {
        let pairs = pairs(&world.snapshot());
        assert!(
            pairs.contains(&Pair {
                from,
                to,
                task_index: expected
            }),
            "{from} to {to}: {pairs:?}"
        );
    };
    check(&world, 0, 1, Some(2));
    check(&world, 0, 0, Some(2));
    check(&world, 1, 0, None);
    world.tasks[2].allowed_capacity[1] = 0.0;
    check(&world, 0, 1, Some(3));
    check(&world, 0, 0, Some(2));
    world.tasks[3].pinned = true;
    check(&world, 0, 1, Some(1));
}

proptest! {
    #[test]
    fn every_pair_has_a_row_of_numbers(snapshot in hostile_snapshots(), stray in 0usize..9) {
        let mut pairs = pairs(&snapshot);
        prop_assert_eq!(pairs.len(), snapshot.domains.len().pow(2));
        pairs.push(Pair { from: stray, to: stray, task_index: Some(stray) });
        pairs.push(Pair { from: stray, to: 0, task_index: None });
        let rows = rows(&snapshot, &pairs);
        prop_assert_eq!(rows.len(), pairs.len());
        prop_assert!(rows.iter().flatten().all(|value| value.is_finite()));
    }
}
