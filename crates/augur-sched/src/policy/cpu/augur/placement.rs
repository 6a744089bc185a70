// SPDX-License-Identifier: GPL-2.0-only
//! Where a task goes when it becomes runnable, as in `bpf/placement.bpf.h`.
//!
//! It stays on the CPU whose cache it warmed unless waiting there is predicted to be long and another CPU idles. A task
//! with short bursts interrupts instead of moving: it is done before a migration would have paid.

use super::queue::predicted_run_ns;
use super::{Augur, SCHED_IDLE_WEIGHT};
use crate::policy::cpu::{Cause, Placement, Wake, World, before};

/// A CPU that idles.
fn idle(cpu: u32, cause: Cause) -> Placement {
    Placement {
        cpu,
        idle: true,
        cause,
    }
}

/// A CPU whose queue the task goes to.
pub(super) fn waits(cpu: u32) -> Placement {
    Placement {
        cpu,
        idle: false,
        cause: Cause::Other,
    }
}

/// The CPU of a domain with the least runnable weight, among those that the task may use. The task itself is not
/// counted anywhere yet in the kernel, so it is not here.
fn least_queued(world: &World, task: u32, domain: u32) -> Option<u32> {
    let members = world.places.members[domain as usize].iter().copied();
    let seen = world.task(task);
    members.filter(|&cpu| world.allows(task, cpu)).min_by_key(|&cpu| {
        let own = if seen.load_cpu == cpu { seen.weight } else { 0 };
        world.cpu(cpu).weight.saturating_sub(u64::from(own))
    })
}

/// An idle CPU, nearest domain first.
fn claim_near(world: &World, task: u32, home: u32) -> Option<u32> {
    let near = world.places.near[home as usize].iter();
    near.copied()
        .find_map(|domain| world.claimable_in(&world.idle, task, domain))
}

impl Augur {
    /// Has who runs just begun, and wakes the task itself? Then it is not interrupted.
    fn spared(&self, world: &World, task: u32, cpu: u32) -> bool {
        let ran_ns = world.now_ns.saturating_sub(world.cpu(cpu).since_ns);
        self.tasks[task as usize].woken_here && ran_ns < self.tuning.spare_ns
    }

    /// Would the task rather wait for the one that runs on its CPU than move? Always where that one wakes it and is gone;
    /// and one with short bursts, which interrupts it, or is woken by one that is about to sleep.
    fn would_wait(&self, world: &World, task: u32, cpu: u32, waker: Option<u32>) -> bool {
        if world.cpu(cpu).since_ns == 0 {
            return false;
        }
        if waker == Some(cpu) && world.leaves(cpu) && world.queue(cpu).is_empty() {
            return true;
        }
        let own = &self.tasks[task as usize];
        let spared = !own.woken_sync && self.spared(world, task, cpu);
        if self.tuning.wake_preempt && own.avg_run_ns <= self.tuning.short_run_ns && !spared {
            return true;
        }
        world.queue(cpu).is_empty() && self.remaining_ns(world, cpu) <= self.tuning.short_wait_ns
    }

    /// How long a burst may be that begins now. Bursts of one task differ by decades, and most are short: so it is
    /// tried out, for `trial_ns` at most, whether this is a short one.
    pub(super) fn hoped_run_ns(&self, task: u32) -> u64 {
        let average_ns = self.tasks[task as usize].avg_run_ns;
        match self.tuning.trial_ns {
            0 => average_ns,
            trial_ns => trial_ns.min(average_ns),
        }
    }

    /// Far shorter than what is left of the other's burst, which is taken to be long, and not too far ahead of it?
    /// Shortest remaining time first keeps the sum of all waits small, and the bounded lead keeps anybody from starving.
    fn comes_first(&self, world: &World, task: u32, burst_ns: u64, cpu: u32) -> bool {
        let left_ns = self.remaining_ns(world, cpu).max(self.tuning.rest_ns);
        let farthest = self.vtime_running(world, cpu).wrapping_add(self.tuning.lead_ns);
        self.tuning.preempt_ratio.wrapping_mul(burst_ns) < left_ns
            && before(self.tasks[task as usize].vtime, farthest)
    }

    /// May a task that wakes up interrupt the one that runs? Not where the waker is about to sleep, as it said, nor where
    /// the one that runs has just begun and wakes others itself.
    pub(super) fn may_preempt(&self, world: &World, task: u32, cpu: u32) -> bool {
        let seat = world.cpu(cpu);
        if !self.tuning.wake_preempt || seat.since_ns == 0 || seat.local > 0 || world.leaves(cpu) {
            return false;
        }
        if self.clocks[cpu as usize].current_yields && world.task(task).weight != SCHED_IDLE_WEIGHT {
            return true;
        }
        if self.tuning.sync_waits && self.tasks[task as usize].woken_sync {
            return false;
        }
        if self.spared(world, task, cpu) {
            return false;
        }
        self.comes_first(world, task, self.hoped_run_ns(task), cpu)
    }

    /// The same question again for the first in the queue of a CPU, some time later.
    pub(super) fn sooner_done(&self, world: &World, head: u32, cpu: u32) -> bool {
        if world.cpu(cpu).since_ns == 0 {
            return false;
        }
        let own = &self.tasks[head as usize];
        let burst_ns = match own.burst_ns {
            0 => self.hoped_run_ns(head),
            _ => predicted_run_ns(own),
        };
        self.comes_first(world, head, burst_ns, cpu)
    }

    /// How long a task may run that interrupts the one that runs on `cpu`, or did. Twice what is predicted: where that
    /// is wrong, the one that was interrupted goes on; as much later as it is lighter.
    pub(super) fn interrupting_slice_ns(&self, world: &World, task: u32, cpu: u32) -> u64 {
        let (weight, other) = (world.task(task).weight, self.clocks[cpu as usize].current_weight);
        let mut slice_ns = 2 * self.hoped_run_ns(task);
        if other > 0 && weight > other {
            slice_ns = slice_ns.wrapping_mul(u64::from(weight)) / u64::from(other);
        }
        match slice_ns < self.tuning.slice_min_ns {
            true => self.tuning.slice_min_ns,
            false => slice_ns.min(self.tuning.slice_ns),
        }
    }

    /// A fork goes to an idle CPU, else to the least loaded of its domain: nothing is warm yet, so nothing is lost. After
    /// a vfork the parent sleeps at once, so where no CPU idles its own is the next one free.
    pub(super) fn place_fork(&self, world: &World, task: u32) -> Placement {
        let previous = world.task(task).cpu;
        let home = world.places.domain_of(previous);
        let stays = self.tuning.vfork_stays > 0 && world.task(task).vforked && world.allows(task, previous);
        if stays && self.tuning.vfork_stays > 1 && world.queue(previous).is_empty() {
            return waits(previous);
        }
        if let Some(cpu) = claim_near(world, task, home) {
            return idle(cpu, Cause::Other);
        }
        let least = if stays {
            None
        } else {
            least_queued(world, task, home)
        };
        waits(least.unwrap_or_else(|| world.some_allowed(task, previous)))
    }

    pub(super) fn place_wakeup(&mut self, world: &World, task: u32, wake: Wake) -> Placement {
        let previous = world.some_allowed(task, world.task(task).cpu);
        let own = &mut self.tasks[task as usize];
        (own.woken_sync, own.woken_here) = (wake.sync, wake.waker == Some(previous));
        let placement = self.place_woken(world, task, previous, wake.waker);
        if placement.idle {
            let own = &mut self.tasks[task as usize];
            (own.woken_sync, own.woken_here) = (false, false);
        }
        placement
    }

    fn place_woken(&self, world: &World, task: u32, previous: u32, waker: Option<u32>) -> Placement {
        let cause = match previous == world.task(task).cpu {
            true => Cause::Other,
            false => Cause::Affinity,
        };
        if world.idle.has(previous) {
            return idle(previous, cause);
        }
        if !self.would_wait(world, task, previous, waker)
            && let Some(cpu) = claim_near(world, task, world.places.domain_of(previous))
        {
            return idle(cpu, Cause::Wakeup);
        }
        Placement {
            cause,
            ..waits(previous)
        }
    }
}
