// SPDX-License-Identifier: GPL-2.0-only
//! Cells of colours with words in them: by size and intensity, policy against policy, device by device.

use super::WIDTH;
use crate::report::axis;
use crate::report::canvas::{self, Area, Drawn, Picture, TEXT_PX};
use crate::report::study::Study;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// From light to dark (ColorBrewer's YlGnBu), so that it is read in grey, too.
const MORE: [(u8, u8, u8); 5] = [
    (255, 255, 229),
    (199, 233, 180),
    (65, 182, 196),
    (34, 94, 168),
    (8, 29, 88),
];
/// Faster than what it is divided by.
const LESS: [(u8, u8, u8); 2] = [(255, 255, 229), (236, 140, 20)];
const BETTER: RGBColor = RGBColor(0, 114, 178);
const WORSE: RGBColor = RGBColor(230, 159, 0);
const TIE: RGBColor = RGBColor(225, 225, 225);
const NOTHING: RGBColor = RGBColor(246, 246, 246);

/// Size and intensity, a panel for each policy but the one that the others are divided by.
pub struct Heatmap<'a>(&'a Study);

impl Heatmap<'_> {
    pub fn of(study: &Study) -> Heatmap<'_> {
        Heatmap(study)
    }

    fn panels(&self) -> Vec<&crate::report::study::Panel> {
        let map = &self.0.heatmap;
        let ranked = self.0.ranked();
        let panel =
            |line: &&crate::report::study::Line| map.panels.iter().find(|panel| panel.policy == line.policy);
        let all = ranked.iter().filter_map(panel);
        all.filter(|panel| panel.policy != map.reference).collect()
    }

    /// Sizes, intensities.
    fn shape(&self) -> (usize, usize) {
        let map = &self.0.heatmap;
        let cells = |edges: &[f64]| edges.len().saturating_sub(1).max(1);
        (cells(&map.size), cells(&map.intensity))
    }

    fn panel_px(&self) -> i32 {
        self.shape().0 as i32 * Self::CELL_PX + 106
    }

    fn worst(&self) -> f64 {
        let all = self
            .panels()
            .into_iter()
            .flat_map(|panel| panel.times.iter().flatten());
        all.fold(1.1, |worst: f64, times| worst.max(*times))
    }

    const CELL_PX: i32 = 36;
    const TOP_PX: i32 = 56;
    const SCALE_PX: i32 = 74;

    fn panel<B: DrawingBackend>(
        &self,
        area: &Area<B>,
        panel: &crate::report::study::Panel,
        (x, y): (i32, i32),
    ) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let map = &self.0.heatmap;
        let (sizes, intensities) = self.shape();
        let left = x + 92;
        let wide = (WIDTH / 2 - 92 - 20) / intensities as i32;
        let top = y + 30;
        let middle = left + wide * intensities as i32 / 2;
        canvas::text(
            area,
            &panel.policy,
            (middle, y + 2),
            (HPos::Center, VPos::Top),
            TEXT_PX,
            &BLACK,
        )?;
        let worst = self.worst();
        canvas::grid(
            area,
            (left, top),
            (wide, Self::CELL_PX),
            (sizes, intensities),
            |row, column| {
                // The largest on top.
                let times = panel
                    .times
                    .get((sizes - 1 - row) * intensities + column)
                    .copied()
                    .flatten();
                match times {
                    Some(times) if times < 1.0 => (canvas::between(&LESS, -times.ln()), factor(times)),
                    Some(times) => (canvas::between(&MORE, times.ln() / worst.ln()), factor(times)),
                    None => (NOTHING, String::new()),
                }
            },
        )?;
        let bottom = top + sizes as i32 * Self::CELL_PX;
        for at in 0..=sizes {
            let words = format!("{:.0}", map.size.get(sizes - at).copied().unwrap_or(0.0));
            let place = (left - 8, top + at as i32 * Self::CELL_PX);
            canvas::text(
                area,
                &words,
                place,
                (HPos::Right, VPos::Center),
                TEXT_PX - 3,
                &BLACK,
            )?;
        }
        for at in 0..=intensities {
            let words = axis::short(map.intensity.get(at).copied().unwrap_or(0.0));
            let place = (left + at as i32 * wide, bottom + 6);
            canvas::text(
                area,
                &words,
                place,
                (HPos::Center, VPos::Top),
                TEXT_PX - 3,
                &BLACK,
            )?;
        }
        let below = (middle, bottom + 26);
        canvas::text(
            area,
            "intensity I",
            below,
            (HPos::Center, VPos::Top),
            TEXT_PX - 2,
            &BLACK,
        )?;
        canvas::upright(area, "size N", (x + 22, i32::midpoint(top, bottom)))
    }

    fn scale<B: DrawingBackend>(&self, area: &Area<B>, y: i32) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let (left, right) = (92, WIDTH - 92);
        for at in left..right {
            let share = f64::from(at - left) / f64::from(right - left);
            let fill = canvas::between(&MORE, share).filled();
            // Wider than its step, so that no seams are seen.
            area.draw(&Rectangle::new([(at, y), ((at + 2).min(right), y + 14)], fill))?;
        }
        for part in 0..=4 {
            let share = f64::from(part) / 4.0;
            let at = left + (share * f64::from(right - left)) as i32;
            let words = format!("{} ×", factor(self.worst().powf(share)));
            canvas::text(
                area,
                &words,
                (at, y + 20),
                (HPos::Center, VPos::Top),
                TEXT_PX - 2,
                &BLACK,
            )?;
        }
        Ok(())
    }
}

impl Picture for Heatmap<'_> {
    fn size(&self) -> (u32, u32) {
        let rows = self.panels().len().div_ceil(2) as i32;
        let height = Self::TOP_PX + rows * self.panel_px() + Self::SCALE_PX;
        (WIDTH as u32, height as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        let reference = &self.0.heatmap.reference;
        canvas::title(
            area,
            &format!("Size × intensity: mean completion, times that of {reference}"),
        )?;
        for (at, panel) in self.panels().into_iter().enumerate() {
            let corner = (
                (at % 2) as i32 * (WIDTH / 2),
                Self::TOP_PX + (at / 2) as i32 * self.panel_px(),
            );
            self.panel(area, panel, corner)?;
        }
        self.scale(area, self.size().1 as i32 - Self::SCALE_PX + 16)
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

/// Each policy against each other one.
pub struct Duels<'a>(&'a Study);

impl Duels<'_> {
    pub fn of(study: &Study) -> Duels<'_> {
        Duels(study)
    }

    const CELL_PX: i32 = 50;
    const TOP_PX: i32 = 128;

    fn names(&self) -> Vec<String> {
        let ranked = self.0.ranked();
        ranked.iter().map(|line| line.policy.clone()).collect()
    }

    fn cell(&self, one: &str, other: &str) -> (RGBColor, String) {
        let duel = self
            .0
            .win_loss
            .iter()
            .find(|duel| duel.policy == one && duel.against == other);
        let mean = self.0.policies.iter().find(|line| line.policy == other);
        let (Some(duel), Some(mean)) = (duel, mean) else {
            return (WHITE, String::new());
        };
        let fill = match duel.verdict {
            "better" => BETTER,
            "worse" => WORSE,
            _ => TIE,
        };
        let percent = -100.0 * duel.ahead_ns.mean / mean.completion_mean_ns.mean;
        let percent = format!("{percent:+.0} %").replace('-', "−");
        (fill, format!("{}:{}\n{percent}", duel.wins, duel.losses))
    }
}

impl Picture for Duels<'_> {
    fn size(&self) -> (u32, u32) {
        let height = Self::TOP_PX + self.names().len() as i32 * Self::CELL_PX + 24;
        (WIDTH as u32, height as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        canvas::title(area, "Win/loss: seeds won and lost by the row against the column")?;
        let legend = [
            (BETTER, "row is faster"),
            (WORSE, "row is slower"),
            (TIE, "tie: inside the noise"),
        ];
        let mut x = 16;
        for (fill, words) in legend {
            area.draw(&Rectangle::new([(x, 56), (x + 16, 72)], fill.filled()))?;
            canvas::text(
                area,
                words,
                (x + 24, 64),
                (HPos::Left, VPos::Center),
                TEXT_PX,
                &BLACK,
            )?;
            x += canvas::width_px(words) + 60;
        }
        let names = self.names();
        let widest = names.iter().map(|name| canvas::width_px(name)).max().unwrap_or(0);
        let left = widest + 64;
        let wide = ((WIDTH - left - 16) / names.len().max(1) as i32).min(110);
        for (at, name) in names.iter().enumerate() {
            let words = format!("{}  {name}", at + 1);
            let middle = Self::TOP_PX + at as i32 * Self::CELL_PX + Self::CELL_PX / 2;
            canvas::text(
                area,
                &words,
                (left - 12, middle),
                (HPos::Right, VPos::Center),
                TEXT_PX,
                &BLACK,
            )?;
            let over = (left + at as i32 * wide + wide / 2, Self::TOP_PX - 8);
            canvas::text(
                area,
                &(at + 1).to_string(),
                over,
                (HPos::Center, VPos::Bottom),
                TEXT_PX,
                &BLACK,
            )?;
        }
        let count = names.len();
        canvas::grid(
            area,
            (left, Self::TOP_PX),
            (wide, Self::CELL_PX),
            (count, count),
            |row, column| self.cell(&names[row], &names[column]),
        )
    }
}

/// How busy each device was.
pub struct Devices<'a>(&'a Study);

impl Devices<'_> {
    /// Columns beyond these would not be read.
    const MOST: usize = 9;
    const CELL_PX: i32 = 40;
    const TOP_PX: i32 = 92;

    pub fn of(study: &Study) -> Devices<'_> {
        Devices(study)
    }
}

impl Picture for Devices<'_> {
    fn size(&self) -> (u32, u32) {
        let height = Self::TOP_PX + self.0.policies.len() as i32 * Self::CELL_PX + 24;
        (WIDTH as u32, height as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn
    where
        B::ErrorType: 'static,
    {
        canvas::title(area, "Devices: share of the makespan that each worked, %")?;
        let ranked = self.0.ranked();
        let names: Vec<&str> = self
            .0
            .devices
            .iter()
            .take(Self::MOST)
            .map(String::as_str)
            .collect();
        let widest = ranked
            .iter()
            .map(|line| canvas::width_px(&line.policy))
            .max()
            .unwrap_or(0);
        let left = widest + 32;
        let wide = ((WIDTH - left - 16) / (names.len() as i32 + 1)).min(130);
        for (at, name) in names.iter().copied().chain(["balance"]).enumerate() {
            let over = (left + at as i32 * wide + wide / 2, Self::TOP_PX - 8);
            canvas::text(area, name, over, (HPos::Center, VPos::Bottom), TEXT_PX, &BLACK)?;
        }
        for (at, line) in ranked.iter().enumerate() {
            let middle = Self::TOP_PX + at as i32 * Self::CELL_PX + Self::CELL_PX / 2;
            let place = (left - 12, middle);
            canvas::text(
                area,
                &line.policy,
                place,
                (HPos::Right, VPos::Center),
                TEXT_PX,
                &BLACK,
            )?;
        }
        let shape = (ranked.len(), names.len() + 1);
        canvas::grid(
            area,
            (left, Self::TOP_PX),
            (wide, Self::CELL_PX),
            shape,
            |row, column| {
                let line = ranked[row];
                match line.utilisation.get(column).filter(|_| column < names.len()) {
                    Some(used) => (
                        canvas::between(&MORE, used.mean),
                        format!("{:.0}", used.mean * 100.0),
                    ),
                    None => (WHITE, format!("{:.2}", line.balance.mean)),
                }
            },
        )
    }
}
