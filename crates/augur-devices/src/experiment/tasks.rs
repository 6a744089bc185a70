// SPDX-License-Identifier: GPL-2.0-only
//! Tasks in tables: the columns that say what a task is, in front of others.

use crate::policy::Placement;
use crate::sim::Done;
use crate::workload::task::NEVER_NS;
use crate::workload::{Batch, Parents, Task};
use augur_base::cells::Cell;

/// A column with a cell of it.
pub(super) type Column<'a> = (&'static str, Cell<'a>);

/// The column of the tasks that a task waits for: their numbers, with semicolons between.
pub(super) const DEPENDENCIES: &str = "dependencies";

/// What a task waits for, in that column.
pub(super) fn dependencies(batch: &Batch, parents: &Parents) -> String {
    let numbers = parents
        .as_slice()
        .iter()
        .filter_map(|&parent| batch.tasks.get(usize::from(parent)))
        .map(|parent| parent.number.to_string());
    numbers.collect::<Vec<String>>().join(";")
}

/// What became of a task, behind what it is, on a machine with so many CPUs.
pub(super) fn became(done: &Done, cpus: usize) -> [Column<'static>; 9] {
    let (cpu, gpu) = match done.placement {
        Placement::One(device) if device < cpus => (Some(device), None),
        Placement::One(device) => (None, Some(device - cpus)),
        Placement::Split { cpu, gpu, .. } => (Some(cpu), Some(gpu - cpus)),
    };
    let place = |device: Option<usize>| Cell::Integer(device.and_then(|device| i64::try_from(device).ok()));
    [
        ("placed_ns", Cell::count(done.placed_ns)),
        ("start_ns", Cell::count(done.start_ns)),
        ("finish_ns", Cell::count(done.finish_ns)),
        ("cpu", place(cpu)),
        ("gpu", place(gpu)),
        ("gpu_share", Cell::Real(gpu_share(done.placement, cpus))),
        ("energy_j", Cell::Real(done.energy_j)),
        ("cost_usd", Cell::Real(done.cost_usd)),
        ("regret_ns", Cell::count(done.regret_ns)),
    ]
}

/// The share of a task that a GPU did.
pub(super) fn gpu_share(placement: Placement, cpus: usize) -> f64 {
    match placement {
        Placement::One(device) if device < cpus => 0.0,
        Placement::One(_) => 1.0,
        Placement::Split { share, .. } => share,
    }
}

/// What may be known of a task.
pub(super) fn row(task: &Task) -> [Column<'static>; 7] {
    let deadline = match task.deadline_ns {
        NEVER_NS => Cell::Integer(None),
        deadline_ns => Cell::count(deadline_ns),
    };
    [
        ("task", Cell::count(task.number)),
        ("size", Cell::Real(task.size)),
        ("compute_intensity", Cell::Real(task.intensity)),
        ("memory_mb", Cell::Real(task.memory_mb)),
        ("priority", Cell::count(task.priority.into())),
        ("arrival_ns", Cell::count(task.arrival_ns)),
        ("deadline_ns", deadline),
    ]
}
