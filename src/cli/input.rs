// SPDX-License-Identifier: GPL-2.0-only
//! A trace that is read for a command: it shows how far it is. Ctrl-C ends such a command at once
//! ([`super::interrupt::end_at_once`]).

use super::console::{is_quiet, note};
use crate::file;
use crate::trace::{Event, Reader};
use anyhow::{Context, Result};
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// Opens a trace; `-` is standard input.
///
/// # Errors
/// One sentence: where it cannot be opened, or is not a trace.
pub fn open(path: &Path) -> Result<Reader> {
    let watched = Watched {
        input: file::open(path)?,
        shown: Instant::now(),
        terminal: io::stderr().is_terminal(),
    };
    Reader::new(watched).with_context(|| reading(path))
}

/// The next event.
///
/// # Errors
/// One sentence, where the file cannot be read on.
pub fn next(reader: &mut Reader, path: &Path) -> Result<Option<Event>> {
    reader.next().transpose().with_context(|| reading(path))
}

fn reading(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// The file, watched.
struct Watched {
    input: file::Input,
    shown: Instant,
    /// Somebody looks.
    terminal: bool,
}

impl Watched {
    fn show(&mut self) {
        let often = match self.terminal {
            true => Duration::from_millis(200),
            false => Duration::from_secs(5),
        };
        if is_quiet() || self.shown.elapsed() < often {
            return;
        }
        self.shown = Instant::now();
        let read = self.input.bytes_read();
        let text = match self.input.size() {
            Some(bytes) => {
                let percent = (read * 100).checked_div(bytes).unwrap_or(100).min(100);
                format!("{percent:>3} % of {} MB", bytes >> 20)
            }
            None => format!("{} MB", read >> 20),
        };
        if self.terminal {
            let mut terminal = io::stderr();
            let _ = write!(terminal, "\r{text}");
            let _ = terminal.flush();
        } else {
            note!("read: {}", text.trim_start());
        }
    }
}

impl Read for Watched {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(bytes)?;
        self.show();
        Ok(count)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.terminal && !is_quiet() {
            let _ = write!(io::stderr(), "\r{:30}\r", "");
        }
    }
}
