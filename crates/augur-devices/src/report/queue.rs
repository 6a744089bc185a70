// SPDX-License-Identifier: GPL-2.0-only
//! Queues beside their closed forms, as JSON and as a table. Times in mean service times.

use augur_base::table::{self, Column, number};
use serde::Serialize;
use std::fmt;

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// One for each policy.
    pub results: Vec<Outcome>,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The policy.
    pub policy: String,
    /// From arrival to the end.
    pub mean_sojourn: f64,
    /// From arrival to the beginning.
    pub mean_wait: f64,
    /// 95 % stay no longer.
    pub p95_sojourn: f64,
    /// 99 % stay no longer.
    pub p99_sojourn: f64,
    /// The mean sojourn by theory, where there is a closed form.
    pub closed_form: Option<f64>,
    /// Which one; `-`: none.
    pub theory: &'static str,
    /// 95 % wait no longer.
    pub p95_wait: f64,
    /// 99 % wait no longer.
    pub p99_wait: f64,
}

/// What is shown of a policy, behind its name.
const SHOWN: [Column<Outcome, Option<String>>; 8] = [
    ("theory", |run| Some(run.theory.to_owned())),
    ("mean sojourn", |run| Some(number(run.mean_sojourn))),
    ("closed form", |run| run.closed_form.map(number)),
    ("error", |run| {
        let error = run.mean_sojourn / run.closed_form? - 1.0;
        Some(format!("{:+.2} %", error * 100.0))
    }),
    ("p95, p99", |run| {
        Some(format!(
            "{}, {}",
            number(run.p95_sojourn),
            number(run.p99_sojourn)
        ))
    }),
    ("mean wait", |run| Some(number(run.mean_wait))),
    ("closed form", |run| {
        run.closed_form.map(|closed| number(closed - 1.0))
    }),
    ("p95, p99", |run| {
        Some(format!("{}, {}", number(run.p95_wait), number(run.p99_wait)))
    }),
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |run: &Outcome| {
            let cells = SHOWN
                .iter()
                .map(|(_, of)| of(run).unwrap_or_else(|| "-".to_owned()));
            table::row(run.policy.clone(), cells)
        };
        let heads = SHOWN.iter().map(|(head, _)| head);
        table::write(f, &table::with("policy", heads, self.results.iter().map(row)))
    }
}
