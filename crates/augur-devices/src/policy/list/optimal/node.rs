// SPDX-License-Identifier: GPL-2.0-only
//! A node of the search: a beginning of schedules.

use super::bounds::Bounds;
use crate::policy::list::Slot;
use crate::workload::Graph;

/// What is put somewhere so far. Everything that follows starts no earlier than what was put last, so nothing is kept of
/// times before that.
#[derive(Clone)]
pub(super) struct Node {
    /// Tasks that are put somewhere, as bits.
    pub done: u128,
    /// The latest end so far.
    pub makespan: f64,
    /// From when on each device is free.
    pub free: Vec<f64>,
    /// Task by task, when its data can be on each device, by the parents that are put somewhere.
    pub ready: Vec<f64>,
}

/// A task that can be put somewhere next.
#[derive(Clone, Copy)]
pub(super) struct Move {
    /// Which.
    pub task: usize,
    /// Where.
    pub slot: Slot,
}

impl Node {
    /// Nothing is put anywhere.
    pub(super) fn root(graph: &Graph) -> Node {
        let devices = graph.devices().len();
        let release = (0..graph.len()).flat_map(|task| std::iter::repeat_n(graph.release(task), devices));
        Node {
            done: 0,
            makespan: 0.0,
            free: vec![0.0; devices],
            ready: release.collect(),
        }
    }

    /// Whether a task is put somewhere.
    pub(super) fn has(&self, task: usize) -> bool {
        self.done >> task & 1 == 1
    }

    /// The node after putting a task behind what a device has.
    pub(super) fn after(&self, graph: &Graph, task: usize, slot: Slot) -> Node {
        let devices = self.free.len();
        let mut next = self.clone();
        next.done |= 1 << task;
        next.makespan = self.makespan.max(slot.finish);
        for free in &mut next.free {
            *free = free.max(slot.start);
        }
        next.free[slot.device] = slot.finish;
        for edge in graph.children(task) {
            for device in 0..devices {
                let arrival = slot.finish + if device == slot.device { 0.0 } else { edge.transfer };
                let ready = &mut next.ready[edge.task * devices + device];
                *ready = ready.max(arrival);
            }
        }
        next
    }

    /// What can be put where next. Left out is what leads to nothing better than another move.
    pub(super) fn moves(&self, graph: &Graph, bounds: &Bounds) -> Vec<Move> {
        let devices = self.free.len();
        let mut moves = Vec::new();
        for task in (0..graph.len()).filter(|&task| !self.has(task)) {
            if graph.parents(task).iter().any(|edge| !self.has(edge.task)) {
                continue;
            }
            for device in (0..devices).filter(|&device| !self.is_twin(graph, bounds, device)) {
                let time = graph.time(task, device);
                if time.is_finite() {
                    let start = self.ready[task * devices + device].max(self.free[device]);
                    let finish = start + time;
                    let slot = Slot {
                        device,
                        start,
                        finish,
                    };
                    moves.push(Move { task, slot });
                }
            }
        }
        let all = moves.clone();
        moves.retain(|one| !all.iter().any(|other| fits_before(graph, bounds, other, one)));
        moves
    }

    /// A device before this one is its equal, for all that is left.
    fn is_twin(&self, graph: &Graph, bounds: &Bounds, device: usize) -> bool {
        let devices = self.free.len();
        bounds.equals(device).iter().any(|&other| {
            let same = |task: usize| {
                let ready = |device: usize| self.ready[task * devices + device].max(self.free[device]);
                self.has(task) || ready(device) == ready(other)
            };
            self.free[device] == self.free[other] && (0..graph.len()).all(same)
        })
    }
}

/// Whether `other` fits into the gap that `one` leaves before it, wherever else it would have been put, with its data no
/// later anywhere: then a schedule that has it there is as short, and begins with `other`.
fn fits_before(graph: &Graph, bounds: &Bounds, other: &Move, one: &Move) -> bool {
    let (gap, start) = (&other.slot, one.slot.start);
    other.task != one.task
        && gap.device == one.slot.device
        && gap.start < start
        && gap.finish <= start
        && gap.finish + bounds.farthest(other.task) <= start + graph.least_time(other.task)
}
