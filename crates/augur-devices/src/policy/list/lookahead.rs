// SPDX-License-Identifier: GPL-2.0-only
//! HEFT that looks one step ahead: a task goes where the last of its children would end first, were they put where they
//! end first (Bittencourt, Sakellariou, Madeira, "DAG scheduling using a lookahead variant of the heterogeneous earliest
//! finish time algorithm", PDP 2010).

use super::{Schedule, by_rank, rank};
use crate::workload::Graph;

/// `lookahead`.
pub(super) fn lookahead(graph: &Graph, schedule: &mut Schedule) {
    let rank = rank::upward(graph);
    for task in by_rank(graph, &rank) {
        let mut children: Vec<usize> = graph.children(task).iter().map(|edge| edge.task).collect();
        children.sort_by(|&a, &b| rank[b].total_cmp(&rank[a]));
        let slot = schedule.best(graph, task, |slot| {
            let mut trial = schedule.clone();
            trial.put(task, *slot);
            let mut last = if children.is_empty() { slot.finish } else { 0.0 };
            for &child in &children {
                let there = trial.earliest(graph, child);
                trial.put(child, there);
                last = there.finish.max(last);
            }
            last
        });
        schedule.put(task, slot);
    }
}
