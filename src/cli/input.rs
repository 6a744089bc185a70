// SPDX-License-Identifier: GPL-2.0-only
//! A trace that is read for a command: it shows how far it is. Ctrl-C ends such a command at once
//! ([`super::interrupt::end_at_once`]).

use super::UsageError;
use super::console::{is_quiet, note};
use anyhow::{Context, Result, bail};
use augur_base::file;
use augur_trace::{Choice, Event, Format, Notes, Reader};
use clap::Args;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How a trace is read.
#[derive(Clone, Debug, Default, Args)]
pub struct Reading {
    /// The trace's format, where its content does not say: native, ftrace, trace-cmd, perf, perfetto, parquet or csv
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<String>,
    /// Of a trace of several machines or buffers, this one: its number in Perfetto, its file's or buffer's name in text
    #[arg(long, value_name = "ID")]
    trace_machine: Option<String>,
    /// Take what is whole of a trace whose end is missing, or most of which cannot be read
    #[arg(long)]
    pub partial: bool,
}

impl Reading {
    fn choice(&self) -> Result<Choice> {
        let named = |name: &String| {
            let format = Format::by_name(name).filter(|format| format.is_read());
            format.ok_or_else(|| {
                UsageError(format!(
                    "`{name}` is not a format that is read; it can be {}",
                    Format::read()
                ))
            })
        };
        Ok(Choice {
            format: self.input_format.as_ref().map(named).transpose()?,
            machine: self.trace_machine.clone(),
        })
    }

    /// Whether what was read may be used: a trace most of which cannot be read is none, unless the user takes it so.
    ///
    /// # Errors
    /// One sentence: what is wrong with it.
    pub fn judge(&self, path: &Path, notes: &Notes) -> Result<()> {
        match notes.verdict().filter(|_| !self.partial) {
            Some(why) => bail!("{}: {why}; --partial takes what there is", path.display()),
            None => Ok(()),
        }
    }
}

/// Opens a trace; `-` is standard input.
///
/// # Errors
/// One sentence: where it cannot be opened, or is not a trace.
pub fn open(path: &Path, reading: &Reading) -> Result<Reader> {
    let choice = reading.choice()?;
    let watched = Watched {
        input: file::open(path)?,
        shown: Instant::now(),
        terminal: io::stderr().is_terminal(),
    };
    Reader::choosing(watched, &choice).with_context(|| cannot(path))
}

/// The next event.
///
/// # Errors
/// One sentence, where the file cannot be read on.
pub fn next(reader: &mut Reader, path: &Path) -> Result<Option<Event>> {
    reader.next().transpose().with_context(|| cannot(path))
}

fn cannot(path: &Path) -> String {
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
