// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur trace info`: what a trace holds.

use super::input::{self, Reading};
use super::interrupt;
use crate::trace::summary::{Finished, TaskSummary};
use crate::trace::{Header, Reader, Skip, Summary, shown};
use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Inspect recorded traces.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what a trace holds: events, what was lost or could not be read, and every task
    Info(Info),
}

/// Show what a trace holds.
#[derive(Debug, Parser)]
#[command(after_help = "\
Reads native traces, Perfetto traces, and text of ftrace, `trace-cmd report` and `perf script`; the content says \
which it is. Packed with gzip or zstd, in a page of systrace, in JSON (`systemTraceEvents`) or in the midst of a log, too.

A trace most of which cannot be read, or whose times are none, is an error unless --partial is given; two machines, or \
two recordings, are never mixed.

A task migrates where it starts to run on another CPU than it last ran on. Its latency is the time from a wakeup to \
the run that follows. A run that began before the trace, or goes on after it, counts for its part inside. What cannot \
be read is skipped and reported with its line and the reason.")]
struct Info {
    /// The trace; `-` is standard input
    file: PathBuf,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    format: &'static str,
    cpus: u64,
    start_ns: u64,
    end_ns: u64,
    events: BTreeMap<String, u64>,
    lost: u64,
    skipped: Vec<Skip>,
    /// Everything else that is no event and was left out, by its name.
    left_out: BTreeMap<String, u64>,
    /// How often something was skipped, by reason.
    #[serde(skip)]
    reasons: BTreeMap<String, u64>,
    tasks: Vec<TaskSummary>,
}

/// Runs the command.
///
/// # Errors
/// Where the file is no trace, has no switch, or cannot be read; where standard output cannot be written.
pub fn run(args: &Args) -> Result<()> {
    let Command::Info(info) = &args.command;
    let (report, header) = read(&info.file, &info.reading)?;
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    if info.json {
        json(out, &report)
    } else {
        table(out, &report, &header)
    }
    .context("cannot write the report")
}

fn read(file: &Path, reading: &Reading) -> Result<(Report, Header)> {
    interrupt::end_at_once()?;
    let mut reader = input::open(file, reading)?;
    let mut summary = Summary::default();
    while let Some(event) = input::next(&mut reader, file)? {
        summary.add(&event);
    }
    let found = summary.finish();
    reading.judge(file, reader.notes())?;
    ensure!(
        found.events.contains_key("sched_switch"),
        "{}: {}",
        file.display(),
        super::convert::no_switch(reader.notes())
    );
    Ok((report(&reader, found), reader.header().clone()))
}

fn report(reader: &Reader, found: Finished) -> Report {
    let notes = reader.notes();
    let mut events = notes.foreign_events().clone();
    events.extend(
        found
            .events
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count)),
    );
    let mut skipped = notes.skipped();
    if found.dropped {
        let why = "this trace has more tasks or latencies than are kept; those beyond are not listed".into();
        skipped.push(Skip { line: 0, why });
    }
    Report {
        format: reader.format().name(),
        cpus: u64::from(reader.header().cpus).max(found.cpus as u64),
        start_ns: found.start_ns,
        end_ns: found.end_ns,
        events,
        lost: found.lost.max(reader.header().lost),
        skipped,
        left_out: notes.asides().clone(),
        reasons: notes.reasons().clone(),
        tasks: found.tasks,
    }
}

fn json(mut out: impl Write, report: &Report) -> Result<()> {
    serde_json::to_writer(&mut out, report)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

fn table(mut out: impl Write, report: &Report, header: &Header) -> Result<()> {
    let seconds = (report.end_ns - report.start_ns) as f64 / 1e9;
    writeln!(
        out,
        "{} trace, {} CPUs, {seconds:.6} s from {}.{:09} s",
        report.format,
        report.cpus,
        report.start_ns / 1_000_000_000,
        report.start_ns % 1_000_000_000
    )?;
    for (name, value) in [
        ("kernel", header.kernel.clone()),
        ("scheduler", header.scheduler.clone()),
        ("clock", header.clock.clone()),
        ("command", header.command.join(" ")),
        (
            "machine",
            header
                .machine()?
                .map_or(String::new(), |machine| machine.to_string()),
        ),
    ] {
        if !value.is_empty() {
            writeln!(out, "{name}: {}", shown(&value))?;
        }
    }
    writeln!(out, "\n{:>12}  event", "count")?;
    for (name, count) in &report.events {
        writeln!(out, "{count:>12}  {}", shown(name))?;
    }
    writeln!(out, "\n{} events were lost", report.lost)?;
    skipped(&mut out, &report.skipped, &report.reasons)?;
    for (what, count) in &report.left_out {
        writeln!(out, "{count} {} are left out", shown(what))?;
    }
    tasks(&mut out, &report.tasks)?;
    Ok(out.flush()?)
}

/// The first few, and how many there are of each kind; `--json` has more.
fn skipped(out: &mut impl Write, skipped: &[Skip], reasons: &BTreeMap<String, u64>) -> Result<()> {
    const SHOWN: usize = 10;
    for Skip { line, why } in skipped.iter().take(SHOWN) {
        let why = shown(why);
        match line {
            0 => writeln!(out, "{why}")?,
            _ => writeln!(out, "line {line} is skipped: {why}")?,
        }
    }
    if skipped.len() > SHOWN {
        writeln!(
            out,
            "and {} more; --json lists them. In all:",
            skipped.len() - SHOWN
        )?;
        for (why, count) in reasons.iter().take(SHOWN) {
            writeln!(out, "{count:>12}  {}", shown(why))?;
        }
    }
    Ok(())
}

/// Those who ran longest first.
fn tasks(out: &mut impl Write, tasks: &[TaskSummary]) -> Result<()> {
    writeln!(
        out,
        "\n{:>8} {:<16} {:>12} {:>8} {:>8} {:>12} {:>12} {:>10}",
        "pid", "task", "on CPU ms", "runs", "wakeups", "median µs", "worst µs", "migrations"
    )?;
    let mut order: Vec<&TaskSummary> = tasks.iter().collect();
    order.sort_by_key(|task| std::cmp::Reverse(task.run_ns));
    for task in order {
        let mut latencies = task.latencies_ns.clone();
        latencies.sort_unstable();
        let micros = |ns: Option<&u64>| ns.map_or("-".into(), |&ns| format!("{:.1}", ns as f64 / 1e3));
        let median = latencies.get(latencies.len() / 2);
        writeln!(
            out,
            "{:>8} {:<16} {:>12.3} {:>8} {:>8} {:>12} {:>12} {:>10}",
            task.pid,
            task.comm,
            task.run_ns as f64 / 1e6,
            task.runs,
            task.wakeups,
            micros(median),
            micros(latencies.last()),
            task.migrations
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_first_and_what_is_skipped_has_its_line() {
        let task = |pid, run_ns| TaskSummary {
            pid,
            run_ns,
            latencies_ns: vec![3000, 1000, 2000],
            ..TaskSummary::default()
        };
        let report = Report {
            format: "ftrace",
            cpus: 2,
            start_ns: 1_000_000_000,
            end_ns: 1_500_000_000,
            events: BTreeMap::from([("sched_switch".into(), 3)]),
            lost: 4,
            skipped: vec![Skip {
                line: 7,
                why: "no `[CPU]` in it".into(),
            }],
            left_out: BTreeMap::from([("lines of stacks".into(), 5)]),
            reasons: BTreeMap::new(),
            tasks: vec![task(1, 10), task(2, 20)],
        };
        let mut out = Vec::new();
        table(&mut out, &report, &Header::default()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("ftrace trace, 2 CPUs, 0.500000 s from 1.000000000 s\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "4 events were lost\nline 7 is skipped: no `[CPU]` in it\n5 lines of stacks are left out\n"
            ),
            "{text}"
        );
        let rows: Vec<_> = text
            .lines()
            .rev()
            .take(2)
            .map(|row| row.split_whitespace().next())
            .collect();
        assert_eq!(rows, [Some("1"), Some("2")]);
        assert!(text.contains("2.0          3.0"), "{text}");
    }
}
