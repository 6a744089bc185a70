// SPDX-License-Identifier: GPL-2.0-only
//! Cells of colours with words in them: by size and intensity, and device by device.

use crate::report::study::{Line, Panel, Study};
use augur_base::picture::axis;
use augur_base::picture::canvas::{self, Canvas, To};
use augur_base::picture::palette::{self, FRAME, INK, MUTED, Rgb};

/// From light to dark (ColorBrewer's YlGnBu), so that it is read in grey, too.
const MORE: [Rgb; 5] = [
    Rgb(255, 255, 229),
    Rgb(199, 233, 180),
    Rgb(65, 182, 196),
    Rgb(34, 94, 168),
    Rgb(8, 29, 88),
];
/// Faster than what it is divided by.
const LESS: [Rgb; 2] = [Rgb(255, 255, 229), Rgb(236, 140, 20)];
const CELL_PX: i32 = 34;
/// Columns beyond these would not be read.
const MOST_DEVICES: usize = 9;
const NOTHING: Rgb = Rgb(238, 238, 236);

fn cell(canvas: &mut Canvas, (x, y): (i32, i32), (width, height): (i32, i32), colour: Rgb, words: &str) {
    canvas.rect((x, y), (width - 2, height - 2), colour, false);
    let middle = (x + width / 2 - 1, y + height / 2 - 1);
    canvas.small(words, middle, To::Middle, colour.words());
}

/// Size and intensity, a panel for each policy but the one that the others are divided by.
pub(super) struct Heatmap<'a>(&'a Study);

impl Heatmap<'_> {
    pub(super) fn of(study: &Study) -> Heatmap<'_> {
        Heatmap(study)
    }

    fn panels(&self) -> Vec<&Panel> {
        let map = &self.0.heatmap;
        let ranked = self.0.ranked();
        let panel = |line: &&Line| map.panels.iter().find(|panel| panel.policy == line.policy);
        let all = ranked.iter().filter_map(panel);
        all.filter(|panel| panel.policy != map.reference).collect()
    }

    /// Sizes, intensities.
    fn shape(&self) -> (usize, usize) {
        let map = &self.0.heatmap;
        let cells = |edges: &[f64]| edges.len().saturating_sub(1).max(1);
        (cells(&map.size), cells(&map.intensity))
    }

    /// By how many times the fastest and the slowest cell differ from the reference.
    fn ends(&self) -> (f64, f64) {
        let panels = self.panels();
        let all = panels.into_iter().flat_map(|panel| panel.times.iter().flatten());
        all.filter(|times| times.is_finite() && **times > 0.0)
            .fold((1.0, 1.1), |(least, most), times| {
                (times.min(least), times.max(most))
            })
    }

    fn colour(&self, times: f64) -> Rgb {
        let (least, most) = self.ends();
        match times < 1.0 {
            true => palette::between(&LESS, times.ln() / least.min(0.9).ln()),
            false => palette::between(&MORE, times.ln() / most.ln()),
        }
    }

    /// A panel; returns how high it is.
    fn panel(&self, canvas: &mut Canvas, panel: &Panel, (x, y): (i32, i32), width: i32) -> i32 {
        let map = &self.0.heatmap;
        let (sizes, intensities) = self.shape();
        let names = canvas::wrap(self.0.label(&panel.policy), canvas.text_px(), width - 96);
        let left = x + 76;
        let wide = (width - 76 - 24) / intensities as i32;
        let words_px = names.len() as i32 * canvas.line_px();
        canvas.lines(&names, (left, y + words_px / 2), To::Left, INK);
        let top = y + words_px + 22;
        canvas.small("size N", (x + 8, top - 14), To::Left, MUTED);
        for row in 0..sizes {
            for column in 0..intensities {
                // The largest on top.
                let times = panel.times.get((sizes - 1 - row) * intensities + column);
                let times = times.copied().flatten().filter(|times| times.is_finite());
                let place = (left + column as i32 * wide, top + row as i32 * CELL_PX);
                let (colour, words) = times.map_or((NOTHING, "–".to_owned()), |times| {
                    (self.colour(times), factor(times))
                });
                cell(canvas, place, (wide, CELL_PX), colour, &words);
            }
        }
        let bottom = top + sizes as i32 * CELL_PX;
        for at in 0..=sizes {
            let words = axis::short(map.size.get(sizes - at).copied().unwrap_or(0.0).round());
            canvas.small(&words, (left - 8, top + at as i32 * CELL_PX), To::Right, INK);
        }
        for at in 0..=intensities {
            let words = axis::short(map.intensity.get(at).copied().unwrap_or(0.0));
            canvas.small(&words, (left + at as i32 * wide, bottom + 12), To::Middle, INK);
        }
        let middle = left + wide * intensities as i32 / 2;
        canvas.small("intensity I", (middle, bottom + 32), To::Middle, MUTED);
        bottom + 58 - y
    }

    /// Which colour is how many times; returns where there is room below.
    fn scale(&self, canvas: &mut Canvas, top: i32) -> i32 {
        let (left, right) = (30, canvas.width_px - 30);
        let (least, most) = self.ends();
        // To where the colours end.
        let least = least.min(0.9);
        let share = |times: f64| (times / least).ln() / (most / least).ln();
        let step = 4;
        for at in (left..right).step_by(step as usize) {
            let times = least * (most / least).powf(f64::from(at - left) / f64::from(right - left));
            // Wider than its step, so that no seams are seen.
            let size = ((step + 1).min(right - at), 14);
            canvas.rect((at, top), size, self.colour(times), false);
        }
        let round = [
            0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0,
        ];
        // Of those that would touch, the first named stays: 1 before all.
        let mut taken: Vec<i32> = Vec::new();
        let all = std::iter::once(1.0)
            .chain(round)
            .filter(|times| (least * 0.999..=most * 1.001).contains(times));
        for times in all {
            let at = left + (share(times) * f64::from(right - left)) as i32;
            if taken.iter().all(|other| (other - at).abs() > 48) {
                canvas.line(&[(at, top + 14), (at, top + 19)], FRAME, 1);
                let words = format!("{} ×", axis::short(times));
                canvas.small(&words, (at, top + 30), To::Middle, INK);
                taken.push(at);
            }
        }
        let words = "times as long as the reference (log scale); orange: shorter";
        for (line, at) in canvas::wrap(words, canvas.text_px(), canvas.width_px - 24)
            .iter()
            .zip(0..)
        {
            canvas.small(line, (left, top + 54 + at * canvas.line_px()), To::Left, MUTED);
        }
        top + 54 + 2 * canvas.line_px()
    }
}

impl Heatmap<'_> {
    /// Draws it, so wide.
    pub(super) fn draw(&self, width_px: i32) -> Canvas {
        let reference = self.0.label(&self.0.heatmap.reference);
        let title = format!("Size × intensity: mean completion, times that of {reference}");
        let words = "A grid for each policy: rows are sizes of tasks, the largest on top, columns are intensities; a cell has the mean \
                     completion of its tasks, divided by that of the same tasks under the reference. The figures are in heatmap.csv.";
        let mut canvas = Canvas::new(width_px, &title, words);
        let mut top = canvas.heading();
        top = self.scale(&mut canvas, top + 4);
        let beside = if canvas.narrow() { 1 } else { 2 };
        let width = width_px / beside;
        for pair in self.panels().chunks(beside as usize) {
            let heights = pair
                .iter()
                .zip(0..)
                .map(|(panel, at)| self.panel(&mut canvas, panel, (at * width, top), width));
            let highest = heights.collect::<Vec<i32>>().into_iter().max();
            top += highest.unwrap_or(0);
        }
        canvas.height_px = top;
        canvas
    }
}

/// By how many times, to two or three digits.
fn factor(times: f64) -> String {
    match times {
        times if times >= 100.0 => format!("{times:.0}"),
        times if times >= 10.0 => format!("{times:.1}"),
        _ => format!("{times:.2}"),
    }
}

/// How busy each device was.
pub(super) fn devices(study: &Study, width_px: i32) -> Canvas {
    let of = match study.devices.len() {
        count if count > MOST_DEVICES => format!("the first {} of {count} devices", MOST_DEVICES),
        _ => "devices".to_owned(),
    };
    let title = format!("Use of {of}: share of the makespan that each worked, %");
    let words = "A row for each policy, the lowest mean completion first: per cent of the makespan that each device worked, and \
                 Jain's index of balance. The figures are in summary.csv.";
    let mut canvas = Canvas::new(width_px, &title, words);
    let mut top = canvas.heading() + canvas.line_px();
    let (ranked, px) = (study.ranked(), canvas.text_px());
    let names = study.devices.iter().take(MOST_DEVICES).map(String::as_str);
    let names: Vec<&str> = names.chain(["balance"]).collect();
    let labels = ranked.iter().map(|line| study.label(&line.policy).to_owned());
    let labels: Vec<String> = labels.collect();
    let left = match canvas.narrow() {
        true => 8,
        false => canvas::widest(&labels, px).min(300) + 32,
    };
    let wide = ((width_px - left - 8) / names.len() as i32).min(120);
    for (name, at) in names.iter().zip(0..) {
        canvas.small(name, (left + at * wide + wide / 2, top - 10), To::Middle, INK);
    }
    for (line, label) in ranked.iter().zip(&labels) {
        let lines = canvas::wrap(label, px, if canvas.narrow() { width_px - 24 } else { 300 });
        let words_px = lines.len() as i32 * canvas.line_px();
        let mut height = CELL_PX;
        if canvas.narrow() {
            canvas.lines(&lines, (8, top + 8 + words_px / 2), To::Left, INK);
            top += words_px + 10;
        } else {
            height = height.max(words_px + 6);
            canvas.lines(&lines, (left - 12, top + height / 2 - 1), To::Right, INK);
        }
        for (column, at) in (0..names.len()).zip(0..) {
            let place = (left + at * wide, top);
            let used = line.utilisation.get(column).filter(|_| column + 1 < names.len());
            match used {
                Some(used) => {
                    let colour = palette::between(&MORE, used.mean);
                    let words = format!("{:.0}", used.mean * 100.0);
                    cell(&mut canvas, place, (wide, height), colour, &words);
                }
                None => {
                    let middle = (place.0 + wide / 2, top + height / 2);
                    canvas.small(&format!("{:.2}", line.balance.mean), middle, To::Middle, INK);
                }
            }
        }
        top += height;
    }
    canvas.height_px = top + 10;
    canvas
}
