// SPDX-License-Identifier: GPL-2.0-only
//! Phase three: what learns, learns, on tasks that no policy is tried on; and it is seen how fast.
//!
//! Another learner joins as a line of [`LEARNERS`]: it fills [`Lessons`], and the report draws its curve.

use super::Settings;
use super::store::Store;
use crate::model::forest::{Forest, Kind, Parameters, Row};
use crate::model::importance::importance;
use crate::policy::{Context, hybrid_ml};
use crate::report::study::{Lesson, Lessons};
use crate::workload::{Generator, Work, generator};
use anyhow::Result;
use augur_base::topology::device::Device;

/// Who learns.
pub(super) const LEARNERS: [(&str, Kind); 2] = [
    ("random_forest", Kind::RandomForest),
    ("gradient_boosting", Kind::GradientBoosting),
];
/// Make the tasks that are learned from, and those that are tried, others than those that are scheduled.
const LEARNED: u64 = 0x6c65_6172_6e65_6400;
const HELD_OUT: u64 = 0x6865_6c64_5f6f_7574;
/// Shuffles of each feature.
const SHUFFLES: u32 = 3;

/// The unit of a learner and a seed.
pub(super) fn unit(learner: &str, seed: u64) -> String {
    format!("train/{learner}-{seed}.json")
}

/// The forest that learned from the most tasks, as `hybrid_ml[forest=FILE]` reads it.
fn forest_unit(learner: &str, seed: u64) -> String {
    format!("train/{learner}-{seed}.forest.json")
}

/// Trains a learner on more and more tasks, and with more and more trees, and tries it on tasks that it has not seen.
///
/// # Errors
/// Where a forest does not grow, or the unit cannot be written.
pub(super) fn lessons(
    store: &Store,
    context: &Context,
    settings: &Settings,
    at: usize,
    seed: u64,
) -> Result<()> {
    let (learner, kind) = LEARNERS[at];
    let mut lessons = Lessons {
        learner: learner.to_owned(),
        seed,
        ..Lessons::default()
    };
    if let Some(pair) = hybrid_ml::pair(&context.devices) {
        let most = settings.learning_tasks.last().copied().unwrap_or(1);
        let learned = Set::draw(context, most as u64, seed ^ LEARNED);
        let held_out = Set::draw(context, settings.held_out_tasks, seed ^ HELD_OUT);
        let parameters = Parameters {
            kind,
            seed,
            ..context.hybrid_ml.forest.clone()
        };
        let snap = context.hybrid_ml.snap;
        let mut last = None;
        for &count in &settings.learning_tasks {
            let forest = Forest::fit(&learned.rows[..count], &learned.labels[..count], &parameters)?;
            let lesson = held_out.lesson(("tasks", count), &forest, snap, pair);
            lessons.points.push(lesson);
            last = Some(forest);
        }
        for &trees in &settings.learning_trees {
            let parameters = Parameters {
                trees,
                ..parameters.clone()
            };
            let forest = Forest::fit(&learned.rows, &learned.labels, &parameters)?;
            let lesson = held_out.lesson(("trees", trees), &forest, snap, pair);
            lessons.points.push(lesson);
        }
        if let Some(forest) = last {
            store.keep(&forest_unit(learner, seed), &forest)?;
            let predict = |row: &Row| forest.predict(row);
            let added = importance(&held_out.rows, &held_out.labels, predict, seed, SHUFFLES);
            let names = hybrid_ml::FEATURES.map(str::to_owned);
            lessons.importance = names.into_iter().zip(added).collect();
        }
    }
    store.keep(&unit(learner, seed), &lessons)
}

/// Tasks with what is right for them.
struct Set {
    rows: Vec<Row>,
    labels: Vec<f64>,
    works: Vec<Work>,
}

impl Set {
    fn draw(context: &Context, tasks: u64, seed: u64) -> Set {
        let settings = generator::Settings {
            tasks,
            ..context.workload.clone()
        };
        let drawn = Generator::all(&settings, &context.physics, seed);
        let label = |work: &Work| hybrid_ml::label(&context.devices, work);
        Set {
            rows: drawn.tasks.iter().map(hybrid_ml::features).collect(),
            labels: drawn.works.iter().map(label).collect(),
            works: drawn.works,
        }
    }

    fn lesson(
        &self,
        (by, count): (&str, usize),
        forest: &Forest,
        snap: f64,
        (cpu, gpu): (&Device, &Device),
    ) -> Lesson {
        let (mut wrong, mut squares, mut took_s, mut best_s) = (0.0, 0.0, 0.0, 0.0);
        let count_of = self.rows.len().max(1) as f64;
        let mean = self.labels.iter().sum::<f64>() / count_of;
        let all: f64 = self.labels.iter().map(|label| (label - mean).powi(2)).sum();
        for ((row, label), work) in self.rows.iter().zip(&self.labels).zip(&self.works) {
            let share = hybrid_ml::snapped(forest.predict(row), snap);
            wrong += (share - label).abs();
            squares += (share - label).powi(2);
            took_s += takes_s(work, cpu, gpu, share);
            best_s += takes_s(work, cpu, gpu, *label);
        }
        Lesson {
            by: by.to_owned(),
            count: count as u64,
            share_error: wrong / count_of,
            // Where nothing varies there is nothing to explain.
            r2: if all > 0.0 { 1.0 - squares / all } else { 0.0 },
            time_lost: took_s / best_s - 1.0,
        }
    }
}

/// What a task takes where nothing waits. Data is brought to a GPU only where that has work to do.
fn takes_s(work: &Work, cpu: &Device, gpu: &Device, share: f64) -> f64 {
    if share <= 0.0 {
        return work.run_s(cpu);
    }
    let (on_cpu, on_gpu) = work.parts_s(cpu, gpu, share);
    on_cpu.max(on_gpu)
}
