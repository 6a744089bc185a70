// SPDX-License-Identifier: GPL-2.0-only
//! Axes of pictures: which pixel a value stands at, and the round values that are named.

use crate::table::grouped;

/// An axis: values, and the pixels where they stand.
#[derive(Clone, Debug)]
pub struct Axis {
    from: f64,
    to: f64,
    log: bool,
    px: [i32; 2],
}

impl Axis {
    /// From 0 to some way beyond the greatest value, or from some way below the least one where there is one below 0.
    pub fn linear(values: impl IntoIterator<Item = f64>, px: [i32; 2]) -> Axis {
        let (low, high) = ends(values);
        let (low, high) = (low.min(0.0), if high > low.min(0.0) { high } else { 1.0 });
        let room = 0.06 * (high - low);
        Axis {
            from: if low < 0.0 { low - room } else { 0.0 },
            to: high + room,
            log: false,
            px,
        }
    }

    /// From some way below the least value to some way above the greatest.
    pub fn range(values: impl IntoIterator<Item = f64>, px: [i32; 2]) -> Axis {
        let (low, high) = ends(values);
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let room = match high - low {
            0.0 => low.abs().max(1.0) * 0.1,
            length => 0.06 * length,
        };
        Axis {
            from: low - room,
            to: high + room,
            log: false,
            px,
        }
    }

    /// By how many times; values of 0 and less do not count.
    pub fn logarithmic(values: impl IntoIterator<Item = f64>, px: [i32; 2]) -> Axis {
        let (low, high) = ends(values.into_iter().filter(|value| *value > 0.0));
        let (low, high) = if high > 0.0 { (low, high) } else { (1.0, 10.0) };
        let room = (high / low).powf(0.06).max(1.06);
        Axis {
            from: low / room,
            to: high * room,
            log: true,
            px,
        }
    }

    /// By how many times, or from some way below the least value to some way above the greatest.
    pub fn scaled(log: bool, values: impl IntoIterator<Item = f64>, px: [i32; 2]) -> Axis {
        match log {
            true => Axis::logarithmic(values, px),
            false => Axis::range(values, px),
        }
    }

    /// Where a value stands.
    pub fn at(&self, value: f64) -> i32 {
        let share = if self.log {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.px[0] + (share * f64::from(self.px[1] - self.px[0])).round() as i32
    }

    /// Where it begins and ends.
    pub fn ends_px(&self) -> [i32; 2] {
        self.px
    }

    /// Round values on it.
    pub fn ticks(&self) -> Vec<f64> {
        /// Below this many times, plain steps read better.
        const FEW: f64 = 3.0;
        let all = if self.log && self.to / self.from > FEW {
            self.times()
        } else {
            let step = step((self.to - self.from) / 6.0);
            let first = (self.from / step).ceil() as i64;
            (first..first + 20).map(|count| count as f64 * step).collect()
        };
        all.into_iter()
            .filter(|value| (self.from..=self.to).contains(value))
            .collect()
    }

    fn times(&self) -> Vec<f64> {
        let decades = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
        let with = |steps: &[f64]| -> Vec<f64> {
            let all = decades
                .clone()
                .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
            all.filter(|value| (self.from..=self.to).contains(value))
                .collect()
        };
        let tries: [&[f64]; 4] = [
            &[1.0],
            &[1.0, 3.0],
            &[1.0, 2.0, 5.0],
            &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        ];
        let found = tries.map(with);
        let enough = found.iter().find(|ticks| ticks.len() >= 4);
        enough.or(found.last()).cloned().unwrap_or_default()
    }
}

fn ends(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
}

/// The least of 1, 2 and 5 times a power of ten that is not below.
fn step(least: f64) -> f64 {
    let decade = 10f64.powf(least.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * decade >= least);
    times.unwrap_or(10.0) * decade
}

/// A number on an axis: as short as can be.
pub fn short(value: f64) -> String {
    let value = if value == 0.0 { 0.0 } else { value };
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        size if size >= 0.01 => 4,
        _ => 6,
    };
    let text = grouped(value, digits).replace('-', "−");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let linear = Axis::linear([3.0, 9.7], [0, 100]);
        assert_eq!(linear.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!((linear.at(0.0), linear.at(9.7 * 1.06)), (0, 100));
        let below = Axis::linear([-4.0, 4.0], [100, 0]);
        assert_eq!(below.ticks(), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(below.at(0.0), 50);
        let times = Axis::logarithmic([25.0, 1600.0, 0.0], [0, 100]);
        assert_eq!(times.ticks(), [30.0, 100.0, 300.0, 1000.0]);
        assert_eq!(times.at(200.0), 50);
        for lonely in [
            Axis::linear([0.0], [0, 9]),
            Axis::logarithmic([], [0, 9]),
            Axis::logarithmic([7.0], [0, 9]),
        ] {
            assert!(lonely.ticks().iter().all(|tick| tick.is_finite()), "{lonely:?}");
        }
        assert_eq!(
            [0.0, 0.25, 2.5, 40.0, 1234.0].map(short),
            ["0", "0.25", "2.5", "40", "1,234"]
        );
    }
}
