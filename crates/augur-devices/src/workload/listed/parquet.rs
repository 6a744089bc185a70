// SPDX-License-Identifier: GPL-2.0-only
//! Tables as Parquet, uncompressed or packed with Snappy or LZ4.

use super::columns::{Cell, Columns};
use super::{MOST_TASKS, Row, push};
use crate::workload::Physics;
use anyhow::{Result, ensure};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::borrow::Cow;

/// Reads a table.
///
/// # Errors
/// One sentence that names the row and the column.
pub(crate) fn read(bytes: Vec<u8>, _physics: &Physics, notes: &mut Vec<String>) -> Result<Vec<Row>> {
    let wrong = |err: &dyn std::fmt::Display| {
        anyhow::anyhow!(
            "its Parquet cannot be read: {}",
            err.to_string().replace('\n', "; ")
        )
    };
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(|err| wrong(&err))?;
    let about = file.metadata().file_metadata();
    ensure!(
        usize::try_from(about.num_rows()).is_ok_and(|count| count <= MOST_TASKS),
        "there are more than {MOST_TASKS} tasks"
    );
    let names: Vec<String> = about
        .schema()
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    let columns = Columns::of(names.iter().map(String::as_str), notes)?;
    let mut rows = Vec::new();
    for record in file.get_row_iter(None).map_err(|err| wrong(&err))? {
        let record = record.map_err(|err| wrong(&err))?;
        let number = rows.len() as u64 + 1;
        let mut cells = Vec::with_capacity(names.len());
        for (name, field) in record.get_column_iter() {
            cells.push(cell(field).ok_or_else(|| {
                anyhow::anyhow!("row {number}: what is in column '{name}' is neither a number nor words")
            }));
        }
        // What says nothing may be of any kind.
        let mut failed = None;
        let plain = cells.into_iter().map(|cell| match cell {
            Ok(cell) => cell,
            Err(err) => {
                failed.get_or_insert(err);
                Cell::Empty
            }
        });
        let row = columns.row(number, "row", plain);
        push(&mut rows, row.map_err(|err| failed.unwrap_or(err))?)?;
    }
    Ok(rows)
}

/// A list is as its words, kept apart by blanks.
fn cell(field: &Field) -> Option<Cell<'_>> {
    Some(match field {
        Field::Null => Cell::Empty,
        Field::Byte(number) => Cell::Integer((*number).into()),
        Field::Short(number) => Cell::Integer((*number).into()),
        Field::Int(number) => Cell::Integer((*number).into()),
        Field::Long(number) => Cell::Integer((*number).into()),
        Field::UByte(number) => Cell::Integer((*number).into()),
        Field::UShort(number) => Cell::Integer((*number).into()),
        Field::UInt(number) => Cell::Integer((*number).into()),
        Field::ULong(number) => Cell::Integer((*number).into()),
        Field::Float(number) => Cell::Number((*number).into()),
        Field::Double(number) => Cell::Number(*number),
        Field::Str(text) => Cell::Text(Cow::Borrowed(text)),
        Field::ListInternal(list) => {
            let words = list.elements().iter().map(|element| match cell(element)? {
                Cell::Integer(number) => Some(number.to_string()),
                Cell::Number(number) => Some(number.to_string()),
                Cell::Text(text) => Some(text.into_owned()),
                Cell::Empty => Some(String::new()),
            });
            Cell::Text(Cow::Owned(words.collect::<Option<Vec<String>>>()?.join(" ")))
        }
        _ => return None,
    })
}
