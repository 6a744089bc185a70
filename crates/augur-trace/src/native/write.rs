// SPDX-License-Identifier: GPL-2.0-only
//! Writing the native format.

use super::MAGIC;
use super::chunk::{self, Kind};
use super::codec::Encoder;
use crate::{Event, EventKind, Header, Sink};
use anyhow::{Context, Result};
use augur_base::file::Output;
use std::io::{Seek, SeekFrom, Write};

/// Bytes of events that make a chunk: about 20,000 events, which is what a torn end can cost.
const CHUNK: usize = 1 << 18;

/// Writes a native file. It has no name before it is finished.
pub(crate) struct NativeWriter {
    out: Output,
    header: Vec<u8>,
    block: Encoder,
    /// As the header has it,
    said_lost: u64,
    /// and as the trace's own `Lost` events have it.
    lost: u64,
}

impl NativeWriter {
    /// Starts a file. Of the header, `lost` may still change.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn new(mut out: Output, header: &Header) -> Result<NativeWriter> {
        let json = serde_json::to_vec(header).context("cannot write the header")?;
        out.write_all(MAGIC)?;
        let mut writer = NativeWriter {
            out,
            header: json,
            block: Encoder::default(),
            said_lost: header.lost,
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

    /// Ends the chunk that is being filled, so that what came so far is safe.
    fn flush(&mut self) -> Result<()> {
        let Self { out, block, .. } = self;
        if block.len() > 0 {
            block.take(|content| chunk::write(out, Kind::Events, content, true))?;
        }
        Ok(())
    }
}

impl Sink for NativeWriter {
    /// Events should come in the order of time; readers put right what is a little late.
    fn write(&mut self, event: &Event) -> Result<()> {
        if let EventKind::Lost { count } = event.kind {
            self.lost = self.lost.saturating_add(count.max(1));
        }
        self.block.push(event);
        match self.block.len() >= CHUNK {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        chunk::write(&mut self.out, Kind::End, &[], false)?;
        self.out.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        self.write_header(self.lost.max(self.said_lost))?;
        self.out.finish()
    }
}
