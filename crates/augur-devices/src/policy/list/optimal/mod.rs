// SPDX-License-Identifier: GPL-2.0-only
//! The shortest schedule of a graph, by branch and bound: at any moment the best that was found, and a bound that is
//! proven.
//!
//! Every schedule can be had by putting tasks behind what their device has, in the order in which they start. So a
//! [`Node`] of the search is a set of tasks that are put somewhere, from when on each device is free, and when data can
//! be where. What is cut off never holds the only shortest schedule:
//!
//! ```text
//! bounds  what no schedule that begins like this is shorter than
//! kept    of two nodes with the same tasks, one that is nowhere earlier is superfluous
//! node    a device that is as good as one before it; a task that leaves a gap which another fits into for nothing
//! beam    a first good schedule: the best nodes of each level
//! ```
//! The search is repeated under rising limits: all schedules shorter than a limit are looked for, and where there is none
//! the limit is a proven bound. So the bound rises while the search goes on, and the last limit is the best schedule itself.

mod beam;
mod bounds;
mod kept;
mod node;

use super::portfolio::best_of;
use super::{Schedule, Slot, bound, heft::heft, lookahead::lookahead, peft::peft};
use crate::workload::Graph;
use bounds::Bounds;
use kept::Kept;
use node::{Move, Node};

/// Sets of tasks are kept in one word.
pub const MOST_TASKS: usize = 128;
/// Two times closer than this, relative to the makespan, are one.
const ROUNDING: f64 = 1e-9;
/// Nodes of the first pass under a limit; each time that they are not enough there are so many times as many.
const FIRST_BUDGET: u64 = 60_000;
const BUDGET_GROWTH: u64 = 4;
/// Nodes of a level that the first beam keeps, and at most.
const BEAM: [usize; 2] = [24, 3_000];
/// Whoever stops the search is asked once in so many nodes.
const ASKED: u64 = 64;

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

/// Searches until the best is proven, `most_nodes` were looked at, or `stop` says so.
pub fn search(graph: &Graph, most_nodes: u64, stop: &dyn Fn() -> bool) -> Found {
    let mut search = Search {
        graph,
        bounds: Bounds::of(graph),
        best: heuristic(graph),
        whole: is_whole(graph),
        kept: Kept::default(),
        nodes: 0,
        most_nodes,
        budget: 0,
        stop,
        asked: 0,
        stopped: false,
        limit: f64::INFINITY,
        path: Vec::with_capacity(graph.len()),
    };
    let root = Node::root(graph);
    let mut lower = bound::makespan(graph).max(search.bounds.of_node(graph, &root));
    if graph.len() <= MOST_TASKS {
        search.rise(&root, &mut lower);
    }
    let makespan = search.best.makespan();
    let proven = !search.is_open(lower);
    Found {
        bound: if proven { makespan } else { search.rounded(lower) },
        schedule: search.best,
        proven,
        nodes: search.nodes,
    }
}

fn heuristic(graph: &Graph) -> Schedule {
    let mut schedule = Schedule::new(graph);
    best_of(&[heft, peft, lookahead], graph, &mut schedule);
    schedule
}

/// All times are whole numbers, so that makespans are.
fn is_whole(graph: &Graph) -> bool {
    // Sums of such numbers are exact.
    const MOST: f64 = 1e9;
    let whole = |time: f64| time.fract() == 0.0 && time < MOST;
    (0..graph.len()).all(|task| {
        let times = graph.times(task).iter().filter(|time| time.is_finite());
        let transfers = graph.children(task).iter().map(|edge| edge.transfer);
        times
            .copied()
            .chain(transfers)
            .chain([graph.release(task)])
            .all(whole)
    })
}

struct Search<'a> {
    graph: &'a Graph,
    bounds: Bounds,
    best: Schedule,
    whole: bool,
    kept: Kept,
    nodes: u64,
    most_nodes: u64,
    /// The pass ends at this many nodes.
    budget: u64,
    stop: &'a dyn Fn() -> bool,
    /// It was, when so many had been looked at.
    asked: u64,
    stopped: bool,
    /// Only schedules shorter than this are looked for.
    limit: f64,
    path: Vec<(usize, Slot)>,
}

impl Search<'_> {
    /// Passes under rising limits, until the best is proven or the search is stopped; `lower` is what is proven.
    fn rise(&mut self, root: &Node, lower: &mut f64) {
        let (mut budget, mut width, mut part) = (FIRST_BUDGET, BEAM[0], 8.0);
        self.beam(root, width);
        while self.is_open(*lower) && !self.stopped {
            let best = self.best.makespan();
            self.limit = *lower + (best - *lower) / part;
            if part <= 1.0 || self.rounded(self.limit) >= best {
                self.limit = best;
            }
            self.kept.clear();
            self.budget = (self.nodes + budget).min(self.most_nodes);
            if self.branch(root) {
                *lower = lower.max(self.limit.min(self.best.makespan()));
                part /= 2.0;
            } else if self.nodes >= self.most_nodes {
                self.stopped = true;
            } else if !self.stopped {
                budget *= BUDGET_GROWTH;
                if width < BEAM[1] {
                    width = (width * 3).min(BEAM[1]);
                    self.beam(root, width);
                }
            }
        }
    }

    /// The least makespan that there can be from a bound on.
    fn rounded(&self, bound: f64) -> f64 {
        match self.whole {
            true => (bound - 1e-6).ceil(),
            false => bound,
        }
    }

    /// Whether something better than the best may exist.
    fn is_open(&self, bound: f64) -> bool {
        let best = self.best.makespan();
        self.rounded(bound) < best - ROUNDING * best
    }

    /// Whether that may be below the limit.
    fn promises(&self, bound: f64) -> bool {
        self.is_open(bound) && self.rounded(bound) < self.limit
    }

    /// Looks at all that can follow; false where it had to stop.
    fn branch(&mut self, node: &Node) -> bool {
        if self.path.len() == self.graph.len() {
            self.take(node.makespan);
            return true;
        }
        for next in self.next(node) {
            if !self.promises(next.bound) || !self.kept.keep(self.graph, &next.node) {
                continue;
            }
            self.path.push((next.task, next.slot));
            let complete = self.branch(&next.node);
            self.path.pop();
            if !complete {
                return false;
            }
        }
        !self.is_over()
    }

    /// All nodes that can follow and promise something, the most promising first.
    fn next(&mut self, node: &Node) -> Vec<Next> {
        let mut all = Vec::new();
        for Move { task, slot } in node.moves(self.graph, &self.bounds) {
            if !self.promises(slot.finish + self.bounds.rest(task, slot.device)) {
                continue;
            }
            let after = node.after(self.graph, task, slot);
            self.nodes += 1;
            let bound = self.bounds.of_node(self.graph, &after);
            if self.promises(bound) {
                all.push(Next {
                    bound,
                    task,
                    slot,
                    node: after,
                });
            }
        }
        all.sort_by(|a, b| {
            let by_finish = a.slot.finish.total_cmp(&b.slot.finish);
            a.bound.total_cmp(&b.bound).then(by_finish)
        });
        all
    }

    fn is_over(&mut self) -> bool {
        if self.nodes >= self.asked + ASKED {
            self.asked = self.nodes;
            self.stopped |= (self.stop)();
        }
        self.stopped || self.nodes >= self.budget
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

/// A node that follows, what was done for it, and what it promises.
struct Next {
    bound: f64,
    task: usize,
    slot: Slot,
    node: Node,
}
