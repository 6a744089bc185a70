// SPDX-License-Identifier: GPL-2.0-only
//! Bars: a length for each value, with its interval and its number.

use super::WIDTH;
use crate::report::Interval;
use crate::report::axis::{self, Axis};
use crate::report::canvas::{self, Area, Drawn, GREY, Picture, TEXT_PX};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

const BAR_PX: i32 = 22;
const GAP_PX: i32 = 16;
const BELOW_PX: i32 = 74;

/// A bar.
pub struct Bar {
    /// Its length, and how sure that is.
    pub value: Interval,
    /// The number beside it.
    pub note: String,
    /// Its colour.
    pub which: usize,
}

/// Rows of bars.
pub struct Bars {
    pub title: String,
    /// What lengths mean, with the unit.
    pub axis: String,
    /// What colours mean; none where rows say it.
    pub legend: Vec<String>,
    pub rows: Vec<(String, Vec<Bar>)>,
}

impl Bars {
    fn row_px(&self) -> i32 {
        let most = self.rows.iter().map(|(_, bars)| bars.len()).max();
        most.unwrap_or(1) as i32 * BAR_PX + GAP_PX
    }

    fn top_px(&self) -> i32 {
        56 + 26 * self.legend.len() as i32
    }

    /// Values, with room for names at the left and numbers at the right.
    fn scale(&self) -> Axis {
        let names = self.rows.iter().map(|(name, _)| canvas::width_px(name)).max();
        let all = || self.rows.iter().flat_map(|(_, bars)| bars);
        let notes = all().map(|bar| canvas::width_px(&bar.note)).max();
        let (left, right) = (names.unwrap_or(0) + 28, WIDTH - notes.unwrap_or(0) - 30);
        Axis::linear(
            all().flat_map(|bar| [bar.value.low.min(bar.value.mean), bar.value.high]),
            [left, right],
        )
    }

    fn bar<B: DrawingBackend>(&self, area: &Area<B>, bar: &Bar, x: &Axis, top: i32) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let (zero, end) = (x.at(0.0), x.at(bar.value.mean));
        let corners = [
            (zero.min(end), top + 2),
            (zero.max(end).max(zero + 1), top + BAR_PX - 2),
        ];
        area.draw(&Rectangle::new(corners, canvas::hue(bar.which).filled()))?;
        let middle = top + BAR_PX / 2;
        let (low, high) = (x.at(bar.value.low), x.at(bar.value.high));
        if high > low {
            canvas::line(area, vec![(low, middle), (high, middle)], BLACK, 2)?;
            for at in [low, high] {
                canvas::line(area, vec![(at, middle - 5), (at, middle + 5)], BLACK, 2)?;
            }
        }
        let beside = (high.max(zero.max(end)) + 8, middle);
        canvas::text(
            area,
            &bar.note,
            beside,
            (HPos::Left, VPos::Center),
            TEXT_PX,
            &BLACK,
        )
    }
}

impl Picture for Bars {
    fn size(&self) -> (u32, u32) {
        let height = self.top_px() + self.rows.len() as i32 * self.row_px() + BELOW_PX;
        (WIDTH as u32, height as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        canvas::title(area, &self.title)?;
        let x = self.scale();
        let top = self.top_px();
        let bottom = top + self.rows.len() as i32 * self.row_px();
        for (at, words) in self.legend.iter().enumerate() {
            let y = 50 + 26 * at as i32;
            area.draw(&Rectangle::new([(16, y), (32, y + 16)], canvas::hue(at).filled()))?;
            canvas::text(
                area,
                words,
                (40, y + 8),
                (HPos::Left, VPos::Center),
                TEXT_PX,
                &BLACK,
            )?;
        }
        for value in x.ticks() {
            let at = x.at(value);
            canvas::line(area, vec![(at, top), (at, bottom)], RGBColor(222, 222, 222), 1)?;
            let words = axis::short(value);
            canvas::text(
                area,
                &words,
                (at, bottom + 8),
                (HPos::Center, VPos::Top),
                TEXT_PX - 1,
                &BLACK,
            )?;
        }
        for (row, (name, bars)) in self.rows.iter().enumerate() {
            let start = top + row as i32 * self.row_px() + GAP_PX / 2;
            let middle = start + (self.row_px() - GAP_PX) / 2;
            let beside = (x.ends_px()[0] - 10, middle);
            canvas::text(area, name, beside, (HPos::Right, VPos::Center), TEXT_PX, &BLACK)?;
            for (at, bar) in bars.iter().enumerate() {
                self.bar(area, bar, &x, start + at as i32 * BAR_PX)?;
            }
        }
        canvas::line(area, vec![(x.at(0.0), top), (x.at(0.0), bottom)], GREY, 1)?;
        let below = (WIDTH / 2, bottom + 36);
        canvas::text(
            area,
            &self.axis,
            below,
            (HPos::Center, VPos::Top),
            TEXT_PX,
            &BLACK,
        )
    }
}
