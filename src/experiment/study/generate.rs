// SPDX-License-Identifier: GPL-2.0-only
//! Phase two: the tasks of a seed, as every policy gets them, with what is true of them.

use super::store::Store;
use crate::policy::device::Context;
use crate::report::parquet::{Cell, Table};
use crate::workload::{Batch, Generator, Task, Work};
use anyhow::Result;

const COLUMNS: [(&str, Cell<'_>); 9] = [
    ("task", Cell::Integer(None)),
    ("size", Cell::Real(0.0)),
    ("compute_intensity", Cell::Real(0.0)),
    ("memory_mb", Cell::Real(0.0)),
    ("priority", Cell::Integer(None)),
    ("arrival_ns", Cell::Integer(None)),
    ("deadline_ns", Cell::Integer(None)),
    ("cpu_s", Cell::Real(0.0)),
    ("gpu_speedup", Cell::Real(0.0)),
];

/// The unit of a seed.
pub fn unit(seed: u64) -> String {
    format!("tasks/{seed}.parquet")
}

/// Draws the tasks of a seed, and leaves them in a table.
///
/// # Errors
/// Where it cannot be written.
pub fn tasks(store: &Store, context: &Context, seed: u64) -> Result<()> {
    let mut table = Table::create(&store.path(&unit(seed)), &COLUMNS)?;
    let mut generator = Generator::new(&context.workload, &context.physics, seed);
    let mut batch = Batch::default();
    while generator.next(&mut batch) {
        for (task, work) in batch.tasks.iter().zip(&batch.works) {
            table.push(&row(task, work))?;
        }
    }
    table.finish()?.finish()
}

fn row(task: &Task, work: &Work) -> [Cell<'static>; 9] {
    let count = |value: u64| Cell::Integer(Some(value.cast_signed()));
    [
        count(task.number),
        Cell::Real(task.size),
        Cell::Real(task.intensity),
        Cell::Real(task.memory_mb),
        count(task.priority.into()),
        count(task.arrival_ns),
        count(task.deadline_ns),
        Cell::Real(work.cpu_s),
        Cell::Real(work.speedup),
    ]
}
