// SPDX-License-Identifier: GPL-2.0-only
//! Phase two: the tasks of a seed, as every policy gets them, with what is true of them.

use super::store::Store;
use crate::experiment::tasks;
use crate::policy::device::Context;
use crate::report::parquet::{Cell, Table};
use crate::workload::{Batch, Generator};
use anyhow::Result;

/// What is true of a task, behind what may be known of it.
const TRUE: [(&str, Cell<'_>); 2] = [("cpu_s", Cell::Real(0.0)), ("gpu_speedup", Cell::Real(0.0))];

/// The unit of a seed.
pub fn unit(seed: u64) -> String {
    format!("tasks/{seed}.parquet")
}

/// Draws the tasks of a seed, and leaves them in a table.
///
/// # Errors
/// Where it cannot be written.
pub fn draw(store: &Store, context: &Context, seed: u64) -> Result<()> {
    let mut table = Table::create(&store.path(&unit(seed)), &[&tasks::COLUMNS[..], &TRUE].concat())?;
    let mut generator = Generator::new(&context.workload, &context.physics, seed);
    let mut batch = Batch::default();
    while generator.next(&mut batch) {
        for (task, work) in batch.tasks.iter().zip(&batch.works) {
            let truth = [Cell::Real(work.cpu_s), Cell::Real(work.speedup)];
            table.push(&[&tasks::row(task)[..], &truth].concat())?;
        }
    }
    table.finish()?.finish()
}
