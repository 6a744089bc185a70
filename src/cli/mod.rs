// SPDX-License-Identifier: GPL-2.0-only
//! The subcommands, one small file each.

pub mod bench;
pub mod calibrate;
pub mod convert;
pub mod doctor;
pub mod experiment;
mod input;
mod interrupt;
pub mod model;
mod policies;
pub mod profile;
mod progress;
pub mod record;
pub mod replay;
pub mod run;
pub mod simulate;
mod taskset;
pub mod trace;
mod whole;

use crate::topology::Machine;
use anyhow::Context;
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// A sched_ext scheduler whose task migrations are decided by a machine-learning model.
///
/// The kernel's half keeps every task on the CPU whose cache it warmed until there is a reason to move it. The daemon
/// looks at the load of all domains (CPUs that share a last-level cache) several times a second, names the moves that
/// seem worth making, lets a TensorFlow model judge them in one batch, and sends on those that it accepts. Without a
/// model, or where it fails, a heuristic decides; where the daemon stands still, the kernel's half goes on alone; when
/// scx_augur ends, for whatever reason, the kernel goes back to its own scheduler.
#[derive(Debug, Parser)]
#[command(version, about, after_long_help = MANUAL)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const MANUAL: &str = "\
Examples:
  scx_augur doctor                             is anything in the way?
  sudo scx_augur run                           attach, until Ctrl-C
  sudo scx_augur run --stats 2                 and show what happens, every two seconds
  sudo scx_augur run --shadow --stats 2        ask the model, but let the heuristic decide
  sudo scx_augur run --monitor 2               look at the one that is attached
  sudo scx_augur run --model off --duration 60 --json > totals.json
  sudo scx_augur run --explore 1 --log-decisions decisions.csv    record a training set
  scx_augur model check model_dir/augur        would this model be used?
  sudo scx_augur record -o build.augur -- make -j8       what the scheduler does with a build, event by event
  sudo scx_augur record --count --duration 10            migrations and wakeup latencies, counted in the kernel
  scx_augur trace info trace.txt               what is in a trace of ftrace, trace-cmd, perf or Perfetto?
  scx_augur import trace.txt -o trace.augur    make it a native one
  scx_augur export trace.augur -o trace.perfetto-trace            for ui.perfetto.dev
  scx_augur replay trace.augur --policy recorded,eevdf-like,augur,oracle   what would others have done?
  scx_augur bench compile --vm --schedulers eevdf,augur     build time, migrations and waits, measured
  scx_augur calibrate -o costs.toml            what does a migration cost on this machine?
  scx_augur replay trace.augur --costs costs.toml        replay with that
  scx_augur run --simulate --topology 2x4      the same, on a simulated machine
  scx_augur profile                            what can this machine's CPU and GPU do?
  scx_augur simulate --profile hardware_profile.json --drift-at 5000      simulate with that, and a drift
  scx_augur simulate graph graph.json --policy heft,peft --optimal         list schedulers, beside the best possible
  scx_augur simulate train --policy graph --vary --load 0.3,0.95 --out mine     train a policy for simulated machines
  scx_augur simulate queue --servers 4 --load 0.8                          queues, beside their closed forms
  scx_augur experiment --out results           policies, forests and devices, measured and drawn in one report

Files:
  model_dir/augur          the model, in the working directory, PREFIX/share/scx_augur or /usr/share/scx_augur
  /var/run/scx/root/stats  the statistics of the scheduler that is attached (a socket, scx_stats JSON)

Environment:
  SCX_AUGUR_TENSORFLOW   TensorFlow's library: the file, its directory, or a virtual environment
  TENSORFLOW_DIR         the same, for all programs
  RUST_LOG               what is logged to standard error, `info` by default

Exit codes:
  0  done; what was asked for is true
  1  failed, with one sentence that says what, where and what to do
  2  wrong use";

#[derive(Debug, Subcommand)]
enum Command {
    /// Attach as this machine's scheduler, until Ctrl-C
    Run(Box<run::Args>),
    /// Explain what keeps the scheduler from running on this machine
    Doctor(doctor::Args),
    /// Check, measure or explain a model directory
    Model(model::Args),
    /// Record what the kernel's scheduler does, under any scheduler, or count it
    Record(record::Args),
    /// Look into a recorded trace
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
    Bench(Box<bench::Args>),
    /// Measure what a migration costs on this machine, for `replay --costs`
    Calibrate(calibrate::Args),
    /// Measure this machine's CPU, and a GPU where one is present, for `simulate --profile`
    Profile(profile::Args),
    /// Simulate machines of CPUs and GPUs under policies, side by side
    Simulate(Box<simulate::Args>),
}

/// The user asked for something that cannot be: exit code 2 instead of 1.
#[derive(Debug)]
pub struct WrongUse(pub String);

impl std::fmt::Display for WrongUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// Runs the command that was asked for. Exit code 0, 1 (failed) or 2 (wrong use); that of a recorded command is passed
/// on.
pub fn run(arguments: Arguments) -> ExitCode {
    let outcome = match arguments.command {
        Command::Run(args) => run::run(&args).map(|()| 0),
        Command::Doctor(args) => doctor::run(&args).map(|well| u8::from(!well)),
        Command::Model(args) => model::run(&args).map(|()| 0),
        Command::Record(args) => record::run(&args),
        Command::Trace(args) => trace::run(&args).map(|()| 0),
        Command::Import(args) => convert::import(&args).map(|()| 0),
        Command::Export(args) => convert::export(&args).map(|()| 0),
        Command::Replay(args) => replay::run(&args).map(|()| 0),
        Command::Experiment(args) => experiment::run(&args).map(|()| 0),
        Command::Calibrate(args) => calibrate::run(&args).map(|()| 0),
        Command::Bench(args) => bench::run(&args).map(|()| 0),
        Command::Profile(args) => profile::run(&args).map(|()| 0),
        Command::Simulate(args) => simulate::run(&args).map(|()| 0),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(err) if reader_is_gone(&err) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("scx_augur: {err:#}");
            ExitCode::from(if err.is::<WrongUse>() { 2 } else { 1 })
        }
    }
}

/// Writes a line to standard output, as `println!` does; but where nobody reads any more, that is an error to pass up,
/// not a panic.
macro_rules! say {
    ($($words:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout().lock(), format_args!("{}\n", format_args!($($words)*)))?
    };
}
pub(in crate::cli) use say;

/// Prints a report: as JSON, or as text, which ends its last line itself. Where nobody reads any more, see [`say`].
fn print(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(report)?)?,
        false => write!(out, "{report}")?,
    }
    Ok(())
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

/// Seconds of an interval or a duration.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    match text.parse() {
        Ok(seconds @ 0.05..=1e7) => Ok(std::time::Duration::from_secs_f64(seconds)),
        _ => Err(format!("`{text}` is no number of seconds from 0.05 up")),
    }
}

/// Log lines go to standard error, so that standard output stays for results.
fn init_logging(verbose: u8) {
    let level = if verbose > 0 { "debug" } else { "info" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = log.with_ansi(colours).with_target(false).try_init();
}

/// A machine as it is named on the command line: a shape, or a TOML file.
fn machine_of(spec: &str) -> anyhow::Result<Machine> {
    let path = Path::new(spec);
    if !path.is_file() {
        let wrong = |err: anyhow::Error| WrongUse(format!("{err:#}; or name a TOML file"));
        return Ok(Machine::from_spec(spec).map_err(wrong)?);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the machine {spec}"))?;
    Machine::from_toml(&text).with_context(|| format!("{spec} is no machine"))
}
