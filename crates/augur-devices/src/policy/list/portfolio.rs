// SPDX-License-Identifier: GPL-2.0-only
//! Portfolio: tries every list scheduler on the graph, and takes the schedule that ends first.

use super::{Schedule, cpop::cpop, heft::heft, lookahead::lookahead, peft::peft, plain};
use crate::workload::Graph;

/// `portfolio`.
pub(super) fn portfolio(graph: &Graph, schedule: &mut Schedule) {
    let (eft, least_work, greedy) = (plain::eft, plain::least_work, plain::greedy);
    best_of(
        &[heft, peft, lookahead, cpop, eft, least_work, greedy],
        graph,
        schedule,
    );
}

/// Tries all of them; of those that end first it takes the first.
pub(super) fn best_of(members: &[fn(&Graph, &mut Schedule)], graph: &Graph, schedule: &mut Schedule) {
    let trials = members.iter().map(|member| {
        let mut trial = schedule.clone();
        member(graph, &mut trial);
        trial
    });
    let best = trials.min_by(|a, b| a.makespan().total_cmp(&b.makespan()));
    if let Some(best) = best {
        *schedule = best;
    }
}
