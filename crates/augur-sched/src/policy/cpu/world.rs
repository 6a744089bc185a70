// SPDX-License-Identifier: GPL-2.0-only
//! What a run-queue policy may know: CPUs, queues and tasks as they are and as they were. Never what comes.

use super::load::{self, DUTY_ONE};
use super::mask::Mask;
use super::places::Places;
use super::queue::Queue;
use crate::policy::{Phase, TaskId};
use std::sync::Arc;

/// No task, no CPU, no queue.
pub const NONE: u32 = u32::MAX;

/// Why a task runs where it runs; what a migration is counted under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Placed there when it woke up.
    Wakeup,
    /// A CPU that ran dry took it.
    Steal,
    /// A balancer moved it.
    Balance,
    /// Its affinity left no choice.
    Affinity,
    /// Anything else.
    #[default]
    Other,
}

impl Cause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Cause; 5] = [
        Cause::Wakeup,
        Cause::Steal,
        Cause::Balance,
        Cause::Affinity,
        Cause::Other,
    ];

    /// The word in tables and JSON.
    pub fn label(self) -> &'static str {
        ["wakeup", "steal", "balance", "affinity", "other"][self as usize]
    }
}

/// An accepted decision that was not carried out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number, from 1.
    pub number: u32,
    /// The domain to go to.
    pub to: u32,
    /// When it ends.
    pub deadline_ns: u64,
}

/// One task, as far as it showed itself. Times are on the world's clock; averages are of the past.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// Who it is.
    pub id: TaskId,
    /// Weight; [`NICE0_WEIGHT`](load::NICE0_WEIGHT) is nice 0.
    pub weight: u32,
    /// Index into [`World::masks`]: where it may run.
    pub mask: u32,
    /// How many CPUs that is.
    pub allowed: u32,
    /// A thread of the kernel that belongs to one CPU.
    pub per_cpu: bool,
    /// Forked by a parent that sleeps until this one has called exec or has ended.
    pub vforked: bool,
    /// It has ended itself, wakes its parent and is gone, within microseconds.
    pub leaving: bool,
    /// Real time: runs before, and out of reach of, any policy.
    pub real_time: bool,
    /// What it is doing.
    pub phase: Phase,
    /// The CPU that it runs on, waits for, or ran on last.
    pub cpu: u32,
    /// The CPU that it ran on last; [`NONE`] before its first run.
    pub last_cpu: u32,
    /// The queue that it waits in, [`NONE`] for none.
    pub queue: u32,
    /// Why it goes where it goes.
    pub cause: Cause,
    /// Its current or coming burst. A number without meaning, except for who was told the future.
    pub burst: u32,
    /// Bursts that ended.
    pub bursts: u32,
    /// What it ran in this burst so far.
    pub burst_ns: u64,
    /// When it woke up last.
    pub woke_at_ns: u64,
    /// Since when it waits.
    pub queued_at_ns: u64,
    /// When it began to run last.
    pub run_at_ns: u64,
    /// When it last stopped to run; 0 before.
    pub stopped_at_ns: u64,
    /// When it last began to run on another CPU than before; 0 for never.
    pub migrated_at_ns: u64,
    /// The same for domains.
    pub domain_moved_at_ns: u64,
    /// Average burst.
    pub avg_run_ns: u64,
    /// Average sleep.
    pub avg_sleep_ns: u64,
    /// Average time between wakeups.
    pub avg_wake_interval_ns: u64,
    /// Runnable share, [`DUTY_ONE`] is always.
    pub duty: u64,
    /// As of when.
    pub duty_at_ns: u64,
    /// The domain of the CPU that woke it last, [`NONE`] where an interrupt did.
    pub waker_domain: u32,
    /// The CPU whose load counts it, [`NONE`] while it sleeps.
    pub load_cpu: u32,
    /// Time that it ran in all.
    pub total_run_ns: u64,
    /// Time that it waited in all.
    pub total_wait_ns: u64,
    /// Migrations so far.
    pub migrations: u32,
    /// Those to another last-level cache.
    pub llc_changes: u32,
    /// The CPU before the last migration, for telling ping-pongs; [`NONE`] before.
    pub came_from: u32,
    /// A decision about it that is pending.
    pub order: Option<Order>,
    /// The last round that saw it active.
    pub active_round: u32,
}

impl Task {
    /// A task that has not run yet. `cpu` is where it comes from: its parent's CPU.
    pub fn new(id: TaskId, weight: u32, cpu: u32) -> Task {
        Task {
            id,
            weight,
            allowed: NONE,
            cpu,
            last_cpu: NONE,
            queue: NONE,
            avg_run_ns: load::UNKNOWN_RUN_NS,
            waker_domain: NONE,
            load_cpu: NONE,
            came_from: NONE,
            ..Task::default()
        }
    }

    /// Brings its runnable share up to `now_ns`.
    pub fn update_duty(&mut self, now_ns: u64) {
        let target = if self.phase == Phase::Sleeping {
            0
        } else {
            DUTY_ONE
        };
        load::average(&mut self.duty, target, &mut self.duty_at_ns, now_ns);
    }

    /// Whether it may run on one CPU only.
    pub fn pinned(&self) -> bool {
        self.allowed == 1
    }
}

/// One CPU.
#[derive(Clone, Debug)]
pub struct Cpu {
    /// Who runs, [`NONE`] for nobody.
    pub current: u32,
    /// Since when the one that runs does; 0 while it idles or runs something real time, of which nothing is known.
    pub since_ns: u64,
    /// Tasks that were sent here directly and run next.
    pub local: u32,
    /// Summed weight of the runnable tasks that it counts.
    pub weight: u64,
    /// Decayed average of `weight`, shifted left by 10.
    pub load: u64,
    /// Decayed busy share, [`DUTY_ONE`] is always.
    pub busy: u64,
    /// As of when.
    pub averaged_at_ns: u64,
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu {
            current: NONE,
            since_ns: 0,
            local: 0,
            weight: 0,
            load: 0,
            busy: 0,
            averaged_at_ns: 0,
        }
    }
}

impl Cpu {
    /// Brings its averages up to `now_ns`; call before anything that they are made of changes.
    pub fn update(&mut self, now_ns: u64) {
        let mut busy_at = self.averaged_at_ns;
        let busy = if self.current == NONE { 0 } else { DUTY_ONE };
        load::average(&mut self.busy, busy, &mut busy_at, now_ns);
        load::average(
            &mut self.load,
            self.weight << 10,
            &mut self.averaged_at_ns,
            now_ns,
        );
    }
}

/// The whole machine at one moment.
#[derive(Clone, Debug)]
pub struct World {
    /// Now.
    pub now_ns: u64,
    /// The machine.
    pub places: Arc<Places>,
    /// CPUs.
    pub cpus: Vec<Cpu>,
    /// CPUs that idle.
    pub idle: Mask,
    /// The policy's queues.
    pub queues: Vec<Queue>,
    /// Tasks, by index.
    pub tasks: Vec<Task>,
    /// Affinities.
    pub masks: Arc<Vec<Mask>>,
}

impl World {
    /// The affinity of a task.
    pub fn mask(&self, task: u32) -> &Mask {
        &self.masks[self.tasks[task as usize].mask as usize]
    }

    /// Whether a task may run on a CPU.
    pub fn allows(&self, task: u32, cpu: u32) -> bool {
        let task = &self.tasks[task as usize];
        self.masks[task.mask as usize].has(cpu)
    }

    /// A task.
    pub fn task(&self, task: u32) -> &Task {
        &self.tasks[task as usize]
    }

    /// A CPU.
    pub fn cpu(&self, cpu: u32) -> &Cpu {
        &self.cpus[cpu as usize]
    }

    /// Whether the one that runs there is about to be gone.
    pub fn leaves(&self, cpu: u32) -> bool {
        let current = self.cpu(cpu).current;
        current != NONE && self.task(current).leaving
    }

    /// A queue.
    pub fn queue(&self, queue: u32) -> &Queue {
        &self.queues[queue as usize]
    }

    /// An idle CPU among `within` that the task may use: of an idle core where there are siblings, else the first.
    pub fn idle_in(&self, task: u32, within: &Mask) -> Option<u32> {
        self.idle_of(&self.idle, task, within)
    }

    /// The CPU of a domain that the kernel's half claims, of those in `idle`: of an idle core for a task that may run
    /// anywhere, the first one for a task with an affinity.
    pub fn claimable_in(&self, idle: &Mask, task: u32, domain: u32) -> Option<u32> {
        let within = &self.places.domain_mask[domain as usize];
        match (self.task(task).allowed as usize) < self.cpus.len() {
            true => idle.common(self.mask(task), within).next(),
            false => self.idle_of(idle, task, within),
        }
    }

    fn idle_of(&self, idle: &Mask, task: u32, within: &Mask) -> Option<u32> {
        let mask = self.mask(task);
        let mut found = idle.common(mask, within);
        if !self.places.smt {
            return found.next();
        }
        let first = found.next()?;
        let whole = |cpu: u32| {
            let core = &self.places.core[cpu as usize];
            core.iter().all(|sibling| idle.has(sibling))
        };
        std::iter::once(first)
            .chain(found)
            .find(|&cpu| whole(cpu))
            .or(Some(first))
    }

    /// An idle CPU, nearest domain first.
    pub fn idle_near(&self, task: u32, home: u32) -> Option<u32> {
        let near = self.places.near[home as usize].iter();
        near.copied()
            .find_map(|domain| self.idle_in(task, &self.places.domain_mask[domain as usize]))
    }

    /// The CPU of a domain with the least runnable weight, among those that the task may use.
    pub fn least_loaded_in(&self, task: u32, domain: u32) -> Option<u32> {
        let members = self.places.members[domain as usize].iter().copied();
        let allowed = members.filter(|&cpu| self.allows(task, cpu));
        allowed.min_by_key(|&cpu| self.cpu(cpu).weight)
    }

    /// The CPUs among those that the task may use whose task may be interrupted: no real time, and nobody sent there is next.
    pub fn interruptible(&self, task: u32) -> impl Iterator<Item = u32> + '_ {
        let cpus = self.mask(task).iter();
        cpus.filter(|&cpu| self.cpu(cpu).since_ns > 0 && self.cpu(cpu).local == 0)
    }

    /// A CPU for a task that moves into a domain: an idle one, else the least loaded.
    pub fn cpu_in_domain(&self, task: u32, domain: u32) -> Option<u32> {
        self.claimable_in(&self.idle, task, domain)
            .or_else(|| self.least_loaded_in(task, domain))
    }

    /// Some CPU that the task may use, `hint` where that is one.
    pub fn some_allowed(&self, task: u32, hint: u32) -> u32 {
        if hint != NONE && self.allows(task, hint) {
            return hint;
        }
        self.mask(task).iter().next().unwrap_or(0)
    }
}
