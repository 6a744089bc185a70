// SPDX-License-Identifier: GPL-2.0-only
//! Phase five: all units that were kept become tables, pictures and a page.

use super::schedule::Cells;
use super::store::Store;
use super::{Settings, networks, profile, schedule, train};
use crate::experiment::simulate::{self, Config};
use crate::policy::{Context, registry};
use crate::report::study::{self, Lessons, Mark, Run, Study};
use anyhow::{Context as _, Result};

/// Puts all units together.
///
/// # Errors
/// Where one cannot be read.
pub(super) fn evaluate(store: &Store, config: &Config, context: &Context, settings: &str) -> Result<Study> {
    let experiment = &config.experiment;
    let (mut runs, mut lessons): (Vec<Run>, Vec<Lessons>) = (Vec::new(), Vec::new());
    for (at, policy) in experiment.contenders().into_iter().enumerate() {
        for seed in experiment.all_seeds() {
            runs.push(store.read(&schedule::unit(at, policy, seed))?);
        }
    }
    for (learner, _) in train::LEARNERS {
        for seed in experiment.all_seeds() {
            lessons.push(store.read(&train::unit(learner, seed))?);
        }
    }
    let records = runs.iter_mut().map(|run| {
        let course = std::mem::take(&mut run.course);
        (run.figures.policy.clone(), run.figures.seed, course)
    });
    let records = records.collect();
    let devices = context.devices.all().iter().map(|device| device.name.clone());
    let cells = Cells::new(experiment.heatmap, context);
    let clairvoyant = clairvoyant(experiment, context)?;
    let mut study = Study::new(
        devices.collect(),
        clairvoyant,
        &runs,
        &lessons,
        (cells.size, cells.intensity),
    );
    study.title.clone_from(&experiment.title);
    study.call(&experiment.labels);
    study.machine = store.read(profile::UNIT)?;
    study.timeline.marks = marks(config);
    study.drift = simulate::drift_report(&config.workload.drift, records, study.oracle.as_deref());
    study.settings = settings.to_owned();
    for at in 0..experiment.networks.len() {
        study.training.push(store.read(&networks::unit(experiment, at))?);
    }
    Ok(study)
}

/// Moments that the workload shifts at, in order: those that the settings name, and the drift's own. Where both are the same
/// the settings' words stand.
fn marks(config: &Config) -> Vec<Mark> {
    let mut marks = config.experiment.shifts.clone();
    let within = config
        .workload
        .drift
        .at
        .iter()
        .zip(["drift", "as before"].into_iter().cycle());
    for (&task, what) in within.filter(|(at, _)| **at < config.workload.tasks) {
        if !marks.iter().any(|mark| mark.task == task) {
            let what = what.to_owned();
            marks.push(Mark { task, what });
        }
    }
    marks.sort_by_key(|mark| mark.task);
    marks
}

fn clairvoyant(experiment: &Settings, context: &Context) -> Result<Option<String>> {
    for policy in &experiment.policies {
        // Made only to ask it: what learns before its first task is not.
        let name = policy.split('[').next().unwrap_or_default();
        if name == "clairvoyant" && registry::parse(policy, context, 0)?.is_clairvoyant() {
            return Ok(Some(policy.clone()));
        }
    }
    Ok(None)
}

/// Writes tables, pictures, and the page last.
///
/// # Errors
/// Where one cannot be written.
pub(super) fn write(store: &Store, study: &Study) -> Result<()> {
    for sheet in study::sheets(study) {
        store.write(&format!("{}.csv", sheet.name), &sheet.csv()?)?;
        if let Some(table) = sheet.parquet(&store.path(&format!("{}.parquet", sheet.name)))? {
            table.finish()?;
        }
    }
    let mut json = serde_json::to_vec_pretty(study).context("the summary cannot be written")?;
    json.push(b'\n');
    store.write("summary.json", &json)?;
    let drawings = study::drawings(study)?;
    for drawing in &drawings {
        for (kind, bytes) in &drawing.files {
            store.write(&format!("{}.{kind}", drawing.name), bytes)?;
        }
    }
    store.write("report.html", study::page(study, &drawings).as_bytes())
}
