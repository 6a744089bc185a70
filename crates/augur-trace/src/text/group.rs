// SPDX-License-Identifier: GPL-2.0-only
//! Which process a line's thread belongs to: `cc1-43  (   42) [003]` (ftrace with `record-tgid`), `cc1 42/43 [003]` (perf).

use super::Tool;
use super::prefix::digits;

/// The thread before the CPU and its process, where the line tells.
pub(super) fn of(line: &[u8], tool: Tool) -> Option<(i32, i32)> {
    let open = memchr::memchr_iter(b'[', line)
        .find(|&open| digits(&line[open + 1..]).is_some_and(|(_, rest)| rest.starts_with(b"]")))?;
    let text = line[..open].trim_ascii_end();
    if tool == Tool::Perf {
        let (text, tid) = last_number(text)?;
        let (text, pid) = last_number(text.strip_suffix(b"/")?)?;
        return text.ends_with(b" ").then_some((tid, pid));
    }
    let inside = text.strip_suffix(b")")?;
    let bracket = memchr::memrchr(b'(', inside)?;
    let tgid = last_number(&inside[bracket..])?.1;
    let (text, pid) = last_number(inside[..bracket].trim_ascii_end())?;
    text.ends_with(b"-").then_some((pid, tgid))
}

/// The number at the end, and what is before it.
fn last_number(text: &[u8]) -> Option<(&[u8], i32)> {
    let at = text.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    let (value, _) = digits(&text[at..])?;
    Some((&text[..at], i32::try_from(value).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_line_tells() {
        for (tool, line, expected) in [
            (
                Tool::Ftrace,
                "  lto cgu.00-1234  (  999) [003] d..3.  1.5: x: y",
                Some((1234, 999)),
            ),
            (
                Tool::Ftrace,
                "  <idle>-0       (-----) [003] d..3.  1.5: x: y",
                None,
            ),
            (Tool::Ftrace, "  cc1-7 [003] d..3.  1.5: x: y", None),
            (Tool::Perf, "  cc1  42/43 [003]  1.5: sched:x: y", Some((43, 42))),
            (Tool::Perf, "  kworker/0  43 [003]  1.5: sched:x: y", None),
        ] {
            assert_eq!(of(line.as_bytes(), tool), expected, "{line}");
        }
    }
}
