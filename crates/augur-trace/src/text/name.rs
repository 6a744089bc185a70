// SPDX-License-Identifier: GPL-2.0-only
//! An event's name, and what tools print before it and around it.
//!
//! ```text
//!  sched_switch:                                    ftrace, trace-cmd
//!  (+1500)  sched_switch:                           trace-cmd report --ts-diff
//!  mybuf: sched_switch:                             of a buffer with a name
//!          1 sched:sched_switch:u:                  perf, with a period and a modifier
//!  sched:sched_switch/call-graph=fp/:
//! ```

use super::Tool;
use crate::EventKind;

/// Most columns between the time and the event.
const COLUMNS: usize = 4;

/// What stands behind the time.
#[derive(Debug, PartialEq)]
pub(super) struct Name<'a> {
    /// The buffer, where it is named here.
    pub label: &'a [u8],
    /// `sched` where the line says `sched:sched_switch`, else empty.
    pub group: &'a [u8],
    /// The event.
    pub event: &'a [u8],
    /// Everything behind it.
    pub body: &'a [u8],
}

/// Whether it is one of the events that are read.
pub(super) fn is_known(event: &[u8]) -> bool {
    event.starts_with(b"sched_") && EventKind::NAMES.iter().any(|known| known.as_bytes() == event)
}

/// What a stack's first line has in place of an event's name.
pub(super) const STACK: &[u8] = b"<stack trace>";
/// A call that the function tracer saw.
pub(super) const CALL: &[u8] = b"function";

/// Takes the line apart from behind the time on.
pub(super) fn parse(text: &[u8], tool: Tool) -> Option<Name<'_>> {
    let mut text = text.trim_ascii_start();
    let plain = |event| Name {
        label: b"",
        group: b"",
        event,
        body: b"",
    };
    for _ in 0..COLUMNS {
        let (word, rest) = word(text);
        if let Some(name) = word.strip_suffix(b":").filter(|name| !name.is_empty()) {
            let (group, event) = split(name);
            let found = Name {
                label: b"",
                group,
                event,
                body: rest,
            };
            return Some(behind_label(&found, tool).unwrap_or(found));
        }
        let column = word.first() == Some(&b'(') && word.get(1) == Some(&b'+')
            || !word.is_empty() && word.iter().all(u8::is_ascii_digit);
        if !column {
            break;
        }
        text = rest.trim_ascii_start();
    }
    if text.starts_with(b"<stack trace") || text.starts_with(b"<user stack trace") {
        return Some(plain(STACK));
    }
    memchr::memmem::find(text, b" <-").map(|_| plain(CALL))
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| byte == b' ' || byte == b'\t');
    text.split_at(end.unwrap_or(text.len()))
}

/// A buffer's name is followed by an event's. What programs write into the trace may look so, too.
fn behind_label<'a>(found: &Name<'a>, tool: Tool) -> Option<Name<'a>> {
    let written = [
        &b"print"[..],
        b"bprint",
        b"bputs",
        b"tracing_mark_write",
        b"user_stack",
        b"kernel_stack",
    ];
    if tool != Tool::TraceCmd
        || is_known(found.event)
        || !found.group.is_empty()
        || written.contains(&found.event)
    {
        return None;
    }
    let (word, body) = word(found.body.trim_ascii_start());
    let (group, event) = split(word.strip_suffix(b":")?);
    is_known(event).then_some(Name {
        label: found.event,
        group,
        event,
        body,
    })
}

/// Group and event, without what perf appends to them.
fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = name.split(|&byte| byte == b':' || byte == b'/');
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        Some(second) if is_known(second) => (first, second),
        Some(second) if !is_known(first) && !is_modifier(second) => (first, second),
        _ => (b"", first),
    }
}

fn is_modifier(text: &[u8]) -> bool {
    text.len() <= 6 && text.iter().all(|byte| b"ukhpPGHISDWeb".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_spelling() {
        for (text, label, group, event, body) in [
            (" sched_switch: x", "", "", "sched_switch", " x"),
            ("  sched_switch:\tx", "", "", "sched_switch", "\tx"),
            (" (+1500)  sched_waking: B", "", "", "sched_waking", " B"),
            (" mybuf: sched_switch: x", "mybuf", "", "sched_switch", " x"),
            (" print: sched_switch: x", "", "", "print", " sched_switch: x"),
            ("    1 sched:sched_switch: x", "", "sched", "sched_switch", " x"),
            (" sched:sched_switch:u: x", "", "sched", "sched_switch", " x"),
            (" sched_switch:ku: x", "", "", "sched_switch", " x"),
            (
                " sched:sched_switch/call-graph=fp/: x",
                "",
                "sched",
                "sched_switch",
                " x",
            ),
            (" sched_switch/name=a/u: x", "", "", "sched_switch", " x"),
            (" irq:irq_handler_entry: x", "", "irq", "irq_handler_entry", " x"),
            (" 25000 cycles:u: x", "", "", "cycles", " x"),
            (" 0: C|1", "", "", "0", " C|1"),
            (" <stack trace>", "", "", "<stack trace>", ""),
            (" do_exit+0x14/0xc18 <-do_group_exit", "", "", "function", ""),
        ] {
            let found = parse(text.as_bytes(), Tool::TraceCmd).unwrap();
            let expected = Name {
                label: label.as_bytes(),
                group: group.as_bytes(),
                event: event.as_bytes(),
                body: body.as_bytes(),
            };
            assert_eq!(found, expected, "{text}");
        }
        for wrong in ["", " x", " :", " 1 2 3 4 5 sched_switch: x"] {
            assert_eq!(parse(wrong.as_bytes(), Tool::Perf), None, "{wrong}");
        }
    }
}
