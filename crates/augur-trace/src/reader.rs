// SPDX-License-Identifier: GPL-2.0-only
//! One reader for all formats.

use super::native::NativeSource;
use super::perfetto::PerfettoSource;
use super::table::CsvSource;
#[cfg(feature = "parquet")]
use super::table::ParquetSource;
use super::text::{JsonText, TextSource};
use super::unpack::{Input, Unpacked, unpack};
use super::{Event, EventKind, Format, Header, Notes};
use anyhow::{Context, Result, bail, ensure};
use augur_base::topology::MAX_CPUS;
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes by which a format is known.
const OPENING: usize = 1 << 16;
/// Events that are held back, so that one that comes a little late finds its place.
const WINDOW: usize = 256;

/// What a format has to do.
pub(crate) trait Source: Send {
    /// What is known of the recording.
    fn header(&self) -> &Header;
    /// Its format, where that shows only on the way.
    fn format(&self) -> Option<Format> {
        None
    }
    /// Where the last event came from: the number of its line, packet or chunk, from 1.
    fn position(&self) -> u64;
    /// The next event; `None` at the end. What cannot be read goes to `notes`.
    ///
    /// # Errors
    /// Where the file cannot be read at all.
    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>>;
}

/// What the user knows of a trace.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Its format, where the content does not say.
    pub format: Option<Format>,
    /// Which one is wanted of several machines or buffers: a machine's number in Perfetto, a file's or a buffer's name in
    /// the output of `trace-cmd report`, `top` for the one without a name.
    pub machine: Option<String>,
}

/// Reads a trace of any format, event by event.
///
/// Time never runs back: an event that comes a little too late is put in its place; one that comes far too late is
/// skipped and reported. Events of one time come in the order of the file.
pub struct Reader {
    source: Box<dyn Source>,
    format: Format,
    notes: Notes,
    window: VecDeque<Event>,
    last_ns: u64,
    at_end: bool,
    /// What is packed was torn.
    torn: Arc<AtomicBool>,
    /// CPUs that had an event.
    seen: HashSet<u32>,
}

impl Reader {
    /// Opens a file; its content says which format it has.
    ///
    /// # Errors
    /// One sentence: where it cannot be opened, or is no trace.
    pub fn open(path: &Path) -> Result<Reader> {
        let what = || format!("cannot read {}", path.display());
        ensure!(!path.is_dir(), "cannot read {}: it is a folder", path.display());
        let file = File::open(path).with_context(what)?;
        Reader::new(file).with_context(what)
    }

    /// Reads from anywhere.
    ///
    /// # Errors
    /// One sentence, where it is no trace.
    pub fn new(input: impl Read + Send + 'static) -> Result<Reader> {
        Reader::choosing(input, &Choice::default())
    }

    /// Reads from anywhere what was chosen.
    ///
    /// # Errors
    /// One sentence, where it is no trace, or not of that format.
    pub fn choosing(input: impl Read + Send + 'static, choice: &Choice) -> Result<Reader> {
        let Unpacked { opening, rest, torn } = unpack(Retrying(input), OPENING)?;
        let machine = choice.machine.clone();
        let in_json = choice.format.is_none_or(|format| format.tool().is_some()) && is_json(&opening);
        let (format, source): (Format, Box<dyn Source>) = if in_json {
            let mut text = JsonText::new(Cursor::new(opening).chain(rest))?;
            let mut opening = Vec::new();
            text.by_ref().take(OPENING as u64).read_to_end(&mut opening)?;
            let tool = choice.format.or(Format::detect(&opening)?).and_then(Format::tool);
            let input: Input = Box::new(Cursor::new(opening).chain(text));
            (Format::Ftrace, Box::new(TextSource::new(input, tool, machine)))
        } else {
            let format = match choice.format {
                Some(format) => Some(format),
                None => Format::detect(&opening)?,
            };
            let input: Input = Box::new(Cursor::new(opening).chain(rest));
            (format.unwrap_or(Format::Ftrace), source(input, format, machine)?)
        };
        Ok(Reader {
            source,
            format,
            notes: Notes::default(),
            window: VecDeque::with_capacity(WINDOW + 1),
            last_ns: 0,
            at_end: false,
            torn,
            seen: HashSet::new(),
        })
    }

    /// The file's format; some texts show theirs in their midst: it is known after the first event.
    pub fn format(&self) -> Format {
        self.source.format().unwrap_or(self.format)
    }

    /// What is known of the recording. Some formats say it in their midst: it is complete after the last event.
    pub fn header(&self) -> &Header {
        self.source.header()
    }

    /// What could not be read so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    fn read(&mut self) -> Result<Option<Event>> {
        while !self.at_end && self.window.len() < WINDOW {
            match self.source.next(&mut self.notes)? {
                Some(event) => self.take(event),
                None => self.end(),
            }
        }
        let event = self.window.pop_front();
        self.last_ns = event.as_ref().map_or(self.last_ns, |event| event.time_ns);
        Ok(event)
    }

    fn end(&mut self) {
        self.at_end = true;
        if self.torn.load(Ordering::Relaxed) {
            self.notes
                .tear("the packed file is torn or damaged: what came after that is lost");
        }
    }

    fn take(&mut self, event: Event) {
        let line = self.source.position();
        if event.cpu as usize >= MAX_CPUS {
            let (cpu, most) = (event.cpu, MAX_CPUS - 1);
            self.notes
                .skip(line, format!("event on CPU {cpu}; the last one can be {most}"));
        } else if event.time_ns < self.last_ns {
            let late_ns = self.last_ns - event.time_ns;
            self.notes
                .skip(line, format!("event that comes {late_ns} ns too late"));
        } else {
            self.notes.saw(event.time_ns);
            self.notes.take(&event.kind);
            self.place(event);
        }
    }

    /// Puts an event in its place. A CPU whose buffer had older events, or was started later, begins with a note of loss.
    fn place(&mut self, event: Event) {
        let after = |other: &&Event| other.time_ns > event.time_ns;
        let at = self.window.len() - self.window.iter().rev().take_while(after).count();
        let overwritten = self.notes.overwritten().is_some_and(|count| count > 0);
        let late = overwritten || self.notes.known_from().contains_key(&event.cpu);
        if self.seen.insert(event.cpu) && late && !matches!(event.kind, EventKind::Lost { .. }) {
            let kind = EventKind::Lost { count: 0 };
            let begins = Event { kind, ..event };
            self.window.insert(at, event);
            self.window.insert(at, begins);
        } else {
            self.window.insert(at, event);
        }
    }
}

fn source(input: Input, format: Option<Format>, machine: Option<String>) -> Result<Box<dyn Source>> {
    let tool = format.and_then(Format::tool);
    if machine.is_some() && format == Some(Format::Native) {
        bail!("a native trace is always of one machine; leave --trace-machine out");
    }
    Ok(match format {
        Some(Format::Native) => Box::new(NativeSource::new(input)?),
        Some(Format::Perfetto) => Box::new(PerfettoSource::new(input, machine)),
        #[cfg(feature = "parquet")]
        Some(Format::Parquet) => Box::new(ParquetSource::new(input)?),
        #[cfg(not(feature = "parquet"))]
        Some(Format::Parquet) => bail!(augur_base::file::NO_PARQUET),
        Some(Format::Csv) => Box::new(CsvSource::new(input)?),
        Some(format @ Format::RtApp) => bail!("{format} is only written, not read"),
        Some(Format::Ftrace | Format::TraceCmd | Format::Perf) | None => {
            Box::new(TextSource::new(input, tool, machine))
        }
    })
}

/// Whether it begins as JSON does. A line of a text could, too: then a name in quotation marks would have to follow.
fn is_json(opening: &[u8]) -> bool {
    let text = opening
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(opening)
        .trim_ascii_start();
    let inside = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"")) || text.starts_with(b"[{")
}

impl Iterator for Reader {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        self.read().transpose()
    }
}

/// Reads again where a signal came in between.
struct Retrying<R>(R);

impl<R: Read> Read for Retrying<R> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(bytes) {
                Err(err) if err.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct List(VecDeque<Event>, Header);

    impl Source for List {
        fn header(&self) -> &Header {
            &self.1
        }

        fn position(&self) -> u64 {
            1001 - self.0.len() as u64
        }

        fn next(&mut self, _: &mut Notes) -> Result<Option<Event>> {
            Ok(self.0.pop_front())
        }
    }

    fn read(times: &[u64], cpu: u32) -> (Vec<u64>, Notes) {
        let event = |&time_ns: &u64| Event {
            time_ns,
            cpu,
            kind: EventKind::Lost { count: 1 },
        };
        let mut reader = Reader {
            source: Box::new(List(times.iter().map(event).collect(), Header::default())),
            format: Format::Ftrace,
            notes: Notes::default(),
            window: VecDeque::new(),
            last_ns: 0,
            at_end: false,
            torn: Arc::default(),
            seen: HashSet::new(),
        };
        let times = reader.by_ref().map(|event| event.unwrap().time_ns).collect();
        (times, reader.notes)
    }

    #[test]
    fn a_little_late_is_put_right_and_far_too_late_is_reported() {
        assert_eq!(read(&[1, 3, 2, 5, 4, 4], 0).0, [1, 2, 3, 4, 4, 5]);
        let mut times: Vec<u64> = (1000..2000).collect();
        times.push(7);
        let (read, notes) = read(&times, 0);
        assert_eq!(read.len(), 1000);
        assert_eq!(notes.skipped()[0].line, 1001);
        assert!(notes.skipped()[0].why.contains("too late"), "{notes:?}");
    }

    #[test]
    fn a_cpu_that_cannot_be_is_reported() {
        let (times, notes) = read(&[1, 2], 1 << 20);
        assert_eq!((times.len(), notes.skipped_count()), (0, 2));
    }
}
