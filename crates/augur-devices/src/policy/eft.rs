// SPDX-License-Identifier: GPL-2.0-only
//! Earliest finish time: the one device on which the task would be done first.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::{Task, Work};

/// `eft`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Eft;

impl DevicePolicy for Eft {
    fn name(&self) -> String {
        "eft".to_owned()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        earliest(fleet, &fleet.estimate(task))
    }
}

/// The one device on which the work would be done first; of equals the first.
pub fn earliest(fleet: &Fleet, work: &Work) -> Placement {
    let mut best = (f64::INFINITY, fleet.anywhere(work));
    for device in (0..fleet.len()).filter(|&device| work.fits(fleet.device(device))) {
        let placement = Placement::One(device);
        let finish_s = fleet.finish_s(work, placement);
        if finish_s < best.0 {
            best = (finish_s, placement);
        }
    }
    best.1
}
