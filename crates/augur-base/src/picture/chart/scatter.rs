// SPDX-License-Identifier: GPL-2.0-only
//! One figure against another: who is behind nobody in both stands on the frontier.

use crate::picture::axis::Axis;
use crate::picture::canvas::{self, Canvas, Key};
use crate::picture::label::{self, Wanted};
use crate::picture::palette::{BOUND, FRAME, Style};
use crate::statistics::Interval;

const RADIUS_PX: i32 = 8;
/// Nearer ones are drawn beside each other, with one label.
const TOGETHER_PX: i32 = 9;

/// One thing.
pub struct Point {
    /// Its name.
    pub label: String,
    /// The figure along.
    pub x: Interval,
    /// The figure up.
    pub y: Interval,
    /// How it looks.
    pub style: Style,
}

/// All of them.
pub struct Scatter {
    /// See [`Canvas::new`].
    pub title: String,
    /// See [`Canvas::new`].
    pub description: String,
    /// What is along.
    pub x: String,
    /// What is up.
    pub y: String,
    /// Whether along goes by times; never where a value is 0.
    pub x_log: bool,
    /// Whether up does.
    pub y_log: bool,
    /// All points.
    pub points: Vec<Point>,
}

impl Scatter {
    fn axes(&self, across: [i32; 2], down: [i32; 2]) -> (Axis, Axis) {
        let axis = |log: bool, of: fn(&Point) -> Interval, px: [i32; 2]| {
            let all = self.points.iter().map(of);
            let ends = all.flat_map(|value| match log {
                true => [value.low.max(value.mean / 2.0), value.high],
                false => [value.low, value.high],
            });
            Axis::scaled(log, ends, px)
        };
        (
            axis(self.x_log, |point| point.x, across),
            axis(self.y_log, |point| point.y, down),
        )
    }

    /// Those that no other one is better than in both, from little along on.
    fn best(&self) -> Vec<&Point> {
        let beaten = |one: &&Point| {
            let better = |other: &Point| {
                let (x, y) = (other.x.mean <= one.x.mean, other.y.mean <= one.y.mean);
                x && y && (other.x.mean < one.x.mean || other.y.mean < one.y.mean)
            };
            self.points.iter().any(better)
        };
        let mut best: Vec<&Point> = self.points.iter().filter(|point| !beaten(point)).collect();
        best.sort_by(|a, b| a.x.mean.total_cmp(&b.x.mean));
        best
    }

    /// Points that are in one place, by their places among all.
    fn groups(&self, at: &dyn Fn(&Point) -> (i32, i32)) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (index, point) in self.points.iter().enumerate() {
            let near = |group: &&mut Vec<usize>| {
                let (one, other) = (at(point), at(&self.points[group[0]]));
                (one.0 - other.0).abs() < TOGETHER_PX && (one.1 - other.1).abs() < TOGETHER_PX
            };
            match groups.iter_mut().find(near) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        groups
    }

    fn marks(&self, canvas: &mut Canvas, groups: &[Vec<usize>], at: &dyn Fn(&Point) -> (i32, i32)) {
        for group in groups {
            let first = -(group.len() as i32 - 1) * TOGETHER_PX;
            for (index, step) in group.iter().zip(0..) {
                let point = &self.points[*index];
                // Those in one place are around it.
                let place = at(&self.points[group[0]]);
                canvas.mark((place.0 + first + step * 2 * TOGETHER_PX, place.1), &point.style);
            }
        }
    }

    fn labels(
        &self,
        canvas: &mut Canvas,
        groups: &[Vec<usize>],
        at: &dyn Fn(&Point) -> (i32, i32),
        within: &(std::ops::Range<i32>, std::ops::Range<i32>),
        whiskers: &[[(i32, i32); 2]],
    ) {
        let px = canvas.text_px();
        let words = |group: &Vec<usize>| {
            let names = group.iter().map(|index| self.points[*index].label.as_str());
            canvas::wrap(&names.collect::<Vec<_>>().join(", "), px, 260)
        };
        let words: Vec<Vec<String>> = groups.iter().map(words).collect();
        let wanted: Vec<Wanted> = groups
            .iter()
            .zip(&words)
            .map(|(group, lines)| Wanted {
                at: at(&self.points[group[0]]),
                size: (canvas::widest(lines, px), lines.len() as i32 * canvas.line_px()),
                radius: (RADIUS_PX + (group.len() as i32 - 1) * TOGETHER_PX, RADIUS_PX),
            })
            .collect();
        for (place, lines) in label::places(&wanted, within, whiskers).iter().zip(&words) {
            if let Some(leader) = place.leader {
                canvas.dashed(&leader, FRAME, 1, "2 2");
            }
            canvas.haloed(lines, place.corner);
        }
    }
}

impl Scatter {
    /// Draws it, so wide.
    pub fn draw(&self, width_px: i32) -> Canvas {
        let mut canvas = Canvas::new(width_px, &self.title, &self.description);
        let mut top = canvas.heading();
        if canvas.narrow() {
            let items = self.points.iter().map(|point| (point.style, point.label.clone()));
            top = canvas.legend(&items.collect::<Vec<_>>(), Key::Mark, top);
        }
        top += canvas.line_px() * 3 / 2;
        let (left, right) = (if canvas.narrow() { 54 } else { 84 }, width_px - 24);
        let bottom = top + if canvas.narrow() { 300 } else { 500 };
        let (x, y) = self.axes([left, right], [bottom, top]);
        canvas.frame((&x, &self.x), (&y, &self.y));
        let at = |point: &Point| (x.at(point.x.mean), y.at(point.y.mean));
        let mut steps: Vec<(i32, i32)> = Vec::new();
        for point in self.best() {
            if let Some(last) = steps.last().copied() {
                steps.push((at(point).0, last.1));
            }
            steps.push(at(point));
        }
        canvas.dashed(&steps, BOUND, 2, "1 5");
        let mut whiskers = Vec::new();
        for point in &self.points {
            let (middle, colour) = (at(point), point.style.colour);
            whiskers.push([point.x.low, point.x.high].map(|end| (x.at(end), middle.1)));
            whiskers.push([point.y.high, point.y.low].map(|end| (middle.0, y.at(end))));
            for whisker in whiskers.iter().rev().take(2) {
                canvas.line(whisker, colour, 1);
            }
        }
        let groups = self.groups(&at);
        self.marks(&mut canvas, &groups, &at);
        if !canvas.narrow() {
            self.labels(&mut canvas, &groups, &at, &(left..right, top..bottom), &whiskers);
        }
        canvas.height_px = bottom + canvas.below_px(&self.x);
        canvas
    }
}
