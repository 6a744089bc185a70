// SPDX-License-Identifier: GPL-2.0-only
//! Work for simulated machines: tasks, graphs of tasks, and the generator that draws them.
//!
//! ```text
//! task       what a task is: what may be known of it, and what is true of it
//! physics    how long a task takes where, from its features, and how it is split best
//! generator  tasks and graphs of tasks as they arrive, one batch after the other
//! listed     tasks that a file lists, in place of drawn ones
//! drift      what changes on the way, and when
//! graph      a graph with given times and transfers, for list scheduling
//! workflow   the graphs of other tools: WfCommons, Pegasus, Graphviz      kin  who waits for whom
//! service    service times for queueing theory     antithetic  the same draws again, mirrored
//! ```
//! Nothing here knows a policy or a clock.

pub mod antithetic;
pub mod drift;
pub mod generator;
pub mod graph;
mod kin;
pub mod listed;
pub mod physics;
pub mod task;
pub mod workflow;

pub use antithetic::Antithetic;
pub use augur_base::random::{self as service, Service};
pub use drift::Drift;
pub use generator::Generator;
pub use graph::Graph;
pub use listed::Listed;
pub use physics::Physics;
pub use task::{Batch, Parents, Task, Work};
pub use workflow::Workflow;
