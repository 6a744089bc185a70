// SPDX-License-Identifier: GPL-2.0-only
//! Nodes that were looked at, found by the set of their tasks. Of each set some are kept, so that looking for one that makes
//! another superfluous takes the same time however many there are.

use super::node::Node;
use crate::workload::Graph;
use std::collections::HashMap;

/// Of a set of tasks, at most so many.
const MOST_OF_A_SET: usize = 32;
/// Numbers that are kept in all: half a gigabyte.
const MOST_NUMBERS: usize = 1 << 26;

/// Nodes by their tasks.
#[derive(Default)]
pub(super) struct Kept {
    sets: HashMap<u128, Set>,
    numbers: usize,
}

/// The last ones of a set, in a ring.
#[derive(Default)]
struct Set {
    rows: Vec<Box<[f64]>>,
    oldest: usize,
}

impl Kept {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.sets.clear();
        self.numbers = 0;
    }

    /// Remembers a node; false where one is known with the same tasks that is nowhere later.
    pub(super) fn keep(&mut self, graph: &Graph, node: &Node) -> bool {
        let row = row(graph, node);
        let set = self.sets.entry(node.done).or_default();
        let is_later = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| a >= b);
        if set.rows.iter().any(|other| is_later(&row, other)) {
            return false;
        }
        if let Some(at) = set.rows.iter().position(|other| is_later(other, &row)) {
            set.rows[at] = row;
        } else if set.rows.len() == MOST_OF_A_SET {
            set.rows[set.oldest] = row;
            set.oldest = (set.oldest + 1) % MOST_OF_A_SET;
        } else if self.numbers < MOST_NUMBERS {
            self.numbers += row.len();
            set.rows.push(row);
        }
        true
    }
}

/// All that what follows depends on: the latest end, free devices, and data that is still needed. What is there before its
/// device is free makes no difference.
fn row(graph: &Graph, node: &Node) -> Box<[f64]> {
    let devices = node.free.len();
    let mut row = vec![node.makespan];
    row.extend(&node.free);
    for task in (0..graph.len()).filter(|&task| !node.has(task)) {
        if graph.parents(task).iter().any(|edge| node.has(edge.task)) {
            let ready = &node.ready[task * devices..(task + 1) * devices];
            row.extend(ready.iter().zip(&node.free).map(|(ready, free)| ready.max(*free)));
        }
    }
    row.into_boxed_slice()
}
