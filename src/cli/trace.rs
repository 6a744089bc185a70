// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur trace info` and `trace diff`: what a trace holds, and how two of them differ.

use super::input::{self, Reading};
use super::{UsageError, interrupt};
use anyhow::{Context, Result, ensure};
use augur_trace::diff::Diff;
use augur_trace::report::Report;
use augur_trace::scope::{self, Moment, Scope, Who};
use augur_trace::{Format, Summary, Task};
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::fmt::Display;
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
    /// Show what a trace holds: events, what was lost or could not be read, every CPU and every task
    Info(Info),
    /// Show what differs between two traces: events, and the tasks of each name
    Diff(DiffArgs),
}

/// Show what a trace holds.
#[derive(Debug, Parser)]
#[command(after_help = "\
Reads native traces, Perfetto traces, tables of events (Parquet, CSV), and text of ftrace, `trace-cmd report` and `perf \
script`; the content says which it is. Packed with gzip or zstd, in a page of systrace, in JSON (`systemTraceEvents`) or in \
the midst of a log, too.

A trace most of which cannot be read, or whose times are none, is an error unless --partial is given; two machines, or \
two recordings, are never mixed.

A task migrates where it starts to run on another CPU than it last ran on. Its latency is the time from a wakeup to \
the run that follows; `preempted` is what it waited after it was interrupted, `blocked` what it slept uninterruptibly. \
A run that began before the trace, or goes on after it, counts for its part inside. Nothing is counted where a CPU is \
not known: before its buffer began, and where events were lost. What the trace does not tell is `-`, null in JSON. What \
cannot be read is skipped and reported with its line and the reason.")]
struct Info {
    /// The trace; `-` is standard input
    file: PathBuf,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    part: Part,
}

/// Show what differs between two traces.
#[derive(Debug, Parser)]
#[command(after_help = "\
Tasks are compared by their names, because pids differ between any two recordings. Only what differs is shown; --json \
has all totals.")]
struct DiffArgs {
    /// The first trace
    a: PathBuf,
    /// The second trace
    b: PathBuf,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    part: Part,
}

/// Which part of a trace is asked for.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Part of the trace")]
pub struct Part {
    /// Only these tasks: pids, or names in which `*`, `?` and `[...]` stand for others
    #[arg(long, value_name = "PID|NAME,...", value_delimiter = ',')]
    task: Vec<String>,
    /// Only these CPUs: 0,2-3
    #[arg(long, value_name = "CPUS")]
    cpu: Option<String>,
    /// From that time: seconds of the trace's clock, or +S after its beginning
    #[arg(long, value_name = "S|+S")]
    from: Option<String>,
    /// Until that time
    #[arg(long, value_name = "S|+S")]
    to: Option<String>,
}

impl Part {
    /// What it says.
    ///
    /// # Errors
    /// Wrong use, in a sentence.
    pub fn scope(&self) -> Result<Scope> {
        let wrong = |err: anyhow::Error| UsageError(format!("{err:#}"));
        let moment = |text: &Option<String>| text.as_deref().map(Moment::parse).transpose();
        let mut found = Scope::default();
        found.from = moment(&self.from).map_err(wrong)?;
        found.to = moment(&self.to).map_err(wrong)?;
        found.cpus = self.cpu.as_deref().map(scope::cpus).transpose().map_err(wrong)?;
        let tasks: Result<Vec<Who>> = self.task.iter().map(|text| Who::parse(text)).collect();
        found.tasks = tasks.map_err(wrong)?;
        Ok(found)
    }
}

/// Runs the command.
///
/// # Errors
/// Where a file is no trace, has no switch, or cannot be read; where standard output cannot be written.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Command::Info(info) => print(&read(&info.file, &info.reading, &info.part)?, info.json),
        Command::Diff(diff) => {
            let (a, b) = (
                read(&diff.a, &diff.reading, &diff.part)?,
                read(&diff.b, &diff.reading, &diff.part)?,
            );
            let name = |path: &Path| path.display().to_string();
            print(&Diff::new((name(&diff.a), &a), (name(&diff.b), &b)), diff.json)
        }
    }
}

fn print(report: &(impl Serialize + Display), json: bool) -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match json {
        true => serde_json::to_writer(&mut out, report)
            .map_err(anyhow::Error::from)
            .and_then(|()| Ok(writeln!(out)?)),
        false => write!(out, "{report}").map_err(anyhow::Error::from),
    };
    written
        .and_then(|()| Ok(out.flush()?))
        .context("cannot write the report")
}

fn read(file: &Path, reading: &Reading, part: &Part) -> Result<Report> {
    let scope = part.scope()?;
    interrupt::end_at_once()?;
    let mut reader = input::open(file, reading)?;
    let mut summary = Summary::of(scope.clone());
    let mut next = input::next(&mut reader, file)?;
    // What is known begins with the first line, whatever that tells of.
    if let Some((first_ns, _)) = reader.notes().span() {
        summary.begins(first_ns);
    }
    let mut switches = 0u64;
    while let Some(event) = next {
        switches += u64::from(event.kind.name() == "sched_switch");
        summary.add(&event);
        next = input::next(&mut reader, file)?;
    }
    let notes = reader.notes();
    reading.judge(file, notes)?;
    ensure!(
        switches > 0,
        "{}: {}",
        file.display(),
        super::convert::no_switch(notes)
    );
    // Packets come CPU by CPU, so a torn file ends at different times.
    let torn = notes.torn().is_some() && reader.format() == Format::Perfetto;
    let mut found = summary.finish_at(notes.span().map(|(_, last_ns)| last_ns), torn);
    found.tasks.retain(|task| {
        scope.has_task(&Task {
            pid: task.pid,
            comm: task.comm,
            prio: 0,
        })
    });
    Report::new(reader.format().name(), reader.header(), notes, found)
}
