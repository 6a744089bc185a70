// SPDX-License-Identifier: GPL-2.0-only
//! Where in a text the trace is: in the midst of a log, a page or a script there is much that is none of it.

use super::{Tool, heading, printed_by};
use std::borrow::Cow;

/// Walks along the lines.
pub(super) struct Region {
    /// Who printed the trace, as far as is known.
    pub tool: Option<Tool>,
    /// The trace has begun, and is not over.
    inside: bool,
}

impl Region {
    /// Starts before the first line.
    pub(super) fn new(tool: Option<Tool>) -> Region {
        Region { tool, inside: false }
    }

    /// Who printed the line, if it is inside the trace; it may be where the trace begins.
    pub(super) fn of(&mut self, line: &[u8]) -> Option<Tool> {
        if !self.inside {
            let printed = heading::tool(line).map(Some).or_else(|| printed_by(line));
            let headings = [&b"# ======"[..], b"# entries-in-buffer", b"##### CPU ", b"CPU:"];
            let begins = printed.is_some() || headings.iter().any(|heading| line.starts_with(heading));
            self.inside = begins && (printed.is_some() || self.tool.is_some());
            self.tool = self
                .tool
                .or_else(|| printed.map(|tool| tool.unwrap_or(Tool::Ftrace)));
        }
        self.tool.filter(|_| self.inside)
    }

    /// A line that could not be read may be where the trace ends.
    pub(super) fn ends(&mut self, line: &[u8]) -> bool {
        let text = line.trim_ascii();
        let dashes = text.len() >= 20 && text.ends_with(b"--------------------");
        let over = dashes
            || [&b"</script"[..], b"</pre", b"</div", b"\";"]
                .iter()
                .any(|tag| text.starts_with(tag));
        self.inside &= !over;
        over
    }
}

/// A line as it was before somebody packed it into a page or a script; `None` where it was not.
pub(super) fn unwrapped(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    let text = line.strip_suffix(b"\\n\\").unwrap_or(line);
    let text = match memchr::memmem::find(text, b"application/text\">") {
        Some(at) => &text[at + b"application/text\">".len()..],
        None => text,
    };
    let text = match memchr::memchr(b'&', text) {
        Some(_) => unescaped(text),
        None => Cow::Borrowed(text),
    };
    (text.len() != line.len()).then_some(text)
}

fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    const ENTITIES: [(&[u8], u8); 4] = [
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&amp;", b'&'),
        (b"&quot;", b'"'),
    ];
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let entity = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
        let (sign, len) = entity.map_or((first, 1), |(entity, sign)| (*sign, entity.len()));
        out.push(sign);
        rest = &rest[len..];
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_and_scripts_add_is_taken_away() {
        let plain =
            |text: &str| unwrapped(text.as_bytes()).map(|text| String::from_utf8_lossy(&text).into_owned());
        assert_eq!(plain("next_prio=120"), None);
        assert_eq!(plain("a & b"), None);
        assert_eq!(plain("next_prio=120\\n\\").as_deref(), Some("next_prio=120"));
        let line = "&lt;idle&gt;-0 S ==&gt; &amp;x";
        assert_eq!(plain(line).as_deref(), Some("<idle>-0 S ==> &x"));
        let line = "<script class=\"trace-data\" type=\"application/text\"># tracer: nop";
        assert_eq!(plain(line).as_deref(), Some("# tracer: nop"));
    }
}
