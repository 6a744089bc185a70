// SPDX-License-Identifier: GPL-2.0-only
//! A table of events in CSV, with the columns' names in its first line.

use super::columns::{self, COLUMNS, Cell, REQUIRED, Value};
use crate::reader::Source;
use crate::{Event, Header, Notes, Sink};
use anyhow::{Context, Result};
use augur_base::file::Output;
use csv::{ByteRecord, Reader, ReaderBuilder, Writer};
use std::collections::HashMap;
use std::io::Read;

/// Whether a file that begins so is such a table.
pub(crate) fn is_table(opening: &[u8]) -> bool {
    let line = opening.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let names = names(line.strip_suffix(b"\r").unwrap_or(line));
    REQUIRED.iter().all(|name| names.contains_key(*name))
}

/// Where each column is.
fn names(line: &[u8]) -> HashMap<String, usize> {
    let text = String::from_utf8_lossy(line);
    let names = text.trim_start_matches('\u{feff}').split(',');
    let bare = |name: &str| name.trim().trim_matches('"').to_owned();
    names
        .enumerate()
        .map(|(index, name)| (bare(name), index))
        .collect()
}

/// Writes the table.
pub(crate) struct CsvWriter(Writer<Output>);

impl CsvWriter {
    /// Starts with the names.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn new(out: Output) -> Result<CsvWriter> {
        let mut writer = Writer::from_writer(out);
        writer.write_record(COLUMNS.iter().map(|(_, name, ..)| name))?;
        Ok(CsvWriter(writer))
    }
}

/// A cell of an event, empty where it has none.
fn cell(cell: &Cell, event: &Event) -> Vec<u8> {
    let shown = |value: Option<String>| value.unwrap_or_default().into_bytes();
    match cell {
        Cell::Time => event.time_ns.to_string().into_bytes(),
        Cell::Int(of) => shown(of(event).map(|value| value.to_string())),
        Cell::Signed(of) => shown(of(&event.kind).map(|value| value.to_string())),
        Cell::Count(of) => shown(of(&event.kind).map(|value| value.to_string())),
        Cell::Flag(of) => shown(of(&event.kind).map(|value| value.to_string())),
        Cell::Text(of) => of(&event.kind).unwrap_or_default(),
    }
}

impl Sink for CsvWriter {
    fn write(&mut self, event: &Event) -> Result<()> {
        Ok(self
            .0
            .write_record(COLUMNS.iter().map(|(.., of)| cell(of, event)))?)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let out = self
            .0
            .into_inner()
            .map_err(|err| anyhow::anyhow!("{}", err.error()))?;
        out.finish()
    }
}

/// Reads a table, row by row.
pub(crate) struct CsvSource<R> {
    reader: Reader<R>,
    columns: HashMap<String, usize>,
    record: ByteRecord,
    header: Header,
}

impl<R: Read> CsvSource<R> {
    /// Starts with the names.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) fn new(input: R) -> Result<CsvSource<R>> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(input);
        let mut record = ByteRecord::new();
        reader
            .read_byte_record(&mut record)
            .context("cannot read the names of its columns")?;
        let line: Vec<&[u8]> = record.iter().collect();
        let columns = names(&line.join(&b','));
        Ok(CsvSource {
            reader,
            columns,
            record,
            header: Header::default(),
        })
    }
}

impl<R: Read + Send> Source for CsvSource<R> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn position(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        while self
            .reader
            .read_byte_record(&mut self.record)
            .context("cannot read the trace")?
        {
            let cell = |name: &str| {
                let index = *self.columns.get(name)?;
                let text = String::from_utf8_lossy(self.record.get(index)?);
                // A name that looks like a number is a name all the same.
                match name.ends_with("comm") || name == "filename" {
                    true => (!text.is_empty()).then(|| Value::Text(text.into_owned())),
                    false => Value::of(text.trim()),
                }
            };
            match columns::event(cell) {
                Ok(event) => return Ok(Some(event)),
                Err(why) => notes.skip(self.position(), why),
            }
        }
        Ok(None)
    }
}
