// SPDX-License-Identifier: GPL-2.0-only
//! Decisions that wait at their tasks until those are placed or run.

use super::state::State;
use crate::policy::cpu::{Cause, Order, Placement};

impl State {
    /// The CPU that a pending decision sends the task to, if there is one in time.
    pub(super) fn pending_order(&self, task: u32) -> Option<u32> {
        let order = self.live_order(task)?;
        self.world.cpu_in_domain(task, order.to)
    }

    pub(super) fn live_order(&self, task: u32) -> Option<Order> {
        let task = self.world.task(task);
        task.order
            .filter(|order| order.deadline_ns >= self.world.now_ns && !task.pinned())
    }

    /// A decision says where a task goes that became runnable.
    pub(super) fn place_ordered(&mut self, task: u32, cpu: u32) -> Placement {
        let idle = self.world.idle.has(cpu);
        if idle {
            self.discipline.sent(&self.world, task, cpu);
        }
        Placement {
            cpu,
            idle,
            cause: Cause::Balance,
        }
    }

    /// The pending decision ends: applied when the task runs where it said, expired when its time is over.
    pub(super) fn settle_order(&mut self, task: u32, cpu: u32) {
        let domain = self.world.places.domain_of(cpu);
        let starting = &mut self.world.tasks[task as usize];
        let Some(order) = starting.order else { return };
        let applied = order.to == domain;
        if !applied && order.deadline_ns >= self.world.now_ns {
            return;
        }
        starting.order = None;
        self.applied += u64::from(applied);
        self.expired += u64::from(!applied);
        if self.options.log {
            self.settled.push((order.number, applied));
        }
    }
}
