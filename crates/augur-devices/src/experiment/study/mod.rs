// SPDX-License-Identifier: GPL-2.0-only
//! An experiment in five phases, that can be stopped and goes on where it was.
//!
//! ```text
//! profile    where it runs                                      profile.json
//! generate   the tasks of each seed                             tasks/SEED.parquet tasks/SEED.csv
//! train      what learns, on tasks that no policy is tried on   train/LEARNER-SEED.json train/LEARNER-SEED.forest.json train/NETWORK.json
//! schedule   each policy on the tasks of each seed              runs/POLICY-SEED.json decisions/POLICY-SEED.csv
//! evaluate   tables, pictures and a page out of all that        *.csv *.parquet *.png *.svg *.pdf report.html
//! ```
//! Each unit is a file that is there whole or not at all ([`store`]); the last phase reads only files, so that what was
//! stopped and went on is the same, bit by bit, as what was not.

mod decisions;
mod evaluate;
mod generate;
mod networks;
mod profile;
mod schedule;
mod settings;
mod store;
mod train;

pub use settings::Settings;
pub use store::{forget, has_begun};

use super::simulate::Config;
use crate::policy::{Context, DevicePolicy, registry};
use crate::report::study::{Made, Study};
use anyhow::{Result, bail};
use augur_base::side_by_side::side_by_side;
use schedule::Cells;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use store::Store;

/// Tasks of a run where nothing else is said: enough to tell policies apart in less than a minute.
const TASKS: u64 = 2000;

/// What to do, and where.
pub struct Plan<'a> {
    /// Machine, laws, workload, and the experiment's own settings.
    pub config: &'a Config,
    /// The folder.
    pub out: &'a Path,
    /// Threads.
    pub threads: usize,
    /// The folder of the graphs without weights that networks are trained from.
    pub networks: &'a Path,
    /// Set to stop in order.
    pub stop: &'a AtomicBool,
    /// How it is made, for the page.
    pub made: Made,
}

/// Where an experiment is.
pub enum Step {
    /// A phase begins: so many units, so many of them done before.
    Phase {
        /// Its name.
        name: &'static str,
        /// All of its units.
        units: usize,
        /// Those that were kept from before.
        kept: usize,
    },
    /// A unit is done.
    Unit,
}

/// The settings where nothing else is said.
pub fn defaults() -> Config {
    let mut config = Config::default();
    config.workload.tasks = TASKS;
    config
}

/// One piece of work, done where its file is there.
#[derive(Clone, Debug)]
enum Unit {
    Profile,
    Generate(u64),
    Train(usize, u64),
    Learn(usize),
    Schedule(usize, u64),
}

/// Runs all phases, or what is left of them, and writes the report. But for the time that decisions took, and for the
/// machine, the result depends on nothing but the settings.
///
/// # Errors
/// One sentence: a setting that cannot be, a folder that cannot be written or holds another experiment, or that it was
/// stopped; what was done is kept.
pub fn run(plan: &Plan<'_>, tell: &(dyn Fn(Step) + Sync)) -> Result<Study> {
    let config = plan.config;
    config.experiment.check()?;
    let context = config.context()?;
    config.experiment.check_policies(&context)?;
    let settings = toml::to_string(config)?;
    // Before there is a folder.
    profile::check(config.experiment.hardware_profile.as_deref())?;
    let store = Store::open(plan.out, &settings)?;
    for (name, units) in phases(&config.experiment) {
        let left: Vec<Unit> = units
            .iter()
            .filter(|unit| !store.has(&file(&config.experiment, unit)))
            .cloned()
            .collect();
        let kept = units.len() - left.len();
        tell(Step::Phase {
            name,
            units: units.len(),
            kept,
        });
        all(plan, &left, |unit| {
            one(plan, &store, &context, unit)?;
            tell(Step::Unit);
            Ok(())
        })?;
    }
    tell(Step::Phase {
        name: "evaluate",
        units: 1,
        kept: 0,
    });
    let mut study = evaluate::evaluate(&store, config, &context, &settings)?;
    study.made.clone_from(&plan.made);
    evaluate::write(&store, &study)?;
    tell(Step::Unit);
    Ok(study)
}

fn phases(settings: &Settings) -> [(&'static str, Vec<Unit>); 4] {
    let seeds = settings.all_seeds();
    let each = |count: usize, of: fn(usize, u64) -> Unit| {
        let all = (0..count).flat_map(|at| seeds.iter().map(move |&seed| of(at, seed)));
        all.collect::<Vec<Unit>>()
    };
    // The longest ones first, so that no thread is left with one of them at the end.
    let mut train: Vec<Unit> = (0..settings.networks.len()).map(Unit::Learn).collect();
    train.extend(each(train::LEARNERS.len(), Unit::Train));
    [
        ("profile", vec![Unit::Profile]),
        ("generate", seeds.iter().copied().map(Unit::Generate).collect()),
        ("train", train),
        ("schedule", each(settings.contenders().len(), Unit::Schedule)),
    ]
}

fn file(settings: &Settings, unit: &Unit) -> String {
    match unit {
        Unit::Profile => profile::UNIT.to_owned(),
        Unit::Generate(seed) => generate::unit(*seed),
        Unit::Train(learner, seed) => train::unit(train::LEARNERS[*learner].0, *seed),
        Unit::Learn(at) => networks::unit(settings, *at),
        Unit::Schedule(at, seed) => schedule::unit(*at, settings.contenders()[*at], *seed),
    }
}

fn one(plan: &Plan<'_>, store: &Store, context: &Context, unit: &Unit) -> Result<()> {
    let settings = &plan.config.experiment;
    match unit {
        Unit::Profile => profile::profile(store, settings, plan.threads),
        Unit::Generate(seed) => generate::draw(store, context, *seed),
        Unit::Train(learner, seed) => train::lessons(store, context, settings, *learner, *seed),
        Unit::Learn(at) => networks::learn(store, plan, *at),
        Unit::Schedule(at, seed) => {
            let policy = contender(store, context, settings, *at, *seed)?;
            let cells = Cells::new(settings.heatmap, context);
            let watch = || match plan.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            };
            let unit = (*at, settings.contenders()[*at], *seed);
            schedule::run(store, context, unit, policy, (&cells, settings.windows), &watch)
        }
    }
}

/// Who is at this place of [`Settings::contenders`].
fn contender(
    store: &Store,
    context: &Context,
    settings: &Settings,
    at: usize,
    seed: u64,
) -> Result<Box<dyn DevicePolicy>> {
    match settings.policies.get(at) {
        Some(policy) => registry::parse(policy, context, seed),
        None => networks::learned(store, settings, context, at - settings.policies.len()),
    }
}

/// Does units on all threads, until one fails or all are to stop.
fn all(plan: &Plan<'_>, units: &[Unit], work: impl Fn(&Unit) -> Result<()> + Sync) -> Result<()> {
    let done = side_by_side(plan.threads, units, |unit| {
        match plan.stop.load(Ordering::Relaxed) {
            true => Ok(()),
            false => work(unit),
        }
    });
    if plan.stop.load(Ordering::Relaxed) {
        bail!(
            "interrupted; what is done is kept in {}, and the same command goes on from there",
            plan.out.display()
        );
    }
    done.map(drop)
}
