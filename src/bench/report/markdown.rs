// SPDX-License-Identifier: GPL-2.0-only
//! The report as tables of Markdown.

use super::summary::CALLBACK_BASELINE;
use super::{FIGURES, Figure, Report, Spread, Summary};
use augur_base::table::grouped;
use std::fmt::Write;

const TABLES: [&str; 3] = ["What it gains", "Migrations by kind", "What it costs"];

impl Report {
    /// The tables, as Markdown.
    pub fn markdown(&self) -> String {
        let (about, summaries) = (&self.about, self.summaries());
        let mut text = format!(
            "{}, {} at a time, Linux {}, {}; medians of {}, in brackets the least and the most, × that of {}\n",
            about.workload,
            about.jobs,
            about.kernel,
            about.machine,
            match about.repeats {
                1 => "one run".to_owned(),
                runs => format!("{runs} runs"),
            },
            about.baseline
        );
        for note in &self.notes {
            let _ = writeln!(text, "\nNot measured: {note}.");
        }
        for (index, title) in TABLES.iter().enumerate() {
            text += &figures_table(index, title, &summaries);
        }
        text + &callbacks_table(&summaries)
    }
}

fn figures_table(index: usize, title: &str, summaries: &[Summary]) -> String {
    let measured = |figure: &&Figure| {
        figure.table == index
            && summaries
                .iter()
                .any(|summary| summary.figures.contains_key(figure.name))
    };
    let columns: Vec<&Figure> = FIGURES.iter().filter(measured).collect();
    if columns.is_empty() {
        return String::new();
    }
    let titles: Vec<&str> = columns.iter().map(|figure| figure.title).collect();
    let mut rows = Vec::new();
    for summary in summaries {
        // The kernel's own scheduler has neither daemon nor BPF programs.
        let cells: Vec<String> = columns
            .iter()
            .map(|figure| match summary.figures.get(figure.name) {
                Some(spread) => cell(spread, figure.digits, summary.runs > 1),
                None => "-".to_owned(),
            })
            .collect();
        let died = summary.died.first().filter(|_| index == 0);
        rows.push((summary, cells, died));
    }
    let mut text = format!(
        "\n{title}:\n\n| scheduler | {} |\n|{}\n",
        titles.join(" | "),
        " --- |".repeat(columns.len() + 1)
    );
    for (summary, cells, died) in rows {
        let died = died.map(|why| format!(" (died {}: {why})", times(summary.died.len())));
        let name = plain(&format!("{}{}", summary.scheduler, died.unwrap_or_default()));
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}

fn callbacks_table(summaries: &[Summary]) -> String {
    if summaries.iter().all(|summary| summary.callbacks.is_empty()) {
        return String::new();
    }
    let mut text = format!(
        "\nBPF callbacks:\n\n| scheduler | callback | calls a run | mean, ns | / {CALLBACK_BASELINE} |\n|{}\n",
        " --- |".repeat(5)
    );
    for summary in summaries {
        for (name, spread) in &summary.callbacks {
            let ratio = spread.mean_ns.ratio.map(|ratio| format!("{ratio:.2}"));
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {} | {} |",
                plain(&summary.scheduler),
                grouped(spread.calls.median, 0),
                grouped(spread.mean_ns.median, 0),
                ratio.unwrap_or_else(|| "-".to_owned()),
            );
        }
    }
    text
}

/// `338 (309 … 345) ×0.40`
fn cell(spread: &Spread, digits: usize, several: bool) -> String {
    let mut text = grouped(spread.median, digits);
    if several {
        let (min, max) = (grouped(spread.min, digits), grouped(spread.max, digits));
        let _ = write!(text, " ({min} … {max})");
    }
    if let Some(ratio) = spread.ratio {
        let _ = write!(text, " ×{ratio:.2}");
    }
    text
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// What would end a cell of a Markdown table early.
fn plain(text: &str) -> String {
    text.replace('|', "\\|")
}
