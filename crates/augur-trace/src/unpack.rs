// SPDX-License-Identifier: GPL-2.0-only
//! A file that may be packed, with gzip or zstd, by its beginning and what follows. Where the packing is torn or
//! damaged, the file ends there, and that is said.

use augur_base::file;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Anything that can be read.
pub(crate) type Input = Box<dyn Read + Send>;

/// A file without its packing.
pub(crate) struct Unpacked {
    /// Its first bytes, at most as many as were asked for.
    pub opening: Vec<u8>,
    /// What follows these.
    pub rest: Input,
    /// Set where what is packed is torn or damaged; it ends there.
    pub torn: Arc<AtomicBool>,
}

/// Looks whether it is packed.
///
/// # Errors
/// Where it cannot be read, or is packed by something else.
pub(crate) fn unpack(input: impl Read + Send + 'static, opening_bytes: usize) -> io::Result<Unpacked> {
    let torn = Arc::new(AtomicBool::new(false));
    // Whoever gave it may have unpacked it already.
    let given = Tearing(Box::new(input), torn.clone());
    let mut rest: Input = Box::new(Tearing(file::unpack(given)?, torn.clone()));
    let mut opening = Vec::new();
    rest.by_ref()
        .take(opening_bytes as u64)
        .read_to_end(&mut opening)?;
    Ok(Unpacked { opening, rest, torn })
}

/// Ends where the packing is damaged, and says so.
struct Tearing(Input, Arc<AtomicBool>);

impl Read for Tearing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes) {
            Err(err) if is_damage(&err) => {
                self.1.store(true, Ordering::Relaxed);
                Ok(0)
            }
            result => result,
        }
    }
}

/// Whether the content is wrong, not the reading of it.
pub(crate) fn is_damage(err: &io::Error) -> bool {
    let kinds = [
        ErrorKind::UnexpectedEof,
        ErrorKind::InvalidData,
        ErrorKind::InvalidInput,
    ];
    kinds.contains(&err.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn plain(packed: Vec<u8>) -> (Vec<u8>, bool) {
        let mut found = unpack(Cursor::new(packed), 100).unwrap();
        found.rest.read_to_end(&mut found.opening).unwrap();
        (found.opening, found.torn.load(Ordering::Relaxed))
    }

    #[test]
    fn what_is_torn_ends_and_says_so() {
        let text: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&text).unwrap();
        let mut packed = packed.finish().unwrap();
        assert_eq!(plain(text.clone()), (text.clone(), false));
        assert_eq!(plain(packed.clone()), (text.clone(), false));
        packed.truncate(packed.len() / 2);
        let (found, torn) = plain(packed);
        assert!(torn && !found.is_empty() && text.starts_with(&found));
    }
}
