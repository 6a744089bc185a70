// SPDX-License-Identifier: GPL-2.0-only
//! What a simulation leaves in a folder: a table of all tasks for each run, the results, and the report. All of it or
//! nothing.

use crate::policy::device::Placement;
use crate::report::device::{CSV_COLUMNS, Report};
use crate::report::parquet::{Cell, Table};
use crate::sim::device::Done;
use crate::trace::Output;
use anyhow::{Context, Result, anyhow};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files that are being written.
pub struct Files {
    folder: PathBuf,
    whole: Mutex<Vec<Output>>,
}

const COLUMNS: [&str; 16] = [
    "task",
    "size",
    "compute_intensity",
    "memory_mb",
    "priority",
    "arrival_ns",
    "deadline_ns",
    "placed_ns",
    "start_ns",
    "finish_ns",
    "cpu",
    "gpu",
    "gpu_share",
    "energy_j",
    "cost_usd",
    "regret_ns",
];

impl Files {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn begin(folder: &Path) -> Result<Files> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Files {
            folder: folder.to_owned(),
            whole: Mutex::default(),
        })
    }

    /// Starts the table of a run's tasks.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn tasks(&self, policy: &str, seed: u64) -> Result<Table> {
        let path = self
            .folder
            .join(format!("tasks-{}-{seed}.parquet", plain(policy)));
        let integer = Cell::Integer(None);
        let real = Cell::Real(0.0);
        let kinds = [
            integer, real, real, real, integer, integer, integer, integer, integer, integer, integer,
            integer, real, real, real, integer,
        ];
        let columns: Vec<(&str, Cell)> = COLUMNS.into_iter().zip(kinds).collect();
        Table::create(&path, &columns)
    }

    /// Keeps a table that is whole until all are.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep(&self, table: Table) -> Result<()> {
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
    pub fn finish(self, report: &Report) -> Result<()> {
        let mut whole = self
            .whole
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = self.folder.join("results.csv");
        let named = || format!("cannot write {}", path.display());
        let mut csv = csv::Writer::from_writer(Output::create(&path)?);
        csv.write_record(CSV_COLUMNS).with_context(named)?;
        for run in &report.results {
            csv.write_record(run.record()).with_context(named)?;
        }
        whole.push(
            csv.into_inner()
                .map_err(|err| anyhow!("{}", err.error()))
                .with_context(named)?,
        );
        let path = self.folder.join("report.json");
        let mut json = Output::create(&path)?;
        serde_json::to_writer_pretty(&mut json, report)
            .with_context(|| format!("cannot write {}", path.display()))?;
        json.flush()
            .with_context(|| format!("cannot write {}", path.display()))?;
        whole.push(json);
        whole.into_iter().try_for_each(Output::finish)
    }
}

/// A policy's name as a part of a file's.
pub fn plain(policy: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    policy.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// Adds a task to its table.
///
/// # Errors
/// Where the file cannot be written.
pub fn row(table: &mut Table, done: &Done, cpus: usize) -> Result<()> {
    let (cpu, gpu, share) = match done.placement {
        Placement::One(device) if device < cpus => (Some(device), None, 0.0),
        Placement::One(device) => (None, Some(device - cpus), 1.0),
        Placement::Split { cpu, gpu, share } => (Some(cpu), Some(gpu - cpus), share),
    };
    let count = |value: u64| Cell::Integer(Some(value.cast_signed()));
    let place = |device: Option<usize>| Cell::Integer(device.and_then(|device| i64::try_from(device).ok()));
    let task = &done.task;
    table.push(&[
        count(task.number),
        Cell::Real(task.size),
        Cell::Real(task.intensity),
        Cell::Real(task.memory_mb),
        count(task.priority.into()),
        count(task.arrival_ns),
        count(task.deadline_ns),
        count(done.placed_ns),
        count(done.start_ns),
        count(done.finish_ns),
        place(cpu),
        place(gpu),
        Cell::Real(share),
        Cell::Real(done.energy_j),
        Cell::Real(done.cost_usd),
        count(done.regret_ns),
    ])
}
