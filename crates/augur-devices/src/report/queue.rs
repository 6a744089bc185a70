// SPDX-License-Identifier: GPL-2.0-only
//! Queues beside their closed forms, as JSON and as a table. Times in mean service times.

use augur_base::table::{self, number};
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

const COLUMNS: [&str; 9] = [
    "policy",
    "theory",
    "mean sojourn",
    "closed form",
    "error",
    "p95, p99",
    "mean wait",
    "closed form",
    "p95, p99",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
        rows.extend(self.results.iter().map(row));
        table::write(f, &rows)
    }
}

fn row(run: &Outcome) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    vec![
        run.policy.clone(),
        run.theory.to_owned(),
        number(run.mean_sojourn),
        or_dash(run.closed_form.map(number)),
        or_dash(
            run.closed_form
                .map(|closed| format!("{:+.2} %", (run.mean_sojourn / closed - 1.0) * 100.0)),
        ),
        format!("{}, {}", number(run.p95_sojourn), number(run.p99_sojourn)),
        number(run.mean_wait),
        or_dash(run.closed_form.map(|closed| number(closed - 1.0))),
        format!("{}, {}", number(run.p95_wait), number(run.p99_wait)),
    ]
}
