// SPDX-License-Identifier: GPL-2.0-only
//! Schedules of a graph as a picture: for each policy a row for each device, and a bar for each task; what is left grey
//! idles.

use super::graph::{Outcome, Placed, Report};
use anyhow::Result;
use augur_base::picture::axis::Axis;
use augur_base::picture::canvas::{self, Canvas, To};
use augur_base::picture::formats;
use augur_base::picture::palette::{GRID, INK, PAPER, Style};
use augur_base::table::number;
use std::path::Path;

/// Pixels of a panel's heading.
const HEAD_PX: i32 = 34;
const NARROW_PX: i32 = 1200;
const WIDE_PX: i32 = 3200;
/// All panels together are not much higher than this.
const HIGH_PX: i32 = 16_000;
const LABEL_PX: i32 = 13;
const NAME_PX: i32 = 16;

/// What is drawn.
pub struct Gantt<'a> {
    devices: &'a [String],
    /// A panel each.
    runs: &'a [Outcome],
    /// What all tasks' names begin with, and is left out.
    prefix: String,
    row_px: i32,
}

/// A bar's place in the picture: left, top, right, bottom.
type Place = [i32; 4];

impl Gantt<'_> {
    /// The schedules of a report on these devices.
    pub fn of<'a>(report: &'a Report, devices: &'a [String]) -> Gantt<'a> {
        let runs = &report.results;
        let names = runs.iter().flat_map(|run| &run.schedule).map(|bar| &bar.task);
        let rows = (devices.len() * runs.len()).max(1) as i32;
        let room = HIGH_PX - HEAD_PX * runs.len() as i32;
        Gantt {
            devices,
            runs,
            prefix: shared_prefix(names),
            row_px: (room / rows).clamp(1, 30),
        }
    }

    fn titles(&self) -> Vec<String> {
        let title = |run: &Outcome| format!("{}: makespan {}", run.policy, number(run.makespan));
        self.runs.iter().map(title).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Placed> {
        self.runs.iter().flat_map(|run| &run.schedule)
    }

    /// So wide that nine of ten names fit into their bars, where that is possible at all.
    fn width_px(&self) -> i32 {
        let end = self.end();
        let bars = self.all().filter(|bar| bar.finish > bar.start);
        let mut wanted: Vec<f64> = bars
            .map(|bar| f64::from(label_px(self.label(bar)) + 6) * end / (bar.finish - bar.start))
            .collect();
        wanted.sort_by(f64::total_cmp);
        let enough = wanted.get(wanted.len() * 9 / 10).copied().unwrap_or(0.0);
        (enough as i32)
            .saturating_add(self.left_px() + 40)
            .clamp(NARROW_PX, WIDE_PX)
    }

    fn label<'a>(&self, bar: &'a Placed) -> &'a str {
        &bar.task[self.prefix.len()..]
    }

    fn end(&self) -> f64 {
        self.all().map(|bar| bar.finish).fold(0.0, f64::max)
    }

    fn left_px(&self) -> i32 {
        let names = self
            .devices
            .iter()
            .map(|name| canvas::width_px(&cut(name), NAME_PX));
        24 + names.max().unwrap_or(0)
    }

    fn panel_px(&self) -> i32 {
        HEAD_PX + self.row_px * self.devices.len() as i32
    }

    fn top_px(&self, panel: usize, row: usize) -> i32 {
        panel as i32 * self.panel_px() + HEAD_PX + row as i32 * self.row_px
    }

    fn place(&self, axis: &Axis, panel: usize, bar: &Placed) -> Place {
        let gap = i32::from(self.row_px > 4);
        let row = self.devices.iter().position(|device| *device == bar.device);
        let top = self.top_px(panel, row.unwrap_or(0)) + gap;
        let (left, right) = (axis.at(bar.start), axis.at(bar.finish));
        // A pixel of the lane stays between neighbours, and what takes no time is still seen.
        [
            left,
            top,
            (right - 1).max(left + 1),
            top + (self.row_px - 2 * gap).max(1),
        ]
    }

    /// The picture as a file of the kind that the ending names, `.png` or `.svg`.
    ///
    /// # Errors
    /// Where the ending names none, or it cannot be drawn.
    pub fn file(&self, path: &Path) -> Result<Vec<u8>> {
        let document = self.draw(self.width_px()).document();
        formats::file(formats::kind_of(path)?, &document)
    }

    /// The rows of a panel, in which nothing runs yet.
    fn lanes(&self, canvas: &mut Canvas, axis: &Axis, panel: usize) {
        let [left, right] = axis.ends_px();
        let gap = i32::from(self.row_px > 4);
        for (row, device) in self.devices.iter().enumerate() {
            let top = self.top_px(panel, row);
            canvas.rect((left, top), (right - left, self.row_px - gap), GRID, false);
            if self.row_px >= NAME_PX || row == 0 {
                let at = (left - 10, top + self.row_px / 2);
                canvas.sized(&cut(device), at, To::Right, INK, NAME_PX);
            }
        }
        let (top, bottom) = (self.top_px(panel, 0), self.top_px(panel + 1, 0) - HEAD_PX);
        for value in axis.ticks() {
            canvas.line(&[(axis.at(value), top), (axis.at(value), bottom)], PAPER, 1);
        }
    }

    fn bars(&self, canvas: &mut Canvas, axis: &Axis, panel: usize) {
        let colour = Style::policy(panel).colour;
        for bar in &self.runs[panel].schedule {
            let [left, top, right, bottom] = self.place(axis, panel, bar);
            let (from, to) = (number(bar.start), number(bar.finish));
            let hint = format!("{} on {}: {from} to {to}", bar.task, bar.device);
            canvas.hinted((left, top), (right - left, bottom - top), colour, &hint);
            let room_px = if self.row_px >= LABEL_PX + 3 {
                right - left - 2
            } else {
                0
            };
            if let Some(label) = fitting(self.label(bar), room_px) {
                let middle = (i32::midpoint(left, right), i32::midpoint(top, bottom));
                canvas.sized(&label, middle, To::Middle, colour.words(), LABEL_PX);
            }
        }
    }
}

impl Gantt<'_> {
    fn draw(&self, width_px: i32) -> Canvas {
        let titles = self.titles();
        let words = format!("What is left grey idles. {}", titles.join("; "));
        let title = "Schedules: a row for each device, a bar for each task";
        let mut canvas = Canvas::new(width_px, title, &words);
        let axis = Axis::linear([self.end()], [self.left_px(), width_px - 20]);
        let bottom = self.panel_px() * self.runs.len() as i32;
        for (at, title) in titles.iter().enumerate() {
            let corner = (self.left_px(), at as i32 * self.panel_px() + HEAD_PX / 2);
            canvas.text(title, corner, To::Left, INK);
            self.lanes(&mut canvas, &axis, at);
            self.bars(&mut canvas, &axis, at);
        }
        canvas.ticks(&axis, [bottom, bottom + 4]);
        let words = match self.prefix.as_str() {
            "" => "time; grey: the device idles".to_owned(),
            prefix => format!("time; grey: the device idles; names of tasks without '{prefix}'"),
        };
        let below = (self.left_px(), bottom + 4 + canvas.line_px() * 2);
        canvas.text(&words, below, To::Left, INK);
        canvas.height_px = below.1 + canvas.line_px();
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
