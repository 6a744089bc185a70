// SPDX-License-Identifier: GPL-2.0-only
//! What pictures are drawn on: elements of SVG. One drawing is an element of a page, and files of all kinds (`formats`).
//!
//! Places are in pixels, y downwards. A picture is told how wide it is and says itself how high it became, so that the same
//! one fits a page and a phone.

use super::axis::{Axis, short};
use super::palette::{FRAME, GRID, INK, PAPER, Rgb, Style};
use ab_glyph::{Font as _, FontRef};
use maud::{Markup, PreEscaped, html};
use std::sync::LazyLock;

/// On a page and as a file.
pub const WIDE_PX: i32 = 960;
/// On a phone.
pub const NARROW_PX: i32 = 380;
const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Which point of a text is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Its left end.
    Left,
    /// Its middle.
    Middle,
    /// Its right end.
    Right,
}

/// How a legend shows a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// As a box.
    Box,
    /// As a mark.
    Mark,
    /// As a line with a mark.
    Line,
}

/// A drawing.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// How wide it is.
    pub width_px: i32,
    /// How high it became.
    pub height_px: i32,
    title: String,
    description: String,
    body: String,
}

impl Canvas {
    /// Nothing yet. The title says in a line what it shows; the description the same for who does not see it: what is told by
    /// what, and what is seen.
    pub fn new(width_px: i32, title: &str, description: &str) -> Canvas {
        Canvas {
            width_px,
            height_px: 0,
            title: title.to_owned(),
            description: description.to_owned(),
            body: String::new(),
        }
    }

    /// Whether it is for a phone.
    pub fn narrow(&self) -> bool {
        self.width_px < 640
    }

    /// How large text is.
    pub fn text_px(&self) -> i32 {
        if self.narrow() { 14 } else { 17 }
    }

    /// From line to line of text.
    pub fn line_px(&self) -> i32 {
        self.text_px() * 13 / 10
    }

    fn add(&mut self, element: Markup) {
        self.body.push_str(&element.into_string());
    }

    /// A line through points.
    pub fn line(&mut self, points: &[(i32, i32)], colour: Rgb, px: i32) {
        self.dashed(points, colour, px, "none");
    }

    /// A line through points, broken.
    pub fn dashed(&mut self, points: &[(i32, i32)], colour: Rgb, px: i32, dashes: &str) {
        self.add(html! {
            polyline points=(list(points)) fill="none" stroke=(colour) stroke-width=(px) stroke-dasharray=(dashes)
                stroke-linejoin="round" {}
        });
    }

    /// What points enclose, seen through.
    pub fn shade(&mut self, points: &[(i32, i32)], colour: Rgb, opacity: f64) {
        self.add(html! { polygon points=(list(points)) fill=(colour) fill-opacity=(opacity) {} });
    }

    /// A box; a hollow one has an edge.
    pub fn rect(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), colour: Rgb, hollow: bool) {
        let (width, height) = (width.max(1), height.max(1));
        self.add(match hollow {
            false => html! { rect x=(x) y=(y) width=(width) height=(height) fill=(colour) {} },
            true => html! {
                rect x=(x + 1) y=(y + 1) width=((width - 2).max(1)) height=((height - 2).max(1)) fill=(PAPER) stroke=(colour)
                    stroke-width="2" {}
            },
        });
    }

    /// A box of which whoever points at it is told what it is.
    pub fn hinted(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), colour: Rgb, hint: &str) {
        self.add(html! {
            rect class="task" x=(x) y=(y) width=(width) height=(height) fill=(colour) { title { (visible(hint)) } }
        });
    }

    /// A ring around a point.
    pub fn ring(&mut self, (x, y): (i32, i32), radius_px: i32, colour: Rgb) {
        self.add(
            html! { circle cx=(x) cy=(y) r=(radius_px) fill="none" stroke=(colour) stroke-width="3" {} },
        );
    }

    /// A point of a colour that means a figure, with an edge.
    pub fn dot(&mut self, (x, y): (i32, i32), radius_px: i32, colour: Rgb) {
        self.add(html! { circle cx=(x) cy=(y) r=(radius_px) fill=(colour) stroke=(INK) stroke-width="1" {} });
    }

    /// A mark.
    pub fn mark(&mut self, (x, y): (i32, i32), style: &Style) {
        const R: i32 = 6;
        let (fill, px) = (if style.broken > 0 { PAPER } else { style.colour }, 2);
        let corners: &[(i32, i32)] = match style.shape {
            0 => &[],
            1 => &[(-5, -5), (5, -5), (5, 5), (-5, 5)],
            2 => &[(0, -7), (7, 5), (-7, 5)],
            3 => &[(0, -8), (7, 0), (0, 8), (-7, 0)],
            _ => &[(0, 7), (7, -5), (-7, -5)],
        };
        let corners: Vec<(i32, i32)> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        self.add(match corners.is_empty() {
            true => html! { circle cx=(x) cy=(y) r=(R) fill=(fill) stroke=(style.colour) stroke-width=(px) {} },
            false => {
                html! { polygon points=(list(&corners)) fill=(fill) stroke=(style.colour) stroke-width=(px) {} }
            }
        });
    }

    /// A line of text, its middle at a height.
    pub fn text(&mut self, words: &str, at: (i32, i32), to: To, colour: Rgb) {
        self.sized(words, at, to, colour, self.text_px());
    }

    /// The same, smaller by two pixels.
    pub fn small(&mut self, words: &str, at: (i32, i32), to: To, colour: Rgb) {
        self.sized(words, at, to, colour, self.text_px() - 2);
    }

    /// The same in a size.
    pub fn sized(&mut self, words: &str, (x, y): (i32, i32), to: To, colour: Rgb, px: i32) {
        let baseline = y + px * 36 / 100;
        let anchor = match to {
            To::Left => "start",
            To::Middle => "middle",
            To::Right => "end",
        };
        self.add(
            html! { text x=(x) y=(baseline) font-size=(px) text-anchor=(anchor) fill=(colour) { (words) } },
        );
    }

    /// Lines of text around a height.
    pub fn lines(&mut self, lines: &[String], (x, y): (i32, i32), to: To, colour: Rgb) {
        let first = y - (lines.len() as i32 - 1) * self.line_px() / 2;
        for (line, at) in lines.iter().zip(0..) {
            self.text(line, (x, first + at * self.line_px()), to, colour);
        }
    }

    /// Text with an edge of paper, that is read where lines pass below it.
    pub fn haloed(&mut self, lines: &[String], corner: (i32, i32)) {
        for (line, at) in lines.iter().zip(0..) {
            let (x, y) = (
                corner.0,
                corner.1 + at * self.line_px() + self.text_px() * 86 / 100,
            );
            let px = self.text_px();
            self.add(html! {
                text x=(x) y=(y) font-size=(px) fill=(PAPER) stroke=(PAPER) stroke-width="4" stroke-linejoin="round"
                    aria-hidden="true" { (line) }
                text x=(x) y=(y) font-size=(px) fill=(INK) { (line) }
            });
        }
    }

    /// The title, in bold, in as many lines as it needs. Returns where there is room below it.
    pub fn heading(&mut self) -> i32 {
        let px = self.text_px() + 4;
        let lines = wrap(&self.title, px * 23 / 20, self.width_px - 24);
        for (line, at) in lines.iter().zip(1..) {
            let y = 4 + at * px * 5 / 4;
            self.add(html! { text x="8" y=(y) font-size=(px) font-weight="bold" fill=(INK) { (line) } });
        }
        16 + lines.len() as i32 * px * 5 / 4
    }

    /// What styles mean, one behind the other, from a height on. Returns where there is room below it.
    pub fn legend(&mut self, items: &[(Style, String)], key: Key, top: i32) -> i32 {
        let (mut x, mut y) = (16, top + self.line_px() / 2);
        for (style, words) in items {
            let lines = wrap(words, self.text_px(), self.width_px - 48);
            let width = widest(&lines, self.text_px()) + 44;
            if x > 16 && x + width > self.width_px {
                (x, y) = (16, y + self.line_px() + 4);
            }
            match key {
                Key::Box => self.rect((x, y - 7), (14, 14), style.colour, style.broken > 0),
                Key::Mark => self.mark((x + 8, y), style),
                Key::Line => {
                    self.dashed(&[(x - 8, y), (x + 22, y)], style.colour, 2, style.dashes());
                    self.mark((x + 8, y), style);
                }
            }
            for (line, at) in lines.iter().zip(0..) {
                self.text(line, (x + 26, y + at * self.line_px()), To::Left, INK);
            }
            x += width;
            y += (lines.len() as i32 - 1) * self.line_px();
        }
        match items.is_empty() {
            true => top,
            false => y + self.line_px() / 2 + 10,
        }
    }

    /// The frame of a chart: lines across at the ticks, what they mean, and names of both axes. It needs a line above the
    /// vertical axis and three below the horizontal one.
    pub fn frame(&mut self, (x, x_name): (&Axis, &str), (y, y_name): (&Axis, &str)) {
        let ([left, right], [bottom, top]) = (x.ends_px(), y.ends_px());
        for value in y.ticks() {
            self.line(&[(left, y.at(value)), (right, y.at(value))], GRID, 1);
            self.small(&short(value), (left - 8, y.at(value)), To::Right, INK);
        }
        self.ticks(x, [top, bottom]);
        self.line(&[(left, top), (left, bottom), (right, bottom)], FRAME, 1);
        self.below(x_name, (left, right), bottom);
        self.text(y_name, (8, top - self.line_px()), To::Left, INK);
    }

    /// Lines down at the ticks of a horizontal axis, with their values where there is room.
    pub fn ticks(&mut self, x: &Axis, [top, bottom]: [i32; 2]) {
        let mut free = i32::MIN;
        for value in x.ticks() {
            let (words, at) = (short(value), x.at(value));
            let half = width_px(&words, self.text_px() - 2) / 2;
            self.line(&[(at, top), (at, bottom)], GRID, 1);
            if at - half > free && at + half < self.width_px {
                self.small(&words, (at, bottom + self.line_px() * 7 / 10), To::Middle, INK);
                free = at + half + 8;
            }
        }
    }

    /// The name of a horizontal axis, in as many lines as it needs; the height of all below `bottom` is `below_px`.
    pub fn below(&mut self, name: &str, (left, right): (i32, i32), bottom: i32) {
        let lines = wrap(name, self.text_px(), self.width_px - 16);
        let half = widest(&lines, self.text_px()) / 2 + 6;
        let middle = i32::midpoint(left, right).clamp(half, (self.width_px - half).max(half));
        for (line, at) in lines.iter().zip(0..) {
            let y = bottom + self.line_px() * 17 / 10 + at * self.line_px();
            self.text(line, (middle, y), To::Middle, INK);
        }
    }

    /// How much room ticks and the name of a horizontal axis take.
    pub fn below_px(&self, name: &str) -> i32 {
        let lines = wrap(name, self.text_px(), self.width_px - 16).len() as i32;
        self.line_px() * (14 + 10 * lines) / 10
    }

    /// The drawing as an element of a page; `id` is its own there.
    pub fn element(&self, id: &str, class: &str) -> String {
        let (title, words) = (format!("{id}-title"), format!("{id}-words"));
        html! {
            svg id=(id) class=(class) viewBox={ "0 0 " (self.width_px) " " (self.height_px) } role="img"
                aria-labelledby=(title) aria-describedby=(words) font-family=(FAMILY)
            {
                title id=(title) { (self.title) }
                desc id=(words) { (self.description) }
                (PreEscaped(&self.body))
            }
        }
        .into_string()
    }

    /// The drawing as a file, on white.
    pub fn document(&self) -> String {
        let (width, height) = (self.width_px, self.height_px);
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) }
                role="img" font-family=(FAMILY)
            {
                title { (self.title) }
                desc { (self.description) }
                rect width=(width) height=(height) fill=(PAPER) {}
                (PreEscaped(&self.body))
            }
        }
        .into_string()
    }
}

/// Words without what a document of XML must not have.
fn visible(words: &str) -> String {
    let seen = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    words.chars().map(seen).collect()
}

fn list(points: &[(i32, i32)]) -> String {
    let all: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    all.join(" ")
}

/// How wide text will be, in a size.
pub fn width_px(words: &str, size_px: i32) -> i32 {
    static FONT: LazyLock<Option<FontRef<'static>>> =
        LazyLock::new(|| FontRef::try_from_slice(dejavu::sans::regular()).ok());
    let Some(font) = FONT.as_ref() else { return 0 };
    let units: f32 = words
        .chars()
        .map(|letter| font.h_advance_unscaled(font.glyph_id(letter)))
        .sum();
    (units / font.units_per_em().unwrap_or(2048.0) * size_px as f32).ceil() as i32
}

/// The width of the widest one.
pub fn widest(lines: &[String], size_px: i32) -> i32 {
    lines
        .iter()
        .map(|line| width_px(line, size_px))
        .max()
        .unwrap_or(0)
}

/// Text in lines that are no wider than that: broken where words or settings end, and within them only where one alone is
/// too wide.
pub fn wrap(words: &str, size_px: i32, most_px: i32) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    let fits = |line: &str, more: &str| width_px(&format!("{line}{more}"), size_px) <= most_px;
    for piece in words.split_inclusive([' ', ',', '[', '_', '+', '/']) {
        for part in parts(piece, &|part| fits("", part)) {
            match lines.last_mut() {
                Some(last) if last.is_empty() || fits(last, part.trim_end()) => last.push_str(part),
                _ => lines.push(part.to_owned()),
            }
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A piece in parts that fit.
fn parts<'a>(piece: &'a str, fits: &dyn Fn(&str) -> bool) -> Vec<&'a str> {
    if fits(piece.trim_end()) || piece.chars().count() < 2 {
        return vec![piece];
    }
    let middle = piece.chars().count() / 2;
    let (first, second) = piece.split_at(piece.char_indices().nth(middle).map_or(0, |(at, _)| at));
    [parts(first, fits), parts(second, fits)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        for most_px in [40, 120, 300] {
            for words in [
                "hybrid_ml[alone=1,trees=10,depth=12,drift=adwin,fallback=eft]",
                "mean completion of a task, ms",
                "averyveryverylongnamewithoutanyplacetobreakit",
            ] {
                let lines = wrap(words, 17, most_px);
                assert!(widest(&lines, 17) <= most_px, "{lines:?}");
                assert_eq!(lines.concat().replace(' ', ""), words.replace(' ', ""));
            }
        }
        assert_eq!(wrap("eft", 17, 300), ["eft"]);
    }
}
