// SPDX-License-Identifier: GPL-2.0-only
//! Curves: lines over something that is counted or timed, each with its name at its end, or on a phone in a legend.

use crate::picture::axis::Axis;
use crate::picture::canvas::{self, Canvas, Key, To};
use crate::picture::palette::{FRAME, INK, MUTED, Style};
use crate::statistics::Interval;

/// Beyond so many points a line has no marks of its own.
const MOST_MARKS: usize = 40;

/// Ends of lines that are farther from their labels are not joined with them.
const NEAR_PX: i32 = 70;

/// Where a line has marks.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Marked {
    /// At each point, where they are few.
    #[default]
    Points,
    /// Where it has come so high.
    Heights(Vec<f64>),
    /// At each point, with no line.
    Only,
    /// Nowhere.
    Nowhere,
}

/// A line.
#[derive(Default)]
pub struct Line {
    /// Its name; none in words: it has none.
    pub label: String,
    /// Along it, with intervals.
    pub points: Vec<(f64, Interval)>,
    /// How it looks.
    pub style: Style,
    /// Whether its intervals are shaded.
    pub band: bool,
    /// Where on it there is a ring.
    pub rings: Vec<f64>,
    /// Where it has marks.
    pub marked: Marked,
}

impl Line {
    /// How high it is somewhere between its ends, where the vertical axis is as it is said.
    fn height(&self, at: f64, log: bool) -> Option<f64> {
        let pair = self
            .points
            .windows(2)
            .find(|pair| (pair[0].0..=pair[1].0).contains(&at));
        let Some([(from, low), (to, high)]) = pair else {
            // Behind the start of the last window.
            let last = self.points.last().filter(|last| last.0 <= at);
            return last.map(|last| last.1.mean);
        };
        let (part, low, high) = ((at - from) / (to - from).max(1e-12), low.mean, high.mean);
        let height = if log {
            low * (high / low).powf(part)
        } else {
            low + part * (high - low)
        };
        Some(height).filter(|height| height.is_finite())
    }

    /// The points that have a mark.
    fn marks(&self) -> Vec<(f64, f64)> {
        let all = || self.points.iter().map(|(at, value)| (*at, value.mean));
        match &self.marked {
            Marked::Points if self.points.len() > MOST_MARKS => all().next_back().into_iter().collect(),
            Marked::Points | Marked::Only => all().collect(),
            Marked::Heights(heights) => {
                let reached = |height: &f64| all().find(|(_, value)| value >= height);
                heights.iter().filter_map(reached).collect()
            }
            Marked::Nowhere => Vec::new(),
        }
    }
}

/// Lines, and moments that something happens at.
#[derive(Default)]
pub struct Curves {
    /// See [`Canvas::new`].
    pub title: String,
    /// See [`Canvas::new`].
    pub description: String,
    /// What is along.
    pub x: String,
    /// What is up.
    pub y: String,
    /// Whether along goes by times.
    pub x_log: bool,
    /// Whether up does.
    pub y_log: bool,
    /// All lines.
    pub lines: Vec<Line>,
    /// Moments.
    pub marks: Vec<(f64, String)>,
}

impl Curves {
    fn axes(&self, across: [i32; 2], down: [i32; 2]) -> (Axis, Axis) {
        let points = || {
            self.lines
                .iter()
                .flat_map(|line| line.points.iter().map(move |point| (line, point)))
        };
        let along = points().map(|(_, (at, _))| *at);
        let ends = points().flat_map(|(line, (_, value))| match line.band {
            true => [floor(value, self.y_log), value.high],
            false => [value.mean; 2],
        });
        (
            Axis::scaled(self.x_log, along, across),
            Axis::scaled(self.y_log, ends, down),
        )
    }

    fn line(&self, canvas: &mut Canvas, line: &Line, (x, y): (&Axis, &Axis)) {
        let at = |(along, up): (f64, f64)| (x.at(along), y.at(up));
        let middle = line.points.iter().map(|(along, value)| at((*along, value.mean)));
        let middle: Vec<(i32, i32)> = middle.collect();
        if line.marked != Marked::Only {
            canvas.dashed(&middle, line.style.colour, 2, line.style.dashes());
        }
        for point in line.marks() {
            canvas.mark(at(point), &line.style);
        }
        for ring in &line.rings {
            if let Some(height) = line.height(*ring, self.y_log) {
                canvas.ring(at((*ring, height)), 10, line.style.colour);
            }
        }
    }

    fn band(&self, canvas: &mut Canvas, line: &Line, (x, y): (&Axis, &Axis)) {
        let upper = line
            .points
            .iter()
            .map(|(at, value)| (x.at(*at), y.at(value.high)));
        let lower = line.points.iter().rev();
        let lower = lower.map(|(at, value)| (x.at(*at), y.at(floor(value, self.y_log))));
        let around: Vec<(i32, i32)> = upper.chain(lower).collect();
        // The more there are, the lighter.
        let opacity = (0.6 / self.lines.len() as f64).clamp(0.05, 0.15);
        canvas.shade(&around, line.style.colour, opacity);
    }

    /// Names at the ends of lines, pushed apart where lines end together.
    fn labels(&self, canvas: &mut Canvas, labels: &[Vec<String>], (x, y): (&Axis, &Axis)) {
        let ([_, right], [bottom, _]) = (x.ends_px(), y.ends_px());
        let end = |line: &Line| {
            let (at, value) = line.points.last()?;
            Some((x.at(*at), y.at(value.mean)))
        };
        let mut ends: Vec<((i32, i32), &Line, &Vec<String>)> = self
            .lines
            .iter()
            .zip(labels)
            .filter(|(line, _)| !line.label.is_empty())
            .filter_map(|(line, words)| Some((end(line)?, line, words)))
            .collect();
        ends.sort_by_key(|(end, ..)| end.1);
        let heights = ends
            .iter()
            .map(|(.., words)| words.len() as i32 * canvas.line_px());
        let heights: Vec<i32> = heights.collect();
        let wanted: Vec<i32> = ends.iter().map(|(end, ..)| end.1).collect();
        for ((end, line, words), place) in ends.iter().zip(apart(&wanted, &heights, bottom)) {
            // Where a line ends far away, its mark tells whose the label is.
            if right - end.0 < NEAR_PX {
                canvas.line(&[(end.0 + 8, end.1), (right + 10, place)], line.style.colour, 1);
            }
            canvas.mark((right + 18, place), &line.style);
            canvas.lines(words, (right + 32, place), To::Left, INK);
        }
    }
}

/// The lower end of an interval; on an axis that has no 0 not too far down.
fn floor(value: &Interval, log: bool) -> f64 {
    match log {
        true => value.low.max(value.mean / 3.0),
        false => value.low,
    }
}

/// Middles, from above to below, that are so high apart and not below the bottom, near those that are wanted.
fn apart(wanted: &[i32], heights: &[i32], bottom: i32) -> Vec<i32> {
    let mut places = wanted.to_vec();
    for at in 1..places.len() {
        places[at] = places[at].max(places[at - 1] + i32::midpoint(heights[at - 1], heights[at]));
    }
    let mut lowest = bottom;
    for (place, height) in places.iter_mut().zip(heights).rev() {
        *place = (*place).min(lowest - height / 2);
        lowest = *place - height / 2;
    }
    places
}

impl Curves {
    /// Draws it, so wide.
    pub fn draw(&self, width_px: i32) -> Canvas {
        let mut canvas = Canvas::new(width_px, &self.title, &self.description);
        let mut top = canvas.heading();
        let px = canvas.text_px();
        let labels: Vec<Vec<String>> = self
            .lines
            .iter()
            .map(|line| canvas::wrap(&line.label, px, 200))
            .collect();
        let named: Vec<&Line> = self.lines.iter().filter(|line| !line.label.is_empty()).collect();
        let aside = canvas::widest(&labels.concat(), px);
        let mut right = width_px - 24;
        if canvas.narrow() {
            let items = named.iter().map(|line| (line.style, line.label.clone()));
            top = canvas.legend(&items.collect::<Vec<_>>(), Key::Line, top);
        } else if !named.is_empty() {
            right = width_px - aside - 44;
        }
        top += canvas.line_px() * 3 / 2;
        let lines: usize = labels.iter().map(Vec::len).sum();
        let plot = 420.max(lines as i32 * canvas.line_px());
        let bottom = top + if canvas.narrow() { 300 } else { plot };
        let (x, y) = self.axes([if canvas.narrow() { 54 } else { 84 }, right], [bottom, top]);
        canvas.frame((&x, &self.x), (&y, &self.y));
        for (at, what) in &self.marks {
            let at = x.at(*at);
            canvas.line(&[(at, top), (at, bottom)], FRAME, 2);
            // On the side that has more room.
            let (sides, left) = ([right - at, at - x.ends_px()[0]], at * 2 > x.ends_px()[0] + right);
            let (place, to, room) = match left {
                true => (at - 6, To::Right, sides[1]),
                false => (at + 6, To::Left, sides[0]),
            };
            for (line, row) in canvas::wrap(what, px - 2, room.max(80) - 12).iter().zip(0..) {
                canvas.small(line, (place, top + 8 + row * canvas.line_px()), to, MUTED);
            }
        }
        for line in self.lines.iter().filter(|line| line.band) {
            self.band(&mut canvas, line, (&x, &y));
        }
        for line in &self.lines {
            self.line(&mut canvas, line, (&x, &y));
        }
        if !canvas.narrow() {
            self.labels(&mut canvas, &labels, (&x, &y));
        }
        canvas.height_px = bottom + canvas.below_px(&self.x);
        canvas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_lies_on_its_line() {
        let at = |mean: f64| Interval {
            mean,
            low: mean,
            high: mean,
        };
        let line = Line {
            label: String::new(),
            points: vec![(0.0, at(1.0)), (10.0, at(100.0)), (20.0, at(100.0))],
            style: Style::policy(0),
            ..Line::default()
        };
        let heights = [0.0, 5.0, 15.0, 25.0, -1.0].map(|at| line.height(at, true));
        assert_eq!(heights, [Some(1.0), Some(10.0), Some(100.0), Some(100.0), None]);
        assert_eq!(line.height(5.0, false), Some(50.5));
    }

    #[test]
    fn labels_are_apart_and_inside() {
        let places = apart(&[100, 101, 102, 470, 475], &[22; 5], 480);
        assert!(
            places.windows(2).all(|pair| pair[1] - pair[0] >= 22),
            "{places:?}"
        );
        assert!(places[0] == 100 && places[4] <= 469, "{places:?}");
        let tall = apart(&[100, 101], &[44, 22], 480);
        assert_eq!(tall, [100, 133]);
    }
}
