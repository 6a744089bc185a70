// SPDX-License-Identifier: GPL-2.0-only
//! Random: tasks in the order of the input, each on a device drawn among those where it can run. A control.

use super::{ListScheduler, Schedule};
use crate::workload::Graph;
use augur_base::random::Generator;
use rand::RngExt;

/// `random[seed=…]`.
#[derive(Clone, Debug)]
pub struct Random {
    name: String,
    generator: Generator,
}

impl Random {
    /// Draws from a generator that the caller seeded.
    pub fn new(name: String, generator: Generator) -> Random {
        Random { name, generator }
    }
}

impl ListScheduler for Random {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        for &task in graph.order() {
            let slot = schedule.best(graph, task, |_| self.generator.random::<f64>());
            schedule.put(task, slot);
        }
    }
}
