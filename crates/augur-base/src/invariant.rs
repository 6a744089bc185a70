// SPDX-License-Identifier: GPL-2.0-only
//! What must hold at every moment of a simulation. These checks are cheap and always on: a result that breaks one is no
//! result.

/// An invariant that was broken, with the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Time ran back.
    #[error("the simulation went back from {from_ns} ns to {to_ns} ns")]
    TimeRanBack {
        /// The clock.
        from_ns: u64,
        /// The event's time.
        to_ns: u64,
    },
    /// A task was put into a second queue, or taken from one that it is not in.
    #[error("task {task} is in {queues} queues at {at_ns} ns; a task that waits is in exactly one")]
    Queues {
        /// The task's index.
        task: u32,
        /// In how many it is.
        queues: usize,
        /// When.
        at_ns: u64,
    },
    /// A task was to run where its affinity forbids it.
    #[error("policy {policy} put task {task} on CPU {cpu}, which its affinity forbids, at {at_ns} ns")]
    Affinity {
        /// The policy.
        policy: String,
        /// The task's index.
        task: u32,
        /// The CPU's index.
        cpu: u32,
        /// When.
        at_ns: u64,
    },
    /// What the CPUs did is not what the tasks got.
    #[error("the CPUs worked for {cpus_ns} ns and the tasks ran for {tasks_ns} ns of {asked_ns} ns asked")]
    Work {
        /// Summed over CPUs.
        cpus_ns: u64,
        /// Summed over tasks.
        tasks_ns: u64,
        /// What the tasks had to do, costs of migrations included.
        asked_ns: u64,
    },
    /// Decisions follow each other without end, and time stands still.
    #[error(
        "policy {policy} goes round in circles: {dispatches} dispatches at {at_ns} ns, and time stands still"
    )]
    Standstill {
        /// The policy.
        policy: String,
        /// How many.
        dispatches: u64,
        /// When.
        at_ns: u64,
    },
    /// Tasks wait, and nothing will ever let them run.
    #[error("policy {policy} leaves {tasks} tasks waiting for ever from {at_ns} ns on")]
    Starved {
        /// The policy.
        policy: String,
        /// How many.
        tasks: usize,
        /// Since when.
        at_ns: u64,
    },
}
