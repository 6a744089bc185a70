// SPDX-License-Identifier: GPL-2.0-only
//! Confidence intervals of means.

use serde::Serialize;

/// Student's t at 97.5 %, by degrees of freedom from 1 (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2).
const T_975: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// Beyond the table, the normal distribution's.
const Z_975: f64 = 1.960;

/// A mean and where the true one lies with 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// Of the sample.
    pub mean: f64,
    /// Lower end; the mean itself where there is one value only.
    pub low: f64,
    /// Upper end; likewise.
    pub high: f64,
}

impl Interval {
    /// The interval of a sample of independent values; zeroes for none.
    pub fn of(values: &[f64]) -> Interval {
        let count = values.len() as f64;
        if values.is_empty() {
            return Interval::default();
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let half = match values.len() {
            1 => 0.0,
            n => T_975.get(n - 2).copied().unwrap_or(Z_975) * (squares / (count - 1.0) / count).sqrt(),
        };
        Interval {
            mean,
            low: mean - half,
            high: mean + half,
        }
    }

    /// The interval of one figure over several runs.
    pub fn over<T>(runs: &[T], of: impl Fn(&T) -> f64) -> Interval {
        Interval::of(&runs.iter().map(of).collect::<Vec<f64>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_textbook_sample() {
        // Mean 10, standard deviation 2, n = 4: half-width 3.182.
        let found = Interval::of(&[8.0, 9.0, 10.0, 13.0]);
        let half = 3.182 * ((14.0f64 / 3.0) / 4.0).sqrt();
        assert!(
            (found.mean - 10.0).abs() < 1e-12 && (found.high - 10.0 - half).abs() < 1e-12,
            "{found:?}"
        );
        assert_eq!(
            Interval::of(&[5.0]),
            Interval {
                mean: 5.0,
                low: 5.0,
                high: 5.0
            }
        );
    }
}
