// SPDX-License-Identifier: GPL-2.0-only
//! The part of a line that every event has: who, where, when, what.
//!
//! ```text
//!   lto cgu.00-1234  (  999) [003] d..3.  1234.567890: sched_switch: …     ftrace; the column in brackets, 4 or 5
//!   lto cgu.00-1234  [003]  1234.567890: sched_switch:  …                  or no flags are optional
//!   lto cgu.00  1234 [003]  1234.567890:  sched:sched_switch: …            perf
//! ```
//!
//! A name may hold anything, brackets, digits and colons too. So the line is not split at the first sign that looks
//! right, but where everything around it is right: the CPU is `[digits]` with a pid before it and a time behind it.

use super::Tool;

/// Why a line is no event, in a sentence's end.
pub type Why = &'static str;

/// The fields that every event has.
#[derive(Debug, PartialEq)]
pub struct Prefix<'a> {
    /// Name of the task that ran.
    pub comm: &'a [u8],
    /// CPU.
    pub cpu: u32,
    /// Time.
    pub time_ns: u64,
    /// `sched` where the line says `sched:sched_switch`, else empty.
    pub group: &'a [u8],
    /// The event's name.
    pub event: &'a [u8],
    /// Everything behind it.
    pub body: &'a [u8],
}

/// Splits a line.
pub fn parse(line: &[u8], tool: Tool) -> Result<Prefix<'_>, Why> {
    let mut why = "no `[CPU]` in it";
    for open in memchr::memchr_iter(b'[', line) {
        let Some((cpu, rest)) = cpu(&line[open + 1..]) else {
            continue;
        };
        why = "no time behind the CPU";
        let Some((time_ns, rest)) = time(rest) else {
            continue;
        };
        why = "no task and pid before the CPU";
        let Some(comm) = task(&line[..open], tool) else {
            continue;
        };
        let (group, event, body) = event(rest).ok_or("no event behind the time")?;
        return Ok(Prefix {
            comm,
            cpu,
            time_ns,
            group,
            event,
            body,
        });
    }
    Err(why)
}

/// `003] …`: the number, and what follows.
fn cpu(text: &[u8]) -> Option<(u32, &[u8])> {
    let (cpu, rest) = digits(text)?;
    Some((u32::try_from(cpu).ok()?, rest.strip_prefix(b"]")?))
}

/// `d..3.  1234.567890: …`, with or without the flags: nanoseconds, and what follows.
fn time(text: &[u8]) -> Option<(u64, &[u8])> {
    const FLAGS: usize = 10;
    let text = text.strip_prefix(b" ")?.trim_ascii_start();
    if let Some(found) = seconds(text) {
        return Some(found);
    }
    let flags = memchr::memchr(b' ', &text[..text.len().min(FLAGS + 1)])?;
    seconds(text[flags..].trim_ascii_start())
}

/// `1234.567890: …`.
fn seconds(text: &[u8]) -> Option<(u64, &[u8])> {
    let (whole, rest) = digits(text)?;
    let rest = rest.strip_prefix(b".")?;
    let (fraction, behind) = digits(rest)?;
    let places = rest.len() - behind.len();
    let scale = 10u64.pow(9u32.checked_sub(u32::try_from(places).ok()?)?);
    let time_ns = whole.checked_mul(1_000_000_000)?.checked_add(fraction * scale)?;
    Some((time_ns, behind.strip_prefix(b":")?))
}

/// `     lto cgu.00-1234  (  999) `: the name.
fn task(text: &[u8], tool: Tool) -> Option<&[u8]> {
    let mut text = text.trim_ascii_end();
    if let Some(inside) = text.strip_suffix(b")") {
        text = inside[..memchr::memrchr(b'(', inside)?].trim_ascii_end();
    }
    let mut text = before_digits(text)?;
    if tool != Tool::Perf {
        return Some(text.strip_suffix(b"-")?.trim_ascii_start());
    }
    if let Some(pid) = text.strip_suffix(b"/") {
        text = before_digits(pid)?;
    }
    // perf says -1 of a task that it does not know.
    text = text.strip_suffix(b"-").unwrap_or(text);
    text.ends_with(b" ").then(|| text.trim_ascii())
}

fn before_digits(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    (end < text.len()).then(|| &text[..end])
}

/// ` sched:sched_switch: …`: group, name, and what follows.
fn event(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (name, body) = text.split_at(end);
    let name = name.strip_suffix(b":")?;
    let colon = memchr::memchr(b':', name);
    let (group, name) = match colon {
        Some(colon) => (&name[..colon], &name[colon + 1..]),
        None => (&name[..0], name),
    };
    (!name.is_empty()).then_some((group, name, body))
}

/// The number at the start, of at most 18 digits, and what follows.
pub fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    let mut at = 0;
    while let Some(digit) = text
        .get(at)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|&digit| digit < 10)
    {
        value = value * 10 + u64::from(digit);
        at += 1;
        if at > 18 {
            return None;
        }
    }
    (at > 0).then(|| (value, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tool: Tool, line: &str, comm: &str, cpu: u32, time_ns: u64, event: &str) {
        let prefix = parse(line.as_bytes(), tool).unwrap_or_else(|why| panic!("{why}: {line}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            (text(prefix.comm), prefix.cpu, prefix.time_ns, text(prefix.event)),
            (comm.into(), cpu, time_ns, event.into())
        );
    }

    #[test]
    fn columns_come_and_go() {
        let ftrace = |line, comm| check(Tool::Ftrace, line, comm, 3, 5_000_001_000, "sched_switch");
        ftrace(
            "            bash-12345   [003] d..3.     5.000001: sched_switch: x",
            "bash",
        );
        ftrace(
            "            bash-12345   [003] d..3     5.000001: sched_switch: x",
            "bash",
        );
        ftrace(
            "            bash-12345   [003]     5.000001: sched_switch: x",
            "bash",
        );
        ftrace(
            "            bash-12345   (  123) [003] d..3.     5.000001: sched_switch: x",
            "bash",
        );
        ftrace(
            "            bash-12345   (-------) [003] .N.3.     5.000001: sched_switch: x",
            "bash",
        );
        ftrace(
            "          <idle>-0       [003] d..3.     5.000001000: sched_switch:",
            "<idle>",
        );
    }

    #[test]
    fn names_hold_anything() {
        for comm in [
            "rs:main Q:Reg",
            "lto cgu.00",
            "kworker/u16:3-e",
            "a [001] b",
            "[rcu-0] 1.5:",
            "x-1 (2) [3]",
            "sh -c 12",
        ] {
            let line = format!("{comm:>16}-77    [003] d..3.     5.000001: sched_switch: x");
            check(Tool::Ftrace, &line, comm, 3, 5_000_001_000, "sched_switch");
            let line = format!("{comm:>16}    77 [003]     5.000001:    sched:sched_switch: x");
            check(Tool::Perf, &line, comm, 3, 5_000_001_000, "sched_switch");
            let line = format!("{comm:>16}    77/78    [003]     5.000001234:    sched:sched_switch: x");
            check(Tool::Perf, &line, comm, 3, 5_000_001_234, "sched_switch");
        }
        check(
            Tool::Perf,
            "             :-1    -1 [003] 5.1: sched:x: y",
            ":-1",
            3,
            5_100_000_000,
            "x",
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let why = |line: &str| parse(line.as_bytes(), Tool::Ftrace).unwrap_err();
        assert_eq!(why("hello"), "no `[CPU]` in it");
        assert_eq!(why("bash-1 [000] d..3. x"), "no time behind the CPU");
        assert_eq!(why("bash-1 [000] 1: x: y"), "no time behind the CPU");
        assert_eq!(why("bash 1 [000] 1.0: x: y"), "no task and pid before the CPU");
        assert_eq!(why("bash-1 [000] 1.0: x"), "no event behind the time");
        assert_eq!(why("bash-1 [99999999999] 1.0: x: y"), "no `[CPU]` in it");
        assert_eq!(
            why("bash-1 [000] 99999999999999.0: x: y"),
            "no time behind the CPU"
        );
    }
}
