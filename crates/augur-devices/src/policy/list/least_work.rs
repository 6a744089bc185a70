// SPDX-License-Identifier: GPL-2.0-only
//! Least work: tasks in the order of the input, each on the device that has the least work so far.

use super::{ListScheduler, Schedule};
use crate::workload::Graph;

/// `least_work`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastWork;

impl ListScheduler for LeastWork {
    fn name(&self) -> String {
        "least_work".to_owned()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        for &task in graph.order() {
            let slot = schedule.best(graph, task, |slot| schedule.work(slot.device));
            schedule.put(task, slot);
        }
    }
}
