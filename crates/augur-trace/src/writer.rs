// SPDX-License-Identifier: GPL-2.0-only
//! One writer for all formats.

use super::native::NativeWriter;
use super::perfetto::PerfettoWriter;
use super::rtapp::RtAppWriter;
use super::table::CsvWriter;
#[cfg(feature = "parquet")]
use super::table::ParquetWriter;
use super::text::TextWriter;
use super::{Event, Format, Header};
use anyhow::{Context, Result, bail};
use augur_base::file::Output;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a format has to do.
pub(crate) trait Sink {
    /// Adds an event; they come in the order of time.
    ///
    /// # Errors
    /// Where the file cannot be written.
    fn write(&mut self, event: &Event) -> Result<()>;

    /// Which thread belongs to which process; most formats have no place for that.
    fn set_groups(&mut self, _groups: &BTreeMap<i32, i32>) {}

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// Where it cannot be written; then it is gone.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Writes a trace. The file has its name only after [`Writer::finish`]; without that, there is none.
pub struct Writer {
    sink: Box<dyn Sink>,
    path: PathBuf,
}

impl Writer {
    /// Starts a file of that format.
    ///
    /// # Errors
    /// Where the file cannot be written, or the format is only read.
    pub fn create(path: &Path, format: Format, header: &Header) -> Result<Writer> {
        // The native header says at the beginning what is known at the end.
        let out = match format {
            Format::Native => Output::seekable(path)?,
            _ => Output::create(path)?,
        };
        let sink: Box<dyn Sink> = match format {
            Format::Native => Box::new(NativeWriter::new(out, header)?),
            Format::Ftrace => Box::new(TextWriter::new(out, header)?),
            Format::Perfetto => Box::new(PerfettoWriter::new(out, header)?),
            #[cfg(feature = "parquet")]
            Format::Parquet => Box::new(ParquetWriter::new(out)?),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => bail!(augur_base::file::NO_PARQUET),
            Format::Csv => Box::new(CsvWriter::new(out)?),
            Format::RtApp => Box::new(RtAppWriter::new(out)),
            Format::TraceCmd | Format::Perf => bail!("{format} is only read; write ftrace instead"),
        };
        Ok(Writer {
            sink,
            path: path.to_owned(),
        })
    }

    /// Adds an event; they come in the order of time.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let result = self.sink.write(event);
        result.with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Tells which thread belongs to which process, before the end.
    pub fn set_groups(&mut self, groups: &BTreeMap<i32, i32>) {
        self.sink.set_groups(groups);
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// Where it cannot be written; then it is gone.
    pub fn finish(self) -> Result<()> {
        let result = self.sink.finish();
        result.with_context(|| format!("cannot write {}", self.path.display()))
    }
}
