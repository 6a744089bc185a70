// SPDX-License-Identifier: GPL-2.0-only
//! Schedules of a graph as a picture: for each policy a row for each device, and a bar for each task; what is left grey
//! idles.

use super::axis::{Axis, short};
use super::canvas::{self, Area, Drawn, Picture, hue, ink, text};
use super::graph::Report;
use super::table::number;
use anyhow::{Result, bail};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use std::fmt::Write as _;
use std::path::Path;

/// Pixels of a panel's heading, and between panels.
const HEAD_PX: i32 = 34;
const FOOT_PX: i32 = 60;
const NARROW_PX: u32 = 1200;
const WIDE_PX: u32 = 3200;
/// No picture is higher than this.
const HIGH_PX: i32 = 16_000;
const LABEL_PX: i32 = 13;
const NAME_PX: i32 = 16;
const LANE: RGBColor = RGBColor(236, 236, 236);

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Gantt {
    devices: Vec<String>,
    panels: Vec<Panel>,
    /// What all tasks' names begin with, and is left out.
    prefix: String,
    width_px: u32,
    row_px: i32,
}

/// A policy's schedule.
#[derive(Clone, Debug, PartialEq)]
struct Panel {
    title: String,
    bars: Vec<Bar>,
}

/// A task on a device.
#[derive(Clone, Debug, PartialEq)]
struct Bar {
    row: usize,
    from: f64,
    to: f64,
    task: String,
}

/// A bar's place in the picture: left, top, right, bottom.
type Place = [i32; 4];

impl Gantt {
    /// The schedules of a report on these devices.
    ///
    /// # Errors
    /// Where the font is of no use.
    pub fn of(report: &Report, devices: &[String]) -> Result<Gantt> {
        canvas::register("the schedule")?;
        let row = |name: &String| devices.iter().position(|device| device == name).unwrap_or(0);
        let panels: Vec<Panel> = report
            .results
            .iter()
            .map(|run| Panel {
                title: format!("{}: makespan {}", run.policy, number(run.makespan)),
                bars: run
                    .schedule
                    .iter()
                    .map(|placed| Bar {
                        row: row(&placed.device),
                        from: placed.start,
                        to: placed.finish,
                        task: placed.task.clone(),
                    })
                    .collect(),
            })
            .collect();
        let names = panels.iter().flat_map(|panel| &panel.bars).map(|bar| &bar.task);
        let prefix = shared_prefix(names);
        let rows = (devices.len() * panels.len()).max(1) as i32;
        let room = HIGH_PX - FOOT_PX - HEAD_PX * panels.len() as i32;
        let mut gantt = Gantt {
            devices: devices.to_vec(),
            panels,
            prefix,
            width_px: NARROW_PX,
            row_px: (room / rows).clamp(1, 30),
        };
        gantt.width_px = gantt.wide_enough();
        Ok(gantt)
    }

    /// So wide that nine of ten names fit into their bars, where that is possible at all.
    fn wide_enough(&self) -> u32 {
        let bars = self.panels.iter().flat_map(|panel| &panel.bars);
        let end = self.end();
        let mut wanted: Vec<f64> = bars
            .filter(|bar| bar.to > bar.from)
            .map(|bar| f64::from(label_px(self.label(bar)) + 6) * end / (bar.to - bar.from))
            .collect();
        wanted.sort_by(f64::total_cmp);
        let enough = wanted.get(wanted.len() * 9 / 10).copied().unwrap_or(0.0);
        (enough as u32 + self.left_px() as u32 + 40).clamp(NARROW_PX, WIDE_PX)
    }

    fn label<'a>(&self, bar: &'a Bar) -> &'a str {
        &bar.task[self.prefix.len()..]
    }

    fn end(&self) -> f64 {
        let bars = self.panels.iter().flat_map(|panel| &panel.bars);
        bars.map(|bar| bar.to).fold(0.0, f64::max)
    }

    fn left_px(&self) -> i32 {
        let names = self.devices.iter().map(|name| canvas::width_px(&cut(name)));
        24 + names.max().unwrap_or(0)
    }

    fn axis(&self) -> Axis {
        Axis::linear([self.end()], [self.left_px(), self.width_px as i32 - 20])
    }

    fn panel_px(&self) -> i32 {
        HEAD_PX + self.row_px * self.devices.len() as i32
    }

    fn top_px(&self, panel: usize, row: usize) -> i32 {
        panel as i32 * self.panel_px() + HEAD_PX + row as i32 * self.row_px
    }

    fn place(&self, axis: &Axis, panel: usize, bar: &Bar) -> Place {
        let gap = i32::from(self.row_px > 4);
        let top = self.top_px(panel, bar.row) + gap;
        let (left, right) = (axis.at(bar.from), axis.at(bar.to));
        // A pixel of the lane stays between neighbours, and what takes no time is still seen.
        let right = (right - 1).max(left + i32::from(bar.to > bar.from));
        [left, top, right, top + self.row_px - 1 - 2 * gap]
    }

    /// The picture as a file of the kind that the ending names, `.png` or `.svg`.
    ///
    /// # Errors
    /// Where the ending names none, or it cannot be drawn.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("png") => canvas::png("the schedule", self),
            Some("svg") => Ok(self.svg()?.into_bytes()),
            _ => bail!(
                "the ending of {} names no picture; give .svg or .png",
                path.display()
            ),
        }
    }

    /// A document of its own; whoever points at a bar is told what it is.
    ///
    /// # Errors
    /// Where it cannot be drawn.
    pub fn svg(&self) -> Result<String> {
        let (width, height) = self.size();
        let element = canvas::svg("Schedules: a row for each device, a bar for each task", self)?;
        let head =
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" ");
        let mut document = element.replacen("<svg ", &head, 1);
        let end = document.rfind("</svg>").unwrap_or(document.len());
        document.truncate(end);
        let axis = self.axis();
        for (at, panel) in self.panels.iter().enumerate() {
            for bar in &panel.bars {
                let [left, top, right, bottom] = self.place(&axis, at, bar);
                // Writing to a string does not fail.
                let _ = writeln!(
                    document,
                    "<rect class=\"task\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill-opacity=\"0\"><title>{} on {}: \
                     {} to {}</title></rect>",
                    right - left,
                    bottom - top,
                    escaped(&bar.task),
                    escaped(&self.devices[bar.row]),
                    number(bar.from),
                    number(bar.to)
                );
            }
        }
        document.push_str("</svg>\n");
        Ok(document)
    }

    fn lanes<B: DrawingBackend>(&self, area: &Area<B>, axis: &Axis, panel: usize) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let [left, right] = axis.ends_px();
        for (row, device) in self.devices.iter().enumerate() {
            let top = self.top_px(panel, row);
            let far = (right, top + self.row_px - i32::from(self.row_px > 4) - 1);
            area.draw(&Rectangle::new([(left, top), far], LANE.filled()))?;
            if self.row_px >= NAME_PX || row == 0 {
                let at = (left - 10, top + self.row_px / 2);
                text(
                    area,
                    &cut(device),
                    at,
                    (HPos::Right, VPos::Center),
                    NAME_PX,
                    &BLACK,
                )?;
            }
        }
        Ok(())
    }
}

impl Picture for Gantt {
    fn size(&self) -> (u32, u32) {
        let height = self.panel_px() * self.panels.len() as i32 + FOOT_PX;
        (self.width_px, height as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let axis = self.axis();
        let bottom = self.panel_px() * self.panels.len() as i32;
        for (at, panel) in self.panels.iter().enumerate() {
            let corner = (self.left_px(), at as i32 * self.panel_px() + HEAD_PX - 8);
            text(area, &panel.title, corner, (HPos::Left, VPos::Bottom), 18, &BLACK)?;
            self.lanes(area, &axis, at)?;
            for value in axis.ticks() {
                let x = axis.at(value);
                let top = self.top_px(at, 0);
                canvas::line(
                    area,
                    vec![(x, top), (x, top + self.panel_px() - HEAD_PX)],
                    WHITE,
                    1,
                )?;
            }
            let fill = hue(at);
            for bar in &panel.bars {
                let [left, top, right, low] = self.place(&axis, at, bar);
                area.draw(&Rectangle::new([(left, top), (right, low)], fill.filled()))?;
                let room_px = if self.row_px >= LABEL_PX + 3 {
                    right - left - 2
                } else {
                    0
                };
                if let Some(label) = fitting(self.label(bar), room_px) {
                    let middle = (i32::midpoint(left, right), i32::midpoint(top, low));
                    text(
                        area,
                        &label,
                        middle,
                        (HPos::Center, VPos::Center),
                        LABEL_PX,
                        &ink(fill),
                    )?;
                }
            }
        }
        for value in axis.ticks() {
            let at = (axis.at(value), bottom + 6);
            text(
                area,
                &short(value),
                at,
                (HPos::Center, VPos::Top),
                NAME_PX,
                &BLACK,
            )?;
        }
        let words = match self.prefix.as_str() {
            "" => "time; grey: the device idles".to_owned(),
            prefix => format!("time; grey: the device idles; names of tasks without '{prefix}'"),
        };
        let below = (self.left_px(), bottom + 30);
        text(area, &words, below, (HPos::Left, VPos::Top), NAME_PX, &BLACK)
    }
}

fn label_px(words: &str) -> i32 {
    canvas::width_px(words) * LABEL_PX / canvas::TEXT_PX + 1
}

/// A name as far as there is room: its end tells tasks apart.
fn fitting(name: &str, room_px: i32) -> Option<String> {
    const FEWEST: usize = 2;
    if label_px(name) <= room_px {
        return Some(name.to_owned());
    }
    let starts: Vec<usize> = name.char_indices().map(|(at, _)| at).skip(1).collect();
    let kept = starts.len().saturating_sub(FEWEST - 1);
    let ends = starts.iter().take(kept).map(|&at| format!("…{}", &name[at..]));
    ends.into_iter().find(|end| label_px(end) <= room_px)
}

fn cut(name: &str) -> String {
    const MOST: usize = 24;
    match name.chars().count() {
        0..=MOST => name.to_owned(),
        _ => name.chars().take(MOST - 1).chain(['…']).collect(),
    }
}

/// What all names begin with, where it is worth leaving out, and leaves something of each.
fn shared_prefix<'a>(mut names: impl Iterator<Item = &'a String>) -> String {
    const WORTH: usize = 3;
    let Some(first) = names.next() else {
        return String::new();
    };
    let (mut shared, mut shortest) = (first.as_str(), first.len());
    for name in names {
        let same = shared
            .char_indices()
            .zip(name.chars())
            .find(|((_, a), b)| a != b)
            .map_or(shared.len().min(name.len()), |((at, _), _)| at);
        shared = &shared[..same];
        shortest = shortest.min(name.len());
    }
    // A number stays whole.
    let cut = shared.trim_end_matches(|c: char| c.is_ascii_digit());
    if cut.len() >= WORTH && cut.len() < shortest {
        cut.to_owned()
    } else {
        String::new()
    }
}

fn escaped(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_left_out_where_names_stay_apart() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            shared_prefix(names.iter())
        };
        assert_eq!(of(&["task_10", "task_11", "task_9"]), "task_");
        assert_eq!(of(&["T1", "T2"]), "");
        assert_eq!(of(&["same", "same"]), "");
        assert_eq!(of(&["größe1", "größte2"]), "größ");
        assert_eq!(of(&[]), "");
    }
}
