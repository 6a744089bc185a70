// SPDX-License-Identifier: GPL-2.0-only
//! Percentiles, exact: by sorting, not by buckets.

use serde::Serialize;

/// The usual percentiles of a set of times, in ns. The p-th is the least value that at least p % do not exceed
/// (nearest rank). All 0 for an empty set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// All.
    pub max: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// How many.
    pub count: u64,
}

impl Percentiles {
    /// The percentiles of `values`, which are sorted on the way.
    pub fn of(values: &mut [u64]) -> Percentiles {
        values.sort_unstable();
        let rank = |permille: usize| {
            let rank = (values.len() * permille).div_ceil(1000).max(1);
            values.get(rank - 1).copied().unwrap_or(0)
        };
        let sum: u128 = values.iter().map(|&value| u128::from(value)).sum();
        Percentiles {
            p50: rank(500),
            p90: rank(900),
            p99: rank(990),
            p999: rank(999),
            max: values.last().copied().unwrap_or(0),
            mean: sum as f64 / values.len().max(1) as f64,
            count: values.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_ranks_of_a_thousand() {
        let mut values: Vec<u64> = (1..=1000).rev().collect();
        let found = Percentiles::of(&mut values);
        assert_eq!(
            (found.p50, found.p90, found.p99, found.p999, found.max),
            (500, 900, 990, 999, 1000)
        );
        assert_eq!((found.mean, found.count), (500.5, 1000));
    }

    #[test]
    fn few_and_none() {
        let found = Percentiles::of(&mut [7, 3]);
        assert_eq!((found.p50, found.p90, found.max), (3, 7, 7));
        assert_eq!(Percentiles::of(&mut []), Percentiles::default());
    }
}
