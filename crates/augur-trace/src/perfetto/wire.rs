// SPDX-License-Identifier: GPL-2.0-only
//! Protobuf's wire format: fields, one after the other. Walking through what is not needed costs no memory.

use crate::varint;

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
        let key = varint::take(&mut self.0)?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number > 0)?;
        let value = match key & 7 {
            0 => Value::Number(varint::take(&mut self.0)?),
            1 => self.slice(8).map(|_| Value::Fixed)?,
            2 => {
                let len = varint::take(&mut self.0)?;
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

/// A message's number of that field.
pub(super) fn number(message: &[u8], wanted: u32) -> Option<u64> {
    Fields(message).flatten().find_map(|found| match found {
        (field, Value::Number(value)) if field == wanted => Some(value),
        _ => None,
    })
}

/// A message's messages and texts of that field.
pub(super) fn parts(message: &[u8], wanted: u32) -> impl Iterator<Item = &[u8]> {
    Fields(message).flatten().filter_map(move |found| match found {
        (field, Value::Bytes(part)) if field == wanted => Some(part),
        _ => None,
    })
}

/// Adds a field that is a number.
pub(super) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    varint::put(out, u64::from(field) << 3);
    varint::put(out, value);
}

/// Adds a field that is a number with a sign: a negative one has 64 bits.
pub(super) fn put_int(out: &mut Vec<u8>, field: u32, value: i32) {
    put_number(out, field, i64::from(value).cast_unsigned());
}

/// Adds a field that is a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    varint::put(out, u64::from(field) << 3 | 2);
    varint::put(out, bytes.len() as u64);
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
