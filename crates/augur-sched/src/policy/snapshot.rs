// SPDX-License-Identifier: GPL-2.0-only
//! What a policy may know at one moment, and what it may answer: plain data, never the future.

use augur_base::topology::Machine;
use std::sync::Arc;

/// A task's identity: never the pid alone, because pids are reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Thread id in the root pid namespace.
    pub pid: i32,
    /// When the task started, on the kernel's boot clock.
    pub start_ns: u64,
}

/// What a task is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// On a CPU.
    Running,
    /// Runnable and waiting for a CPU.
    Queued,
    /// Blocked.
    #[default]
    Sleeping,
}

/// One domain at the moment of the snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DomainState {
    /// Decayed average of the runnable tasks' summed weight, divided by `capacity`. One always-runnable nice-0
    /// task on one full CPU is 1.0.
    pub load: f32,
    /// Tasks that wait in the domain's queues.
    pub queue: u32,
    /// CPUs that idle.
    pub idle_cpus: u32,
    /// CPUs that run something.
    pub active_cpus: u32,
    /// Summed capacity of the domain's online CPUs; a full CPU is 1.0.
    pub capacity: f32,
    /// Decayed share of the domain's CPU time that was busy, `0..=1`.
    pub util: f32,
}

/// One task that a policy may move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskState {
    /// Who it is.
    pub id: TaskId,
    /// The domain it runs, waits or last ran in.
    pub domain: usize,
    /// What it is doing.
    pub phase: Phase,
    /// Decayed runnable share times weight; an always-runnable nice-0 task is 1.0.
    pub load: f32,
    /// Weight relative to nice 0 (nice 0 is 1.0).
    pub weight: f32,
    /// Average CPU time between wakeup and sleep.
    pub avg_run_us: f32,
    /// Average sleep.
    pub avg_sleep_us: f32,
    /// Time since it last ran (0 while running): how cold its cache is.
    pub since_run_us: f32,
    /// Decayed wakeup rate.
    pub wakeups_hz: f32,
    /// Time since its last migration to another CPU.
    pub last_migration_us: f32,
    /// Time since its last move between domains; what a cooldown is measured on.
    pub last_domain_move_us: f32,
    /// The domain of the CPU that last woke it.
    pub waker_domain: Option<usize>,
    /// For each domain, the summed capacity of the CPUs there that its affinity allows.
    pub allowed_capacity: Vec<f32>,
    /// Pinned for now (one CPU allowed, or migration disabled): never a candidate.
    pub pinned: bool,
}

impl TaskState {
    /// Summed capacity of the CPUs of `domain` that its affinity allows; 0 for a domain that it does not name.
    pub fn allowed(&self, domain: usize) -> f32 {
        let capacity = self.allowed_capacity.get(domain).copied().unwrap_or(0.0);
        // `f32::max` gives the other operand for NaN.
        capacity.max(0.0)
    }

    /// Whether it may go to `domain`: another than its own, allowed by its affinity, and it is not pinned.
    pub fn may_move_to(&self, domain: usize) -> bool {
        !self.pinned && self.domain != domain && self.allowed(domain) > 0.0
    }
}

/// Everything that a policy may know at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub now_ns: u64,
    /// The machine: its domains and their distances.
    pub machine: Arc<Machine>,
    /// Domains, by index.
    pub domains: Vec<DomainState>,
    /// Tasks that were active of late. Policies weigh domains by them, so the list is complete; a world that has to
    /// cut it keeps the tasks of the greatest load.
    pub tasks: Vec<TaskState>,
}

/// A move that a policy proposes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Who.
    pub task: TaskId,
    /// Index into [`Snapshot::tasks`].
    pub task_index: usize,
    /// The domain it is in.
    pub from: usize,
    /// The domain it would go to.
    pub to: usize,
}
