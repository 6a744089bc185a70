// SPDX-License-Identifier: GPL-2.0-only
//! Curves: lines over something that is counted, each with its name at its end.

use super::WIDTH;
use crate::report::Interval;
use crate::report::axis::Axis;
use crate::report::canvas::{self, Area, Drawn, GREY, Picture, TEXT_PX};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

const HEIGHT: i32 = 560;
const LABEL_PX: i32 = 22;

/// A line.
pub struct Line {
    pub label: String,
    pub points: Vec<(f64, Interval)>,
    /// Its colour and mark.
    pub which: usize,
    /// Whether its intervals are shaded.
    pub band: bool,
    /// Where on it there is a ring.
    pub rings: Vec<f64>,
}

impl Line {
    /// How high it is somewhere between its ends.
    fn height(&self, at: f64) -> Option<f64> {
        let pair = self
            .points
            .windows(2)
            .find(|pair| (pair[0].0..=pair[1].0).contains(&at));
        let ((from, low), (to, high)) = match pair {
            Some([low, high]) => ((low.0, low.1.mean), (high.0, high.1.mean)),
            // Behind the start of the last window.
            _ => {
                return self
                    .points
                    .last()
                    .filter(|last| last.0 <= at)
                    .map(|last| last.1.mean);
            }
        };
        let part = (at - from) / (to - from).max(1e-12);
        // The axis is logarithmic, and what is straight on it is not.
        Some(low * (high / low).powf(part)).filter(|height| height.is_finite())
    }
}

/// Lines, and moments that something happens at.
pub struct Curves {
    pub title: String,
    pub x: String,
    pub y: String,
    pub x_log: bool,
    pub lines: Vec<Line>,
    pub marks: Vec<(f64, String)>,
}

impl Curves {
    fn axes(&self) -> (Axis, Axis) {
        let labels = self.lines.iter().map(|line| canvas::width_px(&line.label)).max();
        let across = [96, WIDTH - labels.unwrap_or(0) - 44];
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let counts = points().map(|(count, _)| *count);
        let x = match self.x_log {
            true => Axis::logarithmic(counts, across),
            false => Axis::linear(counts, across),
        };
        let banded = self.lines.iter().any(|line| line.band);
        let ends = points().flat_map(|(_, value)| match banded {
            true => [value.low.max(value.mean / 3.0), value.high],
            false => [value.mean; 2],
        });
        (x, Axis::logarithmic(ends, [HEIGHT - 80, 60]))
    }

    fn line<B: DrawingBackend>(area: &Area<B>, line: &Line, (x, y): (&Axis, &Axis)) -> Drawn
    where
        B::ErrorType: 'static,
    {
        if line.band {
            let upper = line
                .points
                .iter()
                .map(|(at, value)| (x.at(*at), y.at(value.high)));
            let lower = line.points.iter().rev();
            let lower = lower.map(|(at, value)| (x.at(*at), y.at(value.low.max(value.mean / 3.0))));
            let around: Vec<(i32, i32)> = upper.chain(lower).collect();
            area.draw(&Polygon::new(around, canvas::hue(line.which).mix(0.18).filled()))?;
        }
        let middle: Vec<(i32, i32)> = line
            .points
            .iter()
            .map(|(at, value)| (x.at(*at), y.at(value.mean)))
            .collect();
        canvas::line(area, middle.clone(), canvas::hue(line.which), 2)?;
        let each = (middle.len() / 8).max(1);
        for at in middle.iter().rev().step_by(each) {
            canvas::mark(area, *at, line.which)?;
        }
        for ring in &line.rings {
            let Some(value) = line.height(*ring) else { continue };
            let at = (x.at(*ring), y.at(value));
            for (radius_px, colour) in [
                (11, WHITE),
                (10, canvas::hue(line.which)),
                (9, canvas::hue(line.which)),
            ] {
                area.draw(&Circle::new(at, radius_px, colour.stroke_width(2)))?;
            }
        }
        Ok(())
    }

    /// Names at the ends of lines, pushed apart where lines end together.
    fn labels<B: DrawingBackend>(&self, area: &Area<B>, (x, y): (&Axis, &Axis)) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let mut ends: Vec<(i32, (i32, i32), &Line)> = Vec::new();
        for line in &self.lines {
            if let Some((at, value)) = line.points.last() {
                let end = (x.at(*at), y.at(value.mean));
                ends.push((end.1, end, line));
            }
        }
        ends.sort_by_key(|(place, _, _)| *place);
        let places = apart(&ends.iter().map(|(place, _, _)| *place).collect::<Vec<i32>>());
        for ((_, end, line), place) in ends.iter().zip(places) {
            let left = end.0 + 26;
            canvas::line(
                area,
                vec![(end.0 + 7, end.1), (left - 4, place)],
                canvas::hue(line.which),
                1,
            )?;
            let words = &line.label;
            canvas::text(
                area,
                words,
                (left, place),
                (HPos::Left, VPos::Center),
                TEXT_PX,
                &BLACK,
            )?;
        }
        Ok(())
    }
}

/// Places, from above to below, that are a line apart and within the picture, near those that are wanted.
fn apart(wanted: &[i32]) -> Vec<i32> {
    let mut places = wanted.to_vec();
    for at in 1..places.len() {
        places[at] = places[at].max(places[at - 1] + LABEL_PX);
    }
    let mut lowest = HEIGHT - 84;
    for place in places.iter_mut().rev() {
        *place = (*place).min(lowest);
        lowest = *place - LABEL_PX;
    }
    places
}

impl Picture for Curves {
    fn size(&self) -> (u32, u32) {
        (WIDTH as u32, HEIGHT as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        canvas::title(area, &self.title)?;
        let (x, y) = self.axes();
        canvas::frame(area, (&x, &self.x), (&y, &self.y))?;
        for (at, what) in &self.marks {
            let at = x.at(*at);
            canvas::line(area, vec![(at, 60), (at, HEIGHT - 80)], GREY, 2)?;
            canvas::text(
                area,
                what,
                (at + 6, 62),
                (HPos::Left, VPos::Top),
                TEXT_PX - 1,
                &GREY,
            )?;
        }
        for line in &self.lines {
            Curves::line(area, line, (&x, &y))?;
        }
        self.labels(area, (&x, &y))
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
            which: 0,
            band: false,
            rings: Vec::new(),
        };
        let heights = [0.0, 5.0, 15.0, 25.0, -1.0].map(|at| line.height(at));
        assert_eq!(heights, [Some(1.0), Some(10.0), Some(100.0), Some(100.0), None]);
    }

    #[test]
    fn labels_are_a_line_apart_and_inside() {
        let places = apart(&[100, 101, 102, 470, 475]);
        assert!(
            places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_PX),
            "{places:?}"
        );
        assert!(places[0] == 100 && places[4] <= HEIGHT - 84, "{places:?}");
    }
}
