// SPDX-License-Identifier: GPL-2.0-only
//! The frontier as a picture: migrations against run-queue wait, the time as colour.
//!
//! Both axes are logarithmic: what counts is by how many times one scheduler does better than another.

use super::bench::{Report, Spread};
use super::canvas::{self, Area, Drawn, FONT, GREY, PICTURE_PX};
use super::label;
use super::table::grouped;
use anyhow::Result;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::*;
use std::ops::Range;

/// Room at the right for the scale of colours.
const SCALE_PX: i32 = 130;
const RADIUS_PX: i32 = 7;
const LABEL_PX: u32 = 17;
/// From the least time to the greatest.
const COLOURS: [(u8, u8, u8); 5] = [
    (68, 1, 84),
    (59, 82, 139),
    (33, 145, 140),
    (94, 201, 98),
    (230, 190, 30),
];

/// One scheduler.
struct Point {
    label: String,
    migrations: Spread,
    wait_s: Spread,
    time_s: f64,
}

/// Draws the frontier; `None` where no scheduler has all three figures.
///
/// # Errors
/// Where the picture cannot be drawn or packed.
pub fn png(report: &Report) -> Result<Option<Vec<u8>>> {
    let points = points(report);
    if points.is_empty() {
        return Ok(None);
    }
    canvas::bitmap("the frontier", PICTURE_PX, |root| draw(root, &points, report)).map(Some)
}

fn points(report: &Report) -> Vec<Point> {
    let point = |summary: super::bench::Summary| {
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

fn draw(root: &Area<BitMapBackend<'_>>, points: &[Point], report: &Report) -> Drawn {
    let (left, right) = root.split_horizontally(PICTURE_PX.0 as i32 - SCALE_PX);
    let over = |of: fn(&Point) -> Spread| axis(points.iter().map(of));
    let (x, y) = (over(|point| point.migrations), over(|point| point.wait_s));
    let times = span(points.iter().map(|point| point.time_s));
    let about = &report.about;
    let title = format!("{} (-j{}), Linux {}", about.workload, about.jobs, about.kernel);
    let mut chart = ChartBuilder::on(&left)
        .caption(title, (FONT, 21))
        .margin(16)
        .x_label_area_size(56)
        .y_label_area_size(72)
        .build_cartesian_2d(
            x.clone().log_scale().with_key_points(ticks(&x)),
            y.clone().log_scale().with_key_points(ticks(&y)),
        )?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("migrations in a run (log scale)")
        .y_desc("run-queue wait of all tasks, s (log scale)")
        .x_label_formatter(&tick)
        .y_label_formatter(&tick)
        .axis_desc_style((FONT, 19))
        .label_style((FONT, 16))
        .draw()?;
    for point in points {
        let (middle, down) = (point.migrations, point.wait_s);
        let bars = [
            vec![(middle.min, down.median), (middle.max, down.median)],
            vec![(middle.median, down.min), (middle.median, down.max)],
        ];
        chart.draw_series(bars.map(|bar| PathElement::new(bar, GREY)))?;
    }
    let mut boxes = Vec::new();
    for point in points {
        let at = (point.migrations.median, point.wait_s.median);
        let fill = canvas::between(&COLOURS, share(point.time_s, &times)).filled();
        chart.draw_series([
            Circle::new(at, RADIUS_PX, fill),
            Circle::new(at, RADIUS_PX, BLACK.stroke_width(1)),
        ])?;
        let (width, height) = root.estimate_text_size(&point.label, &(FONT, LABEL_PX).into_font().into())?;
        boxes.push(label::Wanted {
            at: chart.backend_coord(&at),
            size: (width as i32, height as i32),
        });
    }
    let plot = chart.plotting_area().get_pixel_range();
    for (point, place) in points.iter().zip(label::places(&boxes, RADIUS_PX, &plot)) {
        if let Some(line) = place.leader {
            root.draw(&PathElement::new(line.to_vec(), GREY))?;
        }
        root.draw(&Text::new(point.label.clone(), place.corner, (FONT, LABEL_PX)))?;
    }
    scale(&right, &times)
}

/// The bar of colours with its times.
fn scale(area: &Area<BitMapBackend<'_>>, times: &Range<f64>) -> Drawn {
    let (top, bottom, left, width) = (90, PICTURE_PX.1 as i32 - 90, 8, 22);
    for y in top..bottom {
        let share = f64::from(bottom - y) / f64::from(bottom - top);
        area.draw(&Rectangle::new(
            [(left, y), (left + width, y + 1)],
            canvas::between(&COLOURS, share).filled(),
        ))?;
    }
    let style = |size: u32| (FONT, size);
    area.draw(&Text::new("time, s", (left, top - 32), style(19)))?;
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let y = bottom - (share * f64::from(bottom - top)) as i32;
        let time_s = times.start + share * (times.end - times.start);
        area.draw(&Text::new(
            format!("{time_s:.1}"),
            (left + width + 8, y - 8),
            style(16),
        ))?;
    }
    Ok(())
}

/// From some way before the least to some way behind the greatest, with room for labels.
fn axis(spreads: impl Iterator<Item = Spread> + Clone) -> Range<f64> {
    let low = spreads
        .clone()
        .map(|spread| spread.min)
        .fold(f64::INFINITY, f64::min);
    let high = spreads.map(|spread| spread.max).fold(0.0, f64::max);
    let room = (high / low).powf(0.12).max(1.15);
    low / room..high * room
}

/// Round numbers within the range: the coarsest steps that give enough of them.
fn ticks(range: &Range<f64>) -> Vec<f64> {
    const ENOUGH: usize = 4;
    let tenths = |by: usize| {
        (10..100)
            .step_by(by)
            .map(|tenth| f64::from(tenth) / 10.0)
            .collect()
    };
    let steps: [Vec<f64>; 5] = [
        vec![1.0, 2.0, 3.0, 5.0],
        vec![1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
        tenths(10),
        tenths(5),
        tenths(1),
    ];
    let decades = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
    let of = |steps: &Vec<f64>| -> Vec<f64> {
        let all = decades
            .clone()
            .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        all.filter(|value| range.contains(value)).collect()
    };
    let found: Vec<Vec<f64>> = steps.iter().map(of).collect();
    let enough = found.iter().find(|ticks| ticks.len() >= ENOUGH);
    enough.or(found.last()).cloned().unwrap_or_default()
}

fn tick(value: &f64) -> String {
    let digits = match value.abs() {
        size if size >= 10.0 => 0,
        size if size >= 1.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    let text = grouped(*value, digits);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn span(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    values.clone().fold(f64::INFINITY, f64::min)..values.fold(0.0, f64::max)
}

/// 0 at the range's start, 1 at its end.
fn share(value: f64, range: &Range<f64>) -> f64 {
    let length = range.end - range.start;
    if length > 0.0 {
        (value - range.start) / length
    } else {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Run;
    use super::*;

    #[test]
    fn ticks_are_round_and_enough() {
        assert_eq!(ticks(&(230.0..4100.0)), [300.0, 500.0, 1000.0, 2000.0, 3000.0]);
        assert_eq!(ticks(&(26.0..95.0)), [30.0, 40.0, 50.0, 70.0]);
        for range in [3.0..3.4, 0.011..0.013, 95.0..105.0, 1.0..1e6] {
            let found = ticks(&range);
            assert!((2..=25).contains(&found.len()), "{range:?}: {found:?}");
            assert!(found.iter().all(|value| range.contains(value)));
        }
        assert_eq!(
            [1000.0, 2.5, 0.3].map(|value| tick(&value)),
            ["1,000", "2.5", "0.3"]
        );
    }

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
        assert!(png(&report).unwrap().is_none());
        report
            .runs
            .push(run(&[("time_s", 3.0), ("migrations", 500.0), ("wait_s", 2.0)]));
        let bytes = png(&report).unwrap().unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        assert_eq!((reader.info().width, reader.info().height), PICTURE_PX);
    }
}
