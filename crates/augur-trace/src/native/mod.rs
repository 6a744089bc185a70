// SPDX-License-Identifier: GPL-2.0-only
//! The native format: everything that an event holds, small, and safe against a torn end.
//!
//! ```text
//!  file  = magic, chunk: header, chunk: events, …, chunk: end
//!  chunk = "ChNk", kind u8, packing u8, 0 u16, raw bytes u32, stored bytes u32, CRC-32 u32, stored bytes
//! ```
//!
//! All numbers are little-endian. The CRC covers everything of its chunk but itself. A chunk stands for itself, so
//! what is lost with one is only what is in it; a file without its end chunk is torn, and its reader says so. The
//! header is written first, and once more in its place at the end, when the number of lost events is known.

mod chunk;
pub(crate) mod codec;
mod read;
mod write;

pub(crate) use read::NativeSource;
pub(crate) use write::NativeWriter;

/// How a file begins. The byte that is not text, the two line ends and the control sign show a file that a transfer
/// has changed.
pub(crate) const MAGIC: &[u8; 10] = b"\x8baugur\r\n\x1a\n";

#[cfg(test)]
mod tests;
