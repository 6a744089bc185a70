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
use augur_base::picture::canvas::{NARROW_PX, Picture, WIDE_PX};
use augur_base::picture::formats;
use augur_base::picture::palette::Style;
use augur_base::statistics::Interval;
use matrix::{Devices, Heatmap};

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
    let mut all = vec![
        drawing("race", "summary", &compared::race(study))?,
        drawing("tail", "summary", &compared::tail(study))?,
        drawing("heatmap", "heatmap", &Heatmap::of(study))?,
        drawing("frontier", "summary", &compared::frontier(study))?,
        drawing("cost", "summary", &compared::cost(study))?,
        drawing("regret", "regret", &compared::regret(study))?,
        drawing("devices", "summary", &Devices::of(study))?,
        drawing("timeline", "timeline", &course::timeline(study))?,
    ];
    if let Some(paired) = compared::paired(study) {
        all.push(drawing("win_loss", "win_loss", &paired)?);
    }
    if !study.completion.is_empty() {
        all.push(drawing("completion", "completion", &compared::completion(study))?);
    }
    if study.gpu_fractions.iter().any(|of| !of.tasks.is_empty()) {
        all.push(drawing(
            "gpu_fraction",
            "gpu_fraction",
            &compared::gpu_fraction(study),
        )?);
    }
    if let Some(schedule) = course::schedule(study) {
        all.push(drawing("schedule", "schedule", &schedule)?);
    }
    for (name, by) in [("learning_tasks", "tasks"), ("learning_trees", "trees")] {
        let curves: Vec<&Curve> = study.learning.iter().filter(|curve| curve.by == by).collect();
        if !curves.is_empty() {
            all.push(drawing(name, "learning", &learned::learning(&curves, by))?);
        }
    }
    if !study.training.is_empty() {
        all.push(drawing("training", "training", &learned::training(study))?);
    }
    if !study.importance.is_empty() {
        all.push(drawing("importance", "importance", &learned::importance(study))?);
    }
    Ok(all)
}

fn drawing(name: &'static str, sheet: &'static str, picture: &impl Picture) -> Result<Drawing> {
    let wide = picture.draw(WIDE_PX);
    let svg = wide.document(picture);
    let file = |&kind: &&'static str| {
        let bytes = formats::file(kind, &svg).with_context(|| format!("{name}.{kind}"))?;
        Ok((kind, bytes))
    };
    Ok(Drawing {
        name,
        sheet,
        wide: wide.element(&format!("{name}-wide"), "wide", picture),
        narrow: picture
            .draw(NARROW_PX)
            .element(&format!("{name}-narrow"), "narrow", picture),
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
