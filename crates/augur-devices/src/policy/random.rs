// SPDX-License-Identifier: GPL-2.0-only
//! Random: a share drawn evenly, on a CPU and a GPU drawn evenly. A control.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::Task;
use augur_base::random::Generator;
use rand::RngExt;

/// `random`.
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

impl DevicePolicy for Random {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        let share = self.generator.random::<f64>();
        let mut draw = |group: std::ops::Range<usize>| {
            let device = (!group.is_empty()).then(|| self.generator.random_range(group));
            device.filter(|&device| work.fits(fleet.device(device)))
        };
        match (draw(fleet.cpus()), draw(fleet.gpus())) {
            (Some(cpu), Some(gpu)) => fleet.split(cpu, gpu, share),
            (Some(device), None) | (None, Some(device)) => Placement::One(device),
            (None, None) => fleet.anywhere(&work),
        }
    }
}
