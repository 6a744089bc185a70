// SPDX-License-Identifier: GPL-2.0-only
//! Tasks in tables: the columns that say what a task is, in front of others.

use crate::report::parquet::Cell;
use crate::workload::Task;
use crate::workload::task::NEVER_NS;

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
