// SPDX-License-Identifier: GPL-2.0-only
//! A training as a curve: what each episode came to, as CSV and as a picture.

use super::canvas::{self, Area, Drawn, FONT, PICTURE_PX};
use anyhow::{Result, anyhow};
use plotters::prelude::*;
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

    /// The reward of each episode, and its moving mean, as a picture.
    ///
    /// # Errors
    /// Where it cannot be drawn or packed.
    pub fn png(&self) -> Result<Vec<u8>> {
        canvas::bitmap("the reward curve", PICTURE_PX, |root| self.draw(root))
    }

    fn draw(&self, root: &Area<BitMapBackend<'_>>) -> Drawn {
        let points: Vec<(f64, f64)> = self
            .episodes
            .iter()
            .map(|point| (point.decisions as f64, point.reward))
            .collect();
        let last = points.last().map_or(1.0, |point| point.0);
        let rewards = points.iter().map(|point| point.1);
        let (low, high) = rewards.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), reward| {
            (low.min(reward), high.max(reward))
        });
        let room = 0.05 * (high - low).max(1e-9);
        let mut chart = ChartBuilder::on(root)
            .caption(format!("training of {}", self.policy), (FONT, 21))
            .margin(16)
            .x_label_area_size(56)
            .y_label_area_size(96)
            .build_cartesian_2d(0.0..last * 1.02, low - room..high + room)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_desc("decisions")
            .y_desc("mean reward of a decision, episode by episode")
            .axis_desc_style((FONT, 19))
            .label_style((FONT, 16))
            .draw()?;
        let dot = RGBColor(150, 170, 200);
        chart.draw_series(points.iter().map(|&at| Circle::new(at, 3, dot.filled())))?;
        let mean = moving(&points);
        chart.draw_series([PathElement::new(mean, RGBColor(59, 82, 139).stroke_width(3))])?;
        Ok(())
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
        assert!(curve.png().unwrap().starts_with(b"\x89PNG"));
    }
}
