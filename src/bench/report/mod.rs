// SPDX-License-Identifier: GPL-2.0-only
//! What a benchmark measured: every run, their spread, and how it compares with the kernel's own scheduler.
//!
//! Migrations never stand without the build time and the waits beside them.
//!
//! ```text
//! figure    what a run is measured by
//! summary   a scheduler's runs together, and how they compare
//! markdown  all of that as tables
//! ```

mod figure;
mod markdown;
mod summary;
#[cfg(test)]
mod tests;

pub use figure::{FIGURES, Figure};
pub use summary::{CallbackSpread, Spread, Summary};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known about the benchmark as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Which work.
    pub workload: String,
    /// `uname -r` of the kernel that ran it.
    pub kernel: String,
    /// Its CPUs and caches.
    pub machine: String,
    /// So much of the work at a time.
    pub jobs: usize,
    /// Runs of each scheduler.
    pub repeats: u32,
    /// The scheduler that ratios are of.
    pub baseline: String,
}

/// One run of the workload under one scheduler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name in tables.
    pub scheduler: String,
    /// Which round, from 0.
    pub repeat: u32,
    /// Why there are no figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died: Option<String>,
    /// By the names in [`FIGURES`]; what could not be measured is absent.
    pub figures: BTreeMap<String, f64>,
    /// Each BPF callback of the scheduler.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub callbacks: BTreeMap<String, Callback>,
    /// What the scheduler said about itself at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<serde_json::Value>,
}

/// One BPF callback in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Callback {
    /// How often it ran.
    pub calls: u64,
    /// Its mean run time.
    pub mean_ns: f64,
}

/// What a benchmark says while it runs, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// At the beginning.
    About(About),
    /// A run that ended.
    Run(Run),
    /// Something that was not measured.
    Note(String),
}

/// A benchmark: what was to be measured, and what was.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// As a whole.
    pub about: About,
    /// What was not as it should be: a figure that this machine cannot give, a scheduler left out.
    pub notes: Vec<String>,
    /// Every run, in the order in which they were made.
    pub runs: Vec<Run>,
}

impl Report {
    /// Takes in a line.
    pub fn push(&mut self, line: Line) {
        match line {
            Line::About(about) => self.about = about,
            Line::Run(run) => self.runs.push(run),
            Line::Note(note) => self.notes.push(note),
        }
    }

    /// All of it as lines of JSON again.
    ///
    /// # Errors
    /// Where a line cannot be serialised.
    pub fn json_lines(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = Vec::new();
        let runs = self.runs.iter().cloned().map(Line::Run);
        let notes = self.notes.iter().cloned().map(Line::Note);
        for line in [Line::About(self.about.clone())]
            .into_iter()
            .chain(runs)
            .chain(notes)
        {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        Ok(text)
    }

    /// Every run, a line of CSV each, with a heading. Callbacks and the schedulers' own metrics are in the JSON lines
    /// only.
    ///
    /// # Errors
    /// Where a line cannot be serialised.
    pub fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = FIGURES.iter().map(|figure| figure.name);
        writer.write_record(["scheduler", "repeat", "died"].into_iter().chain(names))?;
        for run in &self.runs {
            let figures = FIGURES.iter().map(|figure| {
                let value = run.figures.get(figure.name);
                value.map(f64::to_string).unwrap_or_default()
            });
            let first = [
                run.scheduler.clone(),
                run.repeat.to_string(),
                run.died.clone().unwrap_or_default(),
            ];
            writer.write_record(first.into_iter().chain(figures))?;
        }
        Ok(writer.into_inner()?)
    }
}
