// SPDX-License-Identifier: GPL-2.0-only
//! Those tables as CSV.

use super::Cell;
use crate::file::Output;
use anyhow::{Result, anyhow};
use std::path::Path;

/// A table that is being written.
pub struct Table(csv::Writer<Output>);

impl Table {
    /// Starts a table whose columns have these names and the kinds of these cells.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn create(path: &Path, columns: &[(&str, Cell<'_>)]) -> Result<Table> {
        let mut writer = csv::Writer::from_writer(Output::create(path)?);
        writer.write_record(columns.iter().map(|(name, _)| *name))?;
        Ok(Table(writer))
    }

    /// Adds a row, with a cell of its kind for each column.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn push(&mut self, cells: &[(&str, Cell<'_>)]) -> Result<()> {
        Ok(self
            .0
            .write_record(cells.iter().map(|(_, cell)| cell.to_string()))?)
    }

    /// Writes what is left; the file gets its name when [`Output::finish`] is called.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(self) -> Result<Output> {
        self.0.into_inner().map_err(|err| anyhow!("{}", err.error()))
    }
}
