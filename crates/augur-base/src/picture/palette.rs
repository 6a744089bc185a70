// SPDX-License-Identifier: GPL-2.0-only
//! The colours of pictures and pages, each for white and for dark paper, and how things are told apart by them.
//!
//! A picture is drawn in the light ones. A page with a dark reader swaps them by [`css`]; what is not in [`PAIRS`], such as
//! the cells of a heatmap and the words in them, is the same in both. Text has a contrast of 4.5 at least and a line that
//! means something one of 3 (WCAG 2.2, 1.4.3 and 1.4.11); the grid only helps the eye.

use std::fmt;

/// A colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Paper.
pub const PAPER: Rgb = Rgb(255, 255, 255);
/// Text.
pub const INK: Rgb = Rgb(27, 27, 27);
/// Text that is less important.
pub const MUTED: Rgb = Rgb(89, 89, 89);
/// Axes, leaders, and moments.
pub const FRAME: Rgb = Rgb(120, 120, 120);
/// Lines across.
pub const GRID: Rgb = Rgb(222, 222, 222);
/// What is not a competitor but a bound.
pub const BOUND: Rgb = Rgb(70, 70, 70);
/// Words on a dark cell, on either paper.
pub const ON_DARK: Rgb = Rgb(254, 254, 254);
/// Words on a light cell, on either paper.
pub const ON_LIGHT: Rgb = Rgb(0, 0, 0);
/// After Okabe and Ito, Color Universal Design, 2008, darker where white paper swallows them.
const HUES: [Rgb; 7] = [
    Rgb(0, 114, 178),
    Rgb(213, 94, 0),
    Rgb(0, 138, 100),
    Rgb(192, 86, 143),
    Rgb(47, 147, 208),
    Rgb(176, 122, 0),
    Rgb(136, 34, 85),
];
/// Of what is not a policy: no hue, so that no colour means two things.
const OTHERS: [Rgb; 3] = [Rgb(52, 62, 72), Rgb(126, 134, 142), Rgb(94, 76, 58)];

/// On light paper, on dark paper.
pub const PAIRS: [(Rgb, Rgb); 16] = [
    (PAPER, Rgb(21, 24, 28)),
    (INK, Rgb(232, 232, 232)),
    (MUTED, Rgb(180, 180, 180)),
    (FRAME, Rgb(140, 140, 140)),
    (GRID, Rgb(52, 56, 62)),
    (BOUND, Rgb(201, 201, 201)),
    (HUES[0], Rgb(63, 159, 224)),
    (HUES[1], Rgb(255, 127, 46)),
    (HUES[2], Rgb(47, 199, 154)),
    (HUES[3], Rgb(238, 156, 200)),
    (HUES[4], Rgb(166, 220, 255)),
    (HUES[5], Rgb(242, 190, 60)),
    (HUES[6], Rgb(201, 88, 143)),
    (OTHERS[0], Rgb(205, 214, 222)),
    (OTHERS[1], Rgb(136, 146, 156)),
    (OTHERS[2], Rgb(214, 190, 164)),
];

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

impl Rgb {
    /// Relative luminance, as WCAG 2.2 defines it.
    fn luminance(self) -> f64 {
        let linear = |part: u8| match f64::from(part) / 255.0 {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    /// The contrast of two colours, from 1 to 21.
    pub fn contrast(self, other: Rgb) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The colour of words on a cell of this one.
    pub fn words(self) -> Rgb {
        match self.contrast(ON_DARK) > self.contrast(ON_LIGHT) {
            true => ON_DARK,
            false => ON_LIGHT,
        }
    }
}

/// How one of several things looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Its colour.
    pub colour: Rgb,
    /// Its mark: circle, square, triangle, diamond, or triangle that stands on its tip.
    pub shape: usize,
    /// How its line is broken: not at all, in dashes, in dots. What is broken has hollow marks and bars.
    pub broken: usize,
}

impl Style {
    /// Of the `at`-th policy. The first 35 differ in colour or in shape.
    pub fn policy(at: usize) -> Style {
        Style {
            colour: HUES[at % HUES.len()],
            shape: at % 5,
            broken: at / HUES.len() % 3,
        }
    }

    /// Of a bound.
    pub fn bound() -> Style {
        Style {
            colour: BOUND,
            shape: 3,
            broken: 2,
        }
    }

    /// Of the `at`-th thing that is not a policy.
    pub fn other(at: usize) -> Style {
        Style {
            colour: OTHERS[at % OTHERS.len()],
            shape: at % 5,
            broken: at % 3 % 2,
        }
    }

    /// What SVG calls the way that its line is broken.
    pub fn dashes(&self) -> &'static str {
        ["none", "8 4", "2 3"][self.broken % 3]
    }
}

/// What swaps colours of pictures for those of dark paper.
pub fn css() -> String {
    let rule = |(light, dark): &(Rgb, Rgb)| {
        format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}\n")
    };
    PAIRS.iter().map(rule).collect()
}

/// Between colours that lie evenly between 0 and 1.
pub fn between(colours: &[Rgb], share: f64) -> Rgb {
    let last = colours.len() - 1;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let index = (place as usize).min(last.saturating_sub(1));
    let part = place - index as f64;
    let (from, to) = (colours[index], colours[(index + 1).min(last)]);
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))) as u8;
    Rgb(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        // Black on white is 21; #777777 on white is the best known failure, 4.48.
        assert!((Rgb(0, 0, 0).contrast(PAPER) - 21.0).abs() < 1e-9);
        assert!((Rgb(119, 119, 119).contrast(PAPER) - 4.48).abs() < 0.005);
    }

    #[test]
    fn text_and_lines_are_seen_on_both_papers() {
        let dark_paper = PAIRS[0].1;
        for (light, dark) in PAIRS.into_iter().skip(1).filter(|(light, _)| *light != GRID) {
            let least = if [INK, MUTED].contains(&light) { 4.5 } else { 3.0 };
            for (colour, paper) in [(light, PAPER), (dark, dark_paper)] {
                assert!(colour.contrast(paper) >= least, "{colour} on {paper}");
            }
        }
        for grey in 0..=255 {
            let cell = Rgb(grey, grey, grey);
            assert!(cell.contrast(cell.words()) >= 4.5, "{cell}");
        }
    }

    #[test]
    fn thirty_five_policies_are_told_apart() {
        let all: Vec<(Rgb, usize)> = (0..35)
            .map(|at| (Style::policy(at).colour, Style::policy(at).shape))
            .collect();
        for (at, style) in all.iter().enumerate() {
            assert!(!all[..at].contains(style), "{at}");
        }
    }
}
