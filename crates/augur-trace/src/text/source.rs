// SPDX-License-Identifier: GPL-2.0-only
//! Reading a text, line by line.
//!
//! The first events are gathered before one is given out. Where they are a recording in the order of time, all that
//! follows is given out as it comes. Where they are not, files of single CPUs one behind the other for instance, all of
//! it is sorted first.

use super::line::{self, Item};
use super::order::{Order, TOP};
use super::prefix::{COUNTED, Why};
use super::region::{Region, unwrapped};
use super::{Tool, group, heading};
use crate::lines::{Line, Lines};
use crate::reader::Source;
use crate::sort::{Sorted, Sorter};
use crate::{Event, EventKind, Format, Header, Notes};
use anyhow::{Context, Result, bail};
use augur_base::topology::MAX_CPUS;
use std::collections::VecDeque;
use std::io::Read;

/// Most notes of lost events that wait for the next event's time.
const LOSSES: usize = 1024;
/// Events that are gathered before the first is given out; about 20 MB.
const GATHERED: usize = 1 << 18;

/// Reads a text line by line.
pub(crate) struct TextSource<R> {
    lines: Lines<R>,
    page: Page,
    stage: Stage,
}

/// What lines add up to.
struct Page {
    region: Region,
    header: Header,
    order: Order,
    /// The buffer or machine that is wanted.
    machine: Option<String>,
    /// Lost events say no time: they get that of the event behind them.
    losses: Vec<(u32, u64)>,
    /// Buffers that start with the next event.
    started: Vec<u32>,
    ready: VecDeque<Event>,
    last_ns: u64,
    /// Lines whose time is a count.
    counted: u64,
    events: u64,
}

enum Stage {
    Beginning,
    Gathered(std::vec::IntoIter<Event>),
    Sorted(Box<Sorted>),
    Through,
}

impl<R: Read> TextSource<R> {
    /// Starts reading. Who printed the text is found out, where it is not said; of several machines or buffers, only
    /// `machine` is read.
    pub(crate) fn new(input: R, tool: Option<Tool>, machine: Option<String>) -> TextSource<R> {
        TextSource {
            lines: Lines::new(input),
            page: Page {
                region: Region::new(tool),
                header: Header::default(),
                order: Order::default(),
                machine,
                losses: Vec::new(),
                started: Vec::new(),
                ready: VecDeque::new(),
                last_ns: 0,
                counted: 0,
                events: 0,
            },
            stage: Stage::Beginning,
        }
    }

    /// The next event in the order of the file.
    fn read(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.page.ready.pop_front() {
                return Ok(Some(event));
            }
            let number = self.lines.number() + 1;
            match self.lines.next().context("cannot read the trace")? {
                None if self.page.losses.is_empty() => {
                    self.page.finish(notes)?;
                    return Ok(None);
                }
                None => self.page.lose(),
                Some(Line::TooLong) => self.page.too_long(number, notes),
                Some(Line::Text(line)) => self.page.line(line, number, notes),
            }
        }
    }

    /// Gathers the first events, or all of them.
    fn gather(&mut self, notes: &mut Notes) -> Result<Stage> {
        let mut gathered = Vec::new();
        while gathered.len() < GATHERED {
            match self.read(notes)? {
                Some(event) => gathered.push(event),
                None => {
                    gathered.sort_by_key(|event| event.time_ns);
                    return Ok(Stage::Gathered(gathered.into_iter()));
                }
            }
        }
        if self.page.order.is_one() {
            return Ok(Stage::Gathered(gathered.into_iter()));
        }
        let mut sorter = Sorter::default();
        for event in gathered {
            sorter.push(event)?;
        }
        while let Some(event) = self.read(notes)? {
            sorter.push(event)?;
        }
        Ok(Stage::Sorted(Box::new(sorter.finish()?)))
    }
}

impl Page {
    fn line(&mut self, line: &[u8], number: u64, notes: &mut Notes) {
        let Some(tool) = self.region.of(line) else {
            return outside(line, number, notes);
        };
        let Err(why) = self.take(line::read(line, tool), line, number, notes) else {
            return;
        };
        if let Some(text) = unwrapped(line)
            && self.take(line::read(&text, tool), &text, number, notes).is_ok()
        {
            return;
        }
        if self.region.ends(line) {
            return;
        }
        self.counted += u64::from(why == COUNTED);
        skip(line, number, why, notes);
    }

    fn take(
        &mut self,
        item: Result<Item<'_>, Why>,
        line: &[u8],
        number: u64,
        notes: &mut Notes,
    ) -> Result<(), Why> {
        match item? {
            Item::Event(event, label) => {
                if let Some((pid, tgid)) = self.region.tool.and_then(|tool| group::of(line, tool)) {
                    notes.belongs(pid, tgid);
                }
                self.event(event, label, number, notes);
            }
            Item::Foreign(name, time_ns) => {
                notes.saw(time_ns);
                notes.foreign(name);
            }
            Item::Lost(cpu, count) if self.losses.len() < LOSSES => self.losses.push((cpu, count)),
            Item::Lost(..) => notes.skip(number, "too many notes of lost events in a row"),
            Item::Started(cpu) if self.started.len() < LOSSES => self.started.push(cpu),
            Item::Heading => {
                if heading::begins(line) {
                    self.order.heading();
                }
                heading::learn(&mut self.header, notes, &unwrapped(line).unwrap_or(line.into()));
            }
            Item::Aside(what) => notes.aside(what),
            Item::Started(_) | Item::Blank => {}
        }
        Ok(())
    }

    fn event(&mut self, event: Event, label: &[u8], number: u64, notes: &mut Notes) {
        let switch = matches!(event.kind, EventKind::Switch { .. });
        self.order.label(label, switch);
        if let Some(wanted) = &self.machine {
            let named = if label.is_empty() { TOP.as_bytes() } else { label };
            if named != wanted.as_bytes() {
                return notes.aside("events of other machines or buffers");
            }
        }
        if event.cpu as usize >= MAX_CPUS {
            let (cpu, most) = (event.cpu, MAX_CPUS - 1);
            return notes.skip(number, format!("event on CPU {cpu}; the last one can be {most}"));
        }
        notes.saw(event.time_ns);
        for cpu in self.started.drain(..) {
            notes.buffer_started(cpu, event.time_ns);
        }
        if self.order.admit(&event, number, notes) {
            self.events += 1;
            self.last_ns = event.time_ns;
            self.lose();
            self.ready.push_back(event);
        }
    }

    /// Lost events take their place.
    fn lose(&mut self) {
        let time_ns = self.last_ns;
        self.ready.extend(self.losses.drain(..).map(|(cpu, count)| Event {
            time_ns,
            cpu,
            kind: EventKind::Lost { count },
        }));
    }

    fn too_long(&mut self, number: u64, notes: &mut Notes) {
        match self.region.of(b"") {
            Some(_) => notes.skip(number, "it is longer than 65536 bytes"),
            None => outside(b"", number, notes),
        }
    }

    /// Judges what was read.
    fn finish(&mut self, notes: &mut Notes) -> Result<()> {
        let Some(tool) = self.region.tool else {
            if notes.skipped_count() > 0 {
                bail!(
                    "its switches have no CPU or no time, or none that can be read; print both (perf script -F +cpu,+time)"
                );
            }
            bail!(
                "no line of it is an event of ftrace, `trace-cmd report` or `perf script`; give one of these, or name its \
                 format with --input-format"
            );
        };
        self.order.finish(notes);
        if self.counted > self.events {
            notes.doubt(
                "the clock of its times counts cycles or events (x86-tsc, counter), not time; record with a clock such as \
                 mono (trace-cmd record -C mono)",
            );
        }
        if let Some(why) = self.order.differences(tool == Tool::Perf) {
            notes.doubt(why);
            return Ok(());
        }
        let wanted = self.machine.as_deref();
        self.order.mixed(wanted).map_or(Ok(()), |why| bail!(why))
    }
}

/// A line before the trace, or behind it, is none of it, unless it speaks of what the trace is made of.
fn outside(line: &[u8], number: u64, notes: &mut Notes) {
    if memchr::memmem::find(line, b"sched_switch: ").is_some() {
        notes.skip_switch(number, "a switch without a CPU or a time");
    } else {
        notes.aside("lines around the trace");
    }
}

fn skip(line: &[u8], number: u64, why: Why, notes: &mut Notes) {
    match memchr::memmem::find(line, b"sched_switch") {
        Some(_) => notes.skip_switch(number, why),
        None => notes.skip(number, why),
    }
}

impl<R: Read + Send> Source for TextSource<R> {
    fn header(&self) -> &Header {
        &self.page.header
    }

    fn position(&self) -> u64 {
        self.lines.number()
    }

    fn format(&self) -> Option<Format> {
        self.page.region.tool.map(|tool| match tool {
            Tool::Ftrace => Format::Ftrace,
            Tool::TraceCmd => Format::TraceCmd,
            Tool::Perf => Format::Perf,
        })
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        if let Stage::Beginning = self.stage {
            self.stage = self.gather(notes)?;
        }
        match &mut self.stage {
            Stage::Gathered(events) => {
                if let Some(event) = events.next() {
                    return Ok(Some(event));
                }
                self.stage = Stage::Through;
            }
            Stage::Sorted(sorted) => return sorted.next(),
            Stage::Beginning | Stage::Through => {}
        }
        self.read(notes)
    }
}
