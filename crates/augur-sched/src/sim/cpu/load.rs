// SPDX-License-Identifier: GPL-2.0-only
//! Which CPU a runnable task belongs to, and counts on.

use super::state::State;
use crate::policy::cpu::{Cause, NONE};

impl State {
    /// The task's CPU is `cpu` from now on.
    pub(super) fn assign(&mut self, task: u32, cpu: u32, cause: Cause) {
        let waiting = &mut self.world.tasks[task as usize];
        waiting.cpu = cpu;
        waiting.cause = cause;
        self.load_on(task, cpu);
    }

    /// The task's weight counts on `cpu` from now on.
    pub(super) fn load_on(&mut self, task: u32, cpu: u32) {
        if self.world.tasks[task as usize].load_cpu == cpu {
            return;
        }
        self.load_off(task);
        let now = self.world.now_ns;
        let weight = self.discipline.load_weight(self.world.task(task));
        self.world.tasks[task as usize].load_cpu = cpu;
        let load = &mut self.world.cpus[cpu as usize];
        load.update(now);
        load.weight += u64::from(weight);
        let core = &mut self.cores[cpu as usize];
        core.tasks += 1;
        self.ledger.counts(now, core.tasks - 1, core.tasks);
    }

    /// The task's weight leaves the CPU that counts it.
    pub(super) fn load_off(&mut self, task: u32) {
        let now = self.world.now_ns;
        let weight = self.discipline.load_weight(self.world.task(task));
        let cpu = std::mem::replace(&mut self.world.tasks[task as usize].load_cpu, NONE);
        if cpu == NONE {
            return;
        }
        let load = &mut self.world.cpus[cpu as usize];
        load.update(now);
        load.weight -= u64::from(weight);
        let core = &mut self.cores[cpu as usize];
        core.tasks -= 1;
        self.ledger.counts(now, core.tasks + 1, core.tasks);
    }
}
