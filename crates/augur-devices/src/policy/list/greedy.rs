// SPDX-License-Identifier: GPL-2.0-only
//! Greedy: tasks in the order of the input, each on the device where it takes least time, however long it waits there.

use super::{ListScheduler, Schedule};
use crate::workload::Graph;

/// `greedy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greedy;

impl ListScheduler for Greedy {
    fn name(&self) -> String {
        "greedy".to_owned()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        for &task in graph.order() {
            let slot = schedule.best(graph, task, |slot| graph.time(task, slot.device));
            schedule.put(task, slot);
        }
    }
}
