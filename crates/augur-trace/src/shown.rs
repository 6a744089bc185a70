// SPDX-License-Identifier: GPL-2.0-only
//! Text out of a file as it may be shown: a task may be called anything, and a name must neither steer a terminal nor
//! break a row.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with its control signs written out: `\n`, `\x1b`, `\u{202e}`.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for sign in text.chars() {
        // Writing into a string cannot fail.
        let _ = match sign {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            _ if is_hidden(sign) && sign.is_ascii() => write!(out, "\\x{:02x}", u32::from(sign)),
            _ if is_hidden(sign) => write!(out, "\\u{{{:x}}}", u32::from(sign)),
            _ => out.write_char(sign),
        };
    }
    Cow::Owned(out)
}

/// Controls, and signs that change the direction or end a line.
fn is_hidden(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        for (text, expected) in [
            ("kworker/u16:3-e", "kworker/u16:3-e"),
            ("größer", "größer"),
            ("\u{1b}[31mred", "\\x1b[31mred"),
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{7f}\u{9b}31m", "\\x7f\\u{9b}31m"),
            ("x\u{202e}y", "x\\u{202e}y"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
