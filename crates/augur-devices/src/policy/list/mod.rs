// SPDX-License-Identifier: GPL-2.0-only
//! List scheduling of a graph of tasks on devices: tasks in some order, each put where it seems best, into gaps where it
//! fits one. One scheduler a file.
//!
//! ```text
//! schedule   what is put where so far, and where a task would fit
//! rank       what orders tasks: upward and downward rank, optimistic cost
//! heft cpop peft lookahead            of the literature
//! plain      in the order of the input: eft least_work greedy round_robin random
//! portfolio  the best of them
//! bound      no schedule can be shorter          optimal    the shortest, by branch and bound
//! registry   all of them by name
//! ```

pub mod bound;
mod cpop;
mod heft;
mod lookahead;
pub mod optimal;
mod peft;
mod plain;
mod portfolio;
pub mod rank;
pub mod registry;
pub mod schedule;

pub use registry::parse;
pub use schedule::{Schedule, Slot};

use crate::workload::Graph;

/// Puts all tasks of a graph into a schedule, which is empty, or tells from when on devices are free.
pub type ListScheduler = Box<dyn FnMut(&Graph, &mut Schedule) + Send>;

/// The next task of `ready` that `priority` puts first; of equals the one that comes first in the graph's order.
struct ReadyList {
    missing: Vec<usize>,
    ready: Vec<usize>,
}

impl ReadyList {
    fn new(graph: &Graph) -> ReadyList {
        let missing: Vec<usize> = (0..graph.len()).map(|task| graph.parents(task).len()).collect();
        let ready = graph.order().iter().filter(|&&task| missing[task] == 0);
        let ready = ready.copied().collect();
        ReadyList { missing, ready }
    }

    fn pop(&mut self, graph: &Graph, priority: &[f64]) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (at, &task) in self.ready.iter().enumerate() {
            let ahead = best.is_none_or(|best| {
                let other = self.ready[best];
                priority[task] > priority[other] || (priority[task] == priority[other] && task < other)
            });
            if ahead {
                best = Some(at);
            }
        }
        let task = self.ready.swap_remove(best?);
        for edge in graph.children(task) {
            self.missing[edge.task] -= 1;
            if self.missing[edge.task] == 0 {
                self.ready.push(edge.task);
            }
        }
        Some(task)
    }
}

/// All tasks, the highest `rank` first; of equals the one that comes first in the graph's order, so that parents stay
/// before children where a task takes no time.
fn by_rank(graph: &Graph, rank: &[f64]) -> Vec<usize> {
    let mut tasks = graph.order().to_vec();
    tasks.sort_by(|&a, &b| rank[b].total_cmp(&rank[a]));
    tasks
}
