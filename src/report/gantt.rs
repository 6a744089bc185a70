// SPDX-License-Identifier: GPL-2.0-only
//! Schedules of a graph as a picture: for each policy a row for each device, and a bar for each task; what is left grey
//! idles.

use super::axis::{Axis, short};
use super::canvas::{self, Canvas, Picture, To};
use super::graph::{Outcome, Placed, Report};
use super::palette::{GRID, INK, PAPER, Style};
use super::table::number;
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Pixels of a panel's heading, and between panels.
const HEAD_PX: i32 = 34;
const FOOT_PX: i32 = 60;
const NARROW_PX: i32 = 1200;
const WIDE_PX: i32 = 3200;
/// No picture is higher than this.
const HIGH_PX: i32 = 16_000;
const LABEL_PX: i32 = 13;
const NAME_PX: i32 = 16;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Gantt {
    devices: Vec<String>,
    panels: Vec<Panel>,
    /// What all tasks' names begin with, and is left out.
    prefix: String,
    width_px: i32,
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
    /// Where a task is on a device that is not among them.
    pub fn of(report: &Report, devices: &[String]) -> Result<Gantt> {
        let bar = |placed: &Placed| {
            let row = devices.iter().position(|device| *device == placed.device);
            let row = row.with_context(|| {
                format!(
                    "there is no device '{}' for task '{}'",
                    placed.device, placed.task
                )
            })?;
            Ok(Bar {
                row,
                from: placed.start,
                to: placed.finish,
                task: placed.task.clone(),
            })
        };
        let panel = |run: &Outcome| {
            Ok(Panel {
                title: format!("{}: makespan {}", run.policy, number(run.makespan)),
                bars: run.schedule.iter().map(bar).collect::<Result<_>>()?,
            })
        };
        let panels: Vec<Panel> = report.results.iter().map(panel).collect::<Result<_>>()?;
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
    fn wide_enough(&self) -> i32 {
        let bars = self.panels.iter().flat_map(|panel| &panel.bars);
        let end = self.end();
        let mut wanted: Vec<f64> = bars
            .filter(|bar| bar.to > bar.from)
            .map(|bar| f64::from(label_px(self.label(bar)) + 6) * end / (bar.to - bar.from))
            .collect();
        wanted.sort_by(f64::total_cmp);
        let enough = wanted.get(wanted.len() * 9 / 10).copied().unwrap_or(0.0);
        (enough as i32)
            .saturating_add(self.left_px() + 40)
            .clamp(NARROW_PX, WIDE_PX)
    }

    fn label<'a>(&self, bar: &'a Bar) -> &'a str {
        &bar.task[self.prefix.len()..]
    }

    fn end(&self) -> f64 {
        let bars = self.panels.iter().flat_map(|panel| &panel.bars);
        bars.map(|bar| bar.to).fold(0.0, f64::max)
    }

    fn left_px(&self) -> i32 {
        let names = self
            .devices
            .iter()
            .map(|name| canvas::width_px(&cut(name), NAME_PX));
        24 + names.max().unwrap_or(0)
    }

    fn axis(&self) -> Axis {
        Axis::linear([self.end()], [self.left_px(), self.width_px - 20])
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

    /// The picture as a file of the kind that the ending names, `.svg`, `.png` or `.pdf`.
    ///
    /// # Errors
    /// Where the ending names none, or it cannot be drawn.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("png") => canvas::png(&self.svg()),
            Some("pdf") => canvas::pdf(&self.svg()),
            Some("svg") => Ok(self.svg().into_bytes()),
            _ => bail!(
                "the ending of {} does not name a picture; give .svg, .png or .pdf",
                path.display()
            ),
        }
    }

    /// A document of its own; whoever points at a bar is told what it is.
    pub fn svg(&self) -> String {
        self.draw(self.width_px).document(self)
    }

    fn lanes(&self, canvas: &mut Canvas, axis: &Axis, panel: usize) {
        let [left, right] = axis.ends_px();
        for (row, device) in self.devices.iter().enumerate() {
            let top = self.top_px(panel, row);
            let height = self.row_px - i32::from(self.row_px > 4);
            canvas.rect((left, top), (right - left, height), GRID, false);
            if self.row_px >= NAME_PX || row == 0 {
                canvas.sized(
                    &cut(device),
                    (left - 10, top + self.row_px / 2),
                    To::Right,
                    INK,
                    NAME_PX,
                );
            }
        }
    }

    fn bar(&self, canvas: &mut Canvas, axis: &Axis, panel: usize, bar: &Bar) {
        let [left, top, right, low] = self.place(axis, panel, bar);
        let colour = Style::policy(panel).colour;
        let hint = format!(
            "{} on {}: {} to {}",
            bar.task,
            self.devices[bar.row],
            number(bar.from),
            number(bar.to)
        );
        canvas.hinted((left, top), (right - left, low - top), colour, &hint);
        let room_px = if self.row_px >= LABEL_PX + 3 {
            right - left - 2
        } else {
            0
        };
        if let Some(label) = fitting(self.label(bar), room_px) {
            let middle = (i32::midpoint(left, right), i32::midpoint(top, low));
            canvas.sized(&label, middle, To::Middle, colour.words(), LABEL_PX);
        }
    }
}

impl Picture for Gantt {
    fn title(&self) -> String {
        "Schedules: a row for each device, a bar for each task".to_owned()
    }

    fn description(&self) -> String {
        let panels: Vec<&str> = self.panels.iter().map(|panel| panel.title.as_str()).collect();
        format!(
            "Over time, what runs where; what is left grey idles. {}.",
            panels.join("; ")
        )
    }

    fn draw(&self, width_px: i32) -> Canvas {
        let mut canvas = Canvas::new(width_px);
        let axis = self.axis();
        let bottom = self.panel_px() * self.panels.len() as i32;
        canvas.height_px = bottom + FOOT_PX;
        for (at, panel) in self.panels.iter().enumerate() {
            let corner = (self.left_px(), at as i32 * self.panel_px() + HEAD_PX - 16);
            canvas.text(&panel.title, corner, To::Left, INK);
            self.lanes(&mut canvas, &axis, at);
            for value in axis.ticks() {
                let (x, top) = (axis.at(value), self.top_px(at, 0));
                canvas.line(&[(x, top), (x, top + self.panel_px() - HEAD_PX)], PAPER, 1);
            }
            for bar in &panel.bars {
                self.bar(&mut canvas, &axis, at, bar);
            }
        }
        for value in axis.ticks() {
            canvas.sized(
                &short(value),
                (axis.at(value), bottom + 14),
                To::Middle,
                INK,
                NAME_PX,
            );
        }
        let words = match self.prefix.as_str() {
            "" => "time; grey: the device idles".to_owned(),
            prefix => format!("time; grey: the device idles; names of tasks without '{prefix}'"),
        };
        canvas.sized(&words, (self.left_px(), bottom + 38), To::Left, INK, NAME_PX);
        canvas
    }
}

fn label_px(words: &str) -> i32 {
    canvas::width_px(words, LABEL_PX) + 1
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
