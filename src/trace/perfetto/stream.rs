// SPDX-License-Identifier: GPL-2.0-only
//! A file as packets, one behind the other.

use super::proto::field;
use super::wire::{Fields, varint};
use std::io::{self, Read};

/// The largest packet that is read, packed or not. Perfetto's own are below 1 MB.
pub const LARGEST: u64 = 1 << 23;

/// Whether a file that begins so is packets.
pub fn is_trace(opening: &[u8]) -> bool {
    let mut rest = opening;
    for packet in 0..8 {
        if rest.is_empty() {
            return packet > 0;
        }
        let Some(inside) = rest.strip_prefix(&[0x0a]) else {
            return false;
        };
        rest = inside;
        let Some(len) = varint(&mut rest).and_then(|len| usize::try_from(len).ok()) else {
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
    let key = varint(&mut rest);
    key.is_some_and(|key| (1..1000).contains(&(key >> 3)) && matches!(key & 7, 0 | 1 | 2 | 5))
        && bytes.iter().any(|byte| !(9..=0x7e).contains(byte))
}

/// What the file goes on with.
pub enum Top {
    Packet,
    TooLarge,
    Other,
    Torn,
    End,
}

/// Reads the file's next field; a packet goes to `packet`.
pub fn top(input: &mut impl Read, packet: &mut Vec<u8>) -> io::Result<Top> {
    let key = match stream_varint(input)? {
        Varint::Value(key) => key,
        Varint::Nothing => return Ok(Top::End),
        Varint::Torn => return Ok(Top::Torn),
    };
    let len = match key & 7 {
        0 => {
            let value = stream_varint(input)?;
            return Ok(if matches!(value, Varint::Value(_)) {
                Top::Other
            } else {
                Top::Torn
            });
        }
        1 => 8,
        2 => match stream_varint(input)? {
            Varint::Value(len) => len,
            _ => return Ok(Top::Torn),
        },
        5 => 4,
        _ => return Ok(Top::Torn),
    };
    let wanted = key == u64::from(field::PACKET) << 3 | 2;
    if wanted && len <= LARGEST {
        packet.clear();
        let found = input.by_ref().take(len).read_to_end(packet)?;
        return Ok(if found as u64 == len {
            Top::Packet
        } else {
            Top::Torn
        });
    }
    let skipped = io::copy(&mut input.by_ref().take(len), &mut io::sink())?;
    Ok(match wanted {
        _ if skipped < len => Top::Torn,
        true => Top::TooLarge,
        false => Top::Other,
    })
}

enum Varint {
    Value(u64),
    Nothing,
    Torn,
}

fn stream_varint(input: &mut impl Read) -> io::Result<Varint> {
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
