// SPDX-License-Identifier: GPL-2.0-only
//! Wakeups: where a task goes that becomes runnable.

use super::state::State;
use crate::policy::Phase;
use crate::policy::cpu::load::smooth;
use crate::policy::cpu::{Cause, NONE, Wake, Why};
use augur_base::invariant::Violation;

impl State {
    /// A task becomes runnable.
    pub(super) fn wake(&mut self, task: u32, waker: Option<u32>) -> Result<(), Violation> {
        let now = self.world.now_ns;
        let fork = self.begin_burst(task, waker);
        self.runnable += 1;
        let sleeper = &self.world.tasks[task as usize];
        let (from, real_time, pinned) = (sleeper.cpu, sleeper.real_time, sleeper.pinned());
        if !pinned {
            self.ledger.waits(now, true);
        }
        self.load_on(task, from);
        if real_time {
            return self.wake_real_time(task, from);
        }
        self.discipline.runnable(&self.world, task);
        let placement = match self.pending_order(task) {
            Some(cpu) => self.place_ordered(task, cpu),
            None => self.discipline.place(&self.world, task, Wake { fork, waker }),
        };
        let cpu = placement.cpu;
        self.check_affinity(task, cpu)?;
        self.assign(task, cpu, placement.cause);
        if let Some(timeline) = &mut self.timeline {
            timeline.woken(now, waker.unwrap_or(cpu), task, cpu, fork);
        }
        if placement.idle && self.world.idle.has(cpu) {
            self.send_local(task, cpu, false);
            self.pend(cpu);
            Ok(())
        } else {
            self.enqueue(task, cpu, if fork { Why::Fork } else { Why::Wakeup })
        }
    }

    /// The task's own figures at a wakeup; whether it is new.
    fn begin_burst(&mut self, task: u32, waker: Option<u32>) -> bool {
        let now = self.world.now_ns;
        let waker_domain = waker.map_or(NONE, |cpu| self.world.places.domain_of(cpu));
        let sleeper = &mut self.world.tasks[task as usize];
        let fork = sleeper.bursts == 0;
        sleeper.update_duty(now);
        if fork {
            if let Some(cpu) = waker {
                sleeper.cpu = cpu;
            }
        } else {
            sleeper.avg_sleep_ns = smooth(sleeper.avg_sleep_ns, now - sleeper.stopped_at_ns);
            sleeper.avg_wake_interval_ns = smooth(sleeper.avg_wake_interval_ns, now - sleeper.woke_at_ns);
        }
        sleeper.woke_at_ns = now;
        sleeper.queued_at_ns = now;
        sleeper.phase = Phase::Queued;
        sleeper.burst_ns = 0;
        sleeper.cause = Cause::Other;
        sleeper.waker_domain = waker_domain;
        let burst = sleeper.burst;
        self.load_burst(task, burst);
        self.progress[task as usize].fresh = true;
        fork
    }

    /// A real-time task goes where it was, unless something as urgent runs there and another CPU is free of that.
    fn wake_real_time(&mut self, task: u32, from: u32) -> Result<(), Violation> {
        let world = &self.world;
        let urgent = |cpu: u32| {
            let current = world.cpu(cpu).current;
            current != NONE && world.task(current).real_time
        };
        let mut cpu = world.some_allowed(task, from);
        if urgent(cpu) {
            let idle = world.idle_in(task, &world.places.all);
            cpu = idle
                .or_else(|| world.mask(task).iter().find(|&cpu| !urgent(cpu)))
                .unwrap_or(cpu);
        }
        let now = world.now_ns;
        self.check_affinity(task, cpu)?;
        self.assign(task, cpu, Cause::Wakeup);
        if let Some(timeline) = &mut self.timeline {
            timeline.woken(now, cpu, task, cpu, false);
        }
        self.queue_real_time(task, cpu, false);
        self.pend(cpu);
        Ok(())
    }
}
