// SPDX-License-Identifier: GPL-2.0-only
//! What the lines before the events say: who printed them, and on which machine.

use super::prefix::digits;
use super::{Tool, line};
use crate::{Header, Notes};

/// Who prints such a line before the events; `None` where nobody known does.
pub(super) fn tool(text: &[u8]) -> Option<Tool> {
    if text.starts_with(b"# tracer:") {
        return Some(Tool::Ftrace);
    }
    line::is_heading(text).then_some(Tool::TraceCmd)
}

/// Whether a recording begins with that line. Some headings have several lines; only one of them counts.
pub(super) fn begins(text: &[u8]) -> bool {
    text.starts_with(b"# tracer:") || text.starts_with(b"cpus=") || text.starts_with(b"# captured on")
}

/// Takes from a line of the heading what it tells of the machine, and of what is missing.
pub(super) fn learn(header: &mut Header, notes: &mut Notes, line: &[u8]) {
    if let Some(events) = overwritten(line) {
        notes.overwrite(events);
    }
    let Ok(line) = std::str::from_utf8(line) else {
        return;
    };
    let line = line.trim_end();
    let number = |text: &str| text.trim().parse().ok();
    if let Some(cpus) = line.strip_prefix("cpus=").and_then(number) {
        header.cpus = header.cpus.max(cpus);
    } else if let Some(comment) = line.strip_prefix('#') {
        if let Some(cpus) = comment.rsplit_once("#P:").and_then(|(_, text)| number(text)) {
            header.cpus = cpus;
        }
        if let Some(clock) = comment.trim_start().strip_prefix("clockid: ") {
            header.clock = clock.split(' ').next().unwrap_or_default().into();
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

/// `# entries-in-buffer/entries-written: 11/9000   #P:2`: how many are not in the buffer any more.
fn overwritten(line: &[u8]) -> Option<u64> {
    let text = line.strip_prefix(b"# entries-in-buffer/entries-written: ")?;
    let (left, text) = digits(text)?;
    let (written, _) = digits(text.strip_prefix(b"/")?)?;
    written.checked_sub(left)
}
