// SPDX-License-Identifier: GPL-2.0-only
//! Those tables in Parquet, with memory for some rows only.

use super::Cell;
use crate::file::{Output, plain};
use anyhow::{Context, Result};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

/// Rows that are written together.
const ROWS: usize = 1 << 16;

/// A table that is being written.
pub struct Table {
    file: SerializedFileWriter<Output>,
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    Integer(Vec<Option<i64>>),
    Real(Vec<f64>),
    Text(Vec<ByteArray>),
}

impl Table {
    /// Starts a table whose columns have these names and the kinds of these cells.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn create(path: &Path, columns: &[(&str, Cell<'_>)]) -> Result<Table> {
        let fields = columns.iter().map(|(name, cell)| match cell {
            Cell::Integer(_) => format!("optional int64 {name};"),
            Cell::Real(_) => format!("required double {name};"),
            Cell::Text(_) => format!("required binary {name} (UTF8);"),
        });
        let schema = format!("message tasks {{ {} }}", fields.collect::<String>());
        let schema = parse_message_type(&schema).context("the table's columns are damaged")?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .build();
        let columns = columns.iter().map(|(_, cell)| match cell {
            Cell::Integer(_) => Column::Integer(Vec::new()),
            Cell::Real(_) => Column::Real(Vec::new()),
            Cell::Text(_) => Column::Text(Vec::new()),
        });
        Ok(Table {
            file: SerializedFileWriter::new(Output::create(path)?, Arc::new(schema), Arc::new(properties))
                .map_err(plain)?,
            columns: columns.collect(),
            rows: 0,
        })
    }

    /// Adds a row, with a cell of its kind for each column.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn push(&mut self, cells: &[(&str, Cell<'_>)]) -> Result<()> {
        for (column, (_, cell)) in self.columns.iter_mut().zip(cells) {
            match (column, cell) {
                (Column::Integer(values), Cell::Integer(value)) => values.push(*value),
                (Column::Real(values), Cell::Real(value)) => values.push(*value),
                (Column::Text(values), Cell::Text(value)) => values.push(ByteArray::from(*value)),
                _ => anyhow::bail!("a cell is not of its column's kind"),
            }
        }
        self.rows += 1;
        if self.rows == ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group().map_err(plain)?;
        for column in &mut self.columns {
            match column {
                Column::Integer(values) => {
                    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
                    let there: Vec<i64> = values.drain(..).flatten().collect();
                    write::<Int64Type>(&mut group, &there, Some(&levels))?;
                }
                Column::Real(values) => {
                    write::<DoubleType>(&mut group, values, None)?;
                    values.clear();
                }
                Column::Text(values) => {
                    write::<ByteArrayType>(&mut group, values, None)?;
                    values.clear();
                }
            }
        }
        group.close().map_err(plain)?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left; the file gets its name when [`Output::finish`] is called.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(mut self) -> Result<Output> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.into_inner().map_err(plain)
    }
}

fn write<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Output>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column().map_err(plain)?.context("a column too many")?;
    column
        .typed::<T>()
        .write_batch(values, levels, None)
        .map_err(plain)?;
    column.close().map_err(plain)
}
