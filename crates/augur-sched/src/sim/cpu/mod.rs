// SPDX-License-Identifier: GPL-2.0-only
//! Run queues: a program under a policy on a machine.
//!
//! ```text
//! state     the world that policies see, and what only the simulation knows; the next event
//! tasks     how they are before anything happened
//! wakeup    where a task goes that becomes runnable
//! queues    where it waits
//! load      which CPU it counts on
//! run       who runs, and for how long
//! burst     what it reaches: whom it wakes, when it sleeps
//! orders    decisions that wait at their tasks
//! rounds    the balancer's turn, every 100 ms: snapshot → policy → gate → decisions
//! decisions the log of all that was asked and answered
//! hindsight what would have been right, for training
//! cost      what a migration costs
//! ledger    what was seen
//! timeline  the run as a trace
//! ```
//! A run-queue policy ([`Discipline`]) answers at each step; a [`Balancer`] asks the very policies of the live daemon.
//! Real-time tasks run ahead of both, as they do in the kernel.

mod burst;
mod cost;
mod decisions;
mod event;
mod hindsight;
mod ledger;
mod load;
mod orders;
mod queues;
mod rounds;
mod run;
mod snapshot;
mod state;
mod tasks;
mod timeline;
mod wakeup;

pub use cost::{Costs, Curve};
pub use ledger::{Causes, Ledger};
pub use rounds::{Balancer, Decisions, INTERVAL_NS};
pub use timeline::Timeline;

use super::Program;
use crate::policy::DomainState;
use crate::policy::cpu::{Discipline, Places};
use crate::policy::decision::Row;
use augur_base::invariant::Violation;
use event::Kind;
use rounds::Balancing;
use state::State;
use std::sync::Arc;

/// Time between a CPU's ticks: 250 Hz.
pub const TICK_NS: u64 = 4_000_000;

/// How a run is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What migrations cost.
    pub costs: Costs,
    /// Where the jitter is drawn from.
    pub seed: u64,
    /// Timers and devices come up to so much later than recorded; 0: exactly then.
    pub jitter_ns: u64,
    /// Time between ticks; 0 for none.
    pub tick_ns: u64,
    /// The policy is told the future.
    pub clairvoyant: bool,
    /// Decisions are logged, with hindsight.
    pub log: bool,
    /// The run is kept as a trace.
    pub timeline: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            costs: Costs::default(),
            seed: 1,
            jitter_ns: 0,
            tick_ns: TICK_NS,
            clairvoyant: false,
            log: false,
            timeline: false,
        }
    }
}

/// Waits from wakeups to the first run after each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// How many.
    pub count: u64,
    /// All of them together.
    pub sum_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Latencies {
    /// One more.
    pub fn add(&mut self, latency_ns: u64) {
        self.count += 1;
        self.sum_ns = self.sum_ns.saturating_add(latency_ns);
        self.max_ns = self.max_ns.max(latency_ns);
    }
}

/// What became of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskOutcome {
    /// Time on CPUs, costs of migrations included.
    pub run_ns: u64,
    /// Time that it was runnable and waited.
    pub wait_ns: u64,
    /// When its last burst ended.
    pub done_ns: u64,
    /// To another CPU.
    pub migrations: u32,
    /// From its wakeups to its runs.
    pub latencies: Latencies,
}

/// What a run left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The policy, as it is written.
    pub policy: String,
    /// What was seen.
    pub ledger: Ledger,
    /// Task by task.
    pub tasks: Vec<TaskOutcome>,
    /// What became of the balancer's decisions.
    pub decisions: Decisions,
    /// Tasks that still sleep because whoever should wake them never got there.
    pub stranded: usize,
    /// Events that were applied.
    pub events: u64,
    /// All that happened, as one number: the same for the same input, on any machine and any number of threads.
    pub state_hash: u64,
}

/// A finished run.
pub struct Run {
    /// What it left behind.
    pub outcome: Outcome,
    /// The run as a trace, where that was asked for.
    pub timeline: Option<Timeline>,
    /// Its decisions, where that was asked for.
    pub log: Vec<Row>,
}

/// A run that goes on.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Simulated time.
    pub now_ns: u64,
    /// What was seen so far.
    pub ledger: &'a Ledger,
    /// What became of the balancer's decisions so far.
    pub decisions: Decisions,
    /// The domains, right after a round; else nothing.
    pub domains: &'a [DomainState],
}

/// Runs a program to its end.
///
/// # Errors
/// When an invariant is broken: by the policy (affinity, a task that is never run), or by a bug here.
pub fn run(
    program: Arc<Program>,
    places: Arc<Places>,
    discipline: Box<dyn Discipline>,
    balancer: Option<Balancer>,
    options: &Options,
) -> Result<Run, Violation> {
    run_watched(program, places, discipline, balancer, options, &mut |_| {})
}

/// The same; `watch` gets a glance now and then, and after every round.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    program: Arc<Program>,
    places: Arc<Places>,
    discipline: Box<dyn Discipline>,
    balancer: Option<Balancer>,
    options: &Options,
    watch: &mut dyn FnMut(&Progress),
) -> Result<Run, Violation> {
    /// Events between two calls of `watch`.
    const OFTEN: u64 = 1 << 14;
    let mut steps = 0u64;
    let mut state = State::new(program, places, discipline, options);
    let mut balancing = balancer.map(|balancer| Balancing::new(balancer, &mut state));
    while let Some(kind) = state.step()? {
        steps += 1;
        if kind == Kind::Round
            && let Some(balancing) = &mut balancing
        {
            balancing.round(&mut state)?;
            watch(&glance(&state, Some(balancing), &state.domains()));
        } else if steps.is_multiple_of(OFTEN) {
            watch(&glance(&state, balancing.as_ref(), &[]));
        }
        if state.is_over() {
            break;
        }
    }
    finish(state, balancing)
}

fn glance<'a>(state: &'a State, balancing: Option<&Balancing>, domains: &'a [DomainState]) -> Progress<'a> {
    Progress {
        now_ns: state.world.now_ns,
        ledger: &state.ledger,
        decisions: Decisions {
            applied: state.applied,
            expired: state.expired,
            ..balancing.map(|balancing| balancing.decisions).unwrap_or_default()
        },
        domains,
    }
}

fn finish(mut state: State, balancing: Option<Balancing>) -> Result<Run, Violation> {
    let now = state.world.now_ns;
    if state.runnable > 0 {
        return Err(Violation::Starved {
            policy: state.discipline.name(),
            tasks: state.runnable,
            at_ns: now,
        });
    }
    state.ledger.advance(now);
    check_work(&state)?;
    let (mut decisions, log) =
        balancing.map_or_else(Default::default, |balancing| (balancing.decisions, balancing.log));
    decisions.applied = state.applied;
    decisions.expired = state.expired;
    let tasks = state.world.tasks.iter().zip(&state.progress);
    let tasks = tasks.map(|(task, progress)| TaskOutcome {
        run_ns: task.total_run_ns,
        wait_ns: task.total_wait_ns,
        done_ns: progress.done_at_ns,
        migrations: task.migrations,
        latencies: progress.latencies,
    });
    Ok(Run {
        outcome: Outcome {
            policy: state.discipline.name(),
            tasks: tasks.collect(),
            decisions,
            stranded: state.alive,
            events: state.engine.applied(),
            state_hash: state.engine.state_hash(),
            ledger: state.ledger,
        },
        timeline: state.timeline,
        log,
    })
}

/// What the CPUs did is what the tasks got, and at full speed that is what they asked for.
fn check_work(state: &State) -> Result<(), Violation> {
    let cpus_ns = state.cores.iter().map(|core| core.busy_ns).sum();
    let tasks_ns = state.world.tasks.iter().map(|task| task.total_run_ns).sum();
    let full = state
        .world
        .places
        .speed
        .iter()
        .all(|&speed| speed == crate::policy::cpu::places::FULL_SPEED);
    let asked_ns = match full && state.alive == 0 {
        true => state.program.work_ns() + state.ledger.overhead_ns,
        false => tasks_ns,
    };
    if cpus_ns == tasks_ns && tasks_ns == asked_ns {
        Ok(())
    } else {
        Err(Violation::Work {
            cpus_ns,
            tasks_ns,
            asked_ns,
        })
    }
}
