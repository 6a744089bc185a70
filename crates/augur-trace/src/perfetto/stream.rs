// SPDX-License-Identifier: GPL-2.0-only
//! A file as packets, one behind the other.

use super::wire::Fields;
use crate::varint;
use std::io::{self, Read};

/// The largest packet that is held in memory as a whole; of a larger one the parts are. Perfetto's own are below 1 MB.
pub(super) const LARGEST: u64 = 1 << 23;

/// Whether a file that begins so is packets.
pub(crate) fn is_trace(opening: &[u8]) -> bool {
    let mut rest = opening;
    for packet in 0..8 {
        if rest.is_empty() {
            return packet > 0;
        }
        let Some(inside) = rest.strip_prefix(&[0x0a]) else {
            return false;
        };
        rest = inside;
        let Some(len) = varint::take(&mut rest).and_then(|len| usize::try_from(len).ok()) else {
            return false;
        };
        let Some((packet, behind)) = rest.split_at_checked(len) else {
            // Cut off by the end of the opening, or of a file that is torn.
            return is_cut_packet(rest);
        };
        if Fields(packet).any(|field| field.is_none()) {
            return false;
        }
        rest = behind;
    }
    true
}

/// Whether a packet could begin so: its first field has a number and a type that Perfetto uses.
fn is_cut_packet(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let key = varint::take(&mut rest);
    key.is_some_and(|key| (1..1000).contains(&(key >> 3)) && matches!(key & 7, 0 | 1 | 2 | 5))
        && bytes.iter().any(|byte| !(9..=0x7e).contains(byte))
}

/// What the file goes on with.
pub(super) enum Top {
    /// A field's content is in the buffer.
    Bytes(u32),
    /// A field's content of that length comes next, and is too large for the buffer.
    Large(u32, u64),
    /// A number.
    Number(u32, u64),
    /// A field of a fixed size, which nothing here needs.
    Other,
    Torn,
    End,
}

/// Reads the next field; its content goes to `bytes` where it is not too large.
pub(super) fn top(input: &mut dyn Read, bytes: &mut Vec<u8>) -> io::Result<Top> {
    let key = match stream_varint(input)? {
        Varint::Value(key) => key,
        Varint::Nothing => return Ok(Top::End),
        Varint::Torn => return Ok(Top::Torn),
    };
    let Some(number) = u32::try_from(key >> 3).ok().filter(|&number| number > 0) else {
        return Ok(Top::Torn);
    };
    let fixed = match key & 7 {
        0 => {
            return Ok(match stream_varint(input)? {
                Varint::Value(value) => Top::Number(number, value),
                _ => Top::Torn,
            });
        }
        1 => 8,
        2 => match stream_varint(input)? {
            Varint::Value(len) if len > LARGEST => return Ok(Top::Large(number, len)),
            Varint::Value(len) => {
                let whole = fill(input, bytes, len)?;
                return Ok(if whole { Top::Bytes(number) } else { Top::Torn });
            }
            _ => return Ok(Top::Torn),
        },
        5 => 4,
        _ => return Ok(Top::Torn),
    };
    Ok(if fill(input, bytes, fixed)? {
        Top::Other
    } else {
        Top::Torn
    })
}

/// Whether there were so many bytes.
fn fill(input: &mut dyn Read, bytes: &mut Vec<u8>, len: u64) -> io::Result<bool> {
    bytes.clear();
    Ok(input.take(len).read_to_end(bytes)? as u64 == len)
}

/// Leaves out so many bytes; false where there are fewer.
pub(super) fn skip(input: &mut dyn Read, len: u64) -> io::Result<bool> {
    Ok(io::copy(&mut input.take(len), &mut io::sink())? == len)
}

enum Varint {
    Value(u64),
    Nothing,
    Torn,
}

fn stream_varint(input: &mut dyn Read) -> io::Result<Varint> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            return Ok(if shift == 0 { Varint::Nothing } else { Varint::Torn });
        }
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Varint::Value(value));
        }
    }
    Ok(Varint::Torn)
}
