// SPDX-License-Identifier: GPL-2.0-only
//! What is left of a body, and how its parts are taken off the front, however the tool spells them.
//!
//! A number is `101`, `-1`, `0x65`, or `0x65 (101)`. A name ends where the next field begins, not at the first sign that
//! looks like it: it may hold those signs itself, but never more than 15 bytes of them.

use super::prefix::digits;
use super::state;
use crate::event::COMM_BYTES;
use crate::{Comm, State, Task};

/// What is left of a body.
pub(super) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// Takes this word.
    pub(super) fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    /// Takes one of these words.
    pub(super) fn any(&mut self, words: &[&[u8]]) -> Option<()> {
        words.iter().find_map(|word| self.word(word))
    }

    /// Takes spaces, if there are any.
    pub(super) fn spaces(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    fn long(&mut self) -> Option<i64> {
        self.spaces();
        let negative = self.word(b"-").is_some();
        let value = match self.word(b"0x") {
            Some(()) => self.hex()?,
            None => {
                let (value, rest) = digits(self.0)?;
                self.0 = rest;
                i64::try_from(value).ok()?
            }
        };
        let value = if negative { value.checked_neg()? } else { value };
        Some(self.again().unwrap_or(value))
    }

    fn hex(&mut self) -> Option<i64> {
        let end = self.0.iter().position(|byte| !byte.is_ascii_hexdigit());
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        let value = u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()?;
        // A negative number of four bytes has its sign in the last of them.
        Some(u32::try_from(value).map_or(value.cast_signed(), |value| i64::from(value.cast_signed())))
    }

    /// ` (101)`: the number once more, in decimal.
    fn again(&mut self) -> Option<i64> {
        let inside = self.0.strip_prefix(b" (")?;
        let (negative, text) = match inside.strip_prefix(b"-") {
            Some(text) => (true, text),
            None => (false, inside),
        };
        let (value, rest) = digits(text)?;
        self.0 = rest.strip_prefix(b")")?;
        let value = i64::try_from(value).ok()?;
        Some(if negative { -value } else { value })
    }

    /// Takes a number.
    pub(super) fn int(&mut self) -> Option<i32> {
        i32::try_from(self.long()?).ok()
    }

    /// Takes a CPU's number.
    pub(super) fn cpu(&mut self) -> Option<u32> {
        u32::try_from(self.int()?).ok()
    }

    /// Takes a state: letters, or a number.
    pub(super) fn state(&mut self) -> Option<State> {
        if self.0.first().is_some_and(u8::is_ascii_digit) {
            return Some(state::of_number(self.long()?));
        }
        let end = memchr::memchr(b' ', self.0).unwrap_or(self.0.len());
        let state = state::parse(&self.0[..end])?;
        self.0 = &self.0[end..];
        Some(state)
    }

    /// Takes a name, up to the last `key` that can end it; behind a name that is longer than names are, up to the first.
    pub(super) fn comm(&mut self, key: &[u8]) -> Option<Comm> {
        let last = self.0.len().checked_sub(key.len())?;
        let ends = |at: &usize| self.0[*at..].starts_with(key);
        let at = (0..=last.min(COMM_BYTES)).rev().find(ends);
        let at = at.or_else(|| (COMM_BYTES + 1..=last).find(ends))?;
        let comm = Comm::new(&self.0[..at]);
        self.0 = &self.0[at + key.len()..];
        Some(comm)
    }

    /// Takes a name, and behind these keys a pid and a priority.
    pub(super) fn task(&mut self, pid: &[u8], prio: &[u8]) -> Option<Task> {
        let comm = self.comm(pid)?;
        let pid = self.int()?;
        self.word(prio)?;
        let prio = self.int()?;
        Some(Task { pid, comm, prio })
    }

    /// Takes `cc1:7 [120]`, libtraceevent's way to name a task: the colon is the last one that a pid and a priority, and
    /// then `behind`, follow.
    pub(super) fn library_task<T>(
        &mut self,
        behind: impl Fn(&mut Fields<'a>) -> Option<T>,
    ) -> Option<(Task, T)> {
        let window = &self.0[..self.0.len().min(COMM_BYTES + 1)];
        for colon in memchr::memrchr_iter(b':', window) {
            let mut rest = Fields(&self.0[colon + 1..]);
            let Some((pid, prio)) = rest.library_numbers() else {
                continue;
            };
            if let Some(more) = behind(&mut rest) {
                let comm = Comm::new(&self.0[..colon]);
                self.0 = rest.0;
                return Some((Task { pid, comm, prio }, more));
            }
        }
        None
    }

    /// `7 [120]`.
    fn library_numbers(&mut self) -> Option<(i32, i32)> {
        let pid = self.int()?;
        self.word(b" [")?;
        let prio = self.int()?;
        self.word(b"]")?;
        Some((pid, prio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_spelling() {
        let int = |text: &str| {
            let mut fields = Fields(text.as_bytes());
            fields
                .int()
                .map(|value| (value, String::from_utf8_lossy(fields.0).into_owned()))
        };
        for (text, value, rest) in [
            ("101 x", 101, " x"),
            (" 7", 7, ""),
            ("-1 x", -1, " x"),
            ("0x65 (101) x", 101, " x"),
            ("0xffffffff (-1)", -1, ""),
            ("0xffffffff", -1, ""),
            ("0x65 (x)", 101, " (x)"),
            ("000", 0, ""),
        ] {
            assert_eq!(int(text), Some((value, rest.to_owned())), "{text}");
        }
        for wrong in [
            "",
            "x",
            "0x",
            "-",
            "0x1ffffffff",
            "99999999999",
            "0x11111111111111111",
        ] {
            assert_eq!(int(wrong), None, "{wrong}");
        }
    }
}
