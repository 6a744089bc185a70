// SPDX-License-Identifier: GPL-2.0-only
//! Earliest finish time: tasks in the order of the input, each where it ends first. HEFT without its ranks.

use super::{ListScheduler, Schedule};
use crate::workload::Graph;

/// `eft`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eft;

impl ListScheduler for Eft {
    fn name(&self) -> String {
        "eft".to_owned()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        for &task in graph.order() {
            let slot = schedule.earliest(graph, task);
            schedule.put(task, slot);
        }
    }
}
