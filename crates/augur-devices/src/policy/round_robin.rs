// SPDX-License-Identifier: GPL-2.0-only
//! Round robin: a GPU and a CPU in turn, and among the GPUs and the CPUs in turn.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::Task;

/// `round_robin`.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    turn: usize,
}

impl DevicePolicy for RoundRobin {
    fn name(&self) -> String {
        "round_robin".to_owned()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let turn = self.turn;
        self.turn += 1;
        let (gpus, cpus) = (fleet.gpus(), fleet.cpus());
        let group = match (turn.is_multiple_of(2), gpus.is_empty(), cpus.is_empty()) {
            (_, false, true) | (true, false, _) => gpus.clone(),
            _ => cpus.clone(),
        };
        // Each kind has its own turn, unless there is one only.
        let rounds = if gpus.is_empty() || cpus.is_empty() {
            turn
        } else {
            turn / 2
        };
        let device = group.start + rounds % group.len().max(1);
        let work = fleet.estimate(task);
        if work.fits(fleet.device(device)) {
            Placement::One(device)
        } else {
            fleet.anywhere(&work)
        }
    }
}
