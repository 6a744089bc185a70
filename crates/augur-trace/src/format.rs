// SPDX-License-Identifier: GPL-2.0-only
//! Which format a file has, by what is in it, and which one a file shall have, by its name.

use super::native::MAGIC;
use super::perfetto;
use super::table;
use super::text::{self, Tool};
use anyhow::{Result, bail};
use std::fmt;
use std::path::Path;

/// A format that is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own.
    Native,
    /// The kernel's text.
    Ftrace,
    /// Text of `trace-cmd report`; only read.
    TraceCmd,
    /// Text of `perf script`; only read.
    Perf,
    /// Perfetto's protobuf.
    Perfetto,
    /// A table in Parquet.
    Parquet,
    /// The same in CSV.
    Csv,
    /// A workload for rt-app; only written.
    RtApp,
}

/// Formats with their names and the endings of their files; the first ending is the usual one.
const NAMES: &[(Format, &str, &[&str])] = &[
    (Format::Native, "native", &["augur"]),
    (Format::Ftrace, "ftrace", &["ftrace", "txt"]),
    (Format::TraceCmd, "trace-cmd", &[]),
    (Format::Perf, "perf", &[]),
    (
        Format::Perfetto,
        "perfetto",
        &["perfetto-trace", "pftrace", "perfetto"],
    ),
    (Format::Parquet, "parquet", &["parquet"]),
    (Format::Csv, "csv", &["csv"]),
    (Format::RtApp, "rt-app", &["json"]),
];

/// How binary files begin that others write, and what to do with them.
const OTHERS: &[(&[u8], &str)] = &[
    (
        b"\x17\x08\x44tracing",
        "this is trace-cmd's own file; give the output of `trace-cmd report` instead",
    ),
    (
        b"PERFILE2",
        "this is perf's own file; give the output of `perf script` instead",
    ),
    (
        b"\x1f\x8b",
        "this is packed more often than twice; unpack it first",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "this is packed more often than twice; unpack it first",
    ),
    (b"\xfd7zXZ", "this is an xz file; unpack it first"),
    (b"BZh", "this is a bzip2 file; unpack it first"),
    (b"PK\x03\x04", "this is a zip file; unpack it first"),
];

impl Format {
    /// Its name, as the command line and the reports have it.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(format, ..)| *format == self)
            .map_or("", |(_, name, _)| name)
    }

    /// The format with that name.
    pub fn by_name(name: &str) -> Option<Format> {
        NAMES
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(format, ..)| *format)
    }

    /// The format of a file that is to be written there, by the ending of its name.
    pub fn by_ending(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?;
        NAMES
            .iter()
            .find(|(.., endings)| endings.contains(&ending))
            .map(|(format, ..)| *format)
    }

    /// Whether this format can be written.
    pub fn is_written(self) -> bool {
        !matches!(self, Format::TraceCmd | Format::Perf)
    }

    /// The formats that can be written, each with the endings of its files, for a message.
    pub fn written() -> String {
        let names = NAMES.iter().filter(|(format, ..)| format.is_written());
        let words = names.map(|(_, name, endings)| format!("{name} (.{})", endings.join(", .")));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Whether this format is a text.
    pub(super) fn tool(self) -> Option<Tool> {
        match self {
            Format::Ftrace => Some(Tool::Ftrace),
            Format::TraceCmd => Some(Tool::TraceCmd),
            Format::Perf => Some(Tool::Perf),
            _ => None,
        }
    }

    /// The formats that can be read, for a message.
    pub fn read() -> String {
        let names = NAMES.iter().filter(|(format, ..)| format.is_read());
        names.map(|&(_, name, _)| name).collect::<Vec<_>>().join(", ")
    }

    /// Whether this format can be read.
    pub fn is_read(self) -> bool {
        !matches!(self, Format::RtApp)
    }

    /// The format of a file with this beginning; `None` where it is a text in which no event was seen yet.
    ///
    /// # Errors
    /// One sentence, where it is none that can be read.
    pub fn detect(opening: &[u8]) -> Result<Option<Format>> {
        if opening.is_empty() {
            bail!("the file is empty; give a trace with events");
        }
        if opening.starts_with(MAGIC) {
            return Ok(Some(Format::Native));
        }
        if let Some((_, why)) = OTHERS.iter().find(|(begin, _)| opening.starts_with(begin)) {
            bail!("{why}");
        }
        if opening.starts_with(b"PAR1") {
            return Ok(Some(Format::Parquet));
        }
        if table::is_table(opening) {
            return Ok(Some(Format::Csv));
        }
        if perfetto::is_trace(opening) {
            return Ok(Some(Format::Perfetto));
        }
        if opening.contains(&0) {
            bail!(
                "a binary file of no format that is known; give a native, Perfetto, ftrace, trace-cmd or perf trace, or name \
                 its format with --input-format"
            );
        }
        Ok(text_format(opening))
    }
}

/// Who printed a text; `None` where nobody known did.
fn text_format(opening: &[u8]) -> Option<Format> {
    let mut found = None;
    for line in opening.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b"# tracer:") {
            return Some(Format::Ftrace);
        }
        if line.starts_with(b"cpus=") {
            return Some(Format::TraceCmd);
        }
        match text::printed_by(line) {
            Some(Some(Tool::Perf)) => return Some(Format::Perf),
            Some(Some(Tool::Ftrace)) => return Some(Format::Ftrace),
            Some(Some(Tool::TraceCmd)) => return Some(Format::TraceCmd),
            Some(None) => found = Some(Format::Ftrace),
            None => {}
        }
    }
    found
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(opening: &[u8], expected: &str) {
        let found = match Format::detect(opening) {
            Ok(Some(format)) => format.name().to_owned(),
            Ok(None) => "a text".to_owned(),
            Err(err) => err.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn by_what_is_in_it() {
        check(b"", "empty");
        check(MAGIC, "native");
        check(b"# tracer: nop\n", "ftrace");
        check(b"cpus=2\n", "trace-cmd");
        check(b"PAR1", "parquet");
        check(b"time_ns,cpu,event,pid\r\n", "csv");
        check(b"time_ns,cpu\n", "a text");
        let line = b" bash-1 [000] d..3. 1.000001: sched_switch: x\n";
        check(line, "trace-cmd");
        let line = b" bash-1 [000] d..3. 1.000001: sched_switch: prev_comm=x\n";
        check(line, "ftrace");
        check(
            b"CPU:0 [LOST 3 EVENTS]\n bash-1 [000]  1.000001: x: y\n",
            "ftrace",
        );
        check(b" bash 1 [000] 1.000001: sched:sched_switch: x\n", "perf");
        check(b"hello\nworld\n", "a text");
        check(b" bash-1 [000] d..3. 30426632231: x: y\n", "ftrace");
        check(
            b" 1/2 [000] 1.5: sched_switch: a:1 [120] S ==> b:2 [120]\n",
            "perf",
        );
        assert_eq!(
            Format::read(),
            "native, ftrace, trace-cmd, perf, perfetto, parquet, csv"
        );
        check(b"\x7fELF\x02\x01\x01\0\0", "binary");
        check(b"PERFILE2", "perf script");
    }

    #[test]
    fn by_its_name() {
        assert_eq!(
            Format::by_ending(Path::new("a/b.perfetto-trace")),
            Some(Format::Perfetto)
        );
        assert_eq!(Format::by_ending(Path::new("b.json")), Some(Format::RtApp));
        assert_eq!(Format::by_ending(Path::new("b")), None);
        assert_eq!(Format::by_name("rt-app"), Some(Format::RtApp));
        assert!(Format::written().contains("perfetto (.perfetto-trace, .pftrace"));
    }
}
