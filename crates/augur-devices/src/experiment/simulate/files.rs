// SPDX-License-Identifier: GPL-2.0-only
//! What a simulation leaves in a folder: a table of all tasks for each run, the results, and the report. All of it or
//! nothing.

use crate::experiment::tasks::{self, Column};
use crate::report::device::{COLUMNS, Report};
use crate::sim::Done;
use anyhow::{Context, Result, anyhow};
use augur_base::cells::{ENDING, Table};
use augur_base::file::{Folder, Output};
use augur_base::table::Value;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files that are being written.
pub(super) struct Files {
    folder: PathBuf,
    /// Where nothing comes of it, the folder goes again.
    _made: Folder,
    whole: Mutex<Vec<Output>>,
}

impl Files {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(super) fn begin(folder: &Path) -> Result<Files> {
        Ok(Files {
            _made: Folder::make(folder)?,
            folder: folder.to_owned(),
            whole: Mutex::default(),
        })
    }

    /// Starts the table of a run's tasks.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn tasks(&self, policy: &str, seed: u64) -> Result<Table> {
        let path = self
            .folder
            .join(format!("tasks-{}-{seed}.{ENDING}", plain(policy)));
        Table::create(&path, &columns(&Done::default(), 0))
    }

    /// Keeps a table that is whole until all are.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn keep(&self, table: Table) -> Result<()> {
        let output = table.finish()?;
        if let Ok(mut whole) = self.whole.lock() {
            whole.push(output);
        }
        Ok(())
    }

    /// Writes the results, and gives all files their names.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub(super) fn finish(self, report: &Report) -> Result<()> {
        let mut whole = self
            .whole
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = self.folder.join("results.csv");
        let named = || format!("cannot write {}", path.display());
        let mut csv = csv::Writer::from_writer(Output::create(&path)?);
        csv.write_record(
            COLUMNS
                .iter()
                .map(|(name, _)| *name)
                .chain(["decision_ns", "state_hash"]),
        )
        .with_context(named)?;
        for run in &report.results {
            let more = [Value::Real(run.decision_ns), Value::Text(run.state_hash.clone())];
            let row = run.values().chain(more);
            csv.write_record(row.map(|value| value.to_string()))
                .with_context(named)?;
        }
        whole.push(
            csv.into_inner()
                .map_err(|err| anyhow!("{}", err.error()))
                .with_context(named)?,
        );
        let path = self.folder.join("report.json");
        whole.push(Output::of(&path, &serde_json::to_vec_pretty(report)?)?);
        let new: Vec<PathBuf> = whole.iter().map(|output| output.path().to_owned()).collect();
        whole.into_iter().try_for_each(Output::finish)?;
        remove_others(&self.folder, &new)
    }
}

/// Removes tables of tasks that another simulation left: they would stand beside results that know nothing of them.
fn remove_others(folder: &Path, new: &[PathBuf]) -> Result<()> {
    let named = || {
        format!(
            "cannot remove the tables of another simulation in {}",
            folder.display()
        )
    };
    for entry in std::fs::read_dir(folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_table = [".parquet", ".csv"].iter().any(|ending| name.ends_with(ending));
        if name.starts_with("tasks-") && is_table && !new.contains(&path) {
            std::fs::remove_file(&path).with_context(named)?;
        }
    }
    Ok(())
}

/// A policy's name as a part of a file's.
pub(crate) fn plain(policy: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    policy.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// Adds a task to its table.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn row(table: &mut Table, done: &Done, cpus: usize) -> Result<()> {
    table.push(&columns(done, cpus))
}

fn columns(done: &Done, cpus: usize) -> Vec<Column<'static>> {
    [&tasks::row(&done.task)[..], &tasks::became(done, cpus)].concat()
}
