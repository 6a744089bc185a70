// SPDX-License-Identifier: GPL-2.0-only
//! What list schedulers made of a graph, as JSON and as a table.

use augur_base::table::{self, number};
use serde::Serialize;
use std::fmt;

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// One for each policy.
    pub results: Vec<Outcome>,
    /// No schedule is shorter.
    pub bound: f64,
    /// The makespan that is proven to be the shortest, where that was asked for and could be proven.
    pub optimal: Option<f64>,
    /// The shortest makespan that the search found, where one was asked for.
    pub best: Option<f64>,
    /// How far that is above the bound, as a share of it; 0: it is proven to be the shortest.
    pub gap: Option<f64>,
    /// How many beginnings of schedules the search looked at.
    pub nodes: Option<u64>,
}

/// One policy's schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The policy, as it is written.
    pub policy: String,
    /// When the last task ends.
    pub makespan: f64,
    /// All tasks, in the order in which they start.
    pub schedule: Vec<Placed>,
}

/// Where and when a task runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Placed {
    /// Its id.
    pub task: String,
    /// The device's name.
    pub device: String,
    /// From.
    pub start: f64,
    /// To.
    pub finish: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["policy", "makespan", "above bound"].map(str::to_owned).to_vec()];
        for run in &self.results {
            let above = match self.bound {
                bound if bound > 0.0 => format!("{:.1} %", (run.makespan / bound - 1.0) * 100.0),
                _ => "-".to_owned(),
            };
            rows.push(vec![run.policy.clone(), number(run.makespan), above]);
        }
        table::write(f, &rows)?;
        match (self.optimal, self.best, self.gap) {
            (Some(optimal), ..) => writeln!(f, "the shortest possible makespan is {}", number(optimal)),
            (None, Some(best), Some(gap)) => writeln!(
                f,
                "the shortest schedule found takes {}; no schedule is shorter than {}: a gap of {:.1} %",
                number(best),
                number(self.bound),
                gap * 100.0
            ),
            _ => writeln!(f, "no schedule is shorter than {}", number(self.bound)),
        }
    }
}
