// SPDX-License-Identifier: GPL-2.0-only
//! Phase two: the tasks of a seed, as every policy gets them, with what is true of them and what they wait for; as Parquet and
//! as CSV.

use super::store::Store;
use crate::experiment::tasks;
use crate::policy::Context;
use crate::workload::{Batch, Generator};
use anyhow::{Result, anyhow};
use augur_base::cells::{Cell, ENDING, Table};
use augur_base::file::Output;

/// What is true of a task, behind what may be known of it.
const TRUE: [(&str, Cell<'_>); 2] = [("cpu_s", Cell::Real(0.0)), ("gpu_speedup", Cell::Real(0.0))];

/// The unit of a seed.
pub fn unit(seed: u64) -> String {
    format!("tasks/{seed}.{ENDING}")
}

/// Draws the tasks of a seed, and leaves them in tables; the unit is the one that is written last.
///
/// # Errors
/// Where it cannot be written.
pub fn draw(store: &Store, context: &Context, seed: u64) -> Result<()> {
    let waits = [(tasks::DEPENDENCIES, Cell::Text(""))];
    let columns = [&tasks::COLUMNS[..], &TRUE, &waits].concat();
    let path = store.path(&unit(seed));
    let mut table = match ENDING {
        "csv" => None,
        _ => Some(Table::create(&path, &columns)?),
    };
    let mut csv = csv::Writer::from_writer(Output::create(&store.path(&format!("tasks/{seed}.csv")))?);
    csv.write_record(columns.iter().map(|(name, _)| *name))?;
    let mut generator = Generator::new(&context.workload, &context.physics, seed);
    let mut batch = Batch::default();
    while generator.next(&mut batch) {
        for ((task, work), parents) in batch.tasks.iter().zip(&batch.works).zip(&batch.parents) {
            let truth = [Cell::Real(work.cpu_s), Cell::Real(work.speedup)];
            let waits = tasks::dependencies(&batch, parents);
            if let Some(table) = &mut table {
                table.push(&[&tasks::row(task)[..], &truth, &[Cell::Text(&waits)]].concat())?;
            }
            let mut row = tasks::text(task);
            row.extend([work.cpu_s.to_string(), work.speedup.to_string(), waits]);
            csv.write_record(row)?;
        }
    }
    csv.into_inner()
        .map_err(|err| anyhow!("{}", err.error()))?
        .finish()?;
    table.map_or(Ok(()), |table| table.finish()?.finish())
}
