// SPDX-License-Identifier: GPL-2.0-only
//! The questions of the steal gate: for every ordered pair of domains, may idle CPUs of one take work of the other?
//!
//! An idle CPU cannot ask a model in user space, so the answers are given beforehand, once a round, for a task that
//! stands for what would be stolen.

use super::features::{self, Totals};
use super::snapshot::{Phase, Snapshot, TaskState};
use crate::model::FeatureRow;
use std::cmp::Ordering;

/// Most pairs a round, so that a machine of hundreds of domains does not spend its rounds on this. The nearest
/// pairs are asked; the others may steal.
pub const PAIRS_MAX: usize = 4096;

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The domain that would be stolen from.
    pub from: usize,
    /// The domain whose idle CPUs would steal; equal to `from` for stealing between CPUs of one domain.
    pub to: usize,
    /// The task that stands for the pair, as an index into [`Snapshot::tasks`]: of the tasks that wait in `from` and
    /// are allowed in `to`, the one that waited longest. `None`: the domain's averages stand for it.
    pub task_index: Option<usize>,
}

/// Every ordered pair of the snapshot's domains and every domain with itself, nearest first, at most [`PAIRS_MAX`].
pub fn pairs(snapshot: &Snapshot) -> Vec<Pair> {
    let domains = snapshot.domains.len();
    let mut ends: Vec<_> = (0..domains)
        .flat_map(|from| (0..domains).map(move |to| (from, to)))
        .map(|(from, to)| (snapshot.machine.domain_distance(from, to), from, to))
        .collect();
    ends.sort_unstable_by_key(|&(distance, from, to)| (from != to, distance, from, to));
    ends.truncate(PAIRS_MAX);

    let mut queued = vec![Vec::new(); domains];
    for (index, task) in snapshot.tasks.iter().enumerate() {
        if task.domain < domains && task.phase == Phase::Queued && !task.pinned {
            queued[task.domain].push(index);
        }
    }
    queued
        .iter_mut()
        .for_each(|tasks| tasks.sort_by(|&a, &b| longest_first(snapshot, a, b)));
    let first_allowed = |from: usize, to: usize| {
        queued[from]
            .iter()
            .copied()
            .find(|&index| snapshot.tasks[index].allowed(to) > 0.0)
    };
    ends.into_iter()
        .map(|(_, from, to)| Pair {
            from,
            to,
            task_index: first_allowed(from, to),
        })
        .collect()
}

/// A waiting task last ran when it began to wait, or earlier.
fn longest_first(snapshot: &Snapshot, a: usize, b: usize) -> Ordering {
    let waited = |index: usize| features::time_us(snapshot.tasks[index].since_run_us);
    waited(b).total_cmp(&waited(a)).then(a.cmp(&b))
}

/// The feature rows of `pairs`, in their order.
pub fn rows(snapshot: &Snapshot, pairs: &[Pair]) -> Vec<FeatureRow> {
    let totals = Totals::of(snapshot);
    let mut averages: Vec<Option<TaskState>> = vec![None; snapshot.domains.len()];
    let mut row = |pair: &Pair| {
        let (from, to) = (pair.from, pair.to);
        if let Some(task) = pair.task_index.and_then(|index| snapshot.tasks.get(index)) {
            return features::task_row(snapshot, &totals, task, from, to);
        }
        match averages.get_mut(from) {
            Some(slot) => {
                let average = slot.get_or_insert_with(|| features::average_task(snapshot, from));
                features::task_row(snapshot, &totals, average, from, to)
            }
            None => features::task_row(
                snapshot,
                &totals,
                &features::average_task(snapshot, from),
                from,
                to,
            ),
        }
    };
    pairs.iter().map(&mut row).collect()
}
