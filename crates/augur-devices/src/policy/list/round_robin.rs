// SPDX-License-Identifier: GPL-2.0-only
//! Round robin: tasks in the order of the input, on the devices in turn; a device where a task cannot run is left out.

use super::{ListScheduler, Schedule};
use crate::workload::Graph;

/// `round_robin`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin;

impl ListScheduler for RoundRobin {
    fn name(&self) -> String {
        "round_robin".to_owned()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        let devices = graph.devices().len();
        let mut turn = 0;
        for &task in graph.order() {
            let slot = schedule.best(graph, task, |slot| {
                ((slot.device + devices - turn) % devices) as f64
            });
            turn = (slot.device + 1) % devices;
            schedule.put(task, slot);
        }
    }
}
