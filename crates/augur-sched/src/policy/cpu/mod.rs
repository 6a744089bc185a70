// SPDX-License-Identifier: GPL-2.0-only
//! Run-queue policies: where a task waits, who runs next, for how long. One policy a file.
//!
//! ```text
//! wakes up ─▶ place ─▶ enqueue ─▶ (queue) ─▶ dispatch ─▶ running ─▶ stopping ─▶ sleeping
//!                        ▲                                  │
//!                        └──────── slice used up, preempted ┘
//! ```
//! The world owns queues and clock; a [`Discipline`] looks at a [`World`] of plain data and answers. As any policy, it
//! reads no clock, file, map or global, and no future: a discipline that is allowed to know the future says so by
//! [`Discipline::foresee`], and is a bound, never a competitor.

pub mod assigned;
pub mod augur;
pub mod clairvoyant;
pub mod eevdf;
pub mod fcfs;
pub mod least_loaded;
pub mod load;
pub mod mask;
pub mod places;
pub mod power_of_d;
pub mod priority;
pub mod queue;
pub mod registry;
pub mod rusty;
pub mod world;

pub use mask::Mask;
pub use places::Places;
pub use queue::{Queue, Waiting, before};
pub use world::{Cause, Cpu, NONE, Order, Task, World};

use super::Permissions;

/// How a task became runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// It is new.
    pub fork: bool,
    /// The CPU of the task that woke it; `None`: an interrupt did.
    pub waker: Option<u32>,
}

/// Where a task goes that became runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The CPU.
    pub cpu: u32,
    /// It idles: the task runs there at once, without waiting in a queue.
    pub idle: bool,
    /// What a migration there is counted under.
    pub cause: Cause,
}

impl Placement {
    /// Of a wakeup, on this CPU.
    pub fn on(world: &World, cpu: u32) -> Placement {
        Placement {
            cpu,
            idle: world.idle.has(cpu),
            cause: Cause::Wakeup,
        }
    }

    /// Of a wakeup, on an idle CPU where one was found, else where the task comes from.
    pub fn idle_or_home(world: &World, task: u32, idle: Option<u32>) -> Placement {
        let home = || world.some_allowed(task, world.task(task).cpu);
        Placement {
            cpu: idle.unwrap_or_else(home),
            idle: idle.is_some(),
            cause: Cause::Wakeup,
        }
    }
}

/// Why a task is put into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It woke up.
    Wakeup,
    /// It is new.
    Fork,
    /// It was interrupted, or its slice ended.
    Stopped,
    /// It was to leave its CPU, which has nothing else to run, and now there is nowhere to go.
    Last,
    /// Something real time took its CPU.
    Displaced,
    /// It was stopped elsewhere, and a decision sends it here.
    Sent,
    /// A decision moved it here while it waited elsewhere.
    Moved,
}

/// Where a runnable task waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueue {
    /// In a queue of the policy.
    Queue {
        /// Which.
        queue: u32,
        /// At what place.
        key: u64,
    },
    /// On its CPU, ahead of all queues.
    Local {
        /// The one that runs there is interrupted.
        preempt: bool,
    },
}

/// What a CPU does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// The one that runs goes on; for so long.
    Keep {
        /// Until the next dispatch.
        slice_ns: u64,
    },
    /// Takes a task out of a queue.
    Take {
        /// Which queue.
        queue: u32,
        /// Who.
        task: u32,
        /// What a migration is counted under; `None`: as it was placed.
        cause: Option<Cause>,
    },
    /// Nothing to do. One that runs and could go on does.
    Idle,
}

impl Dispatch {
    /// The one that runs goes on until it sleeps.
    pub const KEEP: Dispatch = Dispatch::Keep { slice_ns: u64::MAX };

    /// Takes one that waits, which counts as it was placed where it migrates by that.
    pub fn take(queue: u32, waiting: Waiting) -> Dispatch {
        Dispatch::Take {
            queue,
            task: waiting.task,
            cause: None,
        }
    }

    /// The first of the CPU's own queue, once nobody runs there who could go on.
    pub fn first_come(world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        match (world.queue(cpu).first(), previous) {
            (Some(first), None) => Dispatch::take(cpu, first),
            _ => Dispatch::KEEP,
        }
    }
}

/// What a policy asks for beside its answer. Carried out when the hook has returned, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An idle CPU looks for work.
    Kick(u32),
    /// A CPU dispatches anew, whatever it runs.
    Resched(u32),
    /// A task that waits goes to another CPU.
    Migrate {
        /// Who.
        task: u32,
        /// Where to.
        cpu: u32,
    },
}

/// What is known to those who may know the future, by burst number.
#[derive(Clone, Debug, Default)]
pub struct Future {
    /// How long each burst runs.
    pub run_ns: Vec<u64>,
    /// How long it takes from each burst's beginning until all that depends on it is done, were there no waiting.
    pub rank_ns: Vec<u64>,
}

/// A run-queue policy.
pub trait Discipline: BoxedClone + Send {
    /// How the policy is written, `name[key=value,…]`.
    fn name(&self) -> String;

    /// Called once before anything else, with all tasks and CPUs; returns how many queues it needs.
    fn prepare(&mut self, world: &World) -> usize;

    /// Called after [`Discipline::prepare`], where the future is known.
    fn foresee(&mut self, _future: &Future) {}

    /// A task became runnable; it is placed next.
    fn runnable(&mut self, _world: &World, _task: u32) {}

    /// A CPU for a task that became runnable.
    fn place(&mut self, world: &World, task: u32, wake: Wake) -> Placement;

    /// Instead of [`Discipline::place`]: a decision sends a task that became runnable straight to this idle CPU.
    fn sent(&mut self, _world: &World, _task: u32, _cpu: u32) {}

    /// A place to wait for a runnable task whose CPU is `cpu`.
    fn enqueue(
        &mut self,
        world: &World,
        task: u32,
        cpu: u32,
        why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue;

    /// What `cpu` does next. `previous` runs there, and could go on.
    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch;

    /// A task begins to run; returns for how long, until the next dispatch: for ever, where a policy has no slices.
    fn running(&mut self, _world: &World, _task: u32, _cpu: u32) -> u64 {
        u64::MAX
    }

    /// A task stops running: it sleeps, or goes on to wait. The world still shows it as running.
    fn stopping(&mut self, _world: &World, _task: u32, _cpu: u32, _runnable: bool) {}

    /// Every tick of a CPU that runs something.
    fn tick(&mut self, _world: &World, _cpu: u32, _requests: &mut Vec<Request>) {}

    /// Whether it wants ticks.
    fn wants_ticks(&self) -> bool {
        false
    }

    /// Whether a slice ends at the first tick after it is used up, as in the kernel without high-resolution ticks.
    fn slices_end_at_ticks(&self) -> bool {
        false
    }

    /// What a task counts in the load of its CPU.
    fn load_weight(&self, task: &Task) -> u32 {
        task.weight
    }

    /// Who may steal from whom from now on.
    fn permit(&mut self, _permissions: &Permissions, _now_ns: u64) {}
}

/// A copy in the same state, for trying out what would happen.
pub trait BoxedClone {
    /// Makes it.
    fn boxed_clone(&self) -> Box<dyn Discipline>;
}

impl<D: Discipline + Clone + 'static> BoxedClone for D {
    fn boxed_clone(&self) -> Box<dyn Discipline> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Discipline> {
    fn clone(&self) -> Self {
        self.boxed_clone()
    }
}
