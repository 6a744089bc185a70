// SPDX-License-Identifier: GPL-2.0-only
//! The heuristic: load flows from the most to the least loaded domain, the nearest first.
//!
//! Every round is greedy over pairs of domains. The most loaded domain gives the task that fits best to the nearest
//! domain that it outweighs, the projection of all loads takes the move in, and the next pick starts from there. A
//! pair is judged by itself: the machine's mean only orders destinations, so it cannot hide one hot domain among
//! several that are moderately cold.
//!
//! Two reasons move a task:
//! * **even**: the domain is above its water mark, and the task's load is at most what makes the pair even;
//! * **fill**: the task waits while the destination has an idle CPU. This needs no water mark.
//!
//! Neither ever leaves a pair further apart than it was, nor makes a task wait that did not; each pick lessens either
//! the spread of the loads or the number that wait. That is why repeated rounds settle instead of swinging.

use super::Policy;
use super::features::{magnitude, time_us};
use super::projection::Projection;
use super::settings::Settings;
use super::snapshot::{Candidate, Phase, Snapshot, TaskState};
use std::cmp::Ordering;

/// How far, as a share, a task's load may exceed what makes a pair even: up to there the gap is at least halved. With
/// less, five tasks on one side stay beside three and a bit on the other, because none of them fits what is missing.
const OVERSHOOT: f32 = 0.5;

/// Moving less load than this evens nothing out.
const NEGLIGIBLE_LOAD: f32 = 0.001;

/// The project's own policy. Its only memory is which domains it is draining.
#[derive(Clone, Debug, Default)]
pub struct Augur {
    settings: Settings,
    draining: Vec<bool>,
}

impl Augur {
    /// A balancer that has not seen anything yet.
    pub fn new(settings: Settings) -> Augur {
        Augur {
            settings,
            draining: Vec::new(),
        }
    }

    /// Hysteresis: a domain starts to drain above the high water mark and stops below the low one.
    fn update_draining(&mut self, projection: &Projection) {
        self.draining.resize(projection.domains(), false);
        for (from, draining) in self.draining.iter_mut().enumerate() {
            let others =
                (0..projection.domains()).filter(|&to| projection.usable(from) && projection.usable(to));
            let worst = others
                .map(|to| projection.imbalance(from, to))
                .fold(0.0, f32::max);
            *draining = worst
                > if *draining {
                    self.settings.low
                } else {
                    self.settings.high
                };
        }
    }
}

impl Policy for Augur {
    fn name(&self) -> String {
        self.settings.spelling("augur").to_string()
    }

    fn decide(&mut self, snapshot: &Snapshot, candidates: &mut Vec<Candidate>) {
        candidates.clear();
        let projection = Projection::of(snapshot);
        self.update_draining(&projection);
        let mut picks = Picks::new(snapshot, &self.settings, &self.draining, projection);
        while candidates.len() < self.settings.budget
            && let Some(candidate) = picks.pick()
        {
            candidates.push(candidate);
        }
    }
}

/// What has been picked in a round, and what is left to pick from.
struct Picks<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
    draining: &'a [bool],
    projection: Projection,
    /// The machine's load per capacity, which moves do not change.
    mean: f32,
    /// For each domain, its tasks that may be picked, by index.
    tasks: Vec<Vec<usize>>,
    /// For each domain, the load that may still leave it to make it more even.
    allowance: Vec<f32>,
    /// Domains that may still have something to give.
    open: Vec<usize>,
}

impl<'a> Picks<'a> {
    fn new(
        snapshot: &'a Snapshot,
        settings: &'a Settings,
        draining: &'a [bool],
        projection: Projection,
    ) -> Self {
        let domains = projection.domains();
        let mut tasks = vec![Vec::new(); domains];
        for (index, task) in snapshot.tasks.iter().enumerate() {
            // A time that is not a number is no proof that the task has cooled down.
            if task.domain < domains && !task.pinned && task.last_domain_move_us >= settings.cooldown_us {
                tasks[task.domain].push(index);
            }
        }
        let usable: Vec<usize> = (0..domains).filter(|&domain| projection.usable(domain)).collect();
        let least = usable
            .iter()
            .map(|&domain| projection.load(domain))
            .fold(f32::INFINITY, f32::min);
        let capacity = |domain: usize| magnitude(snapshot.domains[domain].capacity);
        let apart = |domain: usize| (projection.load(domain) - least).max(0.0) * capacity(domain);
        let allowance = (0..domains)
            .map(|domain| settings.share * apart(domain))
            .collect();
        Picks {
            snapshot,
            settings,
            draining,
            mean: projection.mean(),
            tasks,
            allowance,
            open: usable,
            projection,
        }
    }

    /// The next move, from the most loaded domain that has one.
    fn pick(&mut self) -> Option<Candidate> {
        loop {
            let from = self.most_loaded()?;
            let choice = self
                .destinations(from)
                .into_iter()
                .find_map(|to| self.choose(from, to));
            let Some(candidate) = choice else {
                // What others still do this round may give it a chance again; the next round will see to that.
                self.open.retain(|&domain| domain != from);
                continue;
            };
            let task = &self.snapshot.tasks[candidate.task_index];
            self.projection.apply(task, from, candidate.to);
            self.allowance[from] -= magnitude(task.load);
            self.tasks[from].retain(|&index| index != candidate.task_index);
            return Some(candidate);
        }
    }

    fn most_loaded(&self) -> Option<usize> {
        let load = |domain: usize| self.projection.load(domain);
        self.open
            .iter()
            .copied()
            .max_by(|&a, &b| load(a).total_cmp(&load(b)).then(b.cmp(&a)))
    }

    /// Where load of `from` may go: first the domains below the machine's mean, then the others; of each the nearest
    /// first, of these the least loaded first. Without the mean, a near domain would be filled to the brim and its
    /// load moved again, farther, as soon as the tasks have cooled down.
    fn destinations(&self, from: usize) -> Vec<usize> {
        let projection = &self.projection;
        let mut others: Vec<usize> = (0..projection.domains())
            .filter(|&to| to != from && projection.usable(to))
            .collect();
        let near = |to: usize| {
            (
                projection.load(to) >= self.mean,
                self.snapshot.machine.domain_distance(from, to),
            )
        };
        others.sort_by(|&a, &b| {
            let by_load = projection.load(a).total_cmp(&projection.load(b));
            near(a).cmp(&near(b)).then(by_load).then(a.cmp(&b))
        });
        others
    }

    /// The task that best goes from one domain to the other, if any should.
    fn choose(&self, from: usize, to: usize) -> Option<Candidate> {
        let even_max = self.even_max(from, to);
        let fill_max = self.fill_max(from, to);
        if even_max <= 0.0 && fill_max < 0.0 {
            return None;
        }
        let target = self.projection.even(from, to);
        let fits = |task: &TaskState| {
            let load = magnitude(task.load);
            let evens = load > NEGLIGIBLE_LOAD && load <= even_max;
            let fills = task.phase == Phase::Queued && load <= fill_max;
            (evens || fills) && task.may_move_to(to)
        };
        let tasks = &self.snapshot.tasks;
        let best = self.tasks[from]
            .iter()
            .copied()
            .filter(|&index| fits(&tasks[index]));
        let best = best.min_by(|&a, &b| by_preference(&tasks[a], &tasks[b], target).then(a.cmp(&b)));
        best.map(|task_index| Candidate {
            task: tasks[task_index].id,
            task_index,
            from,
            to,
        })
    }

    /// The greatest load that may move to make the pair more even; 0 for none.
    fn even_max(&self, from: usize, to: usize) -> f32 {
        let projection = &self.projection;
        let waiting = projection.has_queue(from);
        let heavy = waiting || projection.load(from) >= self.settings.floor;
        // A task that runs must not come to wait for the sake of equal loads.
        let harmless = waiting || projection.has_idle(to);
        let apart = self.draining[from] && projection.imbalance(from, to) > self.settings.low;
        if apart && heavy && harmless && self.allowance[from] > 0.0 {
            // Where capacities differ, overshooting could leave `from` below what `to` had.
            (projection.even(from, to) * (1.0 + OVERSHOOT)).min(projection.swap(from, to))
        } else {
            0.0
        }
    }

    /// The greatest load of a waiting task that may move to an idle CPU; below 0 for none.
    fn fill_max(&self, from: usize, to: usize) -> f32 {
        let projection = &self.projection;
        if projection.has_queue(from) && projection.has_idle(to) {
            projection.fill(from, to)
        } else {
            -1.0
        }
    }
}

/// Which of two tasks should rather go: the one whose load is nearer, in powers of two, to the target; then the one
/// that costs less to interrupt; then the one with the colder cache; then the closer fit.
fn by_preference(a: &TaskState, b: &TaskState, target: f32) -> Ordering {
    let coarse = |task: &TaskState| {
        let load = magnitude(task.load).max(NEGLIGIBLE_LOAD);
        // The cast takes what is not a number as 0.
        (target / load).log2().abs() as u32
    };
    let interruption = |task: &TaskState| match task.phase {
        Phase::Queued => 0,
        Phase::Running => 1,
        Phase::Sleeping => 2,
    };
    let cold = |task: &TaskState| time_us(task.since_run_us);
    let miss = |task: &TaskState| (target - magnitude(task.load)).abs();
    (coarse(a), interruption(a))
        .cmp(&(coarse(b), interruption(b)))
        .then(cold(b).total_cmp(&cold(a)))
        .then(miss(a).total_cmp(&miss(b)))
}
