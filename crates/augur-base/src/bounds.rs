// SPDX-License-Identifier: GPL-2.0-only
//! Bounds of settings: one list for what a file says and for what a spelling says.

use anyhow::{Result, ensure};
use serde::Serialize;
use std::ops::RangeInclusive;

/// A number among settings: its argument in a spelling, the field as a JSON pointer (`/forest/trees`), and what it may be.
pub type Setting<'a> = (&'a str, &'a str, RangeInclusive<f64>);

/// Any number that is above 0.
pub const POSITIVE: RangeInclusive<f64> = f64::MIN_POSITIVE..=f64::MAX;
/// Any number that is not below 0.
pub const NOT_NEGATIVE: RangeInclusive<f64> = 0.0..=f64::MAX;
/// A count that is not 0.
pub const COUNT: RangeInclusive<f64> = 1.0..=f64::MAX;
/// What is not a number.
pub const ANY: RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;

/// Whether every number of these settings is within its bounds; `of` is what errors call all of them together.
///
/// # Errors
/// One sentence that names the one that is not.
pub fn check(of: &str, settings: &impl Serialize, bounds: &[Setting<'_>]) -> Result<()> {
    let fields = serde_json::to_value(settings)?;
    for (_, field, bounds) in bounds.iter().filter(|(.., bounds)| *bounds != ANY) {
        // What is not finite is null in JSON.
        let value = fields.pointer(field).and_then(serde_json::Value::as_f64);
        let value = value.unwrap_or(f64::NAN);
        ensure!(
            bounds.contains(&value),
            "{of}{} must be {}, not {value}",
            field.replace('/', "."),
            words(bounds)
        );
    }
    Ok(())
}

/// What a number is needed to be.
pub(crate) fn needed(bounds: &RangeInclusive<f64>) -> String {
    match (bounds.start(), *bounds.end()) {
        (least, f64::MAX) if *least > f64::MIN_POSITIVE => format!("of {least} or more"),
        (_, f64::MAX) => words(bounds),
        (least, most) => format!("between {least} and {most}"),
    }
}

fn words(bounds: &RangeInclusive<f64>) -> String {
    match (*bounds.start(), *bounds.end()) {
        (f64::MIN_POSITIVE, f64::MAX) => "above 0".to_owned(),
        (least, f64::MAX) => format!("{least} or more"),
        (least, most) => format!("{least} to {most}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_bounds_is_named_with_them() {
        let settings = |share: f64| serde_json::json!({"forest": {"share": share}, "name": "x"});
        let said = |share: f64, bounds| {
            check("ml", &settings(share), &[("", "/forest/share", bounds)]).map_err(|err| err.to_string())
        };
        assert_eq!(said(0.5, 0.0..=1.0), Ok(()));
        assert_eq!(
            said(2.0, 0.0..=1.0).unwrap_err(),
            "ml.forest.share must be 0 to 1, not 2"
        );
        assert_eq!(
            said(0.0, POSITIVE).unwrap_err(),
            "ml.forest.share must be above 0, not 0"
        );
        assert_eq!(
            said(0.0, COUNT).unwrap_err(),
            "ml.forest.share must be 1 or more, not 0"
        );
        let endless = said(f64::INFINITY, NOT_NEGATIVE).unwrap_err();
        assert_eq!(endless, "ml.forest.share must be 0 or more, not NaN");
    }
}
