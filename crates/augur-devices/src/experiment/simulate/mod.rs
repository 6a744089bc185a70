// SPDX-License-Identifier: GPL-2.0-only
//! One machine and workload under several device policies and seeds, side by side. Each policy gets the same tasks.

mod config;
mod course;
mod files;
mod timed;

pub use config::{Config, Scenario};
use course::Recorder;
pub(in crate::experiment) use course::report as drift_report;
pub(in crate::experiment) use files::plain;
use timed::Timed;

use crate::policy::{Context, DevicePolicy, registry};
use crate::report::device::{Figures, Report};
use crate::sim::{self, Bound, Done, Fault, Options};
use anyhow::{Context as _, Result, ensure};
use augur_base::side_by_side::side_by_side;
use files::Files;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What to run.
pub struct Plan<'a> {
    /// Machine, laws, workload.
    pub config: &'a Config,
    /// Policies, as they are written.
    pub policies: &'a [String],
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Where tables of all tasks and results are written, if anywhere.
    pub out: Option<&'a Path>,
    /// Threads.
    pub threads: usize,
}

/// Runs the plan; `watch` is told of each task that is done, by its number in its run, and breaks to stop all. But for the
/// time that decisions took, the result depends on nothing but the plan, whatever the number of threads.
///
/// # Errors
/// One sentence: a setting that cannot be, a policy that is not there or did what it must not, a file that cannot be
/// written; then none is. [`Fault::Stopped`] where it was stopped.
pub fn run(plan: &Plan, watch: &(dyn Fn(u64) -> ControlFlow<()> + Sync)) -> Result<Report> {
    let (report, runs) = run_or_part(plan, &|step| watch(step.count))?;
    ensure!(runs.all(), Fault::Stopped);
    Ok(report)
}

/// A task that is done.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Under which policy.
    pub policy: &'a str,
    /// With which seed.
    pub seed: u64,
    /// Its number in its run, from 1.
    pub count: u64,
}

/// How much of a plan was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Runs that are in the report.
    pub done: usize,
    /// Runs that were asked for.
    pub planned: usize,
}

impl Runs {
    /// Nothing is missing.
    pub fn all(self) -> bool {
        self.done == self.planned
    }
}

/// The same, where what was finished before it was stopped is kept: the report is of those runs, and what compares policies is of
/// the seeds that all of them finished.
///
/// # Errors
/// As [`run`]; [`Fault::Stopped`] where no run was finished.
pub fn run_or_part(
    plan: &Plan,
    watch: &(dyn Fn(Step<'_>) -> ControlFlow<()> + Sync),
) -> Result<(Report, Runs)> {
    let context = plan.config.context()?;
    for policy in plan.policies {
        registry::check(policy, &context)?;
    }
    let files = plan.out.map(Files::begin).transpose()?;
    // All policies of a seed together, so that what is finished can be compared.
    let units: Vec<(u64, &String)> = plan
        .seeds
        .iter()
        .flat_map(|&seed| plan.policies.iter().map(move |policy| (seed, policy)))
        .collect();
    let bounds = side_by_side(plan.threads, &plan.seeds, |&seed| {
        Ok((seed, sim::bound(&Options::of(&context, seed))))
    })?;
    let stopped = AtomicBool::new(false);
    let finished = side_by_side(plan.threads, &units, |&(seed, policy)| {
        if stopped.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let step = |count| watch(Step { policy, seed, count });
        match one(&context, policy, seed, files.as_ref(), &step) {
            Err(err) if matches!(err.downcast_ref(), Some(Fault::Stopped)) => {
                stopped.store(true, Ordering::Relaxed);
                Ok(None)
            }
            figures => figures.map(|mut figures| {
                if let Some((_, bound)) = bounds.iter().find(|(other, _)| *other == seed) {
                    limit(&mut figures, bound);
                }
                Some(figures)
            }),
        }
    })?;
    let runs = Runs {
        done: finished.iter().flatten().count(),
        planned: units.len(),
    };
    ensure!(runs.done > 0, Fault::Stopped);
    let report = report(plan, &context, finished, runs);
    if let Some(files) = files {
        files.finish(&report)?;
    }
    Ok((report, runs))
}

/// `finished` has all policies of the first seed, then those of the next.
fn report(plan: &Plan, context: &Context, mut finished: Vec<Option<Figures>>, runs: Runs) -> Report {
    let devices = context
        .devices
        .all()
        .iter()
        .map(|device| device.name.clone())
        .collect();
    let width = plan.policies.len();
    let whole = finished
        .chunks(width)
        .take_while(|runs| runs.iter().all(Option::is_some))
        .count();
    let mut of_policies = |seeds: std::ops::Range<usize>| -> Vec<Figures> {
        let of_policy = |policy| seeds.clone().map(move |seed| seed * width + policy);
        let places = (0..width).flat_map(of_policy);
        places.filter_map(|place| finished[place].take()).collect()
    };
    let mut results = of_policies(0..whole);
    let workload = &context.workload;
    let records = results
        .iter_mut()
        .map(|run| (run.policy.clone(), run.seed, std::mem::take(&mut run.course)))
        .collect();
    let clairvoyant = plan.policies.iter().find(|policy| is_clairvoyant(policy));
    let drift = drift_report(&workload.drift, records, clairvoyant.map(String::as_str));
    let mut report = Report {
        drift: drift.filter(|_| runs.all()),
        ..Report::new(devices, workload.tasks, results)
    };
    report.results.extend(of_policies(whole..plan.seeds.len()));
    report
}

/// Notes what no policy can be better than.
pub(in crate::experiment) fn limit(figures: &mut Figures, bound: &Bound) {
    figures.completion_bound_ns = bound.completion_mean_ns;
    figures.makespan_bound_ns = bound.makespan_ns;
}

/// The first one of them is what drift is measured by.
fn is_clairvoyant(policy: &str) -> bool {
    policy.split('[').next() == Some("clairvoyant")
}

fn one(
    context: &Context,
    policy: &str,
    seed: u64,
    files: Option<&Files>,
    watch: &dyn Fn(u64) -> ControlFlow<()>,
) -> Result<Figures> {
    let mut table = files.map(|files| files.tasks(policy, seed)).transpose()?;
    let mut count = 0;
    let made = registry::parse(policy, context, seed)?;
    let figures = simulated(context, (policy, seed), made, &mut |done| {
        count += 1;
        if let Some(table) = &mut table {
            files::row(table, done, context.devices.cpus())?;
        }
        Ok(watch(count))
    })?;
    if let (Some(files), Some(table)) = (files, table) {
        files.keep(table)?;
    }
    Ok(figures)
}

/// One policy, which reports call by this name, on the tasks of one seed; `on_done` is told of each that is done, and breaks to
/// stop.
///
/// # Errors
/// [`Fault::Stopped`] as it is; one sentence for what the policy must not do, and what `on_done` says.
pub(in crate::experiment) fn simulated(
    context: &Context,
    (name, seed): (&str, u64),
    policy: Box<dyn DevicePolicy>,
    on_done: &mut dyn FnMut(&Done) -> Result<ControlFlow<()>>,
) -> Result<Figures> {
    let mut timed = Timed::new(policy);
    let mut recorder = Recorder::new(&context.workload.drift, context.workload.tasks);
    let mut failure = None;
    let mut left = |done: &Done| {
        recorder.done(done);
        on_done(done).unwrap_or_else(|err| {
            failure = Some(err);
            ControlFlow::Break(())
        })
    };
    let outcome = sim::run(&Options::of(context, seed), &mut timed, &mut left);
    if let Some(err) = failure {
        return Err(err);
    }
    let outcome = match outcome {
        Err(Fault::Stopped) => return Err(Fault::Stopped.into()),
        outcome => outcome.with_context(|| format!("simulation under {name} failed"))?,
    };
    Ok(Figures {
        policy: name.to_owned(),
        seed,
        decision_ns: timed.mean_ns(),
        events: outcome.events,
        state_hash: format!("{:016x}", outcome.state_hash),
        outcome,
        course: recorder.finish(timed.notices())?,
        ..Figures::default()
    })
}
