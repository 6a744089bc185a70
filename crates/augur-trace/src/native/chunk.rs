// SPDX-License-Identifier: GPL-2.0-only
//! Chunks: what is compressed, checked, and lost together.

use std::io::{self, Read, Write};

const MARK: &[u8; 4] = b"ChNk";
/// Bytes before a chunk's content.
const HEAD: usize = 20;
/// The largest content, packed or not. A file that says more is damaged.
const LARGEST: u32 = 1 << 23;

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is known of the recording.
    Header = 1,
    /// Events.
    Events = 2,
    /// Nothing: the file is whole.
    End = 3,
}

/// Writes a chunk; `packed` tries to make it smaller.
///
/// # Errors
/// Where it cannot be written, or is larger than any chunk may be.
pub(super) fn write(out: &mut impl Write, kind: Kind, content: &[u8], packed: bool) -> io::Result<()> {
    let raw_bytes = u32::try_from(content.len())
        .ok()
        .filter(|&bytes| bytes <= LARGEST)
        .ok_or_else(|| io::Error::other("a chunk of more than 8 MB"))?;
    let smaller = packed
        .then(|| lz4_flex::block::compress(content))
        .filter(|smaller| smaller.len() < content.len());
    let stored = smaller.as_deref().unwrap_or(content);
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(MARK);
    head[4] = kind as u8;
    head[5] = u8::from(smaller.is_some());
    head[8..12].copy_from_slice(&raw_bytes.to_le_bytes());
    head[12..16].copy_from_slice(&(stored.len() as u32).to_le_bytes());
    let sum = checksum(&head, stored);
    head[16..].copy_from_slice(&sum.to_le_bytes());
    out.write_all(&head)?;
    out.write_all(stored)
}

fn checksum(head: &[u8; HEAD], stored: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&head[..16]);
    sum.update(stored);
    sum.finalize()
}

/// What was found where a chunk should be.
pub(super) enum Found {
    /// A chunk.
    Chunk(Kind, Vec<u8>),
    /// A chunk of a kind that this program does not know, or with wrong content; the next one can be read.
    Damaged(&'static str),
    /// Nothing that a chunk begins with, or one that does not end: the rest cannot be read.
    Torn(&'static str),
    /// The end of the file.
    Nothing,
}

/// Reads a chunk.
///
/// # Errors
/// Where the file cannot be read.
pub(super) fn read(input: &mut impl Read) -> io::Result<Found> {
    let head = fill(input, HEAD)?;
    if head.is_empty() {
        return Ok(Found::Nothing);
    }
    let Ok(head) = <[u8; HEAD]>::try_from(head) else {
        return Ok(Found::Torn("the file ends inside a chunk"));
    };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (raw_bytes, stored_bytes) = (number(8), number(12));
    if &head[..4] != MARK || raw_bytes > LARGEST || stored_bytes > LARGEST {
        return Ok(Found::Torn("there is no chunk where one should begin"));
    }
    let stored = fill(input, stored_bytes as usize)?;
    if stored.len() < stored_bytes as usize {
        return Ok(Found::Torn("the file ends inside a chunk"));
    }
    if checksum(&head, &stored) != number(16) {
        return Ok(Found::Damaged("a chunk whose checksum is wrong"));
    }
    let content = match head[5] {
        0 => Some(stored),
        1 => lz4_flex::block::decompress(&stored, raw_bytes as usize).ok(),
        _ => None,
    };
    Ok(match (head[4], content) {
        (1, Some(content)) => Found::Chunk(Kind::Header, content),
        (2, Some(content)) => Found::Chunk(Kind::Events, content),
        (3, Some(content)) => Found::Chunk(Kind::End, content),
        _ => Found::Damaged("a chunk of a kind that is not known"),
    })
}

/// As many bytes as there are, at most so many.
fn fill(input: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(most);
    input.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
