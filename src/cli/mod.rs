// SPDX-License-Identifier: GPL-2.0-only
//! The subcommands, one small file each.

mod absent;
#[cfg(feature = "live")]
pub mod bench;
mod by_time;
#[cfg(feature = "live")]
pub mod calibrate;
mod console;
pub mod convert;
#[cfg(feature = "live")]
pub mod doctor;
pub mod engine;
mod environment;
pub mod experiment;
mod input;
mod interrupt;
mod list;
mod manual;
pub mod model;
mod number;
#[cfg(feature = "manual")]
mod pages;
mod parse;
mod policies;
pub mod profile;
mod progress;
#[cfg(feature = "live")]
pub mod record;
pub mod replay;
#[cfg(feature = "live")]
pub mod run;
pub mod simulate;
mod taskset;
pub mod trace;
#[cfg(feature = "live")]
mod tuning;

use anyhow::Context;
use augur_base::file;
use augur_base::topology::Machine;
use clap::{Parser, Subcommand};
use console::{Colour, say};

pub use parse::command;
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A sched_ext scheduler whose task migrations are decided by a machine-learning model.
///
/// The kernel's half keeps every task on the CPU whose cache it warmed until there is a reason to move it. The daemon
/// looks at the load of all domains (CPUs that share a last-level cache) several times a second, names the moves that
/// seem worth making, lets a TensorFlow model judge them in one batch, and sends on those that it accepts. Without a
/// model, or where it fails, a heuristic decides; where the daemon stands still, the kernel's half goes on alone; when
/// scx_augur ends, for whatever reason, the kernel goes back to its own scheduler.
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = manual::text())]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

/// What every command takes.
#[derive(Debug, Parser)]
#[command(next_help_heading = "For all commands")]
struct Common {
    /// Say nothing but results, warnings and errors: no progress, and not what was done
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Log more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Attach as this machine's scheduler, until Ctrl-C
    #[cfg(feature = "live")]
    Run(Box<run::Args>),
    /// Explain what keeps the scheduler from running on this machine
    #[cfg(feature = "live")]
    Doctor(doctor::Args),
    /// Check, measure or explain a model directory
    Model(model::Args),
    /// Record what the kernel's scheduler does, under any scheduler, or count it
    #[cfg(feature = "live")]
    Record(record::Args),
    /// Inspect a recorded trace
    Trace(trace::Args),
    /// Read a trace of another tool and write it as a native one
    Import(convert::Import),
    /// Write a trace for another tool
    Export(convert::Export),
    /// Replay a recorded trace under policies, side by side
    Replay(replay::Args),
    /// Compare policies on simulated machines in one go: tables, pictures and one report
    Experiment(experiment::Args),
    /// Run real work under several schedulers in turn, and compare
    #[cfg(feature = "live")]
    Bench(Box<bench::Args>),
    /// Measure what a migration costs on this machine, for `replay --costs`
    #[cfg(feature = "live")]
    Calibrate(calibrate::Args),
    /// Measure this machine's CPU, and a GPU where one is present, for `simulate --profile`
    Profile(profile::Args),
    /// Simulate machines of CPUs and GPUs under policies, side by side
    Simulate(Box<simulate::Args>),
    /// Print what completes this command line in bash, zsh or fish
    #[cfg(feature = "manual")]
    Completions(pages::Completions),
    /// Write this manual as pages for man(1)
    #[cfg(feature = "manual")]
    #[command(hide = true)]
    Man(pages::Pages),
}

impl Command {
    /// Whether it logs in its own way.
    fn has_own_log(&self) -> bool {
        match self {
            #[cfg(feature = "live")]
            Self::Run(_) => true,
            _ => false,
        }
    }

    /// Whether being interrupted is how it ends.
    fn ends_by_interruption(&self) -> bool {
        match self {
            #[cfg(feature = "live")]
            Self::Run(_) | Self::Record(_) => true,
            _ => false,
        }
    }
}

/// The user asked for something that cannot be: exit code 2 instead of 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Runs the command that was asked for. Exit code 0, 1 (failed), 2 (wrong use) or 130 (interrupted); that of a recorded
/// command is passed on.
pub fn run() -> ExitCode {
    let arguments = match parse::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    console::set(arguments.common.quiet, arguments.common.color);
    if !arguments.command.has_own_log() {
        init_logging(arguments.common.verbose, LevelFilter::WARN);
    }
    let ends_so = arguments.command.ends_by_interruption();
    match carry_out(arguments.command) {
        Ok(code) => ExitCode::from(code),
        Err(err) if reader_is_gone(&err) => ExitCode::SUCCESS,
        Err(err) => {
            console::tell!("scx_augur: {}", console::sentence(&err));
            ExitCode::from(match err.downcast_ref::<UsageError>() {
                _ if interrupt::came() && !ends_so => interrupt::EXIT_CODE,
                Some(_) => 2,
                None => 1,
            })
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<u8> {
    match command {
        #[cfg(feature = "live")]
        Command::Run(args) => run::run(&args).map(|()| 0),
        #[cfg(feature = "live")]
        Command::Doctor(args) => doctor::run(&args).map(|well| u8::from(!well)),
        Command::Model(args) => model::run(&args).map(|()| 0),
        #[cfg(feature = "live")]
        Command::Record(args) => record::run(&args),
        Command::Trace(args) => trace::run(&args).map(|()| 0),
        Command::Import(args) => convert::import(&args).map(|()| 0),
        Command::Export(args) => convert::export(&args).map(|()| 0),
        Command::Replay(args) => replay::run(&args).map(|()| 0),
        Command::Experiment(args) => experiment::run(&args).map(|()| 0),
        #[cfg(feature = "live")]
        Command::Calibrate(args) => calibrate::run(&args).map(|()| 0),
        #[cfg(feature = "live")]
        Command::Bench(args) => bench::run(&args).map(|()| 0),
        Command::Profile(args) => profile::run(&args).map(|()| 0),
        Command::Simulate(args) => simulate::run(&args).map(|()| 0),
        #[cfg(feature = "manual")]
        Command::Completions(args) => pages::completions(&args).map(|()| 0),
        #[cfg(feature = "manual")]
        Command::Man(args) => pages::man(&args).map(|()| 0),
    }
}

/// Prints a report: as JSON, or as text, which ends its last line itself. Where nobody reads any more, see [`say`].
fn print(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(report);
    }
    let mut out = std::io::stdout().lock();
    out.write_all(report.to_string().as_bytes())
        .context("cannot write to standard output")
}

fn print_json(report: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(report)?);
    Ok(())
}

/// Refuses a folder that holds another run's files.
fn unused(folder: &Path) -> anyhow::Result<()> {
    match file::Used::by(folder) {
        None => Ok(()),
        Some(used) => Err(UsageError(format!(
            "{} holds {} already ({}); name another folder, or have it replaced with --force",
            folder.display(),
            used.what,
            used.file
        ))
        .into()),
    }
}

/// So many threads, or jobs, as were asked for; else one a CPU.
fn threads(asked: Option<u32>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(cores, |count| count as usize)
}

/// Whoever read the output (`head`, a pager) has seen enough: nothing failed. Signals stay as Rust has them, for a
/// daemon must not die of a client that hung up.
fn reader_is_gone(err: &anyhow::Error) -> bool {
    use std::io::{Error, ErrorKind::BrokenPipe};
    err.chain().any(|cause| {
        let plain = cause.downcast_ref::<Error>().map(Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        plain.or_else(|| json?.io_error_kind()) == Some(BrokenPipe)
    })
}

/// Log lines go to standard error, so that standard output stays for results.
fn init_logging(verbose: u8, level: LevelFilter) {
    let level = if verbose > 0 { LevelFilter::DEBUG } else { level };
    let asked = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    let asked = asked.and_then(|filter| filter.parse::<Targets>().ok());
    // What TensorFlow's binding tells of each place that it looks in helps nobody but its authors.
    let usual = Targets::new()
        .with_default(level)
        .with_target("tensorflow", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(console::has_colours())
        .with_target(false);
    let log = tracing_subscriber::registry().with(lines.with_filter(asked.unwrap_or(usual)));
    // The only one, as the first one stays.
    let _ = log.try_init();
}

/// A machine as it is named on the command line: a shape, or a TOML file.
fn machine_of(spec: &str) -> anyhow::Result<Machine> {
    let path = Path::new(spec);
    if !path.is_file() {
        let wrong = |err: anyhow::Error| UsageError(format!("{err:#}; or name a TOML file"));
        return Ok(Machine::from_spec(spec).map_err(wrong)?);
    }
    let text = file::text(path).context("there is no machine")?;
    Machine::from_toml(&text).with_context(|| format!("{spec} is not a machine"))
}
