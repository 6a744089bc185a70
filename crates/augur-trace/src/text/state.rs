// SPDX-License-Identifier: GPL-2.0-only
//! The letters of a task's state, as tracers print them.

use crate::State;
use std::io::{self, Write};

/// Letters and bits. The first eight are the kernel's today; the others were in use before, and are only read.
const LETTERS: &[(u8, u16)] = &[
    (b'S', 0x01),
    (b'D', 0x02),
    (b'T', 0x04),
    (b't', 0x08),
    (b'X', 0x10),
    (b'Z', 0x20),
    (b'P', 0x40),
    (b'I', 0x80),
    (b'x', 0x10),
    (b'K', 0x100),
    (b'W', 0x200),
    (b'N', 0x400),
];

/// Reads `R`, `R+`, `S`, `D|K`, or a plain number as a tool without the letters prints it.
pub(super) fn parse(text: &[u8]) -> Option<State> {
    if let Some(bits) = number(text) {
        return Some(of_number(bits.into()));
    }
    let preempted = text.last() == Some(&b'+');
    let letters = text.strip_suffix(b"+").unwrap_or(text);
    if letters == b"R" {
        return Some(State { bits: 0, preempted });
    }
    let mut bits = 0;
    for letter in letters.split(|&byte| byte == b'|') {
        let &[letter] = letter else { return None };
        bits |= LETTERS.iter().find(|(known, _)| *known == letter)?.1;
    }
    Some(State { bits, preempted })
}

/// A state as a number: 0x100 is the `+`; kernels before 4.14 had 0x400, 0x800 or 0x1000 alone for it.
pub(super) fn of_number(value: i64) -> State {
    State {
        bits: (value & 0xff) as u16,
        preempted: value & 0x100 != 0 || matches!(value, 0x400 | 0x800 | 0x1000),
    }
}

fn number(text: &[u8]) -> Option<u16> {
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    match text.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Writes what [`parse`] reads, in the kernel's words.
pub(super) fn write(out: &mut impl Write, state: State) -> io::Result<()> {
    let mut first = true;
    for (index, (letter, bit)) in LETTERS.iter().enumerate() {
        let again = LETTERS[..index].iter().any(|(_, before)| before == bit);
        if state.bits & bit == 0 || again {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.write_all(b"|")?;
        }
        out.write_all(&[*letter])?;
    }
    if first {
        out.write_all(b"R")?;
    }
    out.write_all(if state.preempted { b"+" } else { b"" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bits: u16, preempted: bool) {
        assert_eq!(parse(text.as_bytes()), Some(State { bits, preempted }), "{text}");
    }

    #[test]
    fn letters_of_all_times() {
        check("R", 0, false);
        check("R+", 0, true);
        check("S", 1, false);
        check("D|K", 0x102, false);
        check("X|Z", 0x30, false);
        check("x", 0x10, false);
        check("I", 0x80, false);
        check("0", 0, false);
        check("256", 0, true);
        check("1024", 0, true);
        check("130", 0x82, false);
        check("0x2", 2, false);
        for wrong in ["", "+", "R|", "SD", "q", "S||D", "70000", "0x"] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn every_state_comes_back() {
        for bits in 0..0x800 {
            for preempted in [false, true] {
                let state = State { bits, preempted };
                let mut text = Vec::new();
                write(&mut text, state).unwrap();
                assert_eq!(parse(&text), Some(state));
            }
        }
    }
}
