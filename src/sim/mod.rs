// SPDX-License-Identifier: GPL-2.0-only
//! Simulated machines: `(machine, program, policy, seed) → outcome`, bit for bit the same each time.
//!
//! ```text
//! engine     events in order of time, and the hash of all that were applied
//! program    what tasks do: bursts, sleeps, who wakes whom
//! spool      lists that may be longer than memory
//! burst      a program, and what really happened, from a trace's events
//! taskset    a program from what rt-app's threads do
//! cpu        run queues: a program under a policy on a machine
//! device     CPUs and GPUs with a queue each: tasks under a device policy
//! recorded   the same figures of what really happened
//! station    identical servers and their queues, for queueing theory
//! invariant  what must hold at every moment
//! ```
//! Nothing here does I/O, but for files without a name that stand in for memory, or knows the wall clock, and nothing depends on an order that a hash map made up.

pub mod burst;
pub mod cpu;
pub mod device;
pub mod program;
pub mod rank;
pub mod recorded;
pub mod station;
pub mod taskset;

pub use augur_base::engine::Engine;
pub use augur_base::invariant::Violation;
pub use augur_base::spool::Spool;
pub use augur_base::{engine, invariant, spool};
pub use program::{Action, Burst, Class, Program, TaskSpec, WOKEN};
