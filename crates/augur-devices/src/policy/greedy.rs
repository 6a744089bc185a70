// SPDX-License-Identifier: GPL-2.0-only
//! Greedy: the GPU's share is the task's intensity, on the CPU and the GPU that have the least left to do.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::Task;

/// `greedy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greedy;

impl DevicePolicy for Greedy {
    fn name(&self) -> String {
        "greedy".to_owned()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        let cpu = fleet.least_busy(fleet.cpus(), &work);
        let gpu = fleet.least_busy(fleet.gpus(), &work);
        match (cpu, gpu) {
            (Some(cpu), Some(gpu)) => fleet.split(cpu, gpu, task.intensity),
            _ => fleet.anywhere(&work),
        }
    }
}
