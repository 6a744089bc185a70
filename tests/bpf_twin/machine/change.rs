// SPDX-License-Identifier: GPL-2.0-only
//! Weights and affinities that change. The kernel takes a task that is runnable out of everything, changes it, and puts it
//! back.

use super::{Checked, Machine, bits, weight};
use crate::kernel::KICK_IDLE;
use augur_sched::policy::Phase;
use augur_sched::policy::cpu::{Discipline, Mask, Request, Why};
use std::sync::Arc;

/// What changes of a task.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Weight(Option<i32>),
    Affinity(u64),
}

impl Machine<'_> {
    pub(super) fn change_any(&mut self, number: u8, change: Change) -> Checked {
        match self.any_task(number) {
            Some(task) => self.change_task(task, change),
            None => Ok(()),
        }
    }

    /// The domain that a decision sends a task to is taken out of its affinity.
    pub(super) fn forbid(&mut self, number: u8) -> Checked {
        let sent: Vec<u32> = (0..self.born)
            .filter(|&task| self.live_order(task).is_some())
            .collect();
        let Some(&task) = sent.get(usize::from(number) % sent.len().max(1)) else {
            return Ok(());
        };
        let to = self.live_order(task).map_or(0, |order| order.to);
        let others = self.specs[task as usize].cpus & !bits(&self.world.places.domain_mask[to as usize]);
        match others {
            0 => Ok(()),
            _ => self.change_task(task, Change::Affinity(others)),
        }
    }

    pub(super) fn change_task(&mut self, task: u32, change: Change) -> Checked {
        let running = self.world.task(task).phase == Phase::Running;
        let spec = &self.specs[task as usize];
        let change = match change {
            Change::Affinity(_) if spec.kthread != 0 => return Ok(()),
            // One that runs where it must not would be moved by the kernel, past all rules.
            Change::Affinity(cpus) if running => Change::Affinity(cpus | 1 << self.world.task(task).cpu),
            change => change,
        };
        match self.world.task(task).phase {
            Phase::Sleeping => self.change(task, change),
            Phase::Queued => self.change_waiting(task, change),
            Phase::Running => self.change_running(task, change),
        }
    }

    pub(super) fn change(&mut self, task: u32, change: Change) -> Checked {
        let spec = &mut self.specs[task as usize];
        self.world.tasks[task as usize].cpu = self.seats[task as usize];
        match change {
            Change::Weight(nice) => {
                spec.static_prio = (120 + nice.unwrap_or(0)) as u64;
                spec.sched_idle = nice.is_none().into();
                self.kernel.set_weight(task, spec);
                self.world.tasks[task as usize].weight = weight(spec);
            }
            Change::Affinity(cpus) => {
                (spec.cpus, spec.allowed) = (cpus, u64::from(cpus.count_ones()));
                let count = self.world.cpus.len();
                let mask = Mask::of(count, (0..count as u32).filter(|cpu| cpus & 1 << cpu != 0));
                let changed = &mut self.world.tasks[task as usize];
                changed.allowed = cpus.count_ones();
                changed.mask = self.world.masks.len() as u32;
                Arc::make_mut(&mut self.world.masks).push(mask);
                let mut requests = Vec::new();
                self.twin.affinity_changed(&self.world, task, &mut requests);
                self.kernel.set_cpumask(task, &self.specs[task as usize]);
                for request in requests {
                    if let Request::Kick(cpu) = request {
                        self.kick(cpu, KICK_IDLE);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn change_waiting(&mut self, task: u32, change: Change) -> Checked {
        self.on(self.seats[task as usize]);
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.quiet(task);
        self.change(task, change)?;
        self.put_back(task)?;
        let seat = self.seats[task as usize];
        if self.world.allows(task, seat) {
            return Ok(());
        }
        // Its CPU is none of its CPUs any more: the kernel moves it to one that is, and it is put into a queue there.
        let cpu = self.world.some_allowed(task, seat);
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.kernel.set_cpu(task, cpu as i32);
        self.seats[task as usize] = cpu;
        self.requeue(task, cpu, Why::Stopped)
    }

    pub(super) fn change_running(&mut self, task: u32, change: Change) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        self.stop(cpu, false);
        self.change(task, change)?;
        self.put_back(task)?;
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.start(cpu, task)
    }

    pub(super) fn put_back(&mut self, task: u32) -> Checked {
        let cpu = self.seats[task as usize];
        self.begin_burst(task);
        self.load_on(task, cpu);
        self.twin.runnable(&self.world, task);
        self.kernel.runnable(task, 0);
        self.requeue(task, cpu, Why::Stopped)
    }
}
