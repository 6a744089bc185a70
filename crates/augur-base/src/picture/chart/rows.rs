// SPDX-License-Identifier: GPL-2.0-only
//! Rows: for each of several things a bar, or points, with intervals and their numbers.

use crate::picture::axis::Axis;
use crate::picture::canvas::{self, Canvas, Key, To};
use crate::picture::palette::{FRAME, INK, PAPER, Style};
use crate::statistics::Interval;

const BAR_PX: i32 = 20;
const GAP_PX: i32 = 14;

/// A bar or a point.
pub struct Item {
    /// Its length or place, and how sure that is.
    pub value: Interval,
    /// Its number.
    pub note: String,
    /// How it looks.
    pub style: Style,
}

/// One thing.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Bars one below the other, or points on one line.
    pub items: Vec<Item>,
}

/// How values are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As bars from 0.
    Bars,
    /// As points around 0.
    Around,
    /// As points, by how many times.
    Times,
}

/// All rows.
pub struct Rows {
    /// See [`Canvas::new`].
    pub title: String,
    /// See [`Canvas::new`].
    pub description: String,
    /// What the axis is, with the unit.
    pub axis: String,
    /// How values are told.
    pub scale: Scale,
    /// What styles mean; nothing where rows say it.
    pub legend: Vec<(Style, String)>,
    /// From above to below.
    pub rows: Vec<Row>,
}

/// A row's place.
struct Place {
    top: i32,
    height: i32,
    lines: Vec<String>,
}

impl Rows {
    fn note(row: &Row) -> String {
        let notes: Vec<&str> = row.items.iter().map(|item| item.note.as_str()).collect();
        notes.join(" · ")
    }

    /// How many bars a row is high.
    fn bars(&self, row: &Row) -> i32 {
        match self.scale {
            Scale::Bars => row.items.len() as i32,
            _ => 1,
        }
    }

    /// How wide names and numbers are: at the sides, or on a phone above.
    fn sides(&self, canvas: &Canvas) -> (i32, i32) {
        let px = canvas.text_px();
        let notes = match self.scale {
            Scale::Bars => self
                .rows
                .iter()
                .flat_map(|row| &row.items)
                .map(|item| item.note.clone())
                .collect(),
            _ => self.rows.iter().map(Rows::note).collect::<Vec<String>>(),
        };
        let notes = canvas::widest(&notes, px);
        if canvas.narrow() {
            return (canvas.width_px - 56, notes);
        }
        let names: Vec<String> = self.rows.iter().map(|row| row.name.clone()).collect();
        (canvas::widest(&names, px).min(canvas.width_px * 3 / 10), notes)
    }

    fn axis(&self, px: [i32; 2]) -> Axis {
        let items = self.rows.iter().flat_map(|row| &row.items);
        let ends = items.flat_map(|item| {
            [
                item.value.low.min(item.value.mean),
                item.value.high.max(item.value.mean),
            ]
        });
        match self.scale {
            Scale::Times => Axis::logarithmic(ends, px),
            Scale::Bars => Axis::linear(ends, px),
            Scale::Around => Axis::range(ends.chain([0.0]), px),
        }
    }

    fn places(&self, canvas: &Canvas, names_px: i32, top: i32) -> Vec<Place> {
        let mut next = top;
        let place = |row: &Row| {
            let lines = canvas::wrap(&row.name, canvas.text_px(), names_px);
            let (words, bars) = (lines.len() as i32 * canvas.line_px(), self.bars(row) * BAR_PX);
            // On a phone the numbers have a line of their own, too, where there is more than one.
            let notes = i32::from(row.items.len() > 1) * canvas.line_px();
            let inner = if canvas.narrow() {
                words + notes + bars + 4
            } else {
                words.max(bars)
            };
            let place = Place {
                top: next,
                height: inner + GAP_PX,
                lines,
            };
            next += place.height;
            place
        };
        self.rows.iter().map(place).collect()
    }

    fn row(&self, canvas: &mut Canvas, row: &Row, place: &Place, x: &Axis, badged: bool) {
        let ([left, _], line) = (x.ends_px(), canvas.line_px());
        let bars = self.bars(row);
        let middle = place.top + place.height / 2;
        let first = if canvas.narrow() {
            let above = place.top + GAP_PX / 2 + place.lines.len() as i32 * line / 2;
            canvas.lines(&place.lines, (34, above), To::Left, INK);
            if row.items.len() > 1 {
                let below = place.top + GAP_PX / 2 + place.lines.len() as i32 * line + line / 2;
                canvas.text(&Rows::note(row), (34, below), To::Left, INK);
            }
            if badged && let Some(item) = row.items.first() {
                canvas.mark((18, above), &item.style);
            }
            place.top + place.height - GAP_PX / 2 - bars * BAR_PX
        } else {
            canvas.lines(&place.lines, (left - 34, middle), To::Right, INK);
            if badged && let Some(item) = row.items.first() {
                canvas.mark((left - 18, middle), &item.style);
            }
            middle - bars * BAR_PX / 2
        };
        // On a phone more than one number stands above.
        let (barred, noted) = (
            self.scale == Scale::Bars,
            !canvas.narrow() || row.items.len() == 1,
        );
        let note = |canvas: &mut Canvas, words: &str, top: i32| {
            let at = (canvas.width_px - 10, top + BAR_PX / 2);
            canvas.text(words, at, To::Right, INK);
        };
        for (item, at) in row.items.iter().zip(0..) {
            let at = if barred { first + at * BAR_PX } else { first };
            self.item(canvas, item, x, at);
            if barred && noted {
                note(canvas, &item.note, at);
            }
        }
        if !barred {
            if let [low, .., high] = &row.items[..] {
                let ends = [low, high].map(|item| (x.at(item.value.mean), first + BAR_PX / 2));
                canvas.line(&ends, FRAME, 1);
            }
            if noted {
                note(canvas, &Rows::note(row), first);
            }
        }
    }

    fn item(&self, canvas: &mut Canvas, item: &Item, x: &Axis, top: i32) {
        let middle = top + BAR_PX / 2;
        let (low, high) = (x.at(item.value.low), x.at(item.value.high));
        if self.scale == Scale::Bars {
            let (zero, end) = (x.at(0.0), x.at(item.value.mean));
            let (from, to) = (zero.min(end), zero.max(end));
            canvas.rect(
                (from, top + 2),
                (to - from, BAR_PX - 4),
                item.style.colour,
                item.style.broken > 0,
            );
        }
        if high > low {
            let bar = self.scale == Scale::Bars;
            // On a bar they have an edge of paper.
            let both = [(PAPER, 4), (if bar { INK } else { item.style.colour }, 2)];
            for (colour, px) in both.into_iter().skip(usize::from(!bar)) {
                canvas.line(&[(low, middle), (high, middle)], colour, px);
                for at in [low, high] {
                    canvas.line(&[(at, middle - 5), (at, middle + 5)], colour, px);
                }
            }
        }
        if self.scale != Scale::Bars {
            canvas.mark((x.at(item.value.mean), middle), &item.style);
        }
    }
}

impl Rows {
    /// Draws it, so wide.
    pub fn draw(&self, width_px: i32) -> Canvas {
        let mut canvas = Canvas::new(width_px, &self.title, &self.description);
        let top = canvas.heading();
        let barred = self.scale == Scale::Bars;
        let key = if barred { Key::Box } else { Key::Mark };
        let top = canvas.legend(&self.legend, key, top);
        let (names, notes) = self.sides(&canvas);
        let alone = self.rows.iter().all(|row| row.items.len() <= 1);
        let ends = match (canvas.narrow(), alone) {
            (true, true) => [34, width_px - notes - 24],
            (true, false) => [34, width_px - 20],
            _ => [names + 46, width_px - notes - 30],
        };
        let x = self.axis(ends);
        let places = self.places(&canvas, names, top);
        let bottom = places.last().map_or(top, |place| place.top + place.height);
        canvas.ticks(&x, [top, bottom]);
        if self.scale != Scale::Times {
            canvas.line(&[(x.at(0.0), top), (x.at(0.0), bottom)], FRAME, 1);
        }
        // A mark in front of the name, where the row has one colour and the legend does not tell it.
        let badged = self.legend.is_empty();
        for (row, place) in self.rows.iter().zip(&places) {
            self.row(&mut canvas, row, place, &x, badged);
        }
        canvas.below(&self.axis, (ends[0], ends[1]), bottom);
        canvas.height_px = bottom + canvas.below_px(&self.axis);
        canvas
    }
}
