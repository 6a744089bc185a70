// SPDX-License-Identifier: GPL-2.0-only
//! Where tasks wait: the policy's queues, and a CPU's own ones.

use super::state::State;
use crate::policy::cpu::{Cause, Enqueue, NONE, Queue, Request, Why};
use augur_base::invariant::Violation;

impl State {
    /// Puts a runnable task where its policy wants it to wait.
    pub(super) fn enqueue(&mut self, task: u32, cpu: u32, why: Why) -> Result<(), Violation> {
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        let place = self
            .discipline
            .enqueue(&self.world, task, cpu, why, &mut requests);
        match place {
            Enqueue::Local { preempt } => {
                self.send_local(task, cpu, preempt);
                // One that was just stopped cannot interrupt: its CPU is switching to another already.
                if preempt && why != Why::Stopped || self.world.idle.has(cpu) {
                    self.pend(cpu);
                }
            }
            Enqueue::Queue { queue, key } => {
                let waiting = &mut self.world.tasks[task as usize];
                if waiting.queue != NONE {
                    return Err(self.wrong_queues(task));
                }
                waiting.queue = queue;
                self.world.queues[queue as usize].insert(key, task);
                if self.world.idle.has(cpu) {
                    self.pend(cpu);
                }
            }
        }
        self.carry_out(&requests)?;
        self.requests = requests;
        Ok(())
    }

    pub(super) fn carry_out(&mut self, requests: &[Request]) -> Result<(), Violation> {
        for &request in requests {
            match request {
                Request::Kick(cpu) if self.world.idle.has(cpu) => self.pend(cpu),
                Request::Kick(_) => {}
                Request::Resched(cpu) => self.pend(cpu),
                Request::Migrate { task, cpu } => {
                    self.move_waiting(task, cpu)?;
                }
            }
        }
        Ok(())
    }

    /// Moves a task that waits in a queue to another CPU; whether it did wait.
    pub(super) fn move_waiting(&mut self, task: u32, cpu: u32) -> Result<bool, Violation> {
        if self.world.task(task).queue == NONE {
            return Ok(false);
        }
        self.check_affinity(task, cpu)?;
        self.unqueue(task)?;
        self.assign(task, cpu, Cause::Balance);
        self.enqueue(task, cpu, Why::Moved)?;
        Ok(true)
    }

    pub(super) fn unqueue(&mut self, task: u32) -> Result<(), Violation> {
        let queue = std::mem::replace(&mut self.world.tasks[task as usize].queue, NONE);
        let queue = self.world.queues.get_mut(queue as usize);
        if queue.is_some_and(|queue| queue.remove(task)) {
            Ok(())
        } else {
            Err(self.wrong_queues(task))
        }
    }

    fn wrong_queues(&self, task: u32) -> Violation {
        let inside = |queue: &&Queue| queue.iter().any(|waiting| waiting.task == task);
        Violation::Queues {
            task,
            queues: self.world.queues.iter().filter(inside).count(),
            at_ns: self.world.now_ns,
        }
    }

    pub(super) fn send_local(&mut self, task: u32, cpu: u32, first: bool) {
        self.world.cpus[cpu as usize].local += 1;
        let local = &mut self.cores[cpu as usize].local;
        if first {
            local.push_front(task);
        } else {
            local.push_back(task);
        }
    }

    pub(super) fn queue_real_time(&mut self, task: u32, cpu: u32, resumes: bool) {
        let prio = |task: u32| self.program.tasks[task as usize].prio;
        let urgency = prio(task);
        let queue = &self.cores[cpu as usize].real_time;
        let at = queue.partition_point(|&other| {
            let other = prio(other);
            other < urgency || (other == urgency && !resumes)
        });
        self.cores[cpu as usize].real_time.insert(at, task);
    }

    pub(super) fn check_affinity(&self, task: u32, cpu: u32) -> Result<(), Violation> {
        if (cpu as usize) < self.cores.len() && self.world.allows(task, cpu) {
            return Ok(());
        }
        Err(Violation::Affinity {
            policy: self.discipline.name(),
            task,
            cpu,
            at_ns: self.world.now_ns,
        })
    }
}
