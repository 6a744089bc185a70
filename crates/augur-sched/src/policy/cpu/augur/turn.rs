// SPDX-License-Identifier: GPL-2.0-only
//! Turns, as in `bpf/turn.bpf.h`: whether the task that runs goes on when its slice has ended, or hands over.

use super::Augur;
use crate::policy::cpu::{Dispatch, World, before};

impl Augur {
    /// The one that runs on a CPU lets others go first; whether its turn ends. (No trace tells of yields, but the rule is
    /// one of the kernel's half.)
    pub fn yields(&mut self, world: &World, task: u32) -> bool {
        let cpu = world.task(task).cpu;
        if world.queue(cpu).is_empty() && world.cpu(cpu).local == 0 {
            return false;
        }
        self.vtime_yield(world, task);
        self.tasks[task as usize].yielded = true;
        true
    }

    /// Does the task that runs go on? By vtime, so that weights are honoured to the slice.
    pub(super) fn keeps_running(&mut self, world: &World, task: u32, cpu: u32) -> bool {
        if !world.allows(task, cpu) {
            return false;
        }
        let Some(first) = world.queue(cpu).first() else {
            return true;
        };
        if self.tasks[task as usize].yielded {
            return false;
        }
        self.charge(world, task);
        // Who comes in its place may be ahead of it by `lead_ns`. Whom the tick saw may be gone: nobody else gets its turn.
        if self.clocks[cpu as usize].evicts && self.sooner_done(world, first.task, cpu) {
            return false;
        }
        let key = self.queue_key(world, task, self.tasks[task as usize].vtime);
        before(key, first.key)
    }

    pub(super) fn grant_again(&mut self, world: &World, task: u32) -> Dispatch {
        self.charge(world, task);
        let cpu = world.task(task).cpu;
        self.clocks[cpu as usize].evicts = false;
        let ran = world.now_ns - world.task(task).run_at_ns;
        let slice_ns = self.slice_on_ns(world, cpu);
        let own = &mut self.tasks[task as usize];
        own.rescued = false;
        own.yielded = false;
        own.slice_vtime = own.vtime;
        own.slice_granted_ns = ran + slice_ns;
        Dispatch::Keep { slice_ns }
    }
}
