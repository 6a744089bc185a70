// SPDX-License-Identifier: GPL-2.0-only
//! What learners came to, over the seeds.

use super::summary::{Curve, Importance, Point};
use super::unit::Lessons;
use augur_base::statistics::Interval;

/// How good each became, by what is counted.
pub(super) fn curves(lessons: &[Lessons]) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for of_learner in lessons.chunk_by(|a, b| a.learner == b.learner) {
        // No chunk is empty.
        for part in of_learner[0].points.chunk_by(|a, b| a.by == b.by) {
            let point = |lesson: &super::Lesson| {
                let same = of_learner.iter().flat_map(|lessons| &lessons.points);
                let same: Vec<_> = same
                    .filter(|other| other.by == lesson.by && other.count == lesson.count)
                    .collect();
                let over = |of: fn(&super::Lesson) -> f64| Interval::over(&same, |lesson| of(lesson));
                Point {
                    count: lesson.count,
                    share_error: over(|lesson| lesson.share_error),
                    time_lost: over(|lesson| lesson.time_lost),
                    r2: over(|lesson| lesson.r2),
                }
            };
            curves.push(Curve {
                learner: of_learner[0].learner.clone(),
                by: part[0].by.clone(),
                points: part.iter().map(point).collect(),
            });
        }
    }
    curves
}

/// What each looks at.
pub(super) fn importance(lessons: &[Lessons]) -> Vec<Importance> {
    let mut all = Vec::new();
    for of_learner in lessons.chunk_by(|a, b| a.learner == b.learner) {
        let first = &of_learner[0];
        for (at, (feature, _)) in first.importance.iter().enumerate() {
            let added = of_learner.iter().filter_map(|lessons| lessons.importance.get(at));
            all.push(Importance {
                learner: first.learner.clone(),
                feature: feature.clone(),
                error_added: Interval::of(&added.map(|(_, added)| *added).collect::<Vec<f64>>()),
            });
        }
    }
    all
}
