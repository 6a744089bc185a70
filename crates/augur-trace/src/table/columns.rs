// SPDX-License-Identifier: GPL-2.0-only
//! The columns of a table of events: how an event becomes a row, and a row an event again.

use crate::{Comm, Event, EventKind, State, Task};

/// How a column's cell is found in an event.
pub(super) enum Cell {
    Time,
    Int(fn(&Event) -> Option<u32>),
    Signed(fn(&EventKind) -> Option<i32>),
    Count(fn(&EventKind) -> Option<u64>),
    Flag(fn(&EventKind) -> Option<bool>),
    Text(fn(&EventKind) -> Option<Vec<u8>>),
}

/// The table's columns: type, name, logical type, and where the cells come from.
pub(super) const COLUMNS: &[(&str, &str, &str, Cell)] = &[
    ("int64", "time_ns", "(integer(64,false))", Cell::Time),
    (
        "int32",
        "cpu",
        "(integer(32,false))",
        Cell::Int(|event| Some(event.cpu)),
    ),
    (
        "binary",
        "event",
        "(string)",
        Cell::Text(|kind| Some(kind.name().as_bytes().to_vec())),
    ),
    (
        "int32",
        "pid",
        "",
        Cell::Signed(|kind| task(kind).map(|task| task.pid)),
    ),
    (
        "binary",
        "comm",
        "(string)",
        Cell::Text(|kind| task(kind).map(name)),
    ),
    (
        "int32",
        "prio",
        "",
        Cell::Signed(|kind| task(kind).map(|task| task.prio)),
    ),
    (
        "int32",
        "prev_state",
        "",
        Cell::Signed(|kind| state(kind).map(|state| state.bits.into())),
    ),
    (
        "boolean",
        "preempted",
        "",
        Cell::Flag(|kind| state(kind).map(|state| state.preempted)),
    ),
    (
        "int32",
        "next_pid",
        "",
        Cell::Signed(|kind| next(kind).map(|task| task.pid)),
    ),
    (
        "binary",
        "next_comm",
        "(string)",
        Cell::Text(|kind| next(kind).map(name)),
    ),
    (
        "int32",
        "next_prio",
        "",
        Cell::Signed(|kind| next(kind).map(|task| task.prio)),
    ),
    (
        "int32",
        "target_cpu",
        "(integer(32,false))",
        Cell::Int(|event| cpus(&event.kind)[0]),
    ),
    (
        "int32",
        "orig_cpu",
        "(integer(32,false))",
        Cell::Int(|event| cpus(&event.kind)[1]),
    ),
    (
        "int32",
        "dest_cpu",
        "(integer(32,false))",
        Cell::Int(|event| cpus(&event.kind)[2]),
    ),
    (
        "int32",
        "child_pid",
        "",
        Cell::Signed(|kind| child(kind).map(|task| task.pid)),
    ),
    (
        "binary",
        "child_comm",
        "(string)",
        Cell::Text(|kind| child(kind).map(name)),
    ),
    (
        "int32",
        "old_pid",
        "",
        Cell::Signed(|kind| exec(kind).map(|(pid, _)| pid)),
    ),
    (
        "binary",
        "filename",
        "(string)",
        Cell::Text(|kind| exec(kind).map(|(_, filename)| filename.as_bytes().to_vec())),
    ),
    (
        "int64",
        "lost",
        "(integer(64,false))",
        Cell::Count(|kind| match kind {
            EventKind::Lost { count } => Some(*count),
            _ => None,
        }),
    ),
];

fn task(kind: &EventKind) -> Option<&Task> {
    match kind {
        EventKind::Switch { prev: task, .. }
        | EventKind::Waking { task, .. }
        | EventKind::Wakeup { task, .. }
        | EventKind::WakeupNew { task, .. }
        | EventKind::Migrate { task, .. }
        | EventKind::Fork { parent: task, .. }
        | EventKind::Exec { task, .. }
        | EventKind::Exit { task } => Some(task),
        EventKind::Lost { .. } => None,
    }
}

fn next(kind: &EventKind) -> Option<&Task> {
    match kind {
        EventKind::Switch { next, .. } => Some(next),
        _ => None,
    }
}

fn child(kind: &EventKind) -> Option<&Task> {
    match kind {
        EventKind::Fork { child, .. } => Some(child),
        _ => None,
    }
}

fn state(kind: &EventKind) -> Option<State> {
    match kind {
        EventKind::Switch { prev_state, .. } => Some(*prev_state),
        _ => None,
    }
}

/// Target, origin and destination.
fn cpus(kind: &EventKind) -> [Option<u32>; 3] {
    match kind {
        EventKind::Waking { target_cpu, .. }
        | EventKind::Wakeup { target_cpu, .. }
        | EventKind::WakeupNew { target_cpu, .. } => [Some(*target_cpu), None, None],
        EventKind::Migrate {
            orig_cpu, dest_cpu, ..
        } => [None, Some(*orig_cpu), Some(*dest_cpu)],
        _ => [None; 3],
    }
}

fn exec(kind: &EventKind) -> Option<(i32, &str)> {
    match kind {
        EventKind::Exec {
            old_pid, filename, ..
        } => Some((*old_pid, filename)),
        _ => None,
    }
}

fn name(task: &Task) -> Vec<u8> {
    String::from_utf8_lossy(task.comm.as_bytes())
        .into_owned()
        .into_bytes()
}

/// A cell that is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A number, or a truth.
    Number(i128),
    /// Words.
    Text(String),
}

impl Value {
    /// A cell of a text; `None` where it is empty.
    pub(super) fn of(text: &str) -> Option<Value> {
        match text {
            "" => None,
            "true" => Some(Value::Number(1)),
            "false" => Some(Value::Number(0)),
            text => Some(
                text.parse()
                    .map_or_else(|_| Value::Text(text.to_owned()), Value::Number),
            ),
        }
    }
}

/// The columns that every table has.
pub(super) const REQUIRED: [&str; 3] = ["time_ns", "cpu", "event"];

/// A row as an event; `cell` finds its cells by the columns' names.
pub(super) fn event(cell: impl Fn(&str) -> Option<Value>) -> Result<Event, String> {
    let text = |name: &str| {
        cell(name).map(|value| match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
        })
    };
    let row = Row { cell: &cell };
    let time_ns = row.number("time_ns")?;
    let cpu = row.number("cpu")?;
    let comm = |name: &str| Comm::new(text(name).unwrap_or_default().as_bytes());
    let who = |pid: &str, name: &str, prio: &str| -> Result<Task, String> {
        Ok(Task {
            pid: row.number(pid)?,
            comm: comm(name),
            prio: row.or_zero(prio)?,
        })
    };
    let task = || who("pid", "comm", "prio");
    let kind = match text("event").unwrap_or_default().as_str() {
        "sched_switch" => EventKind::Switch {
            prev: task()?,
            prev_state: State {
                bits: row.or_zero("prev_state")?,
                preempted: row.or_zero::<u8>("preempted")? != 0,
            },
            next: who("next_pid", "next_comm", "next_prio")?,
        },
        "sched_waking" => EventKind::Waking {
            task: task()?,
            target_cpu: row.number("target_cpu")?,
        },
        "sched_wakeup" => EventKind::Wakeup {
            task: task()?,
            target_cpu: row.number("target_cpu")?,
        },
        "sched_wakeup_new" => EventKind::WakeupNew {
            task: task()?,
            target_cpu: row.number("target_cpu")?,
        },
        "sched_migrate_task" => EventKind::Migrate {
            task: task()?,
            orig_cpu: row.number("orig_cpu")?,
            dest_cpu: row.number("dest_cpu")?,
        },
        "sched_process_fork" => EventKind::Fork {
            parent: task()?,
            child: Task {
                pid: row.number("child_pid")?,
                comm: comm("child_comm"),
                prio: 0,
            },
        },
        "sched_process_exec" => EventKind::Exec {
            task: task()?,
            old_pid: row.or_zero("old_pid")?,
            filename: text("filename").unwrap_or_default().into(),
        },
        "sched_process_exit" => EventKind::Exit { task: task()? },
        "lost" => EventKind::Lost {
            count: row.or_zero("lost")?,
        },
        "" => return Err("a row without an event".to_owned()),
        other => return Err(format!("an event that is not known: {other}")),
    };
    Ok(Event { time_ns, cpu, kind })
}

struct Row<'a, F> {
    cell: &'a F,
}

impl<F: Fn(&str) -> Option<Value>> Row<'_, F> {
    fn number<T: TryFrom<i128>>(&self, name: &str) -> Result<T, String> {
        match (self.cell)(name) {
            Some(Value::Number(number)) => {
                T::try_from(number).map_err(|_| format!("{number} is out of range for {name}"))
            }
            Some(Value::Text(text)) => Err(format!("`{text}` is not a number for {name}")),
            None => Err(format!("a row without {name}")),
        }
    }

    fn or_zero<T: TryFrom<i128> + Default>(&self, name: &str) -> Result<T, String> {
        match (self.cell)(name) {
            None => Ok(T::default()),
            Some(_) => self.number(name),
        }
    }
}
