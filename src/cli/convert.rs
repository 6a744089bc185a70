// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur import` and `scx_augur export`: traces from and to other tools.

use super::console::{note, tell};
use super::input::{self, Reading};
use super::{UsageError, interrupt, machine_of};
use anyhow::{Result, bail, ensure};
use augur_base::file::STANDARD;
use augur_base::topology::Machine;
use augur_trace::{EventKind, Format, Notes, Writer, shown};
use clap::Parser;
use std::path::{Path, PathBuf};

/// Read a trace of any tool and write it as a native one.
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
pub struct Import {
    /// The trace: native, Perfetto, or text of ftrace, `trace-cmd report` or `perf script`; `-` is standard input
    input: PathBuf,
    /// The native trace to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The machine that was recorded, where the trace does not say: 2x2 for two caches of two cores each, or a TOML file
    #[arg(long, value_name = "SPEC|FILE")]
    machine: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Write a trace for another tool.
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
pub struct Export {
    /// The trace: native, Perfetto, or text of ftrace, `trace-cmd report` or `perf script`; `-` is standard input
    input: PathBuf,
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// native, perfetto, ftrace, parquet, csv or rt-app [default: by the ending of FILE]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

const AFTER_HELP: &str = "\
Endings: .augur native; .perfetto-trace or .pftrace Perfetto, for ui.perfetto.dev; .ftrace or .txt ftrace text; \
.parquet, .csv a table of events; .json a workload for rt-app, tasks as runs and sleeps.

Lines that cannot be read are skipped, and reported. The file appears when it is whole; after an error or Ctrl-C there \
is none.";

/// Runs `import`.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn import(args: &Import) -> Result<()> {
    let machine = args.machine.as_deref().map(machine_of).transpose()?;
    convert(&args.input, &args.output, Format::Native, &args.reading, machine)
}

/// Runs `export`.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn export(args: &Export) -> Result<()> {
    let format = match &args.format {
        Some(name) => Format::by_name(name).filter(|format| format.is_written()),
        None => Format::by_ending(&args.output),
    };
    let Some(format) = format else {
        let which = match &args.format {
            Some(name) => format!("`{name}` is not a format that is written"),
            None if args.output.as_os_str() == STANDARD => {
                "standard output has no ending that names a format".to_owned()
            }
            None => format!("the ending of {} names no format", args.output.display()),
        };
        bail!(UsageError(format!(
            "{which}; give --format or an ending: {}",
            Format::written()
        )));
    };
    convert(&args.input, &args.output, format, &args.reading, None)
}

fn convert(
    input: &Path,
    output: &Path,
    format: Format,
    reading: &Reading,
    machine: Option<Machine>,
) -> Result<()> {
    interrupt::end_at_once()?;
    let mut reader = input::open(input, reading)?;
    // The first event comes first: some formats tell of the machine only on the way.
    let mut next = input::next(&mut reader, input)?;
    let mut header = reader.header().clone();
    header.overwritten = header.overwritten.max(reader.notes().overwritten().unwrap_or(0));
    if let Some(machine) = &machine {
        let (has, wants) = (machine.cpus.len(), header.cpus);
        ensure!(
            wants as usize <= has,
            "{} is of a machine with {wants} CPUs, and --machine has {has}; name one that has them all",
            input.display()
        );
        if header.topology.is_empty() {
            header.set_machine(machine);
        }
    }
    let mut writer = Writer::create(output, format, &header)?;
    let (mut events, mut switches) = (0u64, 0u64);
    while let Some(event) = next {
        if let Some(machine) = machine
            .as_ref()
            .filter(|machine| machine.cpu(event.cpu as usize).is_none())
        {
            bail!(
                "{} has events on CPU {}, which a machine of {machine} does not have; name one that has it",
                input.display(),
                event.cpu
            );
        }
        events += 1;
        switches += u64::from(matches!(event.kind, EventKind::Switch { .. }));
        writer.write(&event)?;
        next = input::next(&mut reader, input)?;
    }
    let notes = reader.notes();
    reading.judge(input, notes)?;
    if switches == 0 {
        bail!("{}: {}; nothing was written", input.display(), no_switch(notes));
    }
    if let Some(why) = notes.torn().filter(|_| !reading.partial) {
        bail!(
            "{}: {why}; --partial takes the {events} events before that",
            input.display()
        );
    }
    writer.set_groups(notes.groups());
    writer.finish()?;
    report(output, events, notes);
    Ok(())
}

/// Why nothing can be told of a trace in which nobody runs.
pub(super) fn no_switch(notes: &Notes) -> String {
    if let Some(why) = notes.doubtful() {
        return why.to_owned();
    }
    let why = match (notes.torn(), notes.skipped().first()) {
        (Some(why), _) => format!(" ({why})"),
        (None, Some(skip)) => format!(
            " ({} lines were skipped, the first is {}: {})",
            notes.skipped_count(),
            skip.line,
            skip.why
        ),
        (None, None) => String::new(),
    };
    format!("there is no sched_switch in it, so nobody runs{why}; record that event")
}

/// What was done goes to standard error: standard output is for results.
fn report(output: &Path, events: u64, notes: &Notes) {
    const SHOWN: usize = 5;
    let skipped = notes.skipped();
    for skip in skipped.iter().take(SHOWN) {
        let why = shown(&skip.why);
        match skip.line {
            0 => tell!("{why}"),
            line => tell!("line {line} is skipped: {why}"),
        }
    }
    if skipped.len() > SHOWN {
        tell!(
            "{} lines are skipped in all; `scx_augur trace info` lists them",
            notes.skipped_count()
        );
    }
    let foreign: u64 = notes.foreign_events().values().sum();
    if foreign > 0 {
        tell!("{foreign} events of other kinds are left out");
    }
    for (what, count) in notes.asides() {
        tell!("{count} {} are left out", shown(what));
    }
    if let Some(overwritten) = notes.overwritten().filter(|&count| count > 0) {
        tell!("{overwritten} events were overwritten before they were read");
    }
    note!("{}: {events} events", output.display());
}
