// SPDX-License-Identifier: GPL-2.0-only
//! Least work remaining: the device that will first have done all that it has, whatever the task takes there.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::Task;

/// `least_work`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastWork;

impl DevicePolicy for LeastWork {
    fn name(&self) -> String {
        "least_work".to_owned()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        fleet.anywhere(&fleet.estimate(task))
    }
}
