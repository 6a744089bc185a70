// SPDX-License-Identifier: GPL-2.0-only
//! A good schedule soon: of all beginnings with so many tasks only the most promising go on.

use super::node::Node;
use super::{Next, Search};
use crate::policy::list::{Schedule, Slot};

/// A beginning, and how it came about.
struct Begun {
    node: Node,
    /// Its place in the list of steps.
    step: Option<usize>,
}

impl Search<'_> {
    /// Keeps `width` beginnings of each length, and takes the best schedule of those that get to the end.
    pub(super) fn beam(&mut self, root: &Node, width: usize) {
        // Whatever is better than the best counts here, and a pass may take as long as it takes.
        (self.limit, self.budget) = (f64::INFINITY, u64::MAX);
        let mut steps: Vec<(Option<usize>, usize, Slot)> = Vec::new();
        let mut level = vec![Begun {
            node: root.clone(),
            step: None,
        }];
        for _ in 0..self.graph.len() {
            self.kept.clear();
            let mut all: Vec<(Option<usize>, Next)> = Vec::new();
            for begun in &level {
                let next = self.next(&begun.node);
                all.extend(next.into_iter().map(|next| (begun.step, next)));
                if self.is_over() {
                    return;
                }
            }
            // Of equal bounds the one that has used less of the devices.
            let used = |next: &Next| next.node.free.iter().sum::<f64>();
            all.sort_by(|(_, a), (_, b)| a.bound.total_cmp(&b.bound).then(used(a).total_cmp(&used(b))));
            level.clear();
            for (before, next) in all {
                if level.len() == width {
                    break;
                }
                if self.kept.keep(self.graph, &next.node) {
                    steps.push((before, next.task, next.slot));
                    level.push(Begun {
                        node: next.node,
                        step: Some(steps.len() - 1),
                    });
                }
            }
        }
        let best = level
            .iter()
            .min_by(|a, b| a.node.makespan.total_cmp(&b.node.makespan));
        if let Some(best) = best.filter(|best| self.promises(best.node.makespan)) {
            let mut schedule = Schedule::new(self.graph);
            let mut at = best.step;
            while let Some((before, task, slot)) = at.map(|at| steps[at]) {
                schedule.put(task, slot);
                at = before;
            }
            self.best = schedule;
        }
    }
}
