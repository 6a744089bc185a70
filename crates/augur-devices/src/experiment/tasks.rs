// SPDX-License-Identifier: GPL-2.0-only
//! Tasks in tables: the columns that say what a task is, in front of others.

use crate::workload::task::NEVER_NS;
use crate::workload::{Batch, Parents, Task};
use augur_base::cells::Cell;

/// What may be known of a task.
pub const COLUMNS: [(&str, Cell<'_>); 7] = [
    ("task", Cell::Integer(None)),
    ("size", Cell::Real(0.0)),
    ("compute_intensity", Cell::Real(0.0)),
    ("memory_mb", Cell::Real(0.0)),
    ("priority", Cell::Integer(None)),
    ("arrival_ns", Cell::Integer(None)),
    ("deadline_ns", Cell::Integer(None)),
];

/// The column of the tasks that a task waits for: their numbers, with semicolons between.
pub const DEPENDENCIES: &str = "dependencies";

/// What a task waits for, in that column.
pub fn dependencies(batch: &Batch, parents: &Parents) -> String {
    let numbers = parents
        .as_slice()
        .iter()
        .filter_map(|&parent| batch.tasks.get(usize::from(parent)))
        .map(|parent| parent.number.to_string());
    numbers.collect::<Vec<String>>().join(";")
}

/// A task's values in these columns, as text.
pub fn text(task: &Task) -> Vec<String> {
    row(task)
        .iter()
        .map(|cell| match cell {
            Cell::Integer(value) => value.map(|value| value.to_string()).unwrap_or_default(),
            Cell::Real(value) => value.to_string(),
            Cell::Text(words) => (*words).to_owned(),
        })
        .collect()
}

/// A task's cells in these columns.
pub fn row(task: &Task) -> [Cell<'static>; 7] {
    [
        Cell::count(task.number),
        Cell::Real(task.size),
        Cell::Real(task.intensity),
        Cell::Real(task.memory_mb),
        Cell::count(task.priority.into()),
        Cell::count(task.arrival_ns),
        match task.deadline_ns {
            NEVER_NS => Cell::Integer(None),
            deadline_ns => Cell::count(deadline_ns),
        },
    ]
}
