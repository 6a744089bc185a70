// SPDX-License-Identifier: GPL-2.0-only
//! What a command says: results to standard output, all else to standard error.

use anyhow::Error;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);
static COLOUR: AtomicU8 = AtomicU8::new(Colour::Auto as u8);

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[repr(u8)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// Holds for the whole command.
pub fn set(quiet: bool, colour: Colour) {
    QUIET.store(quiet, Ordering::Relaxed);
    COLOUR.store(colour as u8, Ordering::Relaxed);
}

/// Whether only errors, warnings and results are wanted.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Whether standard error gets colours.
pub fn has_colours() -> bool {
    let colour = COLOUR.load(Ordering::Relaxed);
    if colour == Colour::Auto as u8 {
        return std::io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    }
    colour == Colour::Always as u8
}

/// An error and its causes as one sentence. What a cause says again is said once.
pub fn sentence(err: &Error) -> String {
    let mut said = String::new();
    for cause in err.chain() {
        let cause = cause.to_string();
        let cause = cause.trim().replace('\n', " ");
        if said.is_empty() || cause.starts_with(&said) {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    plain(&said)
}

/// Without what only those know who wrote the libraries, and without what would change a terminal.
pub fn plain(said: &str) -> String {
    let mut words = said.split(' ').peekable();
    let mut plain = Vec::new();
    while let Some(word) = words.next() {
        plain.push(word);
        if word != "expected" {
            continue;
        }
        let Some(next) = words.peek() else { continue };
        plain.push(match next.trim_end_matches([',', ';', ':']) {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 up",
            "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
            "f32" | "f64" => "a number",
            "struct" => {
                words.next();
                "a table of names and values"
            }
            _ => continue,
        });
        words.next();
    }
    let visible = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    plain.join(" ").chars().map(visible).collect()
}

/// Writes a line to standard output, as `println!` does; but where nobody reads any more, that is an error to pass up,
/// not a panic.
macro_rules! say {
    ($($words:tt)*) => {
        anyhow::Context::context(
            std::io::Write::write_fmt(&mut std::io::stdout().lock(), format_args!("{}\n", format_args!($($words)*))),
            "cannot write to standard output",
        )?
    };
}
pub(in crate::cli) use say;

/// Writes a line to standard error. Where that is not possible there is nobody to tell.
macro_rules! tell {
    ($($words:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("{}\n", format_args!($($words)*)));
    }};
}
pub(in crate::cli) use tell;

/// The same for what is nice to know: how far it is, and what was done.
macro_rules! note {
    ($($words:tt)*) => {
        if !$crate::cli::console::is_quiet() {
            $crate::cli::console::tell!($($words)*);
        }
    };
}
pub(in crate::cli) use note;

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn what_is_said_twice_is_said_once() {
        let full = "no space left";
        let err = anyhow!(full).context("cannot write x: no space left");
        assert_eq!(sentence(&err), "cannot write x: no space left");
        let err = anyhow!("cannot write x: no\nspace").context("cannot write x");
        assert_eq!(sentence(&err), "cannot write x: no space");
        let err = anyhow!("b").context("a");
        assert_eq!(sentence(&err), "a: b");
        let said = "line 2: invalid type: string \"\u{1b}[31m\", expected struct Settings";
        assert_eq!(
            plain(said),
            "line 2: invalid type: string \"\\u{1b}[31m\", expected a table of names and values"
        );
        assert_eq!(plain("expected usize"), "expected a whole number from 0 up");
    }
}
