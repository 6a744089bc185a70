// SPDX-License-Identifier: GPL-2.0-only
//! Every decision of a run as CSV: the task, what it waited for, where it was put, and what came of it.

use super::store::Store;
use crate::experiment::simulate;
use crate::experiment::tasks::{self, Column};
use crate::policy::Context;
use crate::sim::Done;
use crate::workload::{Batch, Generator};
use anyhow::{Context as _, Result, anyhow};
use augur_base::cells::Cell;
use augur_base::file::Output;
use std::path::PathBuf;

/// The table of a run, in the order in which tasks were done.
pub(super) struct Decisions {
    path: PathBuf,
    csv: csv::Writer<Output>,
    /// What each task waits for; none where no task waits for any.
    dependencies: Vec<String>,
    cpus: usize,
}

impl Decisions {
    /// Begins the table.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn create(
        store: &Store,
        context: &Context,
        (at, name, seed): (usize, &str, u64),
    ) -> Result<Decisions> {
        let path = store.path(&format!("decisions/{at:02}-{}-{seed}.csv", simulate::plain(name)));
        let mut csv = csv::Writer::from_writer(Output::create(&path)?);
        csv.write_record(columns(&Done::default(), 0, "").iter().map(|(name, _)| *name))?;
        Ok(Decisions {
            path,
            csv,
            dependencies: dependencies(context, seed),
            cpus: context.devices.cpus(),
        })
    }

    /// One that was done.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn add(&mut self, done: &Done) -> Result<()> {
        let named = || format!("cannot write {}", self.path.display());
        let waited = usize::try_from(done.task.number).ok();
        let waited = waited.and_then(|number| self.dependencies.get(number));
        let cells = columns(done, self.cpus, waited.map_or("", String::as_str));
        self.csv
            .write_record(cells.iter().map(|(_, cell)| cell.to_string()))
            .with_context(named)
    }

    /// The table is whole.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn finish(self) -> Result<()> {
        let output = self.csv.into_inner().map_err(|err| anyhow!("{}", err.error()));
        output
            .with_context(|| format!("cannot write {}", self.path.display()))?
            .finish()
    }
}

/// A task, what it waited for, and what became of it.
fn columns<'a>(done: &Done, cpus: usize, waited: &'a str) -> Vec<Column<'a>> {
    let waited = [(tasks::DEPENDENCIES, Cell::Text(waited))];
    [&tasks::row(&done.task)[..], &waited, &tasks::became(done, cpus)].concat()
}

/// For each task the numbers of those that it waits for; nothing where each comes alone.
fn dependencies(context: &Context, seed: u64) -> Vec<String> {
    let mut all = Vec::new();
    if context.workload.tasks_per_graph < 2 {
        return all;
    }
    let mut generator = Generator::new(&context.workload, &context.physics, seed);
    let mut batch = Batch::default();
    while generator.next(&mut batch) {
        all.extend(
            batch
                .parents
                .iter()
                .map(|parents| tasks::dependencies(&batch, parents)),
        );
    }
    all
}
