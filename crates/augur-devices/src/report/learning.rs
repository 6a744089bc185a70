// SPDX-License-Identifier: GPL-2.0-only
//! A training as a curve: what each episode came to, as CSV and as a picture.

use anyhow::{Result, anyhow};
use augur_base::picture::canvas::WIDE_PX;
use augur_base::picture::chart::{Curves, Line, Marked};
use augur_base::picture::formats;
use augur_base::picture::palette::Style;
use augur_base::statistics::Interval;
use serde::{Deserialize, Serialize};

/// What an episode came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// From 1 on.
    pub episode: u64,
    /// Decisions so far.
    pub decisions: u64,
    /// The share of random decisions at its end.
    pub epsilon: f64,
    /// Mean reward of a decision.
    pub reward: f64,
    /// Mean loss of a step of training.
    pub loss: f64,
    /// Tasks a second that came.
    pub rate_per_s: f64,
    /// Mean completion of its tasks.
    pub completion_mean_ns: f64,
    /// The share of tasks that missed their deadline.
    pub sla_miss_share: f64,
}

/// A training so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The policy, as it is written.
    pub policy: String,
    /// All episodes.
    pub episodes: Vec<Point>,
}

impl Curve {
    /// Mean reward of the first and of the last tenth of the episodes.
    pub fn ends(&self) -> Option<(f64, f64)> {
        let tenth = self.episodes.len().div_ceil(10);
        let mean = |part: &[Point]| part.iter().map(|point| point.reward).sum::<f64>() / part.len() as f64;
        let (first, last) = (self.episodes.get(..tenth)?, self.episodes.len() - tenth);
        (tenth > 0).then(|| (mean(first), mean(&self.episodes[last..])))
    }

    /// By how much the reward came nearer to 0 from the first to the last tenth of the episodes, in per cent.
    pub fn gain_percent(&self) -> Option<f64> {
        let (first, last) = self.ends()?;
        (first != 0.0).then(|| 100.0 * (last - first) / first.abs())
    }

    /// The episodes as CSV.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for point in &self.episodes {
            writer.serialize(point)?;
        }
        writer.into_inner().map_err(|err| anyhow!("{}", err.error()))
    }

    /// The reward of each episode, and its moving mean, as a picture of the kind [`formats::USUAL`].
    ///
    /// # Errors
    /// Where it cannot be drawn or packed.
    pub fn file(&self) -> Result<Vec<u8>> {
        formats::file(formats::USUAL, &self.picture().draw(WIDE_PX).document())
    }

    fn picture(&self) -> Curves {
        let points: Vec<(f64, f64)> = self
            .episodes
            .iter()
            .map(|point| (point.decisions as f64, point.reward))
            .collect();
        let line = |label: &str, points: Vec<(f64, f64)>, style, marked| Line {
            label: label.to_owned(),
            points: points
                .into_iter()
                .map(|(at, reward)| (at, Interval::of(&[reward])))
                .collect(),
            style,
            marked,
            ..Line::default()
        };
        let mean = moving(&points);
        Curves {
            title: format!("Training of {}: the reward of a decision, episode by episode", self.policy),
            description: "A point for each episode: the mean reward of a decision; a line: the moving mean of a tenth of the episodes."
                .to_owned(),
            x: "decisions".to_owned(),
            y: "mean reward of a decision (higher is better)".to_owned(),
            lines: vec![
                line("an episode", points, Style::other(1), Marked::Only),
                line("moving mean", mean, Style::policy(0), Marked::Nowhere),
            ],
            ..Curves::default()
        }
    }
}

/// The mean of the last tenth up to each point.
fn moving(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let width = points.len().div_ceil(10).max(1);
    let mean = |at: usize| {
        let part = &points[(at + 1).saturating_sub(width)..=at];
        part.iter().map(|point| point.1).sum::<f64>() / part.len() as f64
    };
    (0..points.len()).map(|at| (points[at].0, mean(at))).collect()
}

impl std::fmt::Display for Curve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Some(last), Some((first, end))) = (self.episodes.last(), self.ends()) else {
            return writeln!(f, "{}: nothing yet", self.policy);
        };
        writeln!(
            f,
            "{}: {} episodes, {} decisions; mean reward {first:.5} at first and {end:.5} at last, {:+.0} %; mean completion {:.2} \
             ms in the last episode",
            self.policy,
            self.episodes.len(),
            last.decisions,
            self.gain_percent().unwrap_or_default(),
            last.completion_mean_ns / 1e6
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_the_first_and_the_last_tenth() {
        let point = |episode: u64| Point {
            episode,
            decisions: 10 * episode,
            epsilon: 0.0,
            reward: -100.0 / episode as f64,
            loss: 0.0,
            rate_per_s: 1.0,
            completion_mean_ns: 0.0,
            sla_miss_share: 0.0,
        };
        let mut curve = Curve::default();
        assert!(curve.ends().is_none());
        curve.episodes.extend((1..=20).map(point));
        let (first, last) = curve.ends().unwrap();
        assert_eq!((first, last), (-75.0, -(100.0 / 19.0 + 5.0) / 2.0));
        assert!((curve.gain_percent().unwrap() - 93.16).abs() < 0.01);
        let csv = String::from_utf8(curve.csv().unwrap()).unwrap();
        assert!(csv.starts_with("episode,decisions,epsilon,reward,") && csv.lines().count() == 21);
        let begin = if formats::USUAL == "png" {
            &b"\x89PNG"[..]
        } else {
            b"<svg"
        };
        assert!(curve.file().unwrap().starts_with(begin));
    }
}
