// SPDX-License-Identifier: GPL-2.0-only
//! Files that are packed, with gzip or zstd, read as what is inside. Several members or frames are one text.

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How packed files begin.
const GZIP: &[u8] = b"\x1f\x8b";
/// The same for zstd.
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// How often a file may be packed.
const DEPTH: usize = 3;

/// Anything that can be read.
pub type Input = Box<dyn Read + Send>;

/// A file without its packing.
pub struct Unpacked {
    /// Its first bytes, at most as many as were asked for.
    pub opening: Vec<u8>,
    /// What follows these.
    pub rest: Input,
    /// Set where what is packed is torn or damaged; it ends there.
    pub torn: Arc<AtomicBool>,
}

/// Looks whether it is packed, as often as it is.
///
/// # Errors
/// Where it cannot be read.
pub fn unpack(mut input: Input, opening_bytes: usize) -> io::Result<Unpacked> {
    let torn = Arc::new(AtomicBool::new(false));
    let mut depth = 0;
    loop {
        let mut opening = Vec::new();
        input
            .by_ref()
            .take(opening_bytes as u64)
            .read_to_end(&mut opening)?;
        let (gzip, zstd) = (opening.starts_with(GZIP), opening.starts_with(ZSTD));
        if depth == DEPTH || !gzip && !zstd {
            return Ok(Unpacked {
                opening,
                rest: input,
                torn,
            });
        }
        depth += 1;
        let packed = Cursor::new(opening).chain(input);
        let plain: Input = match gzip {
            true => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            false => Box::new(Frames::new(packed)),
        };
        input = Box::new(Tearing(plain, torn.clone()));
    }
}

/// Ends where the packing is damaged, and says so.
struct Tearing(Input, Arc<AtomicBool>);

impl Read for Tearing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes) {
            Err(err)
                if matches!(
                    err.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
                ) =>
            {
                self.1.store(true, Ordering::Relaxed);
                Ok(0)
            }
            result => result,
        }
    }
}

/// The frames of a zstd file, one behind the other.
pub struct Frames<R: Read> {
    state: State<R>,
    failure: Failure,
}

enum State<R: Read> {
    Between(Packed<R>),
    Inside(Box<StreamingDecoder<Packed<R>, FrameDecoder>>),
    End,
}

type Packed<R> = BufReader<Watched<R>>;
/// Why the file could not be read; the decoder takes that for damage.
type Failure = Arc<Mutex<Option<io::Error>>>;

struct Watched<R>(R, Failure);

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes).map_err(|err| {
            let kind = err.kind();
            *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(err);
            kind.into()
        })
    }
}

impl<R: Read> Frames<R> {
    /// Starts with the first frame.
    pub fn new(input: R) -> Frames<R> {
        let failure = Failure::default();
        Frames {
            state: State::Between(BufReader::new(Watched(input, failure.clone()))),
            failure,
        }
    }

    fn damaged(failure: &Failure, err: &dyn std::fmt::Display) -> io::Error {
        let failed = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failed.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidData, err.to_string()))
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let failure = &self.failure;
        loop {
            self.state = match std::mem::replace(&mut self.state, State::End) {
                State::End => return Ok(0),
                State::Between(mut input) => {
                    if input
                        .fill_buf()
                        .map_err(|err| Self::damaged(failure, &err))?
                        .is_empty()
                    {
                        return Ok(0);
                    }
                    let frame = StreamingDecoder::new(input).map_err(|err| Self::damaged(failure, &err))?;
                    State::Inside(Box::new(frame))
                }
                State::Inside(mut frame) => {
                    let count = frame.read(bytes).map_err(|err| Self::damaged(failure, &err))?;
                    if count > 0 || bytes.is_empty() {
                        self.state = State::Inside(frame);
                        return Ok(count);
                    }
                    State::Between(frame.into_inner())
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn plain(packed: Vec<u8>) -> (Vec<u8>, bool) {
        let mut found = unpack(Box::new(Cursor::new(packed)), 100).unwrap();
        found.rest.read_to_end(&mut found.opening).unwrap();
        (found.opening, found.torn.load(Ordering::Relaxed))
    }

    #[test]
    fn packed_files_are_read_as_what_is_inside() {
        let text: Vec<u8> = (0..5000u32).flat_map(u32::to_le_bytes).collect();
        for packed in [text.clone(), gzip(&text), zstd(&text), gzip(&zstd(&text))] {
            assert_eq!(plain(packed), (text.clone(), false));
        }
        let twice = [&text[..], &text].concat();
        assert_eq!(plain([gzip(&text), gzip(&text)].concat()), (twice.clone(), false));
        assert_eq!(plain([zstd(&text), zstd(&text)].concat()), (twice, false));
    }

    #[test]
    fn what_is_torn_ends_and_says_so() {
        let text: Vec<u8> = (0..50_000u32).flat_map(u32::to_le_bytes).collect();
        for mut packed in [gzip(&text), zstd(&text)] {
            packed.truncate(packed.len() / 2);
            let (found, torn) = plain(packed);
            assert!(torn && text.starts_with(&found));
        }
    }
}
