// SPDX-License-Identifier: GPL-2.0-only
//! What ran where and when, device by device, and how many waited there.

use crate::picture::axis::Axis;
use crate::picture::canvas::{self, Canvas, Key, To};
use crate::picture::palette::{FRAME, GRID, INK, PAPER, Rgb, Style};

const BAR_PX: i32 = 20;
const QUEUE_PX: i32 = 16;
const GAP_PX: i32 = 8;

/// A task on a device.
pub struct Piece {
    /// What is written in it, where there is room.
    pub name: String,
    /// From.
    pub from: f64,
    /// To.
    pub to: f64,
    /// Whether another part of it is elsewhere at the same time.
    pub shared: bool,
}

/// A device.
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What ran there.
    pub pieces: Vec<Piece>,
    /// What waited there, from when until when.
    pub waits: Vec<(f64, f64)>,
}

/// A schedule.
pub struct Panel {
    /// Whose it is.
    pub name: String,
    /// Its devices.
    pub lanes: Vec<Lane>,
}

/// Schedules below each other, over the same time.
pub struct Gantt {
    /// See [`Canvas::new`].
    pub title: String,
    /// See [`Canvas::new`].
    pub description: String,
    /// What is along.
    pub x: String,
    /// What lanes below the devices are; nothing where nothing waits.
    pub waiting: Option<String>,
    /// All schedules.
    pub panels: Vec<Panel>,
}

impl Lane {
    /// How many waited, from each moment at which that changes on.
    fn queue(&self) -> Vec<(f64, usize)> {
        let mut changes: Vec<(f64, i64)> = Vec::new();
        for (from, to) in self.waits.iter().filter(|(from, to)| from < to) {
            changes.extend([(*from, 1), (*to, -1)]);
        }
        changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut depth = 0;
        changes
            .iter()
            .map(|(at, change)| {
                depth += change;
                (*at, usize::try_from(depth).unwrap_or(0))
            })
            .collect()
    }
}

impl Gantt {
    const ALONE: usize = 0;
    const SHARED: usize = 1;
    const WAITING: usize = 2;

    fn deepest(&self) -> usize {
        let lanes = self.panels.iter().flat_map(|panel| &panel.lanes);
        let depths = lanes.flat_map(Lane::queue).map(|(_, depth)| depth);
        depths.max().unwrap_or(0).max(1)
    }

    fn lane_px(&self) -> i32 {
        BAR_PX + GAP_PX + self.waiting.as_ref().map_or(0, |_| QUEUE_PX)
    }

    fn lane(&self, canvas: &mut Canvas, lane: &Lane, x: &Axis, top: i32) {
        for piece in &lane.pieces {
            let (from, to) = (x.at(piece.from), x.at(piece.to));
            let style = Style::other(if piece.shared { Gantt::SHARED } else { Gantt::ALONE });
            let (corner, size) = ((from, top), ((to - from - 1).max(1), BAR_PX));
            match piece.shared {
                true => canvas.rect(corner, size, style.colour, true),
                false => canvas.hinted(corner, size, style.colour, &format!("task {}", piece.name)),
            }
            let room = to - from - 6;
            if canvas::width_px(&piece.name, canvas.text_px() - 2) <= room {
                // Paper and slate change places with the paper's colour, and so do the words.
                let words = if piece.shared { INK } else { PAPER };
                let middle = (i32::midpoint(from, to), top + BAR_PX / 2);
                canvas.small(&piece.name, middle, To::Middle, words);
            }
        }
        let (bottom, deepest) = (top + BAR_PX + QUEUE_PX, self.deepest() as i32);
        let colour: Rgb = Style::other(Gantt::WAITING).colour;
        let queue = lane.queue();
        for pair in queue.windows(2).filter(|pair| pair[0].1 > 0) {
            let (from, to) = (x.at(pair[0].0), x.at(pair[1].0));
            let height = (pair[0].1 as i32 * (QUEUE_PX - 2) / deepest).max(2);
            if to > from {
                canvas.rect((from, bottom - height), (to - from, height), colour, false);
            }
        }
    }
}

impl Gantt {
    /// Draws it, so wide.
    pub fn draw(&self, width_px: i32) -> Canvas {
        let mut canvas = Canvas::new(width_px, &self.title, &self.description);
        let mut top = canvas.heading();
        let lanes = || self.panels.iter().flat_map(|panel| &panel.lanes);
        let pieces = || lanes().flat_map(|lane| &lane.pieces);
        let mut legend = vec![(Style::other(Gantt::ALONE), "a task on one device".to_owned())];
        if pieces().any(|piece| piece.shared) {
            legend.push((Style::other(Gantt::SHARED), "a part of a task".to_owned()));
        }
        if let Some(words) = &self.waiting {
            legend.push((
                Style::other(Gantt::WAITING),
                format!("{words}, {} at most", self.deepest()),
            ));
        }
        top = canvas.legend(&legend, Key::Box, top);
        let names: Vec<String> = lanes().map(|lane| lane.name.clone()).collect();
        let (left, right) = (canvas::widest(&names, canvas.text_px()) + 20, width_px - 16);
        let x = Axis::linear(pieces().map(|piece| piece.to), [left, right]);
        for panel in &self.panels {
            let lines = canvas::wrap(&panel.name, canvas.text_px(), width_px - 24);
            let words_px = lines.len() as i32 * canvas.line_px();
            top += 12;
            canvas.lines(&lines, (8, top + words_px / 2), To::Left, INK);
            top += words_px + 6;
            let (first, lane_px) = (top, self.lane_px());
            for lane in &panel.lanes {
                let below = top + lane_px - GAP_PX / 2;
                canvas.text(&lane.name, (left - 8, top + BAR_PX / 2), To::Right, INK);
                canvas.line(&[(left, below), (right, below)], GRID, 1);
                self.lane(&mut canvas, lane, &x, top);
                top += lane_px;
            }
            canvas.line(&[(left, first), (left, top)], FRAME, 1);
        }
        canvas.ticks(&x, [top - 4, top]);
        canvas.line(&[(left, top), (right, top)], FRAME, 1);
        canvas.below(&self.x, (left, right), top);
        canvas.height_px = top + canvas.below_px(&self.x);
        canvas
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_as_deep_as_waits_overlap() {
        let lane = Lane {
            name: String::new(),
            pieces: Vec::new(),
            waits: vec![(0.0, 4.0), (1.0, 3.0), (2.0, 2.0), (3.0, 5.0)],
        };
        assert_eq!(
            lane.queue(),
            [(0.0, 1), (1.0, 2), (3.0, 1), (3.0, 2), (4.0, 1), (5.0, 0)]
        );
    }
}
