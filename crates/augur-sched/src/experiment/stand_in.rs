// SPDX-License-Identifier: GPL-2.0-only
//! `run --simulate`: the daemon's policy, gate and model decide on a simulated machine under a generated load, and what
//! comes of it is told in the daemon's own statistics.

use crate::model::{Engine, ModelSource, Predictor};
use crate::policy::cpu::Places;
use crate::policy::cpu::augur::{Augur, Tuning};
use crate::policy::cpu::load::weight_of_prio;
use crate::policy::metrics::Metrics;
use crate::policy::{Gate, Mode, Policy};
use crate::sim::cpu::{self, Balancer, Options, Progress, TaskOutcome};
use crate::sim::{Program, TaskSpec};
use anyhow::{Result, ensure};
use augur_base::random::Generator;
use augur_base::random::exponential;
use augur_base::statistics::Percentiles;
use augur_base::topology::Machine;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::time::Duration;

/// The most bursts of a program; more would not fit into memory.
const MOST_BURSTS: f64 = 2e7;

/// What tasks do: a third each interactive, in between, and long; mean bursts.
const BURSTS_NS: [f64; 3] = [200_000.0, 2_000_000.0, 15_000_000.0];

/// A load as it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How much of the machine's CPUs it takes, 1 being all of them.
    pub share: f64,
    /// Tasks.
    pub tasks: usize,
    /// How long tasks come back for more.
    pub duration: Duration,
    /// Of all draws.
    pub seed: u64,
}

/// Who decides.
pub struct Decider {
    /// Names the moves.
    pub policy: Box<dyn Policy>,
    /// Judges them, and what runs it, or why nobody does.
    pub model: Result<(Box<dyn Predictor>, Engine), &'static str>,
    /// How its word counts.
    pub mode: Mode,
    /// Time between rounds.
    pub interval: Duration,
    /// The kernel half's settings.
    pub tuning: Tuning,
}

/// A program of tasks that work and sleep in turn and all start on the first domain's CPUs, as the children of one parent
/// do; a few of them are nice. It takes the load's share of the machine if no CPU idles beside a queue.
///
/// # Errors
/// Where it would not fit into memory.
pub fn program(load: &Load, places: &Places) -> Result<Program> {
    let mut draws = Generator::seed_from_u64(load.seed);
    let capacity: f64 = places
        .machine
        .cpus
        .iter()
        .map(|cpu| f64::from(cpu.capacity))
        .sum();
    // What one task takes of a CPU; the rest of its time it sleeps.
    let duty = (load.share * capacity / load.tasks.max(1) as f64).clamp(1e-3, 1.0);
    let duration_ns = load.duration.as_secs_f64() * 1e9;
    let bursts: f64 = BURSTS_NS
        .iter()
        .map(|burst_ns| load.tasks as f64 / 3.0 * duration_ns * duty / burst_ns)
        .sum();
    ensure!(
        bursts <= MOST_BURSTS,
        "a load of {bursts:.0} bursts does not fit into memory; ask for a shorter --duration"
    );
    let mut program = Program::default();
    let first: Vec<u32> = places.members.first().cloned().unwrap_or_default();
    for number in 0..load.tasks {
        let mean_ns = BURSTS_NS[number % BURSTS_NS.len()];
        let mut own = Vec::new();
        let mut at_ns = 0.0;
        while at_ns < duration_ns {
            let sleep_ns = mean_ns * (1.0 / duty - 1.0) * exponential(&mut draws);
            let run_ns = (mean_ns * exponential(&mut draws)).max(1_000.0);
            own.push((sleep_ns as u64, run_ns as u64));
            at_ns += sleep_ns + run_ns;
        }
        let prio = 120 + if number % 7 == 6 { 5 } else { 0 };
        let cpu = first.get(draws.random_range(0..first.len().max(1))).copied();
        let cpu = cpu.and_then(|cpu| places.machine.cpus.get(cpu as usize));
        let spec = TaskSpec {
            prio,
            weight: weight_of_prio(prio),
            cpu: cpu.and_then(|cpu| u32::try_from(cpu.id).ok()),
            ..TaskSpec::plain(number)
        };
        program.push(spec, &own, &[]);
    }
    Ok(program)
}

/// Runs the load to its end; `see` is told the statistics so far after every `every` of simulated time.
///
/// # Errors
/// A load that does not fit into memory, an invariant of the simulation that was broken.
pub fn run(
    machine: Machine,
    load: &Load,
    decider: Decider,
    every: Option<Duration>,
    see: &mut dyn FnMut(&Metrics),
) -> Result<Metrics> {
    let shown = machine.to_string();
    let places = Arc::new(Places::new(Arc::new(machine)));
    let program = Arc::new(program(load, &places)?);
    let mut metrics = Metrics {
        policy: format!("{} on a simulated machine of {shown}", decider.policy.name()),
        model: match &decider.model {
            Ok((model, _)) => model.name().to_owned(),
            Err(cause) => format!("none ({cause}): the heuristic decides"),
        },
        engine: match &decider.model {
            Ok((_, engine)) => engine.to_string(),
            Err(_) => String::new(),
        },
        ..Metrics::default()
    };
    let model: Box<dyn Predictor> = match decider.model {
        Ok((model, _)) => model,
        // Asked all the same, as the daemon's is: it says that it is off, and the heuristic decides.
        Err(_) => Box::new(ModelSource::off()),
    };
    let balancer = Balancer {
        model: Some(model),
        gate: Gate::new(decider.mode),
        interval_ns: u64::try_from(decider.interval.as_nanos())?,
        ..Balancer::new(decider.policy)
    };
    let options = Options {
        seed: load.seed,
        jitter_ns: 10_000,
        ..Options::default()
    };
    let every_ns = every.map_or(u64::MAX, |every| every.as_nanos() as u64);
    let mut next_ns = every_ns;
    let run = cpu::run_watched(
        program,
        places,
        Box::new(Augur::new("augur".to_owned(), decider.tuning)),
        Some(balancer),
        &options,
        &mut |glance| {
            if !glance.domains.is_empty() {
                metrics.domains = glance.domains.iter().map(Into::into).enumerate().collect();
            }
            if glance.now_ns >= next_ns {
                next_ns = glance.now_ns.saturating_add(every_ns);
                take(&mut metrics, glance);
                see(&metrics);
            }
        },
    )?;
    let end = Progress {
        now_ns: run.outcome.ledger.makespan_ns,
        ledger: &run.outcome.ledger,
        decisions: run.outcome.decisions,
        domains: &[],
    };
    take(&mut metrics, &end);
    metrics.run_ms = total_ms(&run.outcome.tasks, |task| task.run_ns);
    metrics.wait_ms = total_ms(&run.outcome.tasks, |task| task.wait_ns);
    Ok(metrics)
}

fn total_ms(tasks: &[TaskOutcome], of: fn(&TaskOutcome) -> u64) -> u64 {
    tasks.iter().map(of).sum::<u64>() / 1_000_000
}

/// Puts what the simulation counted into the daemon's places. What it does not count stays 0.
fn take(metrics: &mut Metrics, glance: &Progress) {
    let (ledger, decisions) = (glance.ledger, &glance.decisions);
    let (kinds, causes) = (ledger.by_kind(), ledger.by_cause());
    metrics.uptime_s = glance.now_ns as f64 / 1e9;
    metrics.rounds = decisions.rounds;
    metrics.set_tally(&decisions.tally);
    metrics.accepted = decisions.tally.accepted;
    metrics.applied = decisions.applied;
    metrics.refused = decisions.refused;
    metrics.expired = decisions.expired;
    let ended = decisions.applied + decisions.refused + decisions.expired;
    metrics.pending = metrics.accepted.saturating_sub(ended);
    metrics.migrations = ledger.migrations_total();
    metrics.arrivals = metrics.migrations;
    (metrics.mig_core, metrics.mig_llc) = (kinds.same_core, kinds.same_llc);
    (metrics.mig_cross_llc, metrics.mig_cross_node) = (kinds.cross_llc, kinds.cross_node);
    (metrics.mig_wakeup, metrics.mig_steal) = (causes.wakeup, causes.steal);
    (metrics.mig_balance, metrics.mig_affinity) = (causes.balance, causes.affinity);
    metrics.mig_other = causes.other;
    let latency = Percentiles::of(&mut ledger.latencies_ns.clone());
    metrics.wakeups = latency.count;
    let us = |ns: u64| ns as f64 / 1e3;
    metrics.latency_p50_us = us(latency.p50);
    metrics.latency_p90_us = us(latency.p90);
    metrics.latency_p99_us = us(latency.p99);
    metrics.latency_p999_us = us(latency.p999);
    metrics.latency_max_us = us(latency.max);
    metrics.wait_ms = ledger.waits_ns.iter().sum::<u64>() / 1_000_000;
}
