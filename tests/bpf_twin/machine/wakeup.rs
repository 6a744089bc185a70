// SPDX-License-Identifier: GPL-2.0-only
//! Becoming runnable: forks and wakeups.

use super::{Checked, Machine, same};
use crate::kernel::ENQ_WAKEUP;
use augur_sched::policy::Phase;
use augur_sched::policy::cpu::{Cause, Discipline, NONE, Placement, Wake, Why};

impl Machine<'_> {
    pub(super) fn fork(&mut self, parent: u32, vfork: bool) -> Checked {
        let task = self.born;
        if task as usize == self.specs.len() {
            return Ok(());
        }
        self.born += 1;
        self.world.tasks[task as usize].cpu = parent;
        self.world.tasks[task as usize].vforked = vfork;
        self.wake(task, parent, true)
    }

    pub(super) fn woken(&mut self, task: u32, waker: Option<u32>, ends: bool) -> Checked {
        let own = self.world.task(task).cpu;
        let current = self.world.cpu(own).current;
        let leaver = (ends && current != NONE).then_some(current);
        self.set_leaving(leaver, true);
        self.wake(task, waker.unwrap_or(own), false)?;
        self.set_leaving(leaver, false);
        Ok(())
    }

    pub(super) fn set_leaving(&mut self, task: Option<u32>, leaving: bool) {
        if let Some(task) = task {
            self.world.tasks[task as usize].leaving = leaving;
            self.kernel.set_exiting(task, leaving);
        }
    }

    pub(super) fn wake(&mut self, task: u32, waker: u32, fork: bool) -> Checked {
        let from = self.world.task(task).cpu;
        self.begin_burst(task);
        self.world.tasks[task as usize].cause = Cause::Other;
        self.load_on(task, from);
        self.twin.runnable(&self.world, task);
        let placement = self.placement(task, waker, fork);
        self.on(waker);
        let cpu = self
            .kernel
            .select_cpu(task, from as i32, fork, self.world.task(task).vforked);
        same(|| format!("where task {task} goes"), cpu, placement.cpu as i32)?;
        let direct = self.kernel.is_direct(task);
        same(
            || format!("whether task {task} goes to an idle CPU"),
            direct,
            placement.idle,
        )?;
        let cpu = placement.cpu;
        self.seats[task as usize] = cpu;
        self.assign(task, cpu, placement.cause);
        let (flags, why) = match fork {
            true => (0, Why::Fork),
            false => (ENQ_WAKEUP, Why::Wakeup),
        };
        // A wakeup from elsewhere is queued: the CPU that it is for carries it out.
        self.on(cpu);
        self.kernel.runnable(task, flags);
        if placement.idle {
            self.world.idle.clear(cpu);
            self.send_local(task, cpu, false);
            self.kernel.enqueue(task, flags);
            return Ok(());
        }
        self.queue(task, cpu, why)?;
        self.kernel.enqueue(task, flags);
        self.same_flags(task)
    }

    pub(super) fn placement(&mut self, task: u32, waker: u32, fork: bool) -> Placement {
        let Some(cpu) = self.pending_order(task) else {
            let waker = Some(waker);
            return self.twin.place(&self.world, task, Wake { fork, waker });
        };
        let idle = self.world.idle.has(cpu);
        if idle {
            self.twin.sent(&self.world, task, cpu);
        }
        Placement {
            cpu,
            idle,
            cause: Cause::Balance,
        }
    }

    pub(super) fn begin_burst(&mut self, task: u32) {
        let now = self.world.now_ns;
        let task = &mut self.world.tasks[task as usize];
        task.woke_at_ns = now;
        task.queued_at_ns = now;
        task.phase = Phase::Queued;
        task.burst_ns = 0;
    }
}
