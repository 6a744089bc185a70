// SPDX-License-Identifier: GPL-2.0-only
//! CPUs and GPUs with a queue each: tasks arrive, wait for those that they depend on, are placed by a policy, and run.
//!
//! ```text
//! (machine, laws, workload, policy, seed) ─▶ run ─▶ outcome, and each task as it is done
//!
//! lane     a device's queue: first come, first served
//! flight   tasks that are there
//! ledger   what it adds up to
//! bound    what no policy can be better than
//! station  identical servers and their queues, for queueing theory
//! ```
//! Tasks are drawn as they arrive and forgotten as they leave: a run needs memory for the tasks that are there, not for
//! all. A split task begins on both devices together, and leaves each when its part there is done.

mod bound;
mod flight;
mod lane;
mod ledger;
mod run;
pub mod station;

pub use bound::{Bound, bound};
pub use ledger::{DeviceOutcome, Outcome};
pub use run::{OnDone, run};

use crate::policy::{Context, Placement};
use crate::workload::{Listed, Physics, Task, generator};
use augur_base::topology::device::Devices;
use std::sync::Arc;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The machine.
    pub devices: Devices,
    /// Its laws.
    pub physics: Physics,
    /// What comes.
    pub workload: generator::Settings,
    /// Of what comes.
    pub seed: u64,
    /// What comes where nothing is drawn.
    pub listed: Option<Arc<Listed>>,
}

impl Options {
    /// The machine, laws and workload that policies are made for, with a seed.
    pub fn of(context: &Context, seed: u64) -> Options {
        Options {
            devices: context.devices.clone(),
            physics: context.physics.clone(),
            workload: context.workload.clone(),
            seed,
            listed: context.listed.clone(),
        }
    }
}

/// A task that is done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Done {
    /// Which.
    pub task: Task,
    /// Where it ran.
    pub placement: Placement,
    /// When it was ready and placed.
    pub placed_ns: u64,
    /// When it began.
    pub start_ns: u64,
    /// When it was done.
    pub finish_ns: u64,
    /// What it drew.
    pub energy_j: f64,
    /// What it cost.
    pub cost_usd: f64,
    /// How much later it was done than it could have been, as devices were when it was placed.
    pub regret_ns: u64,
}

/// What a policy must not do; a run in which it does has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A device that is not there or not of the kind, or a share that is none.
    #[error("policy {policy} put task {task} on {placement:?}, which this machine does not have")]
    Placement {
        /// The policy.
        policy: String,
        /// The task's number.
        task: u64,
        /// What it said.
        placement: Placement,
    },
    /// A task that does not fit into the device's memory.
    #[error("policy {policy} put task {task} of {memory_mb} MB on {device}, where it does not fit")]
    Memory {
        /// The policy.
        policy: String,
        /// The task's number.
        task: u64,
        /// What it needs.
        memory_mb: f64,
        /// The device.
        device: String,
    },
    /// Tasks that never became ready.
    #[error("{tasks} tasks were never ready under policy {policy}")]
    Stranded {
        /// The policy.
        policy: String,
        /// How many.
        tasks: usize,
    },
    /// Whoever is told of tasks wanted no more.
    #[error("interrupted; nothing was written")]
    Stopped,
    /// The statistics could not be kept.
    #[error("the percentiles cannot be counted")]
    Statistics,
}
