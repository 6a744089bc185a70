// SPDX-License-Identifier: GPL-2.0-only
//! What one line is: an event, or one of the many things that tracers print beside.

use super::body::{self, Body};
use super::prefix::{self, Why, digits};
use super::{Tool, name};
use crate::Event;

/// What a line is.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// An event, of that buffer or machine.
    Event(Event, &'a [u8]),
    /// An event that is none of the scheduler's, and its time.
    Foreign(&'a [u8], u64),
    /// Events of that CPU were lost: how many, 0 where that is not said.
    Lost(u32, u64),
    /// Nothing is known of that CPU before here.
    Started(u32),
    /// What comes before events, and comments.
    Heading,
    /// Known, and no event: what it is called when it is counted.
    Aside(&'static str),
    /// Nothing.
    Blank,
}

/// What lines of stacks are counted as.
const STACKS: &str = "lines of stacks";

/// Reads a line.
///
/// # Errors
/// Why it is none of these.
pub(super) fn read(line: &[u8], tool: Tool) -> Result<Item<'_>, Why> {
    if line.first() == Some(&b'#') {
        return Ok(started(line).map_or(Item::Heading, Item::Started));
    }
    let why = match prefix::parse(line, tool) {
        Ok(found) if found.event == name::STACK => return Ok(Item::Aside(STACKS)),
        Ok(found) => {
            return Ok(match body::parse(&found)? {
                Body::Kind(kind) => Item::Event(
                    Event {
                        time_ns: found.time_ns,
                        cpu: found.cpu,
                        kind,
                    },
                    found.label,
                ),
                Body::Foreign => Item::Foreign(found.event, found.time_ns),
            });
        }
        Err(why) => why,
    };
    beside(line, tool).unwrap_or(Err(why))
}

/// What is no event by itself.
fn beside(line: &[u8], tool: Tool) -> Option<Result<Item<'_>, Why>> {
    let text = line.trim_ascii();
    if text.is_empty() {
        return Some(Ok(Item::Blank));
    }
    if text.starts_with(b"=> ") || tool == Tool::Perf && is_frame(line) {
        return Some(Ok(Item::Aside(STACKS)));
    }
    if is_heading(text) {
        return Some(Ok(Item::Heading));
    }
    // Behind the name of a buffer, or a log's own time, too.
    let at = memchr::memmem::find(line, b"CPU:").filter(|&at| {
        let before = line[..at].trim_ascii_end();
        before.is_empty() || before.ends_with(b":") || before.ends_with(b"]")
    });
    if let Some(at) = at {
        let found = lost(&line[at + 4..]).map(|(cpu, count)| Item::Lost(cpu, count));
        return Some(found.ok_or("a note of lost events that cannot be read"));
    }
    if tool == Tool::Perf && memchr::memmem::find(line, b"PERF_RECORD_").is_some() {
        let lost = perf_lost(line).map(|(cpu, count)| Item::Lost(cpu, count));
        return Some(Ok(lost.unwrap_or(Item::Aside("other records of perf"))));
    }
    None
}

/// A line of a call chain: `\t  ffffffff8100 do_exit ([kernel.kallsyms])`.
fn is_frame(line: &[u8]) -> bool {
    if line.first() == Some(&b'\t') {
        return true;
    }
    let text = line.trim_ascii_start();
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_hexdigit())
        .unwrap_or(text.len());
    text.len() < line.len() && end >= 6 && text.get(end).is_none_or(|&byte| byte == b' ')
}

/// What trace-cmd prints before the first event, and the kernel around what it dumps.
pub(super) fn is_heading(text: &[u8]) -> bool {
    if text.starts_with(b"CPU ") && text.ends_with(b" is empty") {
        return true;
    }
    text.strip_prefix(b"cpus=")
        .or_else(|| text.strip_prefix(b"version = "))
        .is_some_and(|rest| digits(rest).is_some_and(|(_, rest)| rest.is_empty()))
}

/// `##### CPU 3 buffer started ####`: the CPU.
fn started(line: &[u8]) -> Option<u32> {
    let (cpu, rest) = digits(line.strip_prefix(b"##### CPU ")?)?;
    rest.starts_with(b" buffer started").then_some(())?;
    u32::try_from(cpu).ok()
}

/// `3 [LOST 12 EVENTS]`, `3 [12 EVENTS DROPPED]`, or without the number: the CPU, and how many.
fn lost(text: &[u8]) -> Option<(u32, u64)> {
    let (cpu, rest) = digits(text)?;
    let inside = rest.trim_ascii_end().strip_prefix(b" [")?.strip_suffix(b"]")?;
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
fn perf_lost(line: &[u8]) -> Option<(u32, u64)> {
    let text = std::str::from_utf8(line).ok()?;
    let (before, what) = text.split_once(": PERF_RECORD_LOST")?;
    let (_, count) = what.split_once("lost ")?;
    let cpu = before[before.rfind('[')? + 1..].split(']').next()?;
    Some((cpu.parse().ok()?, count.trim().parse().ok()?))
}
