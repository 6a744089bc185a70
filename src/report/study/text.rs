// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as text.

use super::summary::{Line, Study};
use crate::report::{Interval, device, table};
use std::fmt;

impl fmt::Display for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} tasks on {}, {} seeds, best first; times from arrival until done, ± 95 % confidence",
            self.tasks,
            self.devices.join(", "),
            self.seeds.len()
        )?;
        let mut rows = vec![
            [
                "policy",
                "mean",
                "p99",
                "regret",
                "energy a task",
                "cost of 10^6 tasks",
                "SLA misses",
                "balance",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        rows.extend(self.ranked().into_iter().map(|line| self.row(line)));
        table::write(f, &rows)?;
        if self.win_loss.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nseeds won on mean completion (line against column; = where the difference is inside the noise)"
        )?;
        let report = device::Report::new(self.devices.clone(), self.tasks, self.runs.clone());
        table::write(f, &report.matrix())
    }
}

impl Study {
    fn row(&self, line: &Line) -> Vec<String> {
        let regret = self.regret.iter().find(|gap| gap.policy == line.policy);
        vec![
            line.policy.clone(),
            time(&line.completion_mean_ns),
            time(&line.completion_p99_ns),
            regret.map_or_else(String::new, |gap| time(&gap.decision_ns)),
            with(&line.energy_j_per_task, 1.0, "J"),
            with(&line.cost_usd_per_million, 1.0, "$"),
            with(&line.sla_miss_share, 100.0, "%"),
            table::number(line.balance.mean),
        ]
    }
}

/// A time and how far it may be off, in the unit that reads best.
pub fn time(interval: &Interval) -> String {
    let half = interval.high - interval.mean;
    let (unit_ns, unit) = match interval.mean.abs() {
        size if size < 1e3 => (1.0, "ns"),
        size if size < 1e6 => (1e3, "µs"),
        size if size < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{:.2} ± {:.2} {unit}", interval.mean / unit_ns, half / unit_ns)
}

/// A quantity in a unit, and how far it may be off.
pub fn with(interval: &Interval, times: f64, unit: &str) -> String {
    let half = (interval.high - interval.mean) * times;
    format!("{:.2} ± {half:.2} {unit}", interval.mean * times)
}
