// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as pictures.
//!
//! ```text
//! bars     a length for each value          curves   lines over something that is counted
//! matrix   cells of colours with words      scatter  energy against time
//! ```

mod bars;
mod curves;
mod matrix;
mod scatter;

use super::summary::{Curve, Study};
use crate::report::Interval;
use crate::report::axis;
use crate::report::canvas::{self, Picture};
use anyhow::Result;
use bars::{Bar, Bars};
use curves::{Curves, Line};
use matrix::{Devices, Duels, Heatmap};
use scatter::Frontier;

/// How wide all of them are.
const WIDTH: i32 = 960;

/// A picture, in both formats.
pub struct Drawing {
    /// The file's name, without what says its kind.
    pub name: &'static str,
    /// As a file.
    pub png: Vec<u8>,
    /// As an element of a page.
    pub svg: String,
}

/// All pictures that there is something to draw for.
///
/// # Errors
/// Where one cannot be drawn.
pub fn drawings(study: &Study) -> Result<Vec<Drawing>> {
    let mut all = vec![
        drawing("race", &race(study))?,
        drawing("heatmap", &Heatmap::of(study))?,
        drawing("frontier", &Frontier::of(study))?,
        drawing("regret", &regret(study))?,
        drawing("devices", &Devices::of(study))?,
        drawing("timeline", &timeline(study))?,
    ];
    if !study.win_loss.is_empty() {
        all.push(drawing("win_loss", &Duels::of(study))?);
    }
    for (name, by) in [("learning_tasks", "tasks"), ("learning_trees", "trees")] {
        let curves: Vec<&Curve> = study.learning.iter().filter(|curve| curve.by == by).collect();
        if !curves.is_empty() {
            all.push(drawing(name, &learning(&curves, by))?);
        }
    }
    if !study.training.is_empty() {
        all.push(drawing("training", &training(study))?);
    }
    if !study.importance.is_empty() {
        all.push(drawing("importance", &importance(study))?);
    }
    Ok(all)
}

fn drawing(name: &'static str, picture: &impl Picture) -> Result<Drawing> {
    Ok(Drawing {
        name,
        png: canvas::png(name, picture)?,
        svg: canvas::svg(name, picture)?,
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

const MS: f64 = 1e-6;

/// A policy's colour, the same everywhere.
fn hue(study: &Study, policy: &str) -> usize {
    study.place(policy).unwrap_or(canvas::BOUND)
}

fn race(study: &Study) -> Bars {
    let bar = |line: &super::Line| {
        let value = times(&line.completion_mean_ns, MS);
        let bar = Bar {
            note: format!("{} ms", axis::short(value.mean)),
            value,
            which: hue(study, &line.policy),
        };
        (line.policy.clone(), vec![bar])
    };
    Bars {
        title: "Performance race: the shorter the bar, the faster the policy".to_owned(),
        axis: "mean completion of a task, ms (whiskers: 95 % confidence)".to_owned(),
        legend: Vec::new(),
        rows: study.ranked().into_iter().map(bar).collect(),
    }
}

fn regret(study: &Study) -> Bars {
    let bar = |which: usize, interval: &Interval| {
        let value = times(interval, MS);
        Bar {
            note: format!("{} ms", axis::short(value.mean)),
            value,
            which,
        }
    };
    let row = |line: &super::Line| {
        let gap = study.regret.iter().find(|gap| gap.policy == line.policy);
        let bars = gap.into_iter().flat_map(|gap| {
            let behind = gap.behind_oracle_ns.as_ref().map(|behind| bar(1, behind));
            std::iter::once(bar(0, &gap.decision_ns)).chain(behind)
        });
        (line.policy.clone(), bars.collect())
    };
    let mut legend = vec!["lost by each decision, as devices were then".to_owned()];
    legend.extend(
        study
            .oracle
            .as_ref()
            .map(|oracle| format!("behind the run of {oracle}")),
    );
    Bars {
        title: "Regret: what was lost against the best that could be done".to_owned(),
        axis: "mean of a task, ms (whiskers: 95 % confidence)".to_owned(),
        legend,
        rows: study.ranked().into_iter().map(row).collect(),
    }
}

fn importance(study: &Study) -> Bars {
    let mut learners: Vec<String> = study.importance.iter().map(|one| one.learner.clone()).collect();
    learners.dedup();
    let of = |learner: &str, feature: &str| {
        let found = |one: &&super::Importance| one.learner == learner && one.feature == feature;
        study.importance.iter().find(found).map(|one| &one.error_added)
    };
    let mut features: Vec<(&str, f64)> = Vec::new();
    for one in study
        .importance
        .iter()
        .filter(|one| Some(&one.learner) == learners.first())
    {
        features.push((&one.feature, one.error_added.mean));
    }
    features.sort_by(|a, b| b.1.total_cmp(&a.1));
    let row = |&(feature, _): &(&str, f64)| {
        let bars = learners.iter().enumerate().filter_map(|(which, learner)| {
            let value = times(of(learner, feature)?, 100.0);
            Some(Bar {
                note: axis::short(value.mean),
                value,
                which,
            })
        });
        (feature.to_owned(), bars.collect())
    };
    Bars {
        title: "Feature importance: what a forest errs more by without a feature".to_owned(),
        axis: "added error of the predicted share, percentage points (whiskers: 95 % confidence)".to_owned(),
        rows: features.iter().map(row).collect(),
        legend: learners,
    }
}

fn learning(curves: &[&Curve], by: &str) -> Curves {
    let line = |(which, curve): (usize, &&Curve)| Line {
        label: curve.learner.clone(),
        points: curve
            .points
            .iter()
            .map(|point| (point.count as f64, times(&point.time_lost, 100.0)))
            .collect(),
        which,
        band: true,
        rings: Vec::new(),
    };
    let x = match by {
        "tasks" => "tasks that it learned from",
        _ => "trees in the forest",
    };
    Curves {
        title: format!("Learning: time lost by predicted shares, by {by}"),
        x: format!("{x} (log scale)"),
        y: "time lost, % (log scale)".to_owned(),
        x_log: true,
        lines: curves.iter().enumerate().map(line).collect(),
        marks: Vec::new(),
    }
}

/// Rewards of networks that count different things, in one picture: as losses, each in per cent of its own first one.
fn training(study: &Study) -> Curves {
    let line = |(which, curve): (usize, &crate::report::learning::Curve)| {
        let first = curve.episodes.first().map_or(1.0, |point| point.reward);
        let point = |point: &crate::report::learning::Point| {
            let percent = 100.0 * point.reward / first;
            (point.decisions as f64, Interval::of(&[percent]))
        };
        Line {
            label: curve.policy.split('[').next().unwrap_or_default().to_owned(),
            points: curve.episodes.iter().map(point).collect(),
            which,
            band: false,
            rings: Vec::new(),
        }
    };
    Curves {
        title: "Training: what a decision of a network loses, episode by episode".to_owned(),
        x: "decisions".to_owned(),
        y: "reward, % of the first episode's (log scale)".to_owned(),
        x_log: false,
        lines: study.training.iter().enumerate().map(line).collect(),
        marks: Vec::new(),
    }
}

fn timeline(study: &Study) -> Curves {
    let starts = &study.timeline.starts;
    let line = |track: &super::Track| Line {
        label: track.policy.clone(),
        points: starts
            .iter()
            .zip(&track.completion_mean_ns)
            .map(|(start, interval)| (*start as f64, times(interval, MS)))
            .collect(),
        which: hue(study, &track.policy),
        band: false,
        rings: rings(study, &track.policy),
    };
    let marks = study.timeline.marks.iter();
    Curves {
        title: "Timeline: mean completion of the tasks that came in each window".to_owned(),
        x: "task, in order of arrival".to_owned(),
        y: "mean completion, ms (log scale)".to_owned(),
        x_log: false,
        lines: study.timeline.tracks.iter().map(line).collect(),
        marks: marks.map(|mark| (mark.task as f64, mark.what.clone())).collect(),
    }
}

/// Where a policy had recovered from a shift with every seed: the mean of that. What the others are measured by has none.
fn rings(study: &Study, policy: &str) -> Vec<f64> {
    let Some(drift) = study
        .drift
        .as_ref()
        .filter(|_| study.oracle.as_deref() != Some(policy))
    else {
        return Vec::new();
    };
    let runs = drift.runs.iter().filter(|run| run.policy == policy);
    let of_shift = |at: usize| {
        let all: Option<Vec<f64>> = runs
            .clone()
            .map(|run| {
                let shift = run.shifts.get(at)?;
                Some((shift.at_task + shift.recovered_after_tasks?) as f64)
            })
            .collect();
        let all = all.filter(|all| !all.is_empty())?;
        Some(all.iter().sum::<f64>() / all.len() as f64)
    };
    (0..drift.at.len()).filter_map(of_shift).collect()
}
