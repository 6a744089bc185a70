// SPDX-License-Identifier: GPL-2.0-only
//! The queues, as in `bpf/queue.bpf.h`: one for each CPU; who waits where, who will run for how long.

use super::Augur;
use super::vtime::{Own, vtime_delta};
use crate::policy::cpu::{Enqueue, NONE, World};

/// The predicted rest of a task's burst: of one that outlived its prediction, as long again as it has run.
pub(super) fn predicted_run_ns(own: &Own) -> u64 {
    match own.burst_ns < own.avg_run_ns {
        true => own.avg_run_ns - own.burst_ns,
        false => own.burst_ns,
    }
}

impl Augur {
    pub(super) fn wait_begin(&mut self, task: u32, domain: u32) {
        self.wait_end(task);
        self.waits_in[task as usize] = domain;
        self.waiting[domain as usize] += 1;
    }

    pub(super) fn wait_end(&mut self, task: u32) {
        let domain = std::mem::replace(&mut self.waits_in[task as usize], NONE);
        if domain != NONE {
            self.waiting[domain as usize] -= 1;
        }
    }

    /// How long the task that runs on a CPU will go on. Within its predicted burst: the rest of it. Beyond: as long
    /// again as it has run. `u64::MAX` where something real time runs or nothing at all, because nothing is known
    /// then.
    pub(super) fn remaining_ns(&self, world: &World, cpu: u32) -> u64 {
        let since_ns = world.cpu(cpu).since_ns;
        if since_ns == 0 {
            return u64::MAX;
        }
        let ran = world.now_ns.saturating_sub(since_ns);
        let predicted = self.clocks[cpu as usize].current_run_ns;
        if ran < predicted { predicted - ran } else { ran }
    }

    /// Where a task of this vtime stands in a queue: where its vtime will be at the end of its burst, or of its slice.
    /// So of two that are owed the same, the one that is done sooner goes first.
    pub(super) fn queue_key(&self, world: &World, task: u32, vtime: u64) -> u64 {
        if !self.tuning.deadline_order {
            return vtime;
        }
        let request_ns = predicted_run_ns(&self.tasks[task as usize]);
        let weight = world.task(task).weight;
        vtime.wrapping_add(vtime_delta(weight, request_ns.min(self.tuning.slice_ns)))
    }

    /// The longest slice on `cpu`: so long that a round through its queue takes no longer than anybody may wait.
    pub(super) fn slice_on_ns(&self, world: &World, cpu: u32) -> u64 {
        let share_ns = self.tuning.starving_ns / (world.queue(cpu).len() as u64 + 1);
        match share_ns >= self.tuning.slice_ns {
            true => self.tuning.slice_ns,
            false => share_ns.max(self.tuning.slice_min_ns),
        }
    }

    /// A place in the queue of `cpu`: where it was interrupted, it goes on ahead of those that it was ahead of.
    pub(super) fn queue_on(&mut self, world: &World, task: u32, cpu: u32) -> Enqueue {
        self.vtime_place(task, cpu);
        let key = self.queue_key(world, task, self.tasks[task as usize].vtime);
        self.wait_begin(task, world.places.domain_of(cpu));
        let own = &mut self.tasks[task as usize];
        let (key, slice_ns) = match own.resumes {
            true => (own.slice_vtime, own.slice_left_ns),
            false => (key, self.tuning.slice_ns),
        };
        own.slice_granted_ns = slice_ns;
        own.slice_ns = slice_ns;
        own.rescued = false;
        Enqueue::Queue { queue: cpu, key }
    }

    /// Straight onto a CPU.
    pub(super) fn run_on(&mut self, task: u32, slice_ns: u64) {
        let own = &mut self.tasks[task as usize];
        own.slice_granted_ns = slice_ns;
        own.slice_ns = slice_ns;
        own.resumes = false;
        own.rescued = false;
    }
}
