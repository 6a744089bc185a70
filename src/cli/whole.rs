// SPDX-License-Identifier: GPL-2.0-only
//! A file that is read whole, packed by gzip or not; `-` is standard input.

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most that is read, unpacked.
const MOST_BYTES: u64 = 512 << 20;

/// What is in a file.
///
/// # Errors
/// One sentence: where it cannot be read, or is too large.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    ensure!(!path.is_dir(), "cannot read {shown}: it is a folder");
    let what = || format!("cannot read {shown}");
    let mut file: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).with_context(what)?),
    };
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).with_context(what)?;
    let packed = magic == [0x1f, 0x8b];
    let all = io::Cursor::new(magic).chain(file);
    let mut bytes = Vec::new();
    let unpacked: Box<dyn Read> = match packed {
        true => Box::new(MultiGzDecoder::new(all)),
        false => Box::new(all),
    };
    unpacked
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(what)?;
    ensure!(
        bytes.len() as u64 <= MOST_BYTES,
        "{shown} is larger than {} MB; give a part of it",
        MOST_BYTES >> 20
    );
    Ok(bytes)
}

/// The same as text.
///
/// # Errors
/// As [`bytes`], and where it is not UTF-8, with the line.
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).map_err(|err| {
        let valid = err.utf8_error().valid_up_to();
        let before = &err.as_bytes()[..valid];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        anyhow::anyhow!("{} is not text: line {line} is not UTF-8", path.display())
    })
}
