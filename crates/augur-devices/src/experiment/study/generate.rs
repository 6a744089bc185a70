// SPDX-License-Identifier: GPL-2.0-only
//! Phase two: the tasks of a seed, as every policy gets them, with what is true of them and what they wait for; as Parquet and
//! as CSV.

use super::store::Store;
use crate::experiment::tasks::{self, Column};
use crate::policy::Context;
use crate::workload::{Batch, Generator, Task, Work};
use anyhow::{Result, anyhow};
use augur_base::cells::{Cell, ENDING, Table};
use augur_base::file::Output;

/// What may be known of a task, what is true of it, and what it waits for.
fn columns<'a>(task: &Task, work: &Work, waits: &'a str) -> Vec<Column<'a>> {
    let truth = [
        ("cpu_s", Cell::Real(work.cpu_s)),
        ("gpu_speedup", Cell::Real(work.speedup)),
    ];
    let waits = [(tasks::DEPENDENCIES, Cell::Text(waits))];
    [&tasks::row(task)[..], &truth, &waits].concat()
}

/// The unit of a seed.
pub(super) fn unit(seed: u64) -> String {
    format!("tasks/{seed}.{ENDING}")
}

/// Draws the tasks of a seed, and leaves them in tables; the unit is the one that is written last.
///
/// # Errors
/// Where it cannot be written.
pub(super) fn draw(store: &Store, context: &Context, seed: u64) -> Result<()> {
    let heads = columns(&Task::default(), &Work::default(), "");
    let path = store.path(&unit(seed));
    let mut table = match ENDING {
        "csv" => None,
        _ => Some(Table::create(&path, &heads)?),
    };
    let mut csv = csv::Writer::from_writer(Output::create(&store.path(&format!("tasks/{seed}.csv")))?);
    csv.write_record(heads.iter().map(|(name, _)| *name))?;
    let mut generator = Generator::new(&context.workload, &context.physics, seed);
    let mut batch = Batch::default();
    while generator.next(&mut batch) {
        for ((task, work), parents) in batch.tasks.iter().zip(&batch.works).zip(&batch.parents) {
            let waits = tasks::dependencies(&batch, parents);
            let row = columns(task, work, &waits);
            if let Some(table) = &mut table {
                table.push(&row)?;
            }
            csv.write_record(row.iter().map(|(_, cell)| cell.to_string()))?;
        }
    }
    csv.into_inner()
        .map_err(|err| anyhow!("{}", err.error()))?
        .finish()?;
    table.map_or(Ok(()), |table| table.finish()?.finish())
}
