// SPDX-License-Identifier: GPL-2.0-only
//! Waiting: queues, CPUs that are called, whose weight counts where.

use super::{Checked, Machine, same};
use crate::kernel::{ENQ_LAST, ENQ_PREEMPT, KICK_IDLE, Kick};
use augur_sched::policy::cpu::{Cause, Discipline, Enqueue, NONE, Request, Why};

impl Machine<'_> {
    /// What the twin does with a runnable task.
    pub(super) fn queue(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        let mut requests = Vec::new();
        match self.twin.enqueue(&self.world, task, cpu, why, &mut requests) {
            Enqueue::Local { preempt } => {
                self.interrupts = Some(preempt);
                self.send_local(task, cpu, preempt);
            }
            Enqueue::Queue { queue, key } => {
                self.world.tasks[task as usize].queue = queue;
                self.world.queues[queue as usize].insert(key, task);
            }
        }
        for request in requests {
            match request {
                Request::Kick(cpu) => self.kick(cpu, KICK_IDLE),
                Request::Resched(cpu) => self.kick(cpu, 0),
                Request::Migrate { .. } => return Err("the twin asks for a migration".to_owned()),
            }
        }
        Ok(())
    }

    pub(super) fn kick(&mut self, cpu: u32, flags: u64) {
        if flags == KICK_IDLE {
            self.world.idle.clear(cpu);
        }
        self.kicks.push(Kick {
            cpu: cpu.into(),
            flags,
        });
    }

    pub(super) fn send_local(&mut self, task: u32, cpu: u32, first: bool) {
        let local = &mut self.local[cpu as usize];
        let at = if first { 0 } else { local.len() };
        local.insert(at, task);
        self.world.cpus[cpu as usize].local += 1;
    }

    /// Whether who was sent to a CPU directly interrupts there in both.
    pub(super) fn same_flags(&mut self, task: u32) -> Checked {
        let interrupts = self.kernel.insert_flags() & ENQ_PREEMPT != 0;
        match self.interrupts.take() {
            Some(twin) => same(|| format!("whether task {task} interrupts"), interrupts, twin),
            None => Ok(()),
        }
    }

    /// A task that was stopped, or whose affinity changed, waits for its next turn: what the twin does.
    pub(super) fn requeue_twin(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        let cause = self.world.task(task).cause;
        let Some(target) = self.pending_order(task) else {
            self.assign(task, cpu, cause);
            return self.queue(task, cpu, why);
        };
        let idle = self.world.idle.has(target);
        self.assign(task, target, Cause::Balance);
        self.queue(task, target, Why::Sent)?;
        self.kick(target, if idle { KICK_IDLE } else { 0 });
        Ok(())
    }

    pub(super) fn requeue(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        self.requeue_twin(task, cpu, why)?;
        self.kernel
            .enqueue(task, if why == Why::Last { ENQ_LAST } else { 0 });
        self.same_flags(task)
    }

    /// Out of the queue that it waits in, in the twin's world.
    pub(super) fn unqueue(&mut self, task: u32) {
        let queue = std::mem::replace(&mut self.world.tasks[task as usize].queue, NONE);
        if queue != NONE {
            self.world.queues[queue as usize].remove(task);
        }
        for (cpu, local) in self.local.iter_mut().enumerate() {
            if let Some(at) = local.iter().position(|&other| other == task) {
                local.remove(at);
                self.world.cpus[cpu].local -= 1;
            }
        }
    }

    pub(super) fn assign(&mut self, task: u32, cpu: u32, cause: Cause) {
        self.world.tasks[task as usize].cpu = cpu;
        self.world.tasks[task as usize].cause = cause;
        self.load_on(task, cpu);
    }

    pub(super) fn load_on(&mut self, task: u32, cpu: u32) {
        let weight = self.twin.load_weight(self.world.task(task));
        if self.world.task(task).load_cpu == cpu && self.counted[task as usize] == weight {
            return;
        }
        self.load_off(task);
        self.counted[task as usize] = weight;
        self.world.tasks[task as usize].load_cpu = cpu;
        self.world.cpus[cpu as usize].weight += u64::from(weight);
    }

    pub(super) fn load_off(&mut self, task: u32) {
        let cpu = std::mem::replace(&mut self.world.tasks[task as usize].load_cpu, NONE);
        if cpu != NONE {
            self.world.cpus[cpu as usize].weight -= u64::from(self.counted[task as usize]);
        }
    }
}
