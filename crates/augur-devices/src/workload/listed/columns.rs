// SPDX-License-Identifier: GPL-2.0-only
//! Which column of a table says what of a task, and what may stand in it.

use super::{MOST_S, Row};
use crate::workload::task::{NEVER_NS, Task};
use anyhow::{Context, Result, bail, ensure};
use std::borrow::Cow;

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Size,
    Intensity,
    MemoryMb,
    ArrivalS,
    ArrivalNs,
    DeadlineS,
    DeadlineNs,
    Priority,
    Parents,
}

/// Names, those of the help first.
const NAMES: [(&str, Kind); 18] = [
    ("task", Kind::Id),
    ("task_id", Kind::Id),
    ("id", Kind::Id),
    ("size", Kind::Size),
    ("compute_intensity", Kind::Intensity),
    ("intensity", Kind::Intensity),
    ("memory_required", Kind::MemoryMb),
    ("memory_mb", Kind::MemoryMb),
    ("memory", Kind::MemoryMb),
    ("arrival_time", Kind::ArrivalS),
    ("arrival_s", Kind::ArrivalS),
    ("arrival_ns", Kind::ArrivalNs),
    ("deadline", Kind::DeadlineS),
    ("deadline_s", Kind::DeadlineS),
    ("deadline_ns", Kind::DeadlineNs),
    ("priority", Kind::Priority),
    ("dependencies", Kind::Parents),
    ("parents", Kind::Parents),
];

/// The columns of a table: for each what it says, if anything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    kinds: Vec<Option<Kind>>,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "a cell of CSV is words"))]
pub(super) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(i128),
    /// Words, maybe a number.
    Text(Cow<'a, str>),
}

impl Columns {
    /// By their names; those that say nothing are noted.
    ///
    /// # Errors
    /// One sentence that names those that are missing, or are there twice.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>, notes: &mut Vec<String>) -> Result<Columns> {
        let mut kinds: Vec<Option<Kind>> = Vec::new();
        let mut unknown: Vec<String> = Vec::new();
        for name in names {
            let plain = name.trim().to_ascii_lowercase();
            let kind = NAMES
                .iter()
                .find(|(known, _)| *known == plain)
                .map(|(_, kind)| *kind);
            match kind {
                Some(kind) if kinds.contains(&Some(kind)) => {
                    bail!("two columns say what '{}' says; leave one out", name.trim())
                }
                None => unknown.push(format!("'{}'", name.trim().escape_debug())),
                _ => {}
            }
            kinds.push(kind);
        }
        let has = |kind| kinds.contains(&Some(kind));
        let needed = [
            ("size", has(Kind::Size)),
            ("compute_intensity", has(Kind::Intensity)),
            ("memory_required", has(Kind::MemoryMb)),
            (
                "arrival_time (in s) or arrival_ns",
                has(Kind::ArrivalS) || has(Kind::ArrivalNs),
            ),
        ];
        let missing: Vec<&str> = needed
            .iter()
            .filter(|(_, there)| !there)
            .map(|(name, _)| *name)
            .collect();
        ensure!(missing.is_empty(), "it has no column {}", missing.join(", "));
        for (a, b, what) in [
            (Kind::ArrivalS, Kind::ArrivalNs, "arrival"),
            (Kind::DeadlineS, Kind::DeadlineNs, "deadline"),
        ] {
            ensure!(
                !(has(a) && has(b)),
                "two columns say the {what}, in s and in ns; leave one out"
            );
        }
        if !unknown.is_empty() {
            unknown.truncate(12);
            notes.push(format!("columns that say nothing here: {}", unknown.join(", ")));
        }
        Ok(Columns { kinds })
    }

    /// A row; `at` is its line or number, `what` which of the two.
    ///
    /// # Errors
    /// One sentence that names the line and the column.
    pub(super) fn row<'a>(&self, at: u64, what: &str, cells: impl Iterator<Item = Cell<'a>>) -> Result<Row> {
        let mut row = Row {
            at,
            // Whoever names no tasks counts them.
            id: String::new(),
            task: Task {
                deadline_ns: NEVER_NS,
                ..Task::default()
            },
            work: None,
            parents: Vec::new(),
        };
        for (kind, cell) in self.kinds.iter().zip(cells) {
            if let Some(kind) = kind {
                set(&mut row, *kind, &cell).with_context(|| format!("{what} {at}"))?;
            }
        }
        Ok(row)
    }
}

fn set(row: &mut Row, kind: Kind, cell: &Cell<'_>) -> Result<()> {
    let task = &mut row.task;
    match kind {
        Kind::Id => {
            row.id = cell.words();
            ensure!(!row.id.is_empty(), "the task has no name");
        }
        Kind::Size => task.size = cell.number("size", 1e9)?,
        Kind::Intensity => task.intensity = cell.number("compute_intensity", 1.0)?,
        Kind::MemoryMb => task.memory_mb = cell.number("memory_required", 1e9)?,
        Kind::ArrivalS => task.arrival_ns = ns(cell.number("arrival_time", MOST_S)?),
        Kind::ArrivalNs => task.arrival_ns = cell.nanoseconds("arrival_ns")?,
        Kind::DeadlineS | Kind::DeadlineNs if *cell == Cell::Empty => {}
        Kind::DeadlineS => task.deadline_ns = ns(cell.number("deadline", MOST_S)?),
        Kind::DeadlineNs => task.deadline_ns = cell.nanoseconds("deadline_ns")?,
        Kind::Priority if *cell == Cell::Empty => {}
        Kind::Priority => {
            let priority = cell.number("priority", 255.0)?;
            ensure!(
                priority.fract() == 0.0,
                "the priority {priority} is not a whole number from 0 to 255"
            );
            task.priority = priority as u8;
        }
        Kind::Parents => row.parents = cell.names(),
    }
    Ok(())
}

fn ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

impl Cell<'_> {
    fn words(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Number(number) => number.to_string(),
            Cell::Integer(number) => number.to_string(),
            Cell::Text(text) => text.trim().to_owned(),
        }
    }

    fn number(&self, name: &str, most: f64) -> Result<f64> {
        let number = match self {
            Cell::Empty => bail!("there is no {name}"),
            Cell::Number(number) => Some(*number),
            Cell::Integer(number) => Some(*number as f64),
            Cell::Text(text) => text.trim().parse().ok(),
        };
        number
            .filter(|number| (0.0..=most).contains(number))
            .with_context(|| format!("the {name} {} is not a number from 0 to {most}", self.shown()))
    }

    fn nanoseconds(&self, name: &str) -> Result<u64> {
        let most = (MOST_S * 1e9) as u64;
        let number = match self {
            Cell::Integer(number) => u64::try_from(*number).ok(),
            Cell::Text(text) => text.trim().parse().ok(),
            Cell::Number(number) if number.fract() == 0.0 => Some(*number as u64).filter(|_| *number >= 0.0),
            _ => None,
        };
        number.filter(|number| *number <= most).with_context(|| {
            format!(
                "the {name} {} is not a whole number from 0 to {most}",
                self.shown()
            )
        })
    }

    fn shown(&self) -> String {
        let words: String = self.words().chars().take(40).collect();
        format!("'{}'", words.escape_debug())
    }

    /// Names that commas, semicolons or blanks keep apart, in brackets or not, in quotes or not.
    fn names(&self) -> Vec<String> {
        let words = self.words();
        let plain = words.trim_matches(|c: char| "[](){}".contains(c) || c.is_whitespace());
        let names = plain
            .split(|c: char| c == ',' || c == ';' || c == '|' || c.is_whitespace())
            .map(|name| name.trim_matches(['\'', '"']));
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}
