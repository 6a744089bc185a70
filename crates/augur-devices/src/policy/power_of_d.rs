// SPDX-License-Identifier: GPL-2.0-only
//! The power of d choices: of d devices that are drawn, the one that has the fewest tasks (Mitzenmacher, IEEE TPDS 12(10),
//! 2001).

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::Task;
use augur_base::random::Generator;
use rand::RngExt;

/// `power_of_d[d=…]`.
#[derive(Clone, Debug)]
pub struct PowerOfD {
    name: String,
    d: usize,
    generator: Generator,
}

impl PowerOfD {
    /// Draws `d` devices, each among all, from a generator that the caller seeded.
    pub fn new(name: String, d: usize, generator: Generator) -> PowerOfD {
        PowerOfD { name, d, generator }
    }
}

impl DevicePolicy for PowerOfD {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        let drawn = (0..self.d).map(|_| self.generator.random_range(0..fleet.len().max(1)));
        let fitting = drawn.filter(|&device| work.fits(fleet.device(device)));
        // Of equals the first that was drawn.
        let best = fitting.min_by_key(|&device| fleet.states[device].queue);
        best.map_or_else(|| fleet.anywhere(&work), Placement::One)
    }
}
