// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as pictures: which there are, and in which formats.
//!
//! ```text
//! compared  policies beside each other     learned  how learners became better     course  over the run
//! matrix    cells of colours with words
//! ```

mod compared;
mod course;
mod learned;
mod matrix;

use super::summary::{Curve, Study};
use anyhow::{Context, Result};
use augur_base::picture::canvas::{Canvas, NARROW_PX, WIDE_PX};
use augur_base::picture::formats;
use augur_base::picture::palette::Style;
use augur_base::statistics::Interval;
use matrix::Heatmap;

/// A picture, in all formats.
pub struct Drawing {
    /// The file's name, without what says its kind.
    pub name: &'static str,
    /// The table that has its figures.
    pub sheet: &'static str,
    /// As an element of a page.
    pub wide: String,
    /// The same for a phone.
    pub narrow: String,
    /// As a file of each of [`formats::KINDS`].
    pub files: Vec<(&'static str, Vec<u8>)>,
}

/// All pictures that there is something to draw for.
///
/// # Errors
/// Where one cannot be drawn.
pub fn drawings(study: &Study) -> Result<Vec<Drawing>> {
    let (race, tail, regret) = (
        compared::race(study),
        compared::tail(study),
        compared::regret(study),
    );
    let (frontier, cost) = (compared::frontier(study), compared::cost(study));
    let (heatmap, timeline) = (Heatmap::of(study), course::timeline(study));
    let mut all = vec![
        drawing("race", "summary", |px| race.draw(px))?,
        drawing("tail", "summary", |px| tail.draw(px))?,
        drawing("heatmap", "heatmap", |px| heatmap.draw(px))?,
        drawing("frontier", "summary", |px| frontier.draw(px))?,
        drawing("cost", "summary", |px| cost.draw(px))?,
        drawing("regret", "regret", |px| regret.draw(px))?,
        drawing("devices", "summary", |px| matrix::devices(study, px))?,
        drawing("timeline", "timeline", |px| timeline.draw(px))?,
    ];
    if let Some(paired) = compared::paired(study) {
        all.push(drawing("win_loss", "win_loss", |px| paired.draw(px))?);
    }
    if !study.completion.is_empty() {
        let completion = compared::completion(study);
        all.push(drawing("completion", "completion", |px| completion.draw(px))?);
    }
    if study.gpu_fractions.iter().any(|of| !of.tasks.is_empty()) {
        let fraction = compared::gpu_fraction(study);
        all.push(drawing("gpu_fraction", "gpu_fraction", |px| fraction.draw(px))?);
    }
    if let Some(schedule) = course::schedule(study) {
        all.push(drawing("schedule", "schedule", |px| schedule.draw(px))?);
    }
    for (name, by) in [("learning_tasks", "tasks"), ("learning_trees", "trees")] {
        let curves: Vec<&Curve> = study.learning.iter().filter(|curve| curve.by == by).collect();
        if !curves.is_empty() {
            let learning = learned::learning(&curves, by);
            all.push(drawing(name, "learning", |px| learning.draw(px))?);
        }
    }
    if !study.training.is_empty() {
        let training = learned::training(study);
        all.push(drawing("training", "training", |px| training.draw(px))?);
    }
    if !study.importance.is_empty() {
        let importance = learned::importance(study);
        all.push(drawing("importance", "importance", |px| importance.draw(px))?);
    }
    Ok(all)
}

/// A picture in all formats; `draw` draws it, so many pixels wide.
fn drawing(name: &'static str, sheet: &'static str, draw: impl Fn(i32) -> Canvas) -> Result<Drawing> {
    let wide = draw(WIDE_PX);
    let svg = wide.document();
    let file = |&kind: &&'static str| {
        let bytes = formats::file(kind, &svg).with_context(|| format!("{name}.{kind}"))?;
        Ok((kind, bytes))
    };
    Ok(Drawing {
        name,
        sheet,
        wide: wide.element(&format!("{name}-wide"), "wide"),
        narrow: draw(NARROW_PX).element(&format!("{name}-narrow"), "narrow"),
        files: formats::KINDS.iter().map(file).collect::<Result<_>>()?,
    })
}

/// The same in another unit.
fn times(interval: &Interval, factor: f64) -> Interval {
    Interval {
        mean: interval.mean * factor,
        low: interval.low * factor,
        high: interval.high * factor,
    }
}

/// The same of what cannot be below 0.
fn above_nothing(interval: &Interval, factor: f64) -> Interval {
    let there = times(interval, factor);
    Interval {
        low: there.low.max(0.0),
        ..there
    }
}

const MS: f64 = 1e-6;

/// A policy's looks, the same everywhere.
fn style(study: &Study, policy: &str) -> Style {
    study.place(policy).map_or(Style::bound(), Style::policy)
}
