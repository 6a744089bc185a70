// SPDX-License-Identifier: GPL-2.0-only
//! Percentiles, exact: by sorting, not by buckets.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The usual percentiles of a set of times, in ns. The p-th is the least value that at least p % do not exceed
/// (nearest rank). An empty set has none: then all are 0 here, null in JSON, and [`Percentiles::known`] says so.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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

impl Serialize for Percentiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Percentiles", 7)?;
        let known = self.known();
        for (name, of) in FIELDS {
            fields.serialize_field(name, &known.map(of))?;
        }
        fields.serialize_field("mean", &known.map(|these| these.mean))?;
        fields.serialize_field("count", &self.count)?;
        fields.end()
    }
}

/// The place of the first of some counts at which at least so many permille of all are reached (nearest rank); `None` where
/// nothing was counted.
pub fn rank<'a>(counts: impl IntoIterator<Item = &'a u64> + Clone, permille: u64) -> Option<usize> {
    let total: u64 = counts.clone().into_iter().sum();
    let rank = (u128::from(total) * u128::from(permille)).div_ceil(1000).max(1);
    let mut seen = 0;
    counts.into_iter().position(|&count| {
        seen += u128::from(count);
        seen >= rank
    })
}

/// A percentile's name, and where it is.
type Field = (&'static str, fn(&Percentiles) -> u64);

const FIELDS: [Field; 5] = [
    ("p50", |these| these.p50),
    ("p90", |these| these.p90),
    ("p99", |these| these.p99),
    ("p999", |these| these.p999),
    ("max", |these| these.max),
];

impl Percentiles {
    /// The same, unless the set is empty.
    pub fn known(&self) -> Option<&Percentiles> {
        (self.count > 0).then_some(self)
    }

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
        let none = Percentiles::of(&mut []);
        assert_eq!((none, none.known()), (Percentiles::default(), None));
        let json = serde_json::to_value(none).unwrap();
        assert_eq!(
            (&json["p50"], &json["mean"]),
            (&serde_json::Value::Null, &serde_json::Value::Null)
        );
        assert_eq!((&json["count"], json.as_object().unwrap().len()), (&0.into(), 7));
        assert_eq!(serde_json::to_value(found).unwrap()["p90"], 7);
    }
}
