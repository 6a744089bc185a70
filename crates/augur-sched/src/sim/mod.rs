// SPDX-License-Identifier: GPL-2.0-only
//! Simulated machines: `(machine, program, policy, seed) → outcome`, bit for bit the same each time.
//!
//! ```text
//! program    what tasks do: bursts, sleeps, who wakes whom
//! burst      a program, and what really happened, from a trace's events
//! taskset    a program from what rt-app's threads do
//! cpu        run queues: a program under a policy on a machine
//! recorded   the same figures of what really happened
//! ```
//! Nothing here does I/O, but for files without a name that stand in for memory, or knows the wall clock, and nothing depends on an order that a hash map made up.

pub mod burst;
pub mod cpu;
pub mod program;
pub mod rank;
pub mod recorded;
pub mod taskset;

pub use program::{Action, Burst, Class, Program, TaskSpec, WOKEN};
