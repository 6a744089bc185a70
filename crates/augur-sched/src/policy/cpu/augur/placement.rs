// SPDX-License-Identifier: GPL-2.0-only
//! Where a task goes when it becomes runnable, as in `bpf/placement.bpf.h`.
//!
//! It stays on the CPU whose cache it warmed unless waiting there is predicted to be long and another CPU idles. A task
//! with short bursts interrupts instead of moving: it is done before a migration would have paid.

use super::queue::predicted_run_ns;
use super::{Augur, SCHED_IDLE_WEIGHT};
use crate::policy::cpu::{Cause, Placement, World, before};

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
    /// Would the task rather wait for the one that runs on its CPU than move? Always where that one wakes it and is gone.
    fn would_wait(&self, world: &World, task: u32, cpu: u32, waker: Option<u32>) -> bool {
        if world.cpu(cpu).since_ns == 0 {
            return false;
        }
        if waker == Some(cpu) && world.leaves(cpu) && world.queue(cpu).is_empty() {
            return true;
        }
        if self.tuning.wake_preempt && self.tasks[task as usize].avg_run_ns <= self.tuning.short_run_ns {
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

    /// Far shorter than what is left of the other's burst, and within its fair share?
    fn precedes(&self, world: &World, task: u32, rest_ns: u64, cpu: u32) -> bool {
        self.tuning.preempt_ratio.wrapping_mul(rest_ns) < self.remaining_ns(world, cpu)
            && before(self.tasks[task as usize].vtime, self.vtime_running(world, cpu))
    }

    /// May a task that wakes up interrupt the one that runs? Shortest remaining time first keeps the sum of all waits
    /// small, and the fair share keeps anybody from starving.
    pub(super) fn may_preempt(&self, world: &World, task: u32, cpu: u32) -> bool {
        let seat = world.cpu(cpu);
        if !self.tuning.wake_preempt || seat.since_ns == 0 || seat.local > 0 || world.leaves(cpu) {
            return false;
        }
        if self.clocks[cpu as usize].current_yields && world.task(task).weight != SCHED_IDLE_WEIGHT {
            return true;
        }
        self.precedes(world, task, self.hoped_run_ns(task), cpu)
    }

    /// The same question again for the first in the queue of a CPU, some time later.
    pub(super) fn sooner_done(&self, world: &World, head: u32, cpu: u32) -> bool {
        if world.cpu(cpu).since_ns == 0 {
            return false;
        }
        let own = &self.tasks[head as usize];
        let rest_ns = match own.burst_ns {
            0 => self.hoped_run_ns(head),
            _ => predicted_run_ns(own),
        };
        self.precedes(world, head, rest_ns, cpu)
    }

    /// Twice what is predicted: where that is wrong, the one that was interrupted goes on.
    pub(super) fn interrupting_slice_ns(&self, task: u32) -> u64 {
        let slice_ns = 2 * self.hoped_run_ns(task);
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

    pub(super) fn place_wakeup(&self, world: &World, task: u32, waker: Option<u32>) -> Placement {
        let previous = world.some_allowed(task, world.task(task).cpu);
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
