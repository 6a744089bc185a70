// SPDX-License-Identifier: GPL-2.0-only
//! The balancing heuristic of scx_rusty, as its documentation describes it: domains above the mean load push tasks to
//! domains below it. Here the moves are carried out, which its user-space balancer's are not since 1.0.9.
//!
//! A domain is out of balance where its load differs from the mean by more than [`HIGH_RATIO`]. The most loaded pushes
//! first, to the least loaded. What moves is the task whose load is nearest to half of what the pair should exchange,
//! and only where that leaves the two closer than they were.

use super::features::magnitude;
use super::{Candidate, Phase, Policy, Snapshot};

/// A domain is out of balance when its load differs from the mean by this share.
const HIGH_RATIO: f32 = 0.10;
/// How much of the smaller imbalance of a pair a task should carry over.
const TRANSFER_RATIO: f32 = 0.50;
/// A domain pushes at most this share of its imbalance a round.
const PUSH_MAX_RATIO: f32 = 0.50;
/// scx_rusty balances every two seconds.
pub const INTERVAL_NS: u64 = 2_000_000_000;

/// The balancer of `rusty`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rusty;

/// A domain's load in nice-0 tasks, and what it should be.
struct Book {
    load: Vec<f32>,
    fair: Vec<f32>,
}

impl Book {
    fn of(snapshot: &Snapshot) -> Book {
        let capacity: Vec<f32> = snapshot
            .domains
            .iter()
            .map(|domain| magnitude(domain.capacity))
            .collect();
        let mut load = vec![0.0; capacity.len()];
        for task in &snapshot.tasks {
            if let Some(sum) = load.get_mut(task.domain) {
                *sum += magnitude(task.load);
            }
        }
        let (total, all): (f32, f32) = (load.iter().sum(), capacity.iter().sum());
        let fair = capacity
            .iter()
            .map(|own| if all > 0.0 { total * own / all } else { 0.0 })
            .collect();
        Book { load, fair }
    }

    /// How far a domain is above its fair load.
    fn excess(&self, domain: usize) -> f32 {
        self.load[domain] - self.fair[domain]
    }

    fn out_of_balance(&self, domain: usize) -> bool {
        self.excess(domain).abs() > self.fair[domain] * HIGH_RATIO
    }

    /// Domains by their excess, the greatest first.
    fn by_excess(&self) -> Vec<usize> {
        let mut domains: Vec<usize> = (0..self.load.len()).collect();
        domains.sort_by(|&a, &b| self.excess(b).total_cmp(&self.excess(a)).then(a.cmp(&b)));
        domains
    }
}

impl Policy for Rusty {
    fn name(&self) -> String {
        "rusty".to_owned()
    }

    fn decide(&mut self, snapshot: &Snapshot, candidates: &mut Vec<Candidate>) {
        candidates.clear();
        let mut book = Book::of(snapshot);
        let mut moved = vec![false; snapshot.tasks.len()];
        for from in book.by_excess() {
            if book.excess(from) <= 0.0 || !book.out_of_balance(from) {
                continue;
            }
            let mut quota = book.excess(from) * PUSH_MAX_RATIO;
            while quota > 0.0
                && let Some((task_index, to)) = pick(snapshot, &book, &moved, from)
            {
                let task = &snapshot.tasks[task_index];
                let load = magnitude(task.load);
                book.load[from] -= load;
                book.load[to] += load;
                quota -= load;
                moved[task_index] = true;
                candidates.push(Candidate {
                    task: task.id,
                    task_index,
                    from,
                    to,
                });
            }
        }
    }
}

/// The task that best goes from a domain, and where to: the domain furthest below its fair load that any fits.
fn pick(snapshot: &Snapshot, book: &Book, moved: &[bool], from: usize) -> Option<(usize, usize)> {
    let pulls = book.by_excess().into_iter().rev();
    let mut pulls = pulls.filter(|&to| to != from && book.excess(to) < 0.0 && book.out_of_balance(to));
    pulls.find_map(|to| {
        let wanted = book.excess(from).min(-book.excess(to)) * TRANSFER_RATIO;
        let tasks = snapshot.tasks.iter().enumerate().filter(|&(index, task)| {
            let movable = task.domain == from && task.may_move_to(to) && task.phase != Phase::Sleeping;
            movable && !moved[index] && lessens(book, from, to, magnitude(task.load))
        });
        let miss = |load: f32| (magnitude(load) - wanted).abs();
        let best = tasks.min_by(|(a, x), (b, y)| miss(x.load).total_cmp(&miss(y.load)).then(a.cmp(b)));
        best.map(|(index, _)| (index, to))
    })
}

/// Whether moving `load` leaves the pair closer to their fair loads than it was.
fn lessens(book: &Book, from: usize, to: usize, load: f32) -> bool {
    let before = book.excess(from).abs() + book.excess(to).abs();
    let after = (book.excess(from) - load).abs() + (book.excess(to) + load).abs();
    load > 0.0 && after < before
}
