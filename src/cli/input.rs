// SPDX-License-Identifier: GPL-2.0-only
//! A trace that is read for a command: it shows how far it is, and Ctrl-C ends it in order.

use super::WrongUse;
use super::interrupt;
use crate::trace::{Choice, Event, Format, Notes, Reader};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a trace is read.
#[derive(Clone, Debug, Default, Args)]
pub struct Reading {
    /// The trace's format, where its content does not say: native, ftrace, trace-cmd, perf or perfetto
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
                WrongUse(format!(
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

/// Opens a trace.
///
/// # Errors
/// One sentence: where it cannot be opened, or is no trace.
pub fn open(path: &Path, reading: &Reading) -> Result<Reader> {
    let choice = reading.choice()?;
    let what = || cannot(path);
    let file = File::open(path).with_context(what)?;
    let about = file.metadata().with_context(what)?;
    ensure!(!about.is_dir(), "cannot read {}: it is a folder", path.display());
    // Where there is a handler already, its owner decides.
    let stop = interrupt::flag().unwrap_or_default();
    let input = Input {
        file,
        stop,
        bytes: about.len(),
        read: 0,
        shown: Instant::now(),
        show: about.is_file() && io::stderr().is_terminal(),
    };
    Reader::choosing(input, &choice).with_context(what)
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
struct Input {
    file: File,
    stop: Arc<AtomicBool>,
    bytes: u64,
    read: u64,
    shown: Instant,
    /// Somebody looks.
    show: bool,
}

impl Input {
    fn show(&mut self) {
        const OFTEN: Duration = Duration::from_millis(200);
        if self.show && self.shown.elapsed() >= OFTEN {
            self.shown = Instant::now();
            let percent = (self.read * 100).checked_div(self.bytes).unwrap_or(100).min(100);
            eprint!("\r{percent:>3} % of {} MB", self.bytes >> 20);
            let _ = io::stderr().flush();
        }
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted; nothing was written"));
        }
        let count = self.file.read(bytes)?;
        self.read += count as u64;
        self.show();
        Ok(count)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.show {
            eprint!("\r{:30}\r", "");
        }
    }
}
