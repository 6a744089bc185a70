// SPDX-License-Identifier: GPL-2.0-only
//! Text, as ftrace, `trace-cmd report` and `perf script` print it.

mod body;
mod prefix;
mod state;
mod write;

pub use write::TextWriter;

use super::lines::{Line, Lines};
use super::reader::Source;
use super::{Event, EventKind, Header, Notes};
use anyhow::{Context, Result};
use body::Body;
use prefix::{Why, digits};
use std::io::Read;

/// Who printed a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The kernel: `/sys/kernel/tracing/trace`.
    Ftrace,
    /// `trace-cmd report`.
    TraceCmd,
    /// `perf script`.
    Perf,
}

/// Most notes of lost events that wait for the next event's time.
const LOSSES: usize = 1024;

/// Reads a text line by line.
pub struct TextSource<R> {
    lines: Lines<R>,
    tool: Tool,
    header: Header,
    /// Lost events say no time: they get that of the event behind them.
    losses: Vec<(u32, u64)>,
    /// Buffers that start with the next event.
    started: Vec<u32>,
    waiting: Option<Event>,
    last_ns: u64,
}

/// What a line is.
enum Item {
    Event(Event),
    Lost { cpu: u32, count: u64 },
    Started(u32),
    Nothing,
}

impl<R: Read> TextSource<R> {
    /// Starts reading; `opening` is the text's beginning, where the header is.
    pub fn new(input: R, tool: Tool, opening: &[u8]) -> TextSource<R> {
        let mut header = Header::default();
        opening
            .split(|&byte| byte == b'\n')
            .filter_map(|line| std::str::from_utf8(line).ok())
            .for_each(|line| learn(&mut header, line.trim_end()));
        TextSource {
            lines: Lines::new(input),
            tool,
            header,
            losses: Vec::new(),
            started: Vec::new(),
            waiting: None,
            last_ns: 0,
        }
    }

    fn read(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        loop {
            let line = self.lines.next().context("cannot read the trace")?;
            let item = match line {
                None => return Ok(None),
                Some(Line::TooLong) => Err("it is longer than 65536 bytes"),
                Some(Line::Text(line)) => read(line, self.tool, notes),
            };
            match item {
                Ok(Item::Event(event)) => {
                    for cpu in self.started.drain(..) {
                        notes.buffer_started(cpu, event.time_ns);
                    }
                    return Ok(Some(event));
                }
                Ok(Item::Started(cpu)) if self.started.len() < LOSSES => self.started.push(cpu),
                Ok(Item::Started(_)) => {}
                Ok(Item::Lost { cpu, count }) if self.losses.len() < LOSSES => self.losses.push((cpu, count)),
                Ok(Item::Lost { .. }) => {
                    notes.skip(self.lines.number(), "too many notes of lost events in a row")
                }
                Ok(Item::Nothing) => {}
                Err(why) => notes.skip(self.lines.number(), why),
            }
        }
    }

    fn loss(&mut self) -> Option<Event> {
        let (cpu, count) = (!self.losses.is_empty()).then(|| self.losses.remove(0))?;
        Some(Event {
            time_ns: self.last_ns,
            cpu,
            kind: EventKind::Lost { count },
        })
    }
}

impl<R: Read + Send> Source for TextSource<R> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn position(&self) -> u64 {
        self.lines.number()
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        if self.waiting.is_none() && self.losses.is_empty() {
            let event = self.read(notes)?;
            self.last_ns = event.as_ref().map_or(self.last_ns, |event| event.time_ns);
            self.waiting = event;
        }
        Ok(self.loss().or_else(|| self.waiting.take()))
    }
}

/// Who printed a line, if it is an event; `None` inside where the line could be of ftrace and of trace-cmd.
pub fn printed_by(line: &[u8]) -> Option<Option<Tool>> {
    if prefix::parse(line, Tool::Perf).is_ok_and(|prefix| !prefix.group.is_empty()) {
        return Some(Some(Tool::Perf));
    }
    let prefix = prefix::parse(line, Tool::Ftrace).ok()?;
    let both_dialects = ["sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new"];
    if !both_dialects.iter().any(|name| name.as_bytes() == prefix.event) {
        return Some(None);
    }
    let body = prefix.body.trim_ascii_start();
    let kernel = body.starts_with(b"prev_comm=") || body.starts_with(b"comm=");
    Some(Some(if kernel { Tool::Ftrace } else { Tool::TraceCmd }))
}

fn read(line: &[u8], tool: Tool, notes: &mut Notes) -> Result<Item, Why> {
    // A stack that perf prints below its event is indented with a tab.
    if let Some(cpu) = started(line) {
        return Ok(Item::Started(cpu));
    }
    if let Some(events) = overwritten(line) {
        notes.overwrite(events);
    }
    let beside = line.first().is_none_or(|byte| matches!(byte, b'#' | b'\t')) || is_heading(line);
    if beside || line.trim_ascii().is_empty() {
        return Ok(Item::Nothing);
    }
    if let Some(rest) = line.strip_prefix(b"CPU:") {
        let (cpu, count) = lost(rest).ok_or("a note of lost events that cannot be read")?;
        return Ok(Item::Lost { cpu, count });
    }
    let prefix = match prefix::parse(line, tool) {
        Ok(prefix) => prefix,
        Err(why) => return perf_lost(line, tool).ok_or(why),
    };
    notes.saw(prefix.time_ns);
    match body::parse(&prefix)? {
        Body::Kind(kind) => Ok(Item::Event(Event {
            time_ns: prefix.time_ns,
            cpu: prefix.cpu,
            kind,
        })),
        Body::Foreign => {
            notes.foreign(prefix.event);
            Ok(Item::Nothing)
        }
    }
}

/// What trace-cmd prints before the first event.
fn is_heading(line: &[u8]) -> bool {
    if line.starts_with(b"CPU ") && line.ends_with(b" is empty") {
        return true;
    }
    line.strip_prefix(b"cpus=")
        .or_else(|| line.strip_prefix(b"version = "))
        .is_some_and(|rest| digits(rest).is_some_and(|(_, rest)| rest.is_empty()))
}

/// `##### CPU 3 buffer started ####`: the CPU.
fn started(line: &[u8]) -> Option<u32> {
    let (cpu, rest) = digits(line.strip_prefix(b"##### CPU ")?)?;
    rest.starts_with(b" buffer started").then_some(())?;
    u32::try_from(cpu).ok()
}

/// `# entries-in-buffer/entries-written: 11/9000   #P:2`: how many are not in the buffer any more.
fn overwritten(line: &[u8]) -> Option<u64> {
    let text = line.strip_prefix(b"# entries-in-buffer/entries-written: ")?;
    let (left, text) = digits(text)?;
    let (written, _) = digits(text.strip_prefix(b"/")?)?;
    written.checked_sub(left)
}

/// `3 [LOST 12 EVENTS]`, `3 [12 EVENTS DROPPED]`, or without the number: the CPU, and how many.
fn lost(text: &[u8]) -> Option<(u32, u64)> {
    let (cpu, rest) = digits(text)?;
    let inside = rest.strip_prefix(b" [")?.strip_suffix(b"]")?;
    let inside = std::str::from_utf8(inside).ok()?;
    let known = ["LOST", "EVENTS", "DROPPED"];
    let (words, numbers): (Vec<_>, Vec<_>) = inside.split(' ').partition(|word| known.contains(word));
    let count = match numbers[..] {
        [] => 0,
        [number] => number.parse().ok()?,
        _ => return None,
    };
    (words.len() == 2).then_some((u32::try_from(cpu).ok()?, count))
}

/// ` cc1 7 [003] 1.5: PERF_RECORD_LOST lost 12`.
fn perf_lost(line: &[u8], tool: Tool) -> Option<Item> {
    if tool != Tool::Perf {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let (before, count) = text.split_once(": PERF_RECORD_LOST lost ")?;
    let cpu = before[before.rfind('[')? + 1..].split(']').next()?;
    Some(Item::Lost {
        cpu: cpu.parse().ok()?,
        count: count.trim().parse().ok()?,
    })
}

/// Takes from a line of the heading what it tells of the machine.
fn learn(header: &mut Header, line: &str) {
    let number = |text: &str| text.trim().parse().ok();
    if let Some(cpus) = line.strip_prefix("cpus=").and_then(number) {
        header.cpus = cpus;
    } else if let Some(comment) = line.strip_prefix('#') {
        if let Some(cpus) = comment.rsplit_once("#P:").and_then(|(_, text)| number(text)) {
            header.cpus = cpus;
        }
        match comment
            .split_once(" : ")
            .map(|(key, value)| (key.trim(), value.trim()))
        {
            Some(("os release", value)) => header.kernel = value.into(),
            Some(("nrcpus online", value)) => header.cpus = number(value).unwrap_or(header.cpus),
            Some(("cmdline", value)) => header.command = value.split(' ').map(String::from).collect(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, tool: Tool) -> (Vec<Event>, Notes, Header) {
        let mut notes = Notes::default();
        let mut source = TextSource::new(text.as_bytes(), tool, text.as_bytes());
        let mut events = Vec::new();
        while let Some(event) = source.next(&mut notes).unwrap() {
            events.push(event);
        }
        (events, notes, source.header.clone())
    }

    #[test]
    fn lost_events_get_the_time_of_what_follows() {
        let text = "\
# tracer: nop
#
# entries-in-buffer/entries-written: 2/9   #P:4
CPU:3 [LOST 12 EVENTS]
CPU:2 [EVENTS DROPPED]
             cc1-7       [003] d..3.     5.000001: sched_process_exit: comm=cc1 pid=7 prio=120
CPU:1 [7 EVENTS DROPPED]
CPU:x [LOST]
";
        let (events, notes, header) = all(text, Tool::Ftrace);
        let found: Vec<_> = events
            .iter()
            .map(|event| (event.time_ns, event.cpu, event.kind.name()))
            .collect();
        let time = 5_000_001_000;
        assert_eq!(
            found,
            [
                (time, 3, "lost"),
                (time, 2, "lost"),
                (time, 3, "sched_process_exit"),
                (time, 1, "lost")
            ]
        );
        assert_eq!(events[3].kind, EventKind::Lost { count: 7 });
        assert_eq!(notes.skipped_count(), 1);
        assert_eq!(notes.skipped()[0].line, 8);
        assert_eq!(header.cpus, 4);
        assert_eq!(notes.overwritten(), Some(7));
    }

    #[test]
    fn a_buffer_that_started_late_has_the_time_of_what_follows() {
        let text = "\
# tracer: nop
             cc1-7       [000] d..3.     5.000001: sched_process_exit: comm=cc1 pid=7 prio=120
##### CPU 1 buffer started ####
             cc1-8       [001] d..3.     6.000001: sched_process_exit: comm=cc1 pid=8 prio=120
";
        let (events, notes, _) = all(text, Tool::Ftrace);
        assert_eq!((events.len(), notes.overwritten()), (2, None));
        let known: Vec<_> = notes.known_from().iter().collect();
        assert_eq!(known, [(&1, &6_000_001_000)]);
    }

    #[test]
    fn perf_prints_more_than_events() {
        let text = "\
# ========
# os release : 6.18.0
# nrcpus online : 2
# cmdline : /usr/bin/perf record -a
             cc1     7 [001]     5.000001:  sched:sched_process_exit: comm=cc1 pid=7 prio=120
\tffffffff8100 do_exit ([kernel.kallsyms])

             cc1     7 [001]     5.000002: PERF_RECORD_LOST lost 5
             cc1     7 [001]     5.000003:                 cycles:  fffff8100 do_exit
             cc1     7 [001]     5.000004:  irq:irq_handler_entry: irq=1
";
        let (events, notes, header) = all(text, Tool::Perf);
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].kind, EventKind::Lost { count: 5 });
        assert_eq!((header.kernel.as_str(), header.cpus), ("6.18.0", 2));
        assert_eq!(header.command.len(), 3);
        assert_eq!(notes.skipped_count(), 0);
        assert_eq!(notes.foreign_events()["irq_handler_entry"], 1);
    }
}
