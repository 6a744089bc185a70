// SPDX-License-Identifier: GPL-2.0-only
//! The part of a line that every event has: who, where, when, what.
//!
//! ```text
//!   lto cgu.00-1234  (  999) [003] d..3.  1234.567890: sched_switch: …     ftrace; the column in brackets, 4 to 6
//!   lto cgu.00-1234  [003]  1234.567890: sched_switch:  …                  or no flags are optional
//!   lto cgu.-1234      3d..3. 4567us : sched_switch: …                     ftrace's latency format, and ftrace_dump
//!   mybuf:        lto cgu.00-1234  [003]  1234.567890: sched_switch:  …    one of several buffers or machines
//!   lto cgu.00  1234 [003]  1234.567890:  sched:sched_switch: …            perf; each column but CPU and time may lack
//! ```
//!
//! A name may hold anything, brackets, digits and colons too. So the line is not split at the first sign that looks
//! right, but where everything around it is right: the CPU is `[digits]` with a pid before it and a time behind it.
//! What stands before the name's column, a log's own time for instance, does not matter.

use super::Tool;
use super::name::{self, Name};

/// Why a line is no event, in a sentence's end.
pub(super) type Why = &'static str;

/// The clock does not count time.
pub(super) const COUNTED: Why = "its time is a count of cycles or events";
const NO_CPU: Why = "no `[CPU]` in it";
const NO_TIME: Why = "no time behind the CPU";
const NO_TASK: Why = "no task and pid before the CPU";
/// Width of the column with the name in ftrace and trace-cmd.
const COLUMN: usize = 16;
/// The same in the latency format, which cuts names to that.
const SHORT_COLUMN: usize = 8;

/// The fields that every event has.
#[derive(Debug, PartialEq)]
pub(super) struct Prefix<'a> {
    /// The buffer or the machine, where the line names one.
    pub label: &'a [u8],
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
pub(super) fn parse(line: &[u8], tool: Tool) -> Result<Prefix<'_>, Why> {
    let strict = brackets(line, tool, task);
    let why = match strict {
        Err(why @ (NO_CPU | NO_TIME | NO_TASK)) => why,
        done => return done,
    };
    let other = match tool {
        Tool::Perf => brackets(line, tool, |text, _| Some((b"", loose_task(text)))),
        Tool::Ftrace | Tool::TraceCmd => latency(line, tool),
    };
    // What is wrong with the line is what is wrong with it in the usual format.
    other.map_err(|found| if found == COUNTED { found } else { why })
}

/// Splits a line of perf that has a task with a pid.
pub(super) fn parse_strict(line: &[u8]) -> Result<Prefix<'_>, Why> {
    brackets(line, Tool::Perf, task)
}

type Who<'a> = (&'a [u8], &'a [u8]);

fn brackets<'a>(
    line: &'a [u8],
    tool: Tool,
    task: impl Fn(&'a [u8], Tool) -> Option<Who<'a>>,
) -> Result<Prefix<'a>, Why> {
    let mut why = NO_CPU;
    for open in memchr::memchr_iter(b'[', line) {
        let Some((cpu, rest)) = cpu(&line[open + 1..]) else {
            continue;
        };
        let (time_ns, rest) = match time(rest) {
            Ok(found) => found,
            Err(wrong) => {
                why = wrong;
                continue;
            }
        };
        let Some(who) = task(&line[..open], tool) else {
            why = NO_TASK;
            continue;
        };
        return prefix(who, cpu, time_ns, rest, tool);
    }
    Err(why)
}

fn prefix<'a>(
    (label, comm): Who<'a>,
    cpu: u32,
    time_ns: u64,
    rest: &'a [u8],
    tool: Tool,
) -> Result<Prefix<'a>, Why> {
    let Name {
        label: buffer,
        group,
        event,
        body,
    } = name::parse(rest, tool).ok_or("no event behind the time")?;
    Ok(Prefix {
        label: if buffer.is_empty() { label } else { buffer },
        comm,
        cpu,
        time_ns,
        group,
        event,
        body,
    })
}

/// `bash-1234    3d..2. 4567us : …`: the CPU and its flags are one word.
fn latency(line: &[u8], tool: Tool) -> Result<Prefix<'_>, Why> {
    const WORDS: usize = 64;
    for space in memchr::memchr_iter(b' ', line).take(WORDS) {
        let Some((cpu, rest)) = digits(&line[space + 1..]) else {
            continue;
        };
        let end = memchr::memchr(b' ', rest).unwrap_or(0);
        let is_flag = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'#');
        if !(3..=8).contains(&end) || rest[0].is_ascii_digit() || !rest[..end].iter().all(is_flag) {
            continue;
        }
        let Some(stamp) = stamp(rest[end..].trim_ascii_start()) else {
            continue;
        };
        let before = before_digits(line[..space].trim_ascii_end()).and_then(|text| text.strip_suffix(b"-"));
        let (Ok(cpu), Some(text)) = (u32::try_from(cpu), before) else {
            continue;
        };
        let who = label(text, tool, SHORT_COLUMN);
        let (time_ns, rest) = stamp?;
        return prefix(who, cpu, time_ns, rest, tool);
    }
    Err(NO_CPU)
}

/// `003] …`: the number, and what follows.
fn cpu(text: &[u8]) -> Option<(u32, &[u8])> {
    let (cpu, rest) = digits(text)?;
    Some((u32::try_from(cpu).ok()?, rest.strip_prefix(b"]")?))
}

/// `d..3.  1234.567890: …`, with or without the flags: nanoseconds, and what follows.
fn time(text: &[u8]) -> Result<(u64, &[u8]), Why> {
    const FLAGS: usize = 10;
    let text = text.strip_prefix(b" ").ok_or(NO_TIME)?.trim_ascii_start();
    if let Some(found) = stamp(text) {
        return found;
    }
    let flags = memchr::memchr(b' ', &text[..text.len().min(FLAGS + 1)]).ok_or(NO_TIME)?;
    stamp(text[flags..].trim_ascii_start()).unwrap_or(Err(NO_TIME))
}

/// `1234.567890: …`, or `4567us : …`; a whole number is no time.
fn stamp(text: &[u8]) -> Option<Result<(u64, &[u8]), Why>> {
    let (whole, rest) = digits(text)?;
    if let Some(rest) = rest.strip_prefix(b"us") {
        let marked = rest.first().is_some_and(|byte| b" !#*@$+".contains(byte));
        let rest = rest[usize::from(marked)..].strip_prefix(b":")?;
        return Some(Ok((whole.checked_mul(1_000)?, rest)));
    }
    let Some(fraction) = rest.strip_prefix(b".") else {
        return rest.strip_prefix(b":").map(|_| Err(COUNTED));
    };
    let (value, behind) = digits(fraction)?;
    let places = fraction.len() - behind.len();
    let scale = 10u64.pow(9u32.checked_sub(u32::try_from(places).ok()?)?);
    let time_ns = whole.checked_mul(1_000_000_000)?.checked_add(value * scale)?;
    Some(Ok((time_ns, behind.strip_prefix(b":")?)))
}

/// `     lto cgu.00-1234  (  999) `: the buffer or machine, and the name.
fn task(text: &[u8], tool: Tool) -> Option<Who<'_>> {
    let mut text = text.trim_ascii_end();
    if let Some(inside) = text.strip_suffix(b")") {
        text = inside[..memchr::memrchr(b'(', inside)?].trim_ascii_end();
    }
    let mut text = before_digits(text)?;
    if tool != Tool::Perf {
        return Some(label(text.strip_suffix(b"-")?, tool, COLUMN));
    }
    if let Some(pid) = text.strip_suffix(b"/") {
        text = before_digits(pid)?;
    }
    // perf says -1 of a task that it does not know.
    text = text.strip_suffix(b"-").unwrap_or(text);
    text.ends_with(b" ").then(|| machine(text.trim_ascii()))
}

/// Splits off what stands before the column of the name: a word and a colon is a buffer or a machine.
fn label(text: &[u8], tool: Tool, width: usize) -> Who<'_> {
    // The wide column begins with a space always, the short one need not.
    let begins = |at: usize| text[at] == b' ' || width == SHORT_COLUMN && at > 0 && text[at - 1] == b' ';
    let (before, comm) = match text.len().checked_sub(width) {
        Some(at) if text.len() > at && begins(at) => text.split_at(at),
        _ => match memchr::memmem::find(text, b": ").filter(|_| tool == Tool::TraceCmd) {
            Some(colon) if is_word(text[..colon].trim_ascii_start()) => text.split_at(colon + 1),
            _ => return (b"", text.trim_ascii_start()),
        },
    };
    let word = before.trim_ascii().strip_suffix(b":");
    let word = word.filter(|word| tool == Tool::TraceCmd && is_word(word));
    (word.unwrap_or_default(), comm.trim_ascii_start())
}

fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(u8::is_ascii_whitespace)
}

/// `VM:1234 cc1`: a guest of perf's, and the name.
fn machine(text: &[u8]) -> Who<'_> {
    let guest = text.strip_prefix(b"VM:").and_then(|rest| {
        let (pid, behind) = digits(rest.trim_ascii_start())?;
        let _ = pid;
        Some((&text[..text.len() - behind.len()], behind.trim_ascii_start()))
    });
    guest.unwrap_or((b"", text))
}

/// The name where perf was told to leave columns out.
fn loose_task(text: &[u8]) -> &[u8] {
    let number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'/' | b'-' | b' ');
    let end = text.iter().rposition(|byte| !number(byte)).map_or(0, |at| at + 1);
    text[..end].trim_ascii()
}

fn before_digits(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit())? + 1;
    (end < text.len()).then(|| &text[..end])
}

/// The number at the start, of at most 18 digits, and what follows.
pub(super) fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
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
        assert_eq!(why("bash-1 [000] 1: x: y"), COUNTED);
        assert_eq!(why("bash 1 [000] 1.0: x: y"), "no task and pid before the CPU");
        assert_eq!(why("bash-1 [000] 1.0: x"), "no event behind the time");
        assert_eq!(why("bash-1 [99999999999] 1.0: x: y"), "no `[CPU]` in it");
        assert_eq!(
            why("bash-1 [000] 99999999999999.0: x: y"),
            "no time behind the CPU"
        );
    }

    #[test]
    fn formats_of_every_kind() {
        let lines = |tool, comm, lines: &[&str]| {
            for line in lines {
                check(tool, line, comm, 3, 5_000_001_000, "sched_switch");
            }
        };
        lines(
            Tool::Ftrace,
            "bash",
            &[
                "    bash-12345     3d..2. 5000001us : sched_switch: x",
                "    bash-12345     3d..2. 5000001us+: sched_switch: x",
                "[   12.345678]     bash-12345     3dNh2. 5000001us : sched_switch: x",
                "[   12.345678] [  T123]              bash-12345   [003] d..3.     5.000001: sched_switch: x",
                "03:41 kernel: |              bash-12345   [003] d..2..     5.000001: sched_switch: x",
                "\t    bash-12345 [003]  5.000001: sched_switch: x",
                "bash-12345 [003] ...1  5.000001: sched_switch: x",
            ],
        );
        lines(
            Tool::TraceCmd,
            "bash",
            &[
                "            bash-12345 [003]     5.000001: (+1500)  sched_switch: x",
                "  bash-12345     3d..2     5.000001: sched_switch: x",
            ],
        );
        lines(
            Tool::Perf,
            "bash",
            &[
                "            bash 12345 [003]     5.000001:          1 sched:sched_switch: x",
                "            bash 12345/12346 [003] d..2. 5.000001000: sched:sched_switch:u: x",
                "            bash [003]     5.000001: sched:sched_switch: x",
                "VM: 1234             bash 12345 [003]     5.000001: sched:sched_switch: x",
            ],
        );
        lines(
            Tool::Perf,
            "",
            &[
                "12345 [003]     5.000001: sched:sched_switch: x",
                "12345/12346 [003]     5.000001: sched:sched_switch: x",
                "[003]     5.000001: sched:sched_switch: x",
            ],
        );
    }

    #[test]
    fn a_buffer_or_machine_is_told_from_the_name() {
        for (line, label, comm) in [
            (
                "mybuf:              sh-50      [000]    10.001: sched_switch: x",
                "mybuf",
                "sh",
            ),
            (
                "mybuf:   rs:main Q:Reg-50      [000]    10.001: sched_switch: x",
                "mybuf",
                "rs:main Q:Reg",
            ),
            (
                "  host.dat:              sh-50 [000]    10.001: sched_switch: x",
                "host.dat",
                "sh",
            ),
            ("mybuf: sh-50 [000]    10.001: sched_switch: x", "mybuf", "sh"),
            (
                "              sh-50 [000]    10.001: mybuf: sched_switch: x",
                "mybuf",
                "sh",
            ),
            (
                "                         sh-50 [000]    10.001: sched_switch: x",
                "",
                "sh",
            ),
            (
                "   rs:main Q:Reg-50 [000]    10.001: sched_switch: x",
                "",
                "rs:main Q:Reg",
            ),
            (
                "com.android.systemui-611 [000]    10.001: sched_switch: x",
                "",
                "com.android.systemui",
            ),
        ] {
            let found = parse(line.as_bytes(), Tool::TraceCmd).unwrap();
            assert_eq!(
                (found.label, found.comm),
                (label.as_bytes(), comm.as_bytes()),
                "{line}"
            );
        }
    }
}
