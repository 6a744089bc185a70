// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as text.

use super::column::{Column, Kind};
use super::summary::{Line, Study};
use crate::report::device;
use augur_base::statistics::Interval;
use augur_base::table;
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
        let rows = self.rows();
        table::write(f, &rows)?;
        for line in device::overloads(&self.devices, &self.runs) {
            writeln!(f, "{line}")?;
        }
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

/// A figure of a policy, in a column; where it is not known there is none.
type Figure = (&'static str, Kind, fn(&Study, &Line) -> Option<Interval>);

const FIGURES: [Figure; 6] = [
    ("mean", Kind::Time, |_, line| Some(line.completion_mean_ns)),
    ("p99", Kind::Time, |_, line| Some(line.completion_p99_ns)),
    ("decision regret", Kind::Time, |study, line| {
        let gap = study.regret.iter().find(|gap| gap.policy == line.policy);
        gap.map(|gap| gap.decision_ns)
    }),
    ("energy a task", Kind::Plain("J"), |_, line| {
        Some(line.energy_j_per_task)
    }),
    ("cost of 10^6 tasks", Kind::Plain("$"), |_, line| {
        Some(line.cost_usd_per_million)
    }),
    ("SLA misses", Kind::Share, |_, line| Some(line.sla_miss_share)),
];

impl Study {
    /// The heads, and a row for each policy, one unit in a column.
    fn rows(&self) -> Vec<Vec<String>> {
        let ranked = self.ranked();
        let mut rows = vec![vec!["policy".to_owned()]];
        rows.extend(ranked.iter().map(|line| vec![line.policy.clone()]));
        for (name, kind, of) in FIGURES {
            let all: Vec<Option<Interval>> = ranked.iter().map(|line| of(self, line)).collect();
            let means: Vec<f64> = all.iter().flatten().map(|interval| interval.mean).collect();
            let column = Column::new(kind, &means, self.seeds.len() > 1);
            let cells = all
                .iter()
                .map(|interval| interval.as_ref().map_or("-".to_owned(), |one| column.cell(one)));
            let head = column.head(name);
            rows.iter_mut()
                .zip(std::iter::once(head).chain(cells))
                .for_each(|(row, cell)| row.push(cell));
        }
        let balance = ranked.iter().map(|line| table::number(line.balance.mean));
        let last = std::iter::once("balance".to_owned()).chain(balance);
        rows.iter_mut().zip(last).for_each(|(row, cell)| row.push(cell));
        rows
    }
}
