// SPDX-License-Identifier: GPL-2.0-only
//! Numbers on the command line, and what is said of wrong ones.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds};
#[cfg(any(feature = "live", test))]
use std::time::Duration;

/// The largest number up to which every whole one is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A whole number within bounds: `1000`, `1_000` or `1e3`.
pub fn whole<T: TryFrom<u64>>(
    range: impl RangeBounds<u64> + Clone + Send + Sync,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync {
    move |text| {
        let plain = text.replace('_', "");
        let float = || {
            let value: f64 = plain.parse().ok()?;
            (value.fract() == 0.0 && (0.0..=EXACT).contains(&value)).then_some(value as u64)
        };
        let value = plain.parse::<u64>().ok().or_else(float);
        value
            .filter(|value| range.contains(value))
            .and_then(|value| T::try_from(value).ok())
            .ok_or_else(|| format!("it is not a whole number{}", bounds(&range, u64::MAX)))
    }
}

/// A number within bounds.
pub fn real(
    range: impl RangeBounds<f64> + Clone + Send + Sync,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync {
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| format!("it is not a number{}", bounds(&range, f64::MAX)))
    }
}

fn bounds<T: Display + PartialEq>(range: &impl RangeBounds<T>, most: T) -> String {
    let least = match range.start_bound() {
        Bound::Included(least) | Bound::Excluded(least) => least.to_string(),
        Bound::Unbounded => "0".to_owned(),
    };
    match range.end_bound() {
        Bound::Included(end) if *end != most => format!(" from {least} to {end}"),
        Bound::Excluded(end) => format!(" from {least} to below {end}"),
        _ => format!(" from {least} up"),
    }
}

/// Seconds of an interval or a duration.
#[cfg(any(feature = "live", test))]
pub fn seconds(text: &str) -> Result<Duration, String> {
    const RANGE: std::ops::RangeInclusive<f64> = 0.05..=1e7;
    match text.parse() {
        Ok(seconds) if RANGE.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!(
            "it is not a number of seconds{}",
            bounds(&RANGE, f64::MAX)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_in_every_spelling_that_people_use() {
        let count = whole::<u32>(1..=1_000_000);
        for (text, value) in [
            ("7", 7),
            ("1e3", 1000),
            ("1_000", 1000),
            ("2.5e3", 2500),
            ("1.0", 1),
        ] {
            assert_eq!(count(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            "1.5",
            "1e-3",
            "x",
            "1e7",
            "nan",
            "inf",
            "0x10",
            "99999999999999999999",
        ] {
            let said = count(text).unwrap_err();
            assert_eq!(said, "it is not a whole number from 1 to 1000000", "{text}");
        }
        assert_eq!(whole::<u64>(..)("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(
            whole::<u64>(1..)("0").unwrap_err(),
            "it is not a whole number from 1 up"
        );
        assert!(whole::<u8>(..)("256").is_err());
    }

    #[test]
    fn numbers_and_seconds_have_both_bounds() {
        assert_eq!(real(0.5..=4.0)("2"), Ok(2.0));
        assert_eq!(
            real(0.5..=4.0)("nan").unwrap_err(),
            "it is not a number from 0.5 to 4"
        );
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(
            seconds("1e300").unwrap_err(),
            "it is not a number of seconds from 0.05 to 10000000"
        );
    }
}
