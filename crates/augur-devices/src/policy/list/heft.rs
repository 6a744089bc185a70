// SPDX-License-Identifier: GPL-2.0-only
//! Heterogeneous earliest finish time: tasks by upward rank, each where it ends first (Topcuoglu, Hariri, Wu,
//! "Performance-effective and low-complexity task scheduling for heterogeneous computing", IEEE TPDS 13(3), 2002).

use super::{Schedule, by_rank, rank};
use crate::workload::Graph;

/// `heft`.
pub(super) fn heft(graph: &Graph, schedule: &mut Schedule) {
    for task in by_rank(graph, &rank::upward(graph)) {
        let slot = schedule.earliest(graph, task);
        schedule.put(task, slot);
    }
}
