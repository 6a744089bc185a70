// SPDX-License-Identifier: GPL-2.0-only
//! Tables as CSV, with commas, semicolons or tabs.

use super::columns::{Cell, Columns};
use super::{Row, push};
use crate::workload::Physics;
use anyhow::Result;
use std::borrow::Cow;

/// Reads a table.
///
/// # Errors
/// One sentence that names the line and the column.
pub(super) fn read(text: &str, _physics: &Physics, notes: &mut Vec<String>) -> Result<Vec<Row>> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [',', ';', '\t'].into_iter().find(|&sign| header.contains(sign));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(',') as u8)
        .from_reader(text.as_bytes());
    let names = reader.headers().map_err(|err| wrong(&err))?.clone();
    let columns = Columns::of(names.iter(), notes)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|err| wrong(&err))?;
        let line = record.position().map_or(0, |position| line_of(text, position));
        let cells = record.iter().map(|cell| match cell.trim() {
            "" => Cell::Empty,
            cell => Cell::Text(Cow::Borrowed(cell)),
        });
        push(&mut rows, columns.row(line, "line", cells)?)?;
    }
    Ok(rows)
}

/// The line that a record begins on: the library counts from the empty lines before it.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let before = text.as_bytes().iter().skip(position.byte() as usize);
    let blank = before.take_while(|&&byte| byte == b'\r' || byte == b'\n');
    position.line() + blank.filter(|&&byte| byte == b'\n').count() as u64
}

/// What the library says, in one line, the place first.
fn wrong(err: &csv::Error) -> anyhow::Error {
    match err.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            anyhow::anyhow!("line {line} has {len} cells where the first line has {expected_len}")
        }
        _ => anyhow::anyhow!("{}", err.to_string().replace('\n', "; ")),
    }
}
