// SPDX-License-Identifier: GPL-2.0-only
//! What a command reads: a file, a pipe or standard input, unpacked where it is packed.

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The name of standard input, and of standard output.
pub const STANDARD: &str = "-";
/// Bytes by which a packer is known.
const OPENING: u64 = 8;
/// A file that is read at once may have so many bytes; nobody writes more by hand.
const TEXT_MAX: u64 = 64 << 20;

/// A file that is read from its beginning to its end.
pub struct Input {
    unpacked: Box<dyn Read + Send>,
    size: Option<u64>,
    read: Arc<AtomicU64>,
}

/// Opens a file; `-` is standard input. What gzip or zstd packed is unpacked; the content says whether it is, not the
/// name.
///
/// # Errors
/// One sentence: where it cannot be opened, is a folder, or is packed by something else.
pub fn open(path: &Path) -> Result<Input> {
    let what = || format!("cannot read {}", path.display());
    let file = if path.as_os_str() == STANDARD {
        File::from(io::stdin().as_fd().try_clone_to_owned().with_context(what)?)
    } else {
        super::leftover::waiting(|| File::open(path)).with_context(what)?
    };
    let about = file.metadata().with_context(what)?;
    ensure!(!about.is_dir(), "{}: it is a folder", what());
    let read = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        file,
        read: read.clone(),
    };
    Ok(Input {
        unpacked: unpack(counted).with_context(what)?,
        size: about.is_file().then_some(about.len()),
        read,
    })
}

/// The whole of a file, unpacked. One that has no end, such as a device, is an error.
///
/// # Errors
/// One sentence, with the file's name.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    let what = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    open(path)?
        .take(TEXT_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(what)?;
    ensure!(
        bytes.len() as u64 <= TEXT_MAX,
        "{}: it has more than {} MB",
        what(),
        TEXT_MAX >> 20
    );
    Ok(bytes)
}

/// The same, of a file that is text.
///
/// # Errors
/// One sentence, with the file's name.
pub fn text(path: &Path) -> Result<String> {
    let Ok(text) = String::from_utf8(bytes(path)?) else {
        bail!("cannot read {}: it is not text (UTF-8)", path.display())
    };
    Ok(text)
}

impl Input {
    /// How large the file is, packed as it is; unknown where it comes through a pipe.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How many of those are read.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(bytes)
    }
}

/// Unpacks what gzip or zstd packed; anything else stays as it is.
///
/// # Errors
/// Where it cannot be read, or is packed by something else.
pub fn unpack(mut input: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut opening = Vec::new();
    input.by_ref().take(OPENING).read_to_end(&mut opening)?;
    let other = match opening.as_slice() {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some("bzip2"),
        [b'P', b'K', 3, 4, ..] => Some("zip"),
        [4, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        _ => None,
    };
    if let Some(packer) = other {
        let why = format!("it is packed by {packer}; unpack it first, or pack it with gzip or zstd");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    let gzip = matches!(opening.as_slice(), [0x1f, 0x8b, 8, ..]);
    let zstd = is_zstd(&opening);
    let input = Cursor::new(opening).chain(input);
    Ok(match (gzip, zstd) {
        (true, _) => Box::new(BufReader::new(MultiGzDecoder::new(input))),
        (_, true) => Box::new(BufReader::new(Frames::new(input))),
        _ => Box::new(input),
    })
}

/// A frame of zstd, or one of those that it skips.
fn is_zstd(opening: &[u8]) -> bool {
    matches!(
        opening,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
    )
}

/// All frames of a zstd file, one after the other.
pub struct Frames<R> {
    input: BufReader<R>,
    decoder: FrameDecoder,
    inside: bool,
}

impl<R: Read> Frames<R> {
    /// Starts with the first frame.
    pub fn new(input: R) -> Frames<R> {
        Frames {
            input: BufReader::new(input),
            decoder: FrameDecoder::new(),
            inside: false,
        }
    }

    /// Begins the next frame; whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.inside && !self.input.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.input) {
                Ok(()) => self.inside = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut self.input.by_ref().take(length.into()), &mut io::sink())?;
                }
                Err(err) => return Err(damaged(err)),
            }
        }
        Ok(self.inside)
    }

    /// Some bytes of this frame; none at its end.
    fn some(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() < bytes.len() && !self.decoder.is_finished() {
            let more = BlockDecodingStrategy::UptoBytes(bytes.len() - self.decoder.can_collect());
            self.decoder
                .decode_blocks(&mut self.input, more)
                .map_err(damaged)?;
        }
        let count = self.decoder.read(bytes)?;
        if count == 0 {
            let (told, found) = (
                self.decoder.get_checksum_from_data(),
                self.decoder.get_calculated_checksum(),
            );
            if told.is_some() && told != found {
                return Err(damaged("its checksum is wrong"));
            }
        }
        Ok(count)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while !bytes.is_empty() && self.begin()? {
            let count = self.some(bytes)?;
            if count > 0 {
                return Ok(count);
            }
            self.inside = false;
        }
        Ok(0)
    }
}

fn damaged(why: impl std::fmt::Display) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        format!("what zstd packed is damaged: {why}"),
    )
}

/// Counts what is read.
struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// "hello, " and "world" as two frames of `zstd`, with one between them that is to be skipped.
    const HELLO: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x39, 0x00, 0x00, b'h', b'e', b'l', b'l', b'o', b',', b' ',
    ];
    const SKIPPED: &[u8] = &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    const WORLD: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x29, 0x00, 0x00, b'w', b'o', b'r', b'l', b'd',
    ];

    fn unpacked(packed: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        unpack(Cursor::new(packed))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn all_parts_of_what_is_packed_are_unpacked() {
        assert_eq!(unpacked(b"plain".to_vec()).unwrap(), "plain");
        assert_eq!(unpacked(Vec::new()).unwrap(), "");
        assert_eq!(
            unpacked([gzip("hello, "), gzip("world")].concat()).unwrap(),
            "hello, world"
        );
        assert_eq!(
            unpacked([HELLO, SKIPPED, WORLD].concat()).unwrap(),
            "hello, world"
        );
        assert_eq!(unpacked([SKIPPED, WORLD].concat()).unwrap(), "world");
    }

    #[test]
    fn what_is_torn_or_packed_by_others_is_said() {
        for torn in [&gzip("hello")[..12], &HELLO[..12]] {
            assert!(unpacked(torn.to_vec()).is_err());
        }
        let said = unpacked(b"\xfd7zXZ\0\0\x04".to_vec()).unwrap_err().to_string();
        assert!(said.contains("packed by xz"), "{said}");
    }

    #[test]
    fn a_file_without_an_end_is_not_read_for_ever() {
        let said = format!("{:#}", bytes(Path::new("/dev/zero")).unwrap_err());
        assert!(said.contains("more than 64 MB"), "{said}");
        assert!(open(Path::new("/proc")).is_err());
    }
}
