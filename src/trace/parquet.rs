// SPDX-License-Identifier: GPL-2.0-only
//! A table in Parquet: one row for each event, one column for each field, empty where an event has none such.

use super::{Event, EventKind, Sink, State, Task};
use crate::file::{Output, plain};
use anyhow::{Context, Result};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

/// Rows that are written together.
const ROWS: usize = 1 << 16;

/// How a column's cell is found in an event.
enum Cell {
    Time,
    Int(fn(&Event) -> Option<u32>),
    Signed(fn(&EventKind) -> Option<i32>),
    Count(fn(&EventKind) -> Option<u64>),
    Flag(fn(&EventKind) -> Option<bool>),
    Text(fn(&EventKind) -> Option<ByteArray>),
}

/// The table's columns: type, name, logical type, and where the cells come from.
const COLUMNS: &[(&str, &str, &str, Cell)] = &[
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
        Cell::Text(|kind| Some(kind.name().into())),
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
        Cell::Text(|kind| exec(kind).map(|(_, filename)| filename.into())),
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

fn name(task: &Task) -> ByteArray {
    String::from_utf8_lossy(task.comm.as_bytes())
        .into_owned()
        .into_bytes()
        .into()
}

/// Writes the table.
pub struct ParquetWriter {
    file: SerializedFileWriter<Output>,
    rows: Vec<Event>,
}

impl ParquetWriter {
    /// Starts an empty table.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn new(out: Output) -> Result<ParquetWriter> {
        let fields = COLUMNS
            .iter()
            .enumerate()
            .map(|(index, (kind, name, logical, _))| {
                // The first three are there in each row.
                let presence = if index < 3 { "required" } else { "optional" };
                format!("{presence} {kind} {name} {logical};")
            });
        let schema = format!("message trace {{ {} }}", fields.collect::<String>());
        let schema = parse_message_type(&schema).context("the table's columns are damaged")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(plain)?;
        let rows = Vec::new();
        Ok(ParquetWriter { file, rows })
    }

    fn flush(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(plain)?;
        let rows = &self.rows;
        for (_, _, _, cell) in COLUMNS {
            match cell {
                Cell::Time => {
                    column::<Int64Type>(&mut group, rows, |event| Some(event.time_ns.cast_signed()))?
                }
                Cell::Int(cell) => {
                    column::<Int32Type>(&mut group, rows, |event| cell(event).map(u32::cast_signed))?
                }
                Cell::Signed(cell) => column::<Int32Type>(&mut group, rows, |event| cell(&event.kind))?,
                Cell::Count(cell) => {
                    column::<Int64Type>(&mut group, rows, |event| cell(&event.kind).map(u64::cast_signed))?;
                }
                Cell::Flag(cell) => column::<BoolType>(&mut group, rows, |event| cell(&event.kind))?,
                Cell::Text(cell) => column::<ByteArrayType>(&mut group, rows, |event| cell(&event.kind))?,
            }
        }
        group.close().map_err(plain)?;
        self.rows.clear();
        Ok(())
    }
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    rows: &[Event],
    cell: impl Fn(&Event) -> Option<T::T>,
) -> Result<()> {
    let mut column = group.next_column().map_err(plain)?.context("a column too many")?;
    let cells: Vec<Option<T::T>> = rows.iter().map(cell).collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)
        .map_err(plain)?;
    column.close().map_err(plain)
}

impl Sink for ParquetWriter {
    fn write(&mut self, event: &Event) -> Result<()> {
        self.rows.push(event.clone());
        if self.rows.len() >= ROWS {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        self.file.into_inner().map_err(plain)?.finish()
    }
}
