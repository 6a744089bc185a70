// SPDX-License-Identifier: GPL-2.0-only
//! The columns of a table of events: how an event becomes a row, and a row an event again.

use crate::event::{Fields, Named, Role};
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

/// A column of the table: type, name, logical type, and where the cells come from.
pub(super) type Column = (&'static str, &'static str, &'static str, Cell);

const fn text(name: &'static str, of: fn(&EventKind) -> Option<Vec<u8>>) -> Column {
    ("binary", name, "(string)", Cell::Text(of))
}

const fn signed(name: &'static str, of: fn(&EventKind) -> Option<i32>) -> Column {
    ("int32", name, "", Cell::Signed(of))
}

const fn int(name: &'static str, of: fn(&Event) -> Option<u32>) -> Column {
    ("int32", name, "(integer(32,false))", Cell::Int(of))
}

const fn count(name: &'static str, of: Cell) -> Column {
    ("int64", name, "(integer(64,false))", of)
}

/// The table's columns. The first three are there in each row.
pub(super) const COLUMNS: &[Column] = &[
    count("time_ns", Cell::Time),
    int("cpu", |event| Some(event.cpu)),
    text("event", |kind| Some(kind.name().as_bytes().to_vec())),
    signed("pid", |kind| kind.task().map(|task| task.pid)),
    text("comm", |kind| kind.task().map(name)),
    signed("prio", |kind| kind.task().map(|task| task.prio)),
    signed("prev_state", |kind| state(kind).map(|state| state.bits.into())),
    (
        "boolean",
        "preempted",
        "",
        Cell::Flag(|kind| state(kind).map(|state| state.preempted)),
    ),
    signed("next_pid", |kind| next(kind).map(|task| task.pid)),
    text("next_comm", |kind| next(kind).map(name)),
    signed("next_prio", |kind| next(kind).map(|task| task.prio)),
    int("target_cpu", |event| cpus(&event.kind)[0]),
    int("orig_cpu", |event| cpus(&event.kind)[1]),
    int("dest_cpu", |event| cpus(&event.kind)[2]),
    signed("child_pid", |kind| child(kind).map(|task| task.pid)),
    text("child_comm", |kind| child(kind).map(name)),
    signed("old_pid", |kind| exec(kind).map(|(pid, _)| pid)),
    text("filename", |kind| {
        exec(kind).map(|(_, filename)| filename.as_bytes().to_vec())
    }),
    count("lost", Cell::Count(lost)),
];

fn lost(kind: &EventKind) -> Option<u64> {
    match kind {
        EventKind::Lost { count } => Some(*count),
        _ => None,
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
    let mut row = Row { cell };
    let (time_ns, cpu) = (row.number("time_ns")?, row.number("cpu")?);
    let name = row.text("event");
    let number = (0..).zip(EventKind::NAMES).find(|(_, known)| *known == name);
    let kind = match number {
        Some((number, _)) => EventKind::read(number, &mut row)?,
        None if name.is_empty() => return Err("a row without an event".to_owned()),
        None => None,
    };
    let kind = kind.ok_or_else(|| format!("an event that is not known: {name}"))?;
    Ok(Event { time_ns, cpu, kind })
}

struct Row<F> {
    cell: F,
}

impl<F: Fn(&str) -> Option<Value>> Fields for Row<F> {
    type Error = String;

    fn task(&mut self, role: Role) -> Result<Task, String> {
        let (pid, comm, prio) = match role {
            Role::Subject => ("pid", "comm", Some("prio")),
            Role::Next => ("next_pid", "next_comm", Some("next_prio")),
            Role::Child => ("child_pid", "child_comm", None),
        };
        Ok(Task {
            pid: self.number(pid)?,
            comm: Comm::new(self.text(comm).as_bytes()),
            prio: prio.map_or(Ok(0), |prio| self.or_zero(prio))?,
        })
    }

    fn state(&mut self) -> Result<State, String> {
        Ok(State {
            bits: self.or_zero("prev_state")?,
            preempted: self.or_zero::<u8>("preempted")? != 0,
        })
    }

    fn cpu(&mut self, which: Named) -> Result<u32, String> {
        self.number(match which {
            Named::Target => "target_cpu",
            Named::Orig => "orig_cpu",
            Named::Dest => "dest_cpu",
        })
    }

    fn old_pid(&mut self) -> Result<i32, String> {
        self.or_zero("old_pid")
    }

    fn filename(&mut self) -> Result<Box<str>, String> {
        Ok(self.text("filename").into())
    }

    fn count(&mut self) -> Result<u64, String> {
        self.or_zero("lost")
    }
}

impl<F: Fn(&str) -> Option<Value>> Row<F> {
    fn text(&self, name: &str) -> String {
        match (self.cell)(name) {
            Some(Value::Text(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            None => String::new(),
        }
    }

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
