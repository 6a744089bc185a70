// SPDX-License-Identifier: GPL-2.0-only
//! Columns of figures with their intervals: one unit and as many digits from the first row to the last.

use augur_base::statistics::Interval;
use augur_base::table::grouped;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nanoseconds, shown in what fits the middle one.
    Time,
    /// A share, shown in per cent.
    Share,
    /// Something with a unit, or with none.
    Plain(&'static str),
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Column {
    /// The unit; may be empty.
    pub unit: &'static str,
    per_unit: f64,
    digits: usize,
    /// One run alone tells nothing of how sure it is.
    several: bool,
}

impl Column {
    /// A column of these figures, which are over one run or over several.
    pub(super) fn new(kind: Kind, figures: &[f64], several: bool) -> Column {
        let sizes = || {
            figures
                .iter()
                .map(|figure| figure.abs())
                .filter(|size| *size > 0.0 && size.is_finite())
        };
        let mut sorted: Vec<f64> = sizes().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let (per_unit, unit) = match kind {
            Kind::Time => match middle {
                size if size < 1e3 => (1.0, "ns"),
                size if size < 1e6 => (1e3, "µs"),
                size if size < 1e9 => (1e6, "ms"),
                _ => (1e9, "s"),
            },
            Kind::Share => (0.01, "%"),
            Kind::Plain(unit) => (1.0, unit),
        };
        // Three digits of the least figure, but no more than four behind the point.
        let least = sorted.first().copied().unwrap_or(0.0) / per_unit;
        let digits = if least > 0.0 {
            (2 - least.log10().floor() as i32).clamp(0, 4) as usize
        } else {
            0
        };
        Column {
            unit,
            per_unit,
            digits,
            several,
        }
    }

    /// Its head, with the unit.
    pub(super) fn head(&self, name: &str) -> String {
        match self.unit {
            "" => name.to_owned(),
            unit => format!("{name}, {unit}"),
        }
    }

    /// A number without its unit.
    pub(super) fn number(&self, figure: f64) -> String {
        let text = grouped(figure / self.per_unit, self.digits);
        match text
            .trim_start_matches('-')
            .chars()
            .all(|letter| matches!(letter, '0' | '.' | ','))
        {
            // Below what is shown there is no sign.
            true => text.trim_start_matches('-').to_owned(),
            false => text.replace('-', "−"),
        }
    }

    /// A figure that cannot be below 0, nor above all where it is a share, and how sure it is: never with an end beyond that.
    pub(super) fn cell(&self, interval: &Interval) -> String {
        let mean = self.number(interval.mean);
        let most = if self.unit == "%" {
            interval.high.min(1.0)
        } else {
            interval.high
        };
        match (self.several, interval.low < 0.0 || most < interval.high) {
            (false, _) => mean,
            (true, false) => format!("{mean} ± {}", self.number(interval.high - interval.mean)),
            (true, true) => format!(
                "{mean} ({} to {})",
                self.number(interval.low.max(0.0)),
                self.number(most)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_one_unit_and_nothing_below_nothing() {
        let times = Column::new(Kind::Time, &[667e3, 1.16e6], true);
        let interval = |mean, half| Interval {
            mean,
            low: mean - half,
            high: mean + half,
        };
        assert_eq!(times.unit, "ms");
        assert_eq!(times.cell(&interval(667e3, 12e3)), "0.667 ± 0.012");
        assert_eq!(times.cell(&interval(1.16e6, 2e6)), "1.160 (0.000 to 3.160)");
        let missed = Column::new(Kind::Share, &[0.64], true);
        assert_eq!(missed.cell(&interval(0.64, 0.8)), "64.0 (0.0 to 100.0)");
        let one = Column::new(Kind::Share, &[0.0], false);
        assert_eq!((one.cell(&interval(0.0, 0.0)).as_str(), one.unit), ("0", "%"));
        let many = Column::new(Kind::Plain("$"), &[1234.0, 1e6], false);
        assert_eq!(many.cell(&interval(1e6, 0.0)), "1,000,000");
        assert_eq!(Column::new(Kind::Plain(""), &[5.0], true).number(-0.001), "0.00");
    }
}
