// SPDX-License-Identifier: GPL-2.0-only
//! The daemon's word: decisions and permissions.

use super::{Checked, Machine};
use crate::kernel::{DOMAINS_MAX, KICK_IDLE, KICK_PREEMPT};
use augur_sched::policy::cpu::{Cause, Discipline, NONE, Order, Why};
use augur_sched::policy::{Permissions, Phase};

/// Statuses of `enum augur_status`.
const APPLIED: u32 = 0;
const REFUSED_MOVED: u32 = 2;
const REFUSED_AFFINITY: u32 = 3;
const REFUSED_PINNED: u32 = 4;
const EXPIRED: u32 = 5;

impl Machine<'_> {
    pub(super) fn live_order(&self, task: u32) -> Option<Order> {
        let task = self.world.task(task);
        task.order
            .filter(|order| order.deadline_ns >= self.world.now_ns && !task.pinned())
    }

    pub(super) fn pending_order(&self, task: u32) -> Option<u32> {
        self.world.cpu_in_domain(task, self.live_order(task)?.to)
    }

    pub(super) fn settle_order(&mut self, task: u32, cpu: u32) {
        let Some(order) = self.world.task(task).order else {
            return;
        };
        let applied = order.to == self.world.places.domain_of(cpu);
        if applied || order.deadline_ns < self.world.now_ns {
            self.world.tasks[task as usize].order = None;
            let status = if applied { APPLIED } else { EXPIRED };
            self.told.push((order.number.into(), status));
        }
    }

    pub(super) fn decide(&mut self, task: u32, to: u8, ttl_ns: u64, stale: bool) -> Checked {
        let domains = self.world.places.domains() as u32;
        if domains == 1 {
            return Ok(());
        }
        let home = self.world.places.domain_of(self.world.task(task).cpu);
        let to = (home + 1 + u32::from(to) % (domains - 1)) % domains;
        let from = if stale { to } else { home };
        self.decisions += 1;
        let number = self.decisions;
        self.on(0);
        self.kernel.decide(task, from, to, number.into(), ttl_ns);
        let members = &self.world.places.domain_mask[to as usize];
        let refusal = match self.world.task(task).pinned() {
            _ if stale => Some(REFUSED_MOVED),
            true => Some(REFUSED_PINNED),
            false if self.world.mask(task).common(members, members).next().is_none() => {
                Some(REFUSED_AFFINITY)
            }
            false => None,
        };
        if let Some(status) = refusal {
            self.told.push((number.into(), status));
            return Ok(());
        }
        let order = Order {
            number,
            to,
            deadline_ns: self.world.now_ns + ttl_ns,
        };
        if let Some(before) = self.world.tasks[task as usize].order.replace(order) {
            self.told.push((before.number.into(), EXPIRED));
        }
        match self.world.task(task).phase {
            Phase::Running => self.kick(self.world.task(task).cpu, KICK_PREEMPT),
            Phase::Queued => self.move_waiting(task, to)?,
            Phase::Sleeping => {}
        }
        Ok(())
    }

    pub(super) fn move_waiting(&mut self, task: u32, to: u32) -> Checked {
        let Some(target) = self.world.cpu_in_domain(task, to) else {
            return Ok(());
        };
        let idle = self.world.idle.has(target);
        let waits = self.world.task(task).queue != NONE;
        if waits {
            self.unqueue(task);
            self.assign(task, target, Cause::Balance);
            self.queue(task, target, Why::Moved)?;
        }
        if idle || waits {
            self.kick(target, if idle { KICK_IDLE } else { 0 });
        }
        Ok(())
    }

    pub(super) fn permit(&mut self, denied: u16) {
        let domains = self.world.places.domains();
        let mut rows = [0; DOMAINS_MAX * DOMAINS_MAX];
        let mut permissions = Permissions::all(domains);
        for (index, row) in rows.iter_mut().enumerate().take(domains * domains) {
            *row = (denied >> index & 1) as u8;
            permissions = permissions.with(index / domains, index % domains, *row == 0);
        }
        self.kernel.permit(&rows);
        self.twin.permit(&permissions, self.world.now_ns);
    }
}
