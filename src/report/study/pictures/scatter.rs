// SPDX-License-Identifier: GPL-2.0-only
//! Energy against time: who is behind nobody in both stands on the frontier.

use super::{MS, WIDTH, hue, times};
use crate::report::axis::Axis;
use crate::report::canvas::{self, Area, Drawn, GREY, Picture, TEXT_PX};
use crate::report::study::Study;
use crate::report::{Interval, label};
use plotters::prelude::*;

const HEIGHT: i32 = 620;
const RADIUS_PX: i32 = 7;
const LIFT_PX: i32 = 14;
const WHISKER: RGBColor = RGBColor(150, 150, 150);
const JOINT: RGBColor = RGBColor(185, 185, 185);

/// A policy.
struct Point {
    label: String,
    energy_j: Interval,
    time_ms: Interval,
    which: usize,
}

/// All of them.
pub struct Frontier(Vec<Point>);

impl Frontier {
    pub fn of(study: &Study) -> Frontier {
        let points = study.policies.iter().map(|line| Point {
            label: line.policy.clone(),
            energy_j: line.energy_j_per_task,
            time_ms: times(&line.completion_mean_ns, MS),
            which: hue(study, &line.policy),
        });
        Frontier(points.collect())
    }

    fn axes(&self) -> (Axis, Axis) {
        let ends = |of: fn(&Point) -> Interval| {
            let all = self.0.iter().map(of);
            all.flat_map(|value| [value.low.max(value.mean / 2.0), value.high])
                .collect::<Vec<f64>>()
        };
        (
            Axis::logarithmic(ends(|point| point.energy_j), [96, WIDTH - 30]),
            Axis::logarithmic(ends(|point| point.time_ms), [HEIGHT - 80, 60]),
        )
    }

    /// Those that no other one is better than in both, from little energy on.
    fn best(&self) -> Vec<&Point> {
        let beaten = |one: &&Point| {
            let better = |other: &Point| {
                let (time, energy) = (
                    other.time_ms.mean <= one.time_ms.mean,
                    other.energy_j.mean <= one.energy_j.mean,
                );
                let strictly =
                    other.time_ms.mean < one.time_ms.mean || other.energy_j.mean < one.energy_j.mean;
                time && energy && strictly
            };
            self.0.iter().any(better)
        };
        let mut best: Vec<&Point> = self.0.iter().filter(|point| !beaten(point)).collect();
        best.sort_by(|a, b| a.energy_j.mean.total_cmp(&b.energy_j.mean));
        best
    }
}

impl Picture for Frontier {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, HEIGHT as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        canvas::title(area, "Energy and time: the nearer to the lower left, the better")?;
        let (x, y) = self.axes();
        let names = (
            "energy of a task, J (log scale)",
            "mean completion, ms (log scale)",
        );
        canvas::frame(area, (&x, names.0), (&y, names.1))?;
        let at = |point: &Point| (x.at(point.energy_j.mean), y.at(point.time_ms.mean));
        let mut steps: Vec<(i32, i32)> = Vec::new();
        for point in self.best() {
            if let Some(last) = steps.last().copied() {
                steps.push((at(point).0, last.1));
            }
            steps.push(at(point));
        }
        canvas::line(area, steps, JOINT, 3)?;
        for point in &self.0 {
            let middle = at(point);
            let across = [point.energy_j.low, point.energy_j.high].map(|end| (x.at(end), middle.1));
            let along = [point.time_ms.low, point.time_ms.high].map(|end| (middle.0, y.at(end)));
            canvas::line(area, across.to_vec(), WHISKER, 1)?;
            canvas::line(area, along.to_vec(), WHISKER, 1)?;
        }
        let wanted: Vec<label::Wanted> = self
            .0
            .iter()
            .map(|point| label::Wanted {
                // A little above, so that the whisker goes on below it.
                at: (at(point).0, at(point).1 - LIFT_PX),
                size: (canvas::width_px(&point.label), TEXT_PX + 4),
            })
            .collect();
        let within = (96..WIDTH - 20, 60..HEIGHT - 80);
        for (point, place) in self.0.iter().zip(label::places(&wanted, RADIUS_PX, &within)) {
            if let Some(leader) = place.leader {
                canvas::line(area, leader.to_vec(), GREY, 1)?;
            }
            canvas::label(area, &point.label, place.corner)?;
        }
        self.0
            .iter()
            .try_for_each(|point| canvas::mark(area, at(point), point.which))
    }
}
