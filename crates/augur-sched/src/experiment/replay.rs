// SPDX-License-Identifier: GPL-2.0-only
//! One program under several policies and seeds, side by side on all cores; and `clairvoyant`, which is the
//! best of everything found.

use crate::model::Predictor;
use crate::policy::cpu::assigned::{Assigned, assign};
use crate::policy::cpu::registry::{self, Choice, Scheme};
use crate::policy::cpu::{Discipline, Places};
use crate::policy::decision::Row;
use crate::report::replay::{Figures, Migrations};
use crate::report::task::{Latencies, TaskFigures};
use crate::sim::burst::Rebuilt;
use crate::sim::cpu::{self, Balancer, Options, Outcome, Progress, Run, Timeline};
use crate::sim::program::{Class, Program};
use crate::sim::{rank, recorded};
use anyhow::{Context, Result};
use augur_base::side_by_side::side_by_side;
use augur_base::statistics::{Percentiles, jain};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Loads the model of `model[dir=…]`: directory and engine, each where one was named.
pub type LoadModel<'a> = dyn Fn(Option<&str>, Option<&str>) -> Result<Box<dyn Predictor>> + Sync + 'a;

/// Told how far each run is: policy, seed, share of its bursts that have ended.
pub type Watch<'a> = dyn Fn(&str, u64, f64) + Sync + 'a;

/// What `clairvoyant` tries beside what was asked for.
const CANDIDATES: [&str; 8] = [
    "critical-path",
    "srtf",
    "augur",
    "eevdf-like",
    "rusty",
    "least-loaded",
    "never[steal=0]",
    "random",
];

/// What to run.
pub struct Plan<'a> {
    /// The trace's program, and what really happened.
    pub rebuilt: &'a Rebuilt,
    /// The machine to simulate.
    pub places: Arc<Places>,
    /// The machine of the recording, for `recorded`.
    pub recorded_places: Arc<Places>,
    /// Policies, as they are written.
    pub policies: &'a [String],
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Costs, jitter, ticks; seeds and what to keep are set for each run.
    pub options: Options,
    /// Keep the timeline of the first policy's first run.
    pub timeline: bool,
    /// Log the decisions of the first policy that makes any, in its first run.
    pub log: bool,
    /// Keep figures of each task.
    pub tasks: bool,
    /// Threads.
    pub threads: usize,
    /// Told how far it is.
    pub watch: &'a Watch<'a>,
}

/// What came of it.
pub struct Findings {
    /// Policy by policy, seed by seed.
    pub results: Vec<Figures>,
    /// The timeline that was asked for.
    pub timeline: Option<Timeline>,
    /// The decisions that were asked for.
    pub log: Vec<Row>,
    /// No schedule on CPUs of full speed ends sooner.
    pub bound_ns: u64,
}

/// Runs the plan. The result depends on nothing but the plan, whatever the number of threads.
///
/// # Errors
/// One sentence: a policy that is not there, a model that cannot be loaded, an invariant that was broken.
pub fn replay(plan: &Plan, load: &LoadModel) -> Result<Findings> {
    for policy in plan.policies {
        registry::parse(policy, 0)?;
    }
    let mut units = units(plan);
    let outcomes = runs(plan, &units, load)?;
    let mut runs: BTreeMap<(String, u64), Run> = BTreeMap::new();
    for (unit, run) in units.drain(..).zip(outcomes) {
        runs.insert((unit.policy, unit.seed), run);
    }
    let mut findings = Findings {
        results: Vec::new(),
        timeline: None,
        log: Vec::new(),
        bound_ns: bound_ns(plan),
    };
    for policy in plan.policies {
        for &seed in &plan.seeds {
            let figures = match registry::parse(policy, seed)? {
                Choice::Clairvoyant => clairvoyant(&runs, policy, seed, plan),
                _ => runs
                    .get(&(policy.clone(), seed))
                    .map(|run| with_tasks(figures(&run.outcome, policy, seed), &run.outcome, plan)),
            };
            findings.results.extend(figures.map(|mut figures| {
                if plan.rebuilt.recording.hides_waits {
                    figures.forget_waits();
                }
                figures
            }));
        }
    }
    if let (Some(policy), Some(&seed)) = (plan.policies.first(), plan.seeds.first()) {
        findings.timeline = runs
            .get_mut(&(policy.clone(), seed))
            .and_then(|run| run.timeline.take());
    }
    if let Some(policy) = plan.policies.iter().find(|policy| makes_decisions(policy)) {
        let first = plan
            .seeds
            .first()
            .and_then(|&seed| runs.get_mut(&(policy.clone(), seed)));
        findings.log = first.map(|run| std::mem::take(&mut run.log)).unwrap_or_default();
    }
    Ok(findings)
}

/// Whether a policy names moves between domains, so that there is something to log.
pub fn makes_decisions(policy: &str) -> bool {
    match registry::parse(policy, 0) {
        Ok(Choice::Scheme(scheme) | Choice::Model { scheme, .. }) => scheme
            .policy
            .as_ref()
            .is_some_and(|policy| policy.name() != "never"),
        _ => false,
    }
}

fn is_clairvoyant(policy: &str) -> bool {
    matches!(registry::parse(policy, 0), Ok(Choice::Clairvoyant))
}

/// One run.
struct Unit {
    policy: String,
    seed: u64,
    options: Options,
}

/// The exact assignment, as a policy of `clairvoyant` only.
const ASSIGNED: &str = "assigned";

/// The runs that are needed, each once.
fn units(plan: &Plan) -> Vec<Unit> {
    let mut names: Vec<&str> = plan
        .policies
        .iter()
        .map(String::as_str)
        .filter(|name| !is_clairvoyant(name))
        .collect();
    let logged = plan.policies.iter().find(|policy| makes_decisions(policy));
    if plan.policies.iter().any(|name| is_clairvoyant(name)) {
        names.extend(CANDIDATES);
        if is_independent(&plan.rebuilt.program) {
            names.push(ASSIGNED);
        }
    }
    let mut units: Vec<Unit> = Vec::new();
    for name in names {
        for (number, &seed) in plan.seeds.iter().enumerate() {
            if units.iter().any(|unit| unit.policy == name && unit.seed == seed) {
                continue;
            }
            let first = number == 0;
            let mut options = plan.options.clone();
            options.seed = seed;
            options.timeline =
                plan.timeline && first && plan.policies.first().is_some_and(|other| other == name);
            options.log = plan.log && first && logged.is_some_and(|other| other == name);
            units.push(Unit {
                policy: name.to_owned(),
                seed,
                options,
            });
        }
    }
    units
}

/// Runs units, in the units' order; each is told to begin and to end.
fn runs(plan: &Plan, units: &[Unit], load: &LoadModel) -> Result<Vec<Run>> {
    side_by_side(plan.threads, units, |unit| {
        (plan.watch)(&unit.policy, unit.seed, 0.0);
        let run = run(plan, unit, load).with_context(|| format!("replay under {} failed", unit.policy));
        (plan.watch)(&unit.policy, unit.seed, 1.0);
        run
    })
}

fn run(plan: &Plan, unit: &Unit, load: &LoadModel) -> Result<Run> {
    let program = plan.rebuilt.program.clone();
    let bursts = program.bursts.len().max(1) as f64;
    let mut watch = |glance: &Progress| {
        // The end is told once, by the caller.
        let share = glance.ledger.bursts as f64 / bursts;
        (plan.watch)(&unit.policy, unit.seed, share.min(0.999));
    };
    let mut start = |mut options: Options, scheme: Scheme, model: Option<Box<dyn Predictor>>| {
        options.clairvoyant = scheme.clairvoyant;
        let balancer = scheme.policy.map(|policy| Balancer {
            interval_ns: scheme.interval_ns,
            forbids_steals: scheme.forbids_steals,
            model,
            ..Balancer::new(policy)
        });
        Ok(cpu::run_watched(
            program.clone(),
            plan.places.clone(),
            scheme.discipline,
            balancer,
            &options,
            &mut watch,
        )?)
    };
    if unit.policy == ASSIGNED {
        let discipline: Box<dyn Discipline> = Box::new(assigned(&plan.rebuilt.program, &plan.places));
        return Ok(cpu::run(
            program.clone(),
            plan.places.clone(),
            discipline,
            None,
            &unit.options,
        )?);
    }
    match registry::parse(&unit.policy, unit.seed)? {
        Choice::Recorded | Choice::Clairvoyant => Ok(Run {
            outcome: recorded::outcome(plan.rebuilt, &plan.recorded_places),
            timeline: None,
            log: Vec::new(),
        }),
        Choice::Scheme(scheme) => start(unit.options.clone(), *scheme, None),
        Choice::Model {
            directory,
            engine,
            scheme,
        } => {
            let model = load(directory.as_deref(), engine.as_deref())?;
            start(unit.options.clone(), *scheme, Some(model))
        }
    }
}

/// Bursts that depend on nothing and all begin at once.
fn is_independent(program: &Program) -> bool {
    program.actions.is_empty()
        && program.bursts.len() == program.tasks.len()
        && program.bursts.iter().all(|burst| burst.after_ns == 0)
        && program
            .tasks
            .iter()
            .all(|task| task.pinned.is_none() && task.allowed.is_empty() && task.class == Class::Fair)
}

fn assigned(program: &Program, places: &Places) -> Assigned {
    let work: Vec<u64> = program.bursts.iter().map(|burst| burst.run_ns).collect();
    Assigned::new(assign(&work, places.cpus()))
}

/// The run of the seed that ended first; of several, the one that waited least.
fn clairvoyant(runs: &BTreeMap<(String, u64), Run>, policy: &str, seed: u64, plan: &Plan) -> Option<Figures> {
    let simulated = runs
        .iter()
        .filter(|((name, other), _)| *other == seed && name != recorded::NAME);
    let best = simulated.min_by_key(|(_, run)| {
        let ledger = &run.outcome.ledger;
        (
            run.outcome.stranded,
            ledger.makespan_ns,
            ledger.waits_ns.iter().sum::<u64>(),
        )
    });
    best.map(|((name, _), run)| Figures {
        by: Some(name.clone()),
        ..with_tasks(figures(&run.outcome, policy, seed), &run.outcome, plan)
    })
}

/// With figures of each task that there is anything to say of, where they are wanted.
fn with_tasks(mut figures: Figures, outcome: &Outcome, plan: &Plan) -> Figures {
    if plan.tasks {
        let tasks = plan.rebuilt.program.tasks.iter().zip(&outcome.tasks);
        let busy = tasks.filter(|(spec, _)| spec.bursts > 0);
        figures.tasks = busy
            .map(|(spec, became)| TaskFigures {
                pid: spec.id.pid,
                name: spec.comm.to_string(),
                run_ns: became.run_ns,
                wait_ns: Some(became.wait_ns),
                wakeup_latency_ns: Latencies::of(
                    became.latencies.count,
                    became.latencies.sum_ns,
                    became.latencies.max_ns,
                ),
                migrations: became.migrations.into(),
                done_ns: became.done_ns,
            })
            .collect();
    }
    figures
}

fn bound_ns(plan: &Plan) -> u64 {
    let program = &plan.rebuilt.program;
    let work_ns = program.work_ns().div_ceil(plan.places.cpus().max(1) as u64);
    rank::critical_path_ns(program).max(work_ns)
}

/// A run in figures.
pub fn figures(outcome: &Outcome, policy: &str, seed: u64) -> Figures {
    let ledger = &outcome.ledger;
    let ran = outcome.tasks.iter().filter(|task| task.run_ns + task.wait_ns > 0);
    Figures {
        policy: policy.to_owned(),
        seed,
        makespan_ns: ledger.makespan_ns,
        throughput_hz: ledger.bursts as f64 / (ledger.makespan_ns.max(1) as f64 / 1e9),
        migrations: Migrations {
            total: ledger.migrations_total(),
            kinds: ledger.by_kind(),
        },
        causes: ledger.by_cause(),
        ping_pongs: ledger.ping_pongs,
        wakeup_latency_ns: Percentiles::of(&mut ledger.latencies_ns.clone()),
        wait_ns: Percentiles::of(&mut ledger.waits_ns.clone()),
        idle_while_overloaded_ns: Some(ledger.idle_while_overloaded_ns),
        imbalance: Some(ledger.imbalance()),
        jain: Some(jain(
            ran.map(|task| task.run_ns as f64 / (task.run_ns + task.wait_ns) as f64),
        )),
        decisions: outcome.decisions.applied,
        decision_outcomes: outcome.decisions,
        overhead_ns: ledger.overhead_ns,
        stranded: outcome.stranded as u64,
        events: outcome.events,
        by: None,
        state_hash: format!("{:016x}", outcome.state_hash),
        tasks: Vec::new(),
    }
}
