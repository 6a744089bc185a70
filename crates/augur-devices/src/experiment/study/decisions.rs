// SPDX-License-Identifier: GPL-2.0-only
//! Every decision of a run as CSV: the task, what it waited for, where it was put, and what came of it.

use super::schedule::gpu_share;
use super::store::Store;
use crate::experiment::{simulate, tasks};
use crate::policy::{Context, Placement};
use crate::sim::Done;
use crate::workload::{Batch, Generator};
use anyhow::{Context as _, Result, anyhow};
use augur_base::file::Output;
use std::path::PathBuf;

/// What a decision was and became, behind the columns of a task.
const COLUMNS: [&str; 9] = [
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

/// The table of a run, in the order in which tasks were done.
pub struct Decisions {
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
    pub fn create(
        store: &Store,
        context: &Context,
        (at, name, seed): (usize, &str, u64),
    ) -> Result<Decisions> {
        let path = store.path(&format!("decisions/{at:02}-{}-{seed}.csv", simulate::plain(name)));
        let mut csv = csv::Writer::from_writer(Output::create(&path)?);
        let task = tasks::COLUMNS.iter().map(|(name, _)| *name);
        csv.write_record(task.chain([tasks::DEPENDENCIES]).chain(COLUMNS))?;
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
    pub fn add(&mut self, done: &Done) -> Result<()> {
        let named = || format!("cannot write {}", self.path.display());
        let (cpu, gpu) = match done.placement {
            Placement::One(device) if device < self.cpus => (Some(device), None),
            Placement::One(device) => (None, Some(device - self.cpus)),
            Placement::Split { cpu, gpu, .. } => (Some(cpu), Some(gpu - self.cpus)),
        };
        let place = |device: Option<usize>| device.map(|device| device.to_string()).unwrap_or_default();
        let waited = usize::try_from(done.task.number).ok();
        let waited = waited.and_then(|number| self.dependencies.get(number));
        let mut row = tasks::text(&done.task);
        row.push(waited.cloned().unwrap_or_default());
        row.extend([
            done.placed_ns.to_string(),
            done.start_ns.to_string(),
            done.finish_ns.to_string(),
            place(cpu),
            place(gpu),
            gpu_share(done.placement, self.cpus).to_string(),
            done.energy_j.to_string(),
            done.cost_usd.to_string(),
            done.regret_ns.to_string(),
        ]);
        self.csv.write_record(row).with_context(named)
    }

    /// The table is whole.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self) -> Result<()> {
        let output = self.csv.into_inner().map_err(|err| anyhow!("{}", err.error()));
        output
            .with_context(|| format!("cannot write {}", self.path.display()))?
            .finish()
    }
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
