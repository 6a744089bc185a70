// SPDX-License-Identifier: GPL-2.0-only
//! The shortest schedule of a small graph, by branch and bound.
//!
//! Every schedule can be had by putting tasks behind what their device has, in the order in which they start. So a node
//! of the search is a set of tasks that are put somewhere, the latest start among them, from when on each device is free,
//! and when data can be where. A next task starts no earlier than the latest start: what is lost by that is found on
//! another branch. Of two nodes with the same tasks one that is nowhere later makes the other superfluous.

use super::{Heft, ListScheduler, Lookahead, Peft, Schedule, Slot, bound};
use crate::workload::Graph;
use std::collections::HashMap;

/// Sets of tasks are kept in one word.
const MOST_TASKS: usize = 64;
/// Nodes that are kept for comparison with others: memory stays below a gigabyte.
const MOST_KEPT: usize = 2_000_000;
/// Two times closer than this, relative to the makespan, are one.
const ROUNDING: f64 = 1e-9;

/// What the search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The best schedule that was seen.
    pub schedule: Schedule,
    /// No schedule is shorter than this.
    pub bound: f64,
    /// The schedule is proven to be the shortest.
    pub proven: bool,
    /// How many nodes were looked at.
    pub nodes: u64,
}

/// Searches until the best is proven, or `most_nodes` were looked at.
pub fn search(graph: &Graph, most_nodes: u64) -> Found {
    let lower = bound::makespan(graph);
    let mut search = Search {
        graph,
        rest: bound::rest(graph),
        best: heuristic(graph),
        kept: HashMap::new(),
        count: 0,
        nodes: 0,
        most_nodes,
        lower,
        path: Vec::with_capacity(graph.len()),
    };
    let complete = graph.len() <= MOST_TASKS && search.is_open() && search.branch(&Node::root(graph));
    let proven = complete || !search.is_open();
    let schedule = search.best;
    Found {
        bound: if proven { schedule.makespan() } else { lower },
        schedule,
        proven,
        nodes: search.nodes,
    }
}

fn heuristic(graph: &Graph) -> Schedule {
    let members: [&mut dyn ListScheduler; 3] = [&mut Heft, &mut Peft, &mut Lookahead];
    let mut schedules = members.map(|member| {
        let mut schedule = Schedule::new(graph);
        member.schedule(graph, &mut schedule);
        schedule
    });
    schedules.sort_by(|a, b| a.makespan().total_cmp(&b.makespan()));
    let [best, ..] = schedules;
    best
}

#[derive(Clone)]
struct Node {
    /// Tasks that are put somewhere, as bits.
    done: u64,
    /// The latest start so far.
    last: f64,
    makespan: f64,
    /// From when on each device is free.
    free: Vec<f64>,
    /// Task by task, when its data can be on each device, by the parents that are put somewhere.
    ready: Vec<f64>,
}

struct Search<'a> {
    graph: &'a Graph,
    rest: Vec<f64>,
    best: Schedule,
    /// Nodes by their tasks: latest start, free devices and data that is still needed, as one row.
    kept: HashMap<u64, Vec<Vec<f64>>>,
    count: usize,
    nodes: u64,
    most_nodes: u64,
    lower: f64,
    path: Vec<(usize, Slot)>,
}

impl Node {
    fn root(graph: &Graph) -> Node {
        let devices = graph.devices().len();
        let release = (0..graph.len()).flat_map(|task| std::iter::repeat_n(graph.release(task), devices));
        Node {
            done: 0,
            last: 0.0,
            makespan: 0.0,
            free: vec![0.0; devices],
            ready: release.collect(),
        }
    }

    fn has(&self, task: usize) -> bool {
        self.done >> task & 1 == 1
    }

    /// The node after putting a task behind what a device has.
    fn after(&self, graph: &Graph, task: usize, slot: Slot) -> Node {
        let devices = self.free.len();
        let mut next = self.clone();
        next.done |= 1 << task;
        next.last = slot.start;
        next.makespan = self.makespan.max(slot.finish);
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
}

impl Search<'_> {
    /// Whether something better than the best may exist.
    fn is_open(&self) -> bool {
        self.promises(self.lower)
    }

    fn promises(&self, bound: f64) -> bool {
        let best = self.best.makespan();
        bound < best - ROUNDING * best
    }

    /// Looks at all that can follow; false where it had to stop.
    fn branch(&mut self, node: &Node) -> bool {
        self.nodes += 1;
        if self.nodes > self.most_nodes {
            return false;
        }
        if self.path.len() == self.graph.len() {
            self.take(node.makespan);
            return true;
        }
        let mut next = self.moves(node);
        next.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.2.finish.total_cmp(&b.2.finish)));
        for (bound, task, slot) in next {
            if !self.promises(bound) {
                continue;
            }
            let after = node.after(self.graph, task, slot);
            if !self.promises(self.bound(&after)) || !self.keep(&after) {
                continue;
            }
            self.path.push((task, slot));
            let complete = self.branch(&after);
            self.path.pop();
            if !complete {
                return false;
            }
        }
        true
    }

    /// What can be put where next, with what it promises.
    fn moves(&self, node: &Node) -> Vec<(f64, usize, Slot)> {
        let devices = node.free.len();
        let mut moves = Vec::new();
        for task in (0..self.graph.len()).filter(|&task| !node.has(task)) {
            if self.graph.parents(task).iter().any(|edge| !node.has(edge.task)) {
                continue;
            }
            for device in 0..devices {
                let time = self.graph.time(task, device);
                let start = node.ready[task * devices + device]
                    .max(node.free[device])
                    .max(node.last);
                let slot = Slot {
                    device,
                    start,
                    finish: start + time,
                };
                let bound = slot.finish + self.rest[task * devices + device];
                if bound.is_finite() {
                    moves.push((bound, task, slot));
                }
            }
        }
        moves
    }

    /// No schedule that begins like this is shorter.
    fn bound(&self, node: &Node) -> f64 {
        let devices = node.free.len();
        let mut earliest = node.ready.clone();
        let (mut longest, mut work) = (node.makespan, 0.0);
        for &task in self.graph.order().iter().filter(|&&task| !node.has(task)) {
            let mut least = f64::INFINITY;
            let row = task * devices;
            for device in 0..devices {
                let start = earliest[row + device].max(node.free[device]).max(node.last);
                earliest[row + device] = start + self.graph.time(task, device);
                least = least.min(earliest[row + device] + self.rest[row + device]);
            }
            longest = longest.max(least);
            work += self.graph.least_time(task);
            for edge in self.graph.children(task) {
                for device in 0..devices {
                    let arrive =
                        |from: usize| earliest[row + from] + if from == device { 0.0 } else { edge.transfer };
                    let arrival = (0..devices).map(arrive).fold(f64::INFINITY, f64::min);
                    let ready = &mut earliest[edge.task * devices + device];
                    *ready = ready.max(arrival);
                }
            }
        }
        let free: f64 = node.free.iter().map(|free| free.max(node.last)).sum();
        longest.max((free + work) / devices as f64)
    }

    /// Remembers a node; false where one is known with the same tasks that is nowhere later.
    fn keep(&mut self, node: &Node) -> bool {
        let devices = node.free.len();
        let mut row = vec![node.last, node.makespan];
        // What is free or there before the latest start makes no difference any more.
        row.extend(node.free.iter().map(|free| free.max(node.last)));
        for task in (0..self.graph.len()).filter(|&task| !node.has(task)) {
            if self.graph.parents(task).iter().any(|edge| node.has(edge.task)) {
                let ready = &node.ready[task * devices..(task + 1) * devices];
                row.extend(ready.iter().map(|ready| ready.max(node.last)));
            }
        }
        let is_later = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b);
        let known = self.kept.entry(node.done).or_default();
        if known.iter().any(|other| is_later(&row, other)) {
            return false;
        }
        let before = known.len();
        known.retain(|other| !is_later(other, &row));
        self.count -= before - known.len();
        if self.count < MOST_KEPT {
            known.push(row);
            self.count += 1;
        }
        true
    }

    fn take(&mut self, makespan: f64) {
        if self.promises(makespan) {
            let mut schedule = Schedule::new(self.graph);
            self.path
                .iter()
                .for_each(|&(task, slot)| schedule.put(task, slot));
            self.best = schedule;
        }
    }
}
