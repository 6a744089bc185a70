// SPDX-License-Identifier: GPL-2.0-only
//! Device policies: which CPUs and GPUs a task runs on, and how it is split between them.
//!
//! ```text
//! a task is ready ─▶ place(fleet, task) ─▶ one device, or a CPU and a GPU with a share ─▶ it ran ─▶ learn
//!
//! dqn, graph   networks that were trained: which device has the highest value; learner while they are trained, training what
//!              all learners have
//! fleet     the devices and what they still have to do: all that a policy may know
//! list      schedulers of whole graphs with known times: HEFT, CPOP, PEFT, lookahead, and what they are measured against
//! planned   those as device policies
//! watch     whether what was learned still holds, and what was noticed
//! rules     plain ones          registry  all of them by name
//! ```
//! As any policy, a device policy reads no clock, file, map or global, and no future. What a task takes it knows by the
//! machine's laws from the task's features ([`crate::workload::Physics`]); what it really takes is told when it ran. A clairvoyant policy is told
//! before ([`DevicePolicy::foresee`]), and is never a competitor. Nor is it a bound: others may beat it.

pub mod clairvoyant;
pub mod dqn;
pub mod fleet;
pub mod graph;
pub mod hybrid_ml;
pub mod learner;
pub mod list;
pub mod planned;
pub mod registry;
mod rules;
mod training;
pub mod watch;

pub use fleet::{Fleet, State};
pub use learner::{Learner, Lesson};
pub use registry::{Context, parse};
pub use watch::{Notice, Notices};

use crate::workload::{Parents, Task, Work};

/// Where a task runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Placement {
    /// All of it on one device.
    One(usize),
    /// On both at the same time; both begin together.
    Split {
        /// A CPU.
        cpu: usize,
        /// A GPU.
        gpu: usize,
        /// The GPU's share of the work, above 0 and below 1.
        share: f64,
    },
}

impl Default for Placement {
    fn default() -> Placement {
        Placement::One(0)
    }
}

/// Places tasks on devices.
pub trait DevicePolicy: Send {
    /// How it is written, `name[key=value,…]`.
    fn name(&self) -> String;

    /// Tasks that came together, before the first of them is placed. Whoever waits for others is placed when they are
    /// done.
    fn prepare(&mut self, _fleet: &Fleet, _tasks: &[Task], _parents: &[Parents]) {}

    /// Where a task that is ready runs. It goes behind what is there already.
    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement;

    /// A task ran, and this is what it took.
    fn learn(&mut self, _fleet: &Fleet, _task: &Task, _work: &Work) {}

    /// What it noticed of drift; nothing where it does not look for any.
    fn notices(&self) -> Option<&Notices> {
        None
    }

    /// Whether it is told the future.
    fn is_clairvoyant(&self) -> bool {
        false
    }

    /// What the task that is placed next really takes; only a clairvoyant policy is told.
    fn foresee(&mut self, _work: &Work) {}
}

/// The number of the highest value among those that are allowed; of equals the first.
fn best(values: &[f32], allowed: impl Fn(usize) -> bool) -> Option<usize> {
    let mut best: Option<(f32, usize)> = None;
    for (at, &value) in values.iter().enumerate() {
        if allowed(at) && best.is_none_or(|(most, _)| value > most) {
            best = Some((value, at));
        }
    }
    best.map(|(_, at)| at)
}
