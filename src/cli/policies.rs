// SPDX-License-Identifier: GPL-2.0-only
//! Lists of policies on the command line.

use super::UsageError;
use anyhow::{Result, bail};

/// Policies by the names that they have today, for those that had another one earlier.
///
/// # Errors
/// Wrong use, in one sentence: one twice.
pub fn as_today(names: Vec<String>, current: impl Fn(&str) -> String) -> Result<Vec<String>> {
    split(
        &names
            .iter()
            .map(|name| current(name))
            .collect::<Vec<String>>()
            .join(","),
    )
}

/// Splits at the commas that are outside of brackets.
///
/// # Errors
/// Wrong use, in one sentence: none, or one twice.
pub fn split(text: &str) -> Result<Vec<String>> {
    let mut depth = 0usize;
    let outside = |c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    let names: Vec<String> = text.split(outside).map(|name| name.trim().to_owned()).collect();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            bail!(UsageError(format!(
                "there is a policy without a name in '{text}'"
            )));
        }
        if names[..at].contains(name) {
            bail!(UsageError(format!("policy '{name}' is there twice")));
        }
    }
    Ok(names)
}
