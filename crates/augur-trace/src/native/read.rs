// SPDX-License-Identifier: GPL-2.0-only
//! Reading the native format.

use super::MAGIC;
use super::chunk::{self, Found, Kind};
use super::codec::Decoder;
use crate::reader::Source;
use crate::{Event, Header, Notes};
use anyhow::{Context, Result, bail, ensure};
use std::io::Read;

/// Reads a native file, chunk by chunk.
pub(crate) struct NativeSource<R> {
    input: R,
    header: Header,
    block: Decoder,
    /// The chunk's number, from 1.
    chunk: u64,
    ended: bool,
}

impl<R: Read> NativeSource<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Where there is no header that can be read.
    pub(crate) fn new(mut input: R) -> Result<NativeSource<R>> {
        const DAMAGED: &str = "its header is damaged, so it cannot be read; record it again";
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic).context(DAMAGED)?;
        ensure!(&magic == MAGIC, DAMAGED);
        let Found::Chunk(Kind::Header, content) = chunk::read(&mut input).context(DAMAGED)? else {
            bail!(DAMAGED);
        };
        let (lost, json) = content.split_first_chunk::<8>().context(DAMAGED)?;
        let mut header: Header = serde_json::from_slice(json).context(DAMAGED)?;
        header.lost = u64::from_le_bytes(*lost);
        Ok(NativeSource {
            input,
            header,
            block: Decoder::default(),
            chunk: 1,
            ended: false,
        })
    }

    /// Goes on to the next chunk of events; false at the end.
    fn advance(&mut self, notes: &mut Notes) -> Result<bool> {
        while !self.ended {
            let found = chunk::read(&mut self.input).context("cannot read the trace")?;
            self.chunk += 1;
            match found {
                Found::Chunk(Kind::Events, content) => {
                    self.block.start(content);
                    return Ok(true);
                }
                Found::Chunk(Kind::End, _) => self.end(notes)?,
                Found::Chunk(Kind::Header, _) => notes.skip(self.chunk, "a second header"),
                Found::Damaged(why) => notes.skip(self.chunk, why),
                Found::Torn(why) => self.tear(why, notes),
                Found::Nothing => self.tear("the file ends before its end chunk", notes),
            }
        }
        Ok(false)
    }

    /// Behind the end there must be nothing.
    fn end(&mut self, notes: &mut Notes) -> Result<()> {
        self.ended = true;
        let mut more = Vec::new();
        let input = self.input.by_ref();
        input
            .take(MAGIC.len() as u64)
            .read_to_end(&mut more)
            .context("cannot read the trace")?;
        ensure!(
            more != MAGIC,
            "it holds several recordings, one behind the other; give one at a time"
        );
        if !more.is_empty() {
            notes.skip(self.chunk, "what stands behind the end chunk");
        }
        Ok(())
    }

    fn tear(&mut self, why: &str, notes: &mut Notes) {
        self.ended = true;
        notes.tear(format!("{why}: what came after chunk {} is lost", self.chunk - 1));
    }
}

impl<R: Read + Send> Source for NativeSource<R> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn position(&self) -> u64 {
        self.chunk
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        loop {
            match self.block.next() {
                Some(Some(event)) => return Ok(Some(event)),
                Some(None) => notes.skip(self.chunk, "a chunk whose rest makes no sense"),
                None if !self.advance(notes)? => return Ok(None),
                None => {}
            }
        }
    }
}
