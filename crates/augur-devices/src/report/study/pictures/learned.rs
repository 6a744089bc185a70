// SPDX-License-Identifier: GPL-2.0-only
//! How learners became better, and what they look at.

use super::{above_nothing, style, times};
use crate::report::study::summary::{Curve, Importance, Study};
use augur_base::picture::axis;
use augur_base::picture::chart::{Curves, Item, Line, Row, Rows, Scale};
use augur_base::picture::palette::Style;
use augur_base::statistics::Interval;

pub(super) fn importance(study: &Study) -> Rows {
    let mut learners: Vec<String> = study.importance.iter().map(|one| one.learner.clone()).collect();
    learners.dedup();
    let of = |learner: &str, feature: &str| {
        let found = |one: &&Importance| one.learner == learner && one.feature == feature;
        study.importance.iter().find(found).map(|one| &one.error_added)
    };
    let first = study
        .importance
        .iter()
        .filter(|one| Some(&one.learner) == learners.first());
    let mut features: Vec<(&str, f64)> = first
        .map(|one| (one.feature.as_str(), one.error_added.mean))
        .collect();
    features.sort_by(|a, b| b.1.total_cmp(&a.1));
    let row = |&(feature, _): &(&str, f64)| {
        let items = learners.iter().enumerate().filter_map(|(at, learner)| {
            let value = times(of(learner, feature)?, 100.0);
            Some(Item {
                note: axis::short(value.mean),
                value,
                style: Style::other(at),
            })
        });
        Row {
            name: feature.to_owned(),
            items: items.collect(),
        }
    };
    Rows {
        title: "Feature importance: what a forest errs more by without a feature".to_owned(),
        description: "Bars for each feature, the one that counts most first: by how many percentage points the predicted share is more \
                      wrong when the feature's values are shuffled, for each learner, with 95 % confidence as whiskers."
            .to_owned(),
        axis: "added error of the predicted share, percentage points (whiskers: 95 % confidence)".to_owned(),
        scale: Scale::Bars,
        rows: features.iter().map(row).collect(),
        legend: learners.into_iter().enumerate().map(|(at, name)| (Style::other(at), name)).collect(),
    }
}

pub(super) fn learning(curves: &[&Curve], by: &str) -> Curves {
    let line = |(at, curve): (usize, &&Curve)| Line {
        label: curve.learner.clone(),
        points: curve
            .points
            .iter()
            .map(|point| (point.count as f64, above_nothing(&point.time_lost, 100.0)))
            .collect(),
        style: Style::other(at),
        band: true,
        ..Line::default()
    };
    let x = match by {
        "tasks" => "tasks that it learned from",
        _ => "trees in the forest",
    };
    Curves {
        title: format!("Learning: time lost by predicted shares, by {by}"),
        description: format!(
            "A line for each learner: how much longer tasks that it has not seen take with its shares than with the best ones, by {x}; \
             marks where it was measured, 95 % confidence as a band."
        ),
        x: format!("{x} (log scale)"),
        y: "time lost, % (log scale)".to_owned(),
        x_log: true,
        y_log: true,
        lines: curves.iter().enumerate().map(line).collect(),
        ..Curves::default()
    }
}

/// Rewards of networks that count different things, in one picture: by how much of its own first one each came nearer to 0.
pub(super) fn training(study: &Study) -> Curves {
    let line = |curve: &crate::report::learning::Curve| {
        let first = curve.episodes.first().map_or(-1.0, |point| point.reward);
        let point = |point: &crate::report::learning::Point| {
            let gain = 100.0 * (point.reward - first) / first.abs().max(f64::MIN_POSITIVE);
            (point.decisions as f64, Interval::of(&[gain]))
        };
        Line {
            label: study.label(&curve.policy).to_owned(),
            points: curve.episodes.iter().map(point).collect(),
            style: style(study, &curve.policy),
            ..Line::default()
        }
    };
    Curves {
        title: "Training: the reward of a decision, episode by episode".to_owned(),
        description: "A line for each network: by how many per cent of the first episode's reward the reward of an episode is nearer to 0, \
                      the best that there is. Higher is better; a mark is an episode."
            .to_owned(),
        x: "decisions".to_owned(),
        y: "reward, % nearer to 0 than in the first episode".to_owned(),
        lines: study.training.iter().map(line).collect(),
        ..Curves::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::learning;

    /// Rewards are losses below 0; from −4 to −1 is 75 % of the way to 0.
    #[test]
    fn a_reward_that_gets_better_rises() {
        let point = |episode: u64, reward: f64| learning::Point {
            episode,
            decisions: episode * 10,
            epsilon: 0.0,
            reward,
            loss: 0.0,
            rate_per_s: 1.0,
            completion_mean_ns: 1.0,
            sla_miss_share: 0.0,
        };
        let mut study = Study::new(Vec::new(), None, &[], &[], (Vec::new(), Vec::new()));
        study.training.push(learning::Curve {
            policy: "dqn".to_owned(),
            episodes: vec![point(1, -4.0), point(2, -2.0), point(3, -1.0)],
        });
        let line = &training(&study).lines[0];
        let heights: Vec<(f64, f64)> = line.points.iter().map(|(at, gain)| (*at, gain.mean)).collect();
        assert_eq!(heights, [(10.0, 0.0), (20.0, 50.0), (30.0, 75.0)]);
    }
}
