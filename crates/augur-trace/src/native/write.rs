// SPDX-License-Identifier: GPL-2.0-only
//! Writing the native format.

use super::MAGIC;
use super::chunk::{self, Kind};
use super::codec::Encoder;
use crate::{Event, EventKind, Header, Sink};
use anyhow::{Context, Result};
use augur_base::file::Output;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes of events that make a chunk: about 20,000 events, which is what a torn end can cost.
const CHUNK: usize = 1 << 18;

/// Writes a native file. It has no name before [`NativeWriter::close`].
pub struct NativeWriter {
    out: Output,
    header: Vec<u8>,
    block: Encoder,
    lost: u64,
}

impl NativeWriter {
    /// Starts the file that will be `path`. Of the header, `lost` may still change.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(path: &Path, header: &Header) -> Result<NativeWriter> {
        NativeWriter::new(Output::seekable(path)?, header)
    }

    pub(crate) fn new(mut out: Output, header: &Header) -> Result<NativeWriter> {
        let json = serde_json::to_vec(header).context("cannot write the header")?;
        out.write_all(MAGIC)?;
        let mut writer = NativeWriter {
            out,
            header: json,
            block: Encoder::default(),
            lost: 0,
        };
        writer.write_header(header.lost)?;
        Ok(writer)
    }

    /// The number of lost events comes first, in eight bytes, so that the chunk keeps its length.
    fn write_header(&mut self, lost: u64) -> Result<()> {
        let mut content = lost.to_le_bytes().to_vec();
        content.extend_from_slice(&self.header);
        Ok(chunk::write(&mut self.out, Kind::Header, &content, false)?)
    }

    /// Adds an event. Events should come in the order of time; readers put right what is a little late.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn push(&mut self, event: &Event) -> Result<()> {
        if let EventKind::Lost { count } = event.kind {
            self.lost = self.lost.saturating_add(count.max(1));
        }
        self.block.push(event);
        if self.block.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the chunk that is being filled, so that what came so far is safe.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let Self { out, block, .. } = self;
        if block.len() > 0 {
            block.take(|content| chunk::write(out, Kind::Events, content, true))?;
        }
        Ok(())
    }

    /// Ends the file and gives it its name. `lost` events had no room, as the recorder counted them; those that
    /// the trace's own `Lost` events name are no fewer.
    ///
    /// # Errors
    /// Where it cannot be written; then it is gone.
    pub fn close(mut self, lost: u64) -> Result<()> {
        self.flush()?;
        chunk::write(&mut self.out, Kind::End, &[], false)?;
        self.out.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        self.write_header(lost.max(self.lost))?;
        self.out.finish()
    }
}

/// Writes a trace that came from somewhere else.
pub(crate) struct NativeSink {
    pub writer: NativeWriter,
    pub lost: u64,
}

impl Sink for NativeSink {
    fn write(&mut self, event: &Event) -> Result<()> {
        self.writer.push(event)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.writer.close(self.lost)
    }
}
