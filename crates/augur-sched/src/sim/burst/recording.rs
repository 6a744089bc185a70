// SPDX-License-Identifier: GPL-2.0-only
//! What really happened: every stay of every task on a CPU, as recorded.

use crate::policy::cpu::Cause;
use augur_base::spool::Spool;
use augur_trace::coverage::Step;

/// One stay of a task on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Who, an index into the program's tasks.
    pub task: u32,
    /// The kernel's number of the CPU.
    pub cpu: u32,
    /// Since when it had been runnable; where that is unknown, from when it ran.
    pub queued_ns: u64,
    /// From when it ran.
    pub start_ns: u64,
    /// Until when.
    pub end_ns: u64,
    /// Its first run after a wakeup that the trace shows.
    pub woken: bool,
    /// Its beginning is in the trace. Where it is not, nobody saw the task come from elsewhere.
    pub seen: bool,
    /// It is known since when it had been runnable.
    pub waited: bool,
    /// The CPU that it was moved from before it was seen to run at all; [`NONE`](crate::policy::cpu::NONE) where no
    /// event tells of that.
    pub from: u32,
    /// Why it ran there, as far as the trace tells.
    pub cause: Cause,
}

/// A time in which it is unknown what a CPU did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The kernel's number of the CPU.
    pub cpu: u32,
    /// From when.
    pub start_ns: u64,
    /// Until when.
    pub end_ns: u64,
}

/// What really happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// All stays, in order of their ends.
    pub stays: Spool<Occupancy>,
    /// The trace's first moment; times here and in the program count from it.
    pub start_ns: u64,
    /// From there to its last moment.
    pub span_ns: u64,
    /// When it is unknown what a CPU did.
    pub gaps: Spool<Gap>,
    /// The trace shows no wakeups: nobody knows who waited.
    pub hides_waits: bool,
    /// Why what happened cannot be told, where most switches contradict each other.
    pub doubt: Option<String>,
    /// Where the clock was set.
    pub step: Option<Step>,
    /// The CPUs that the trace names, ascending.
    pub cpus: Vec<u32>,
    /// What was odd.
    pub notes: Notes,
}

/// What was odd in a trace, and was made the best of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Events.
    pub events: u64,
    /// Events that came before their predecessor, and were taken to happen with it.
    pub backwards: u64,
    /// Switches away from a task other than the one that was known to run there.
    pub mismatches: u64,
    /// Wakeups that no event explains: the task ran again and nobody had woken it.
    pub unexplained: u64,
    /// Events that the recorder had no room for.
    pub lost: u64,
}
