// SPDX-License-Identifier: GPL-2.0-only
//! The frontier as a picture: migrations against run-queue wait, the time as colour.
//!
//! Both axes are logarithmic: what counts is by how many times one scheduler does better than another.

use super::report::{Report, Spread};
use anyhow::Result;
use augur_base::picture::axis::Axis;
use augur_base::picture::canvas::{self, Canvas, To, WIDE_PX};
use augur_base::picture::formats;
use augur_base::picture::label;
use augur_base::picture::palette::{self, FRAME, INK, Rgb};
use std::ops::Range;

/// Room at the right for the scale of colours.
const SCALE_PX: i32 = 130;
const RADIUS_PX: i32 = 7;
/// From the least time to the greatest.
const COLOURS: [Rgb; 5] = [
    Rgb(68, 1, 84),
    Rgb(59, 82, 139),
    Rgb(33, 145, 140),
    Rgb(94, 201, 98),
    Rgb(230, 190, 30),
];

/// One scheduler.
struct Point {
    label: String,
    migrations: Spread,
    wait_s: Spread,
    time_s: f64,
}

/// All of them.
struct Frontier {
    title: String,
    points: Vec<Point>,
}

/// Draws the frontier, as [`formats::USUAL`]; `None` where no scheduler has all three figures.
///
/// # Errors
/// Where the picture cannot be drawn or packed.
pub fn file(report: &Report) -> Result<Option<Vec<u8>>> {
    let about = &report.about;
    let frontier = Frontier {
        points: points(report),
        title: format!("{} (-j{}), Linux {}", about.workload, about.jobs, about.kernel),
    };
    if frontier.points.is_empty() {
        return Ok(None);
    }
    let document = frontier.draw(WIDE_PX).document();
    formats::file(formats::USUAL, &document).map(Some)
}

fn points(report: &Report) -> Vec<Point> {
    let point = |summary: super::report::Summary| {
        Some(Point {
            migrations: *summary.figures.get("migrations")?,
            wait_s: *summary.figures.get("wait_s")?,
            time_s: summary.figures.get("time_s")?.median,
            label: summary.scheduler,
        })
    };
    let all = report.summaries().into_iter().filter_map(point);
    // A logarithmic axis has no 0.
    all.filter(|point| point.migrations.min > 0.0 && point.wait_s.min > 0.0)
        .collect()
}

impl Frontier {
    fn axis(&self, of: fn(&Point) -> Spread, px: [i32; 2]) -> Axis {
        let ends = self.points.iter().map(of);
        Axis::logarithmic(ends.flat_map(|spread| [spread.min, spread.max]), px)
    }

    /// The least and the greatest time.
    fn times(&self) -> (f64, f64) {
        let times = self.points.iter().map(|point| point.time_s);
        times.fold((f64::INFINITY, 0.0), |(least, most), time| {
            (time.min(least), time.max(most))
        })
    }

    /// The bar of colours with its times.
    fn scale(&self, canvas: &mut Canvas, (top, bottom): (i32, i32), left: i32) {
        let (least, most) = self.times();
        for y in top..bottom {
            let share = f64::from(bottom - y) / f64::from(bottom - top);
            canvas.rect((left, y), (22, 2), palette::between(&COLOURS, share), false);
        }
        canvas.text("time, s", (left, top - 24), To::Left, INK);
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            let y = bottom - (share * f64::from(bottom - top)) as i32;
            canvas.small(
                &format!("{:.1}", least + share * (most - least)),
                (left + 30, y),
                To::Left,
                INK,
            );
        }
    }

    fn labels(
        &self,
        canvas: &mut Canvas,
        at: &dyn Fn(&Point) -> (i32, i32),
        within: (Range<i32>, Range<i32>),
    ) {
        let px = canvas.text_px();
        let boxes: Vec<label::Wanted> = self
            .points
            .iter()
            .map(|point| label::Wanted {
                at: at(point),
                size: (canvas::width_px(&point.label, px), canvas.line_px()),
                radius: (RADIUS_PX, RADIUS_PX),
            })
            .collect();
        for (point, place) in self.points.iter().zip(label::places(&boxes, &within, &[])) {
            if let Some(leader) = place.leader {
                canvas.line(&leader, FRAME, 1);
            }
            canvas.haloed(std::slice::from_ref(&point.label), place.corner);
        }
    }
}

impl Frontier {
    fn draw(&self, width_px: i32) -> Canvas {
        let words = "A point for each scheduler: along, migrations in a run; up, the run-queue wait of all tasks; whiskers to the least and \
                     the most; the colour is the time of a run.";
        let mut canvas = Canvas::new(width_px, &self.title, words);
        let top = canvas.heading() + canvas.line_px() * 3 / 2;
        let (bottom, left, right) = (top + 500, 84, width_px - SCALE_PX);
        let x = self.axis(|point| point.migrations, [left, right]);
        let y = self.axis(|point| point.wait_s, [bottom, top]);
        canvas.frame(
            (&x, "migrations in a run (log scale)"),
            (&y, "run-queue wait of all tasks, s (log scale)"),
        );
        let at = |point: &Point| (x.at(point.migrations.median), y.at(point.wait_s.median));
        for point in &self.points {
            let middle = at(point);
            canvas.line(
                &[point.migrations.min, point.migrations.max].map(|end| (x.at(end), middle.1)),
                FRAME,
                1,
            );
            canvas.line(
                &[point.wait_s.min, point.wait_s.max].map(|end| (middle.0, y.at(end))),
                FRAME,
                1,
            );
        }
        let (least, most) = self.times();
        for point in &self.points {
            let share = if most > least {
                (point.time_s - least) / (most - least)
            } else {
                0.5
            };
            canvas.dot(at(point), RADIUS_PX, palette::between(&COLOURS, share));
        }
        self.labels(&mut canvas, &at, (left..right, top..bottom));
        self.scale(&mut canvas, (top + 20, bottom - 20), right + 30);
        canvas.height_px = bottom + canvas.below_px("");
        canvas
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Run;
    use super::*;

    #[test]
    fn a_picture_of_what_has_all_three_figures() {
        let run = |figures: &[(&str, f64)]| Run {
            scheduler: format!("{}", figures.len()),
            figures: figures
                .iter()
                .map(|&(name, value)| (name.to_owned(), value))
                .collect(),
            ..Run::default()
        };
        let mut report = Report::default();
        report.runs.push(run(&[("time_s", 3.0)]));
        assert!(file(&report).unwrap().is_none());
        report
            .runs
            .push(run(&[("time_s", 3.0), ("migrations", 500.0), ("wait_s", 2.0)]));
        let bytes = file(&report).unwrap().unwrap();
        if formats::USUAL == "svg" {
            return assert!(bytes.starts_with(b"<svg"));
        }
        let reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        assert_eq!(reader.info().width, 2 * WIDE_PX as u32);
    }
}
