// SPDX-License-Identifier: GPL-2.0-only
//! A snapshot as it would be after the moves picked so far.

use super::features::magnitude;
use super::snapshot::{Phase, Snapshot, TaskState};

/// Loads, queues and idle CPUs of every domain, updated with every pick.
///
/// A domain's load has two witnesses: what was measured for the domain, a decayed average that trails a move by its
/// half-life, and the sum over its listed tasks, which follows a move at once but knows nothing of tasks that have
/// just exited. A gap counts only as far as both see it: believing the first alone drains a domain that was drained a
/// moment ago, believing the second alone fills one that short-lived tasks keep busy.
pub(super) struct Projection {
    measured: Vec<f32>,
    listed: Vec<f32>,
    capacity: Vec<f32>,
    queue: Vec<u32>,
    idle: Vec<u32>,
}

impl Projection {
    pub(super) fn of(snapshot: &Snapshot) -> Projection {
        let domains = &snapshot.domains;
        let capacity: Vec<f32> = domains.iter().map(|d| magnitude(d.capacity)).collect();
        let mut listed = vec![0.0; domains.len()];
        for task in &snapshot.tasks {
            if let Some(load) = listed.get_mut(task.domain) {
                *load += magnitude(task.load);
            }
        }
        for (load, &capacity) in listed.iter_mut().zip(&capacity) {
            *load = if capacity > 0.0 {
                magnitude(*load / capacity)
            } else {
                0.0
            };
        }
        Projection {
            measured: domains.iter().map(|d| magnitude(d.load)).collect(),
            listed,
            capacity,
            queue: domains.iter().map(|d| d.queue).collect(),
            idle: domains.iter().map(|d| d.idle_cpus).collect(),
        }
    }

    pub(super) fn domains(&self) -> usize {
        self.capacity.len()
    }

    /// A domain without capacity has no CPU online: its load means nothing and nothing can go there.
    pub(super) fn usable(&self, domain: usize) -> bool {
        self.capacity[domain] > 0.0
    }

    pub(super) fn load(&self, domain: usize) -> f32 {
        self.measured[domain]
    }

    pub(super) fn has_queue(&self, domain: usize) -> bool {
        self.queue[domain] > 0
    }

    pub(super) fn has_idle(&self, domain: usize) -> bool {
        self.idle[domain] > 0
    }

    /// The machine's load per capacity.
    pub(super) fn mean(&self) -> f32 {
        let total: f32 = self.capacity.iter().sum();
        let load: f32 = self
            .measured
            .iter()
            .zip(&self.capacity)
            .map(|(load, capacity)| load * capacity)
            .sum();
        if total > 0.0 { load / total } else { 0.0 }
    }

    /// How much more loaded `from` is than `to`, in load per capacity, as far as both witnesses say so.
    pub(super) fn gap(&self, from: usize, to: usize) -> f32 {
        let measured = self.measured[from] - self.measured[to];
        measured.min(self.listed[from] - self.listed[to])
    }

    /// The gap as a share: of one CPU's worth while `from` is not full, of its load when it is. So a lone light task
    /// is no imbalance, and neither is one task more among hundreds.
    pub(super) fn imbalance(&self, from: usize, to: usize) -> f32 {
        self.gap(from, to) / self.measured[from].max(1.0)
    }

    /// The load that makes both equal when it moves from one to the other.
    pub(super) fn even(&self, from: usize, to: usize) -> f32 {
        self.gap(from, to).max(0.0) / (1.0 / self.capacity[from] + 1.0 / self.capacity[to])
    }

    /// The greatest load that can move without leaving either outside of what the two span now.
    pub(super) fn swap(&self, from: usize, to: usize) -> f32 {
        self.gap(from, to).max(0.0) * self.capacity[from].min(self.capacity[to])
    }

    /// The greatest load of a waiting task that can go to an idle CPU of `to`; below 0 when none should. Only the
    /// listed tasks have a say: the measured load still remembers who left the idle CPU.
    pub(super) fn fill(&self, from: usize, to: usize) -> f32 {
        (self.listed[from] - self.listed[to]) * self.capacity[from].min(self.capacity[to])
    }

    /// Moves `task` from one domain to another.
    pub(super) fn apply(&mut self, task: &TaskState, from: usize, to: usize) {
        let load = magnitude(task.load);
        for loads in [&mut self.measured, &mut self.listed] {
            loads[from] = (loads[from] - load / self.capacity[from]).max(0.0);
            loads[to] += load / self.capacity[to];
        }
        if task.phase == Phase::Sleeping {
            return;
        }
        // A queued task leaves the queue; a running one leaves its CPU to the next in the queue, or to idleness.
        if self.queue[from] > 0 {
            self.queue[from] -= 1;
        } else if task.phase == Phase::Running {
            self.idle[from] = self.idle[from].saturating_add(1);
        }
        if self.idle[to] > 0 {
            self.idle[to] -= 1;
        } else {
            self.queue[to] = self.queue[to].saturating_add(1);
        }
    }
}
