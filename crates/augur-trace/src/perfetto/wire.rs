// SPDX-License-Identifier: GPL-2.0-only
//! Protobuf's wire format: fields, one after the other. Walking through what is not needed costs no memory.

use prost::encoding::encode_varint;

/// A field's value.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// A number, a boolean or an enumeration.
    Number(u64),
    /// A message, a text or packed numbers.
    Bytes(&'a [u8]),
    /// A number of fixed size, which nothing here needs.
    Fixed,
}

/// Walks through a message's fields: number and value; `Some(None)` at the first one that is malformed, and nothing after it.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = varint(&mut self.0)?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.slice(8).map(|_| Value::Fixed)?,
            2 => {
                let len = varint(&mut self.0)?;
                Value::Bytes(self.slice(len)?)
            }
            5 => self.slice(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((number, value))
    }

    fn slice(&mut self, len: u64) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(slice)
    }
}

/// Takes a number off the front.
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Adds a field that is a number.
pub(super) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    encode_varint(u64::from(field) << 3, out);
    encode_varint(value, out);
}

/// Adds a field that is a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    encode_varint(u64::from(field) << 3 | 2, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_and_damage_ends_the_walk() {
        let mut bytes = Vec::new();
        put_number(&mut bytes, 3, 300);
        put_bytes(&mut bytes, 491, b"abc");
        let all: Vec<_> = Fields(&bytes).collect();
        assert_eq!(
            all,
            [Some((3, Value::Number(300))), Some((491, Value::Bytes(b"abc")))]
        );
        bytes.pop();
        let all: Vec<_> = Fields(&bytes).collect();
        assert_eq!(all, [Some((3, Value::Number(300))), None]);
        assert_eq!(Fields(&[0]).collect::<Vec<_>>(), [None]);
    }
}
