// SPDX-License-Identifier: GPL-2.0-only
//! A table of events in Parquet.

use super::columns::{self, COLUMNS, Cell, REQUIRED, Value};
use crate::reader::Source;
use crate::{Event, Header, Notes, Sink};
use anyhow::{Context, Result, ensure};
use augur_base::file::{Output, plain};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Rows that are written together.
const ROWS: usize = 1 << 16;

/// Writes the table.
pub(crate) struct ParquetWriter {
    file: SerializedFileWriter<Output>,
    rows: Vec<Event>,
}

impl ParquetWriter {
    /// Starts an empty table.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn new(out: Output) -> Result<ParquetWriter> {
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
                Cell::Text(cell) => {
                    column::<ByteArrayType>(&mut group, rows, |event| cell(&event.kind).map(Into::into))?;
                }
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

/// Reads a table, row by row.
pub(crate) struct ParquetSource {
    rows: RowIter<'static>,
    header: Header,
    number: u64,
}

impl ParquetSource {
    /// Starts with the first row. Such a file is read from its end, so what comes through a pipe is kept in a file without
    /// a name meanwhile.
    ///
    /// # Errors
    /// Where it is damaged, or no table of events.
    pub(crate) fn new(mut input: impl Read) -> Result<ParquetSource> {
        let mut file: File =
            tempfile::tempfile().context("cannot make a temporary file; name a place in TMPDIR")?;
        io::copy(&mut input, &mut file).context("cannot keep it in a temporary file; make room in TMPDIR")?;
        file.seek(SeekFrom::Start(0))?;
        let reader = SerializedFileReader::new(file).context("it is a damaged Parquet file")?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
        for name in REQUIRED {
            ensure!(
                names.contains(&name),
                "it is a Parquet file without a column {name}, so no table of events; see `scx_augur export --help`"
            );
        }
        Ok(ParquetSource {
            rows: reader.into_iter(),
            header: Header::default(),
            number: 0,
        })
    }
}

fn value(field: &Field) -> Option<Value> {
    Some(match field {
        Field::Bool(value) => Value::Number((*value).into()),
        Field::Byte(value) => Value::Number((*value).into()),
        Field::Short(value) => Value::Number((*value).into()),
        Field::Int(value) => Value::Number((*value).into()),
        Field::Long(value) => Value::Number((*value).into()),
        Field::UByte(value) => Value::Number((*value).into()),
        Field::UShort(value) => Value::Number((*value).into()),
        Field::UInt(value) => Value::Number((*value).into()),
        Field::ULong(value) => Value::Number((*value).into()),
        Field::Str(text) => Value::Text(text.clone()),
        Field::Bytes(bytes) => Value::Text(String::from_utf8_lossy(bytes.data()).into()),
        _ => return None,
    })
}

impl Source for ParquetSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn position(&self) -> u64 {
        self.number
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        loop {
            let Some(row) = self.rows.next() else {
                return Ok(None);
            };
            self.number += 1;
            let row = match row {
                Ok(row) => row,
                Err(err) => {
                    notes.tear(format!(
                        "the table is damaged after row {}: {err}",
                        self.number - 1
                    ));
                    return Ok(None);
                }
            };
            let cell = |name: &str| {
                let mut cells = row.get_column_iter();
                cells
                    .find(|(column, _)| *column == name)
                    .and_then(|(_, field)| value(field))
            };
            match columns::event(cell) {
                Ok(event) => return Ok(Some(event)),
                Err(why) => notes.skip(self.number, why),
            }
        }
    }
}
