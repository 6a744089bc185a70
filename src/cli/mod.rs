// SPDX-License-Identifier: GPL-2.0-only
//! The subcommands, one small file each.

pub mod bench;
mod by_time;
pub mod calibrate;
mod console;
pub mod convert;
pub mod doctor;
pub mod engine;
mod environment;
pub mod experiment;
mod input;
mod interrupt;
mod list;
pub mod model;
mod number;
mod pages;
mod parse;
mod policies;
pub mod profile;
mod progress;
pub mod record;
pub mod replay;
pub mod run;
pub mod simulate;
mod taskset;
pub mod trace;

use crate::file;
use crate::topology::Machine;
use anyhow::Context;
use clap::{Parser, Subcommand};
use console::{Colour, say};

pub use parse::command;
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
  scx_augur replay trace.augur --policies recorded,eevdf-like,augur,clairvoyant   what would others have done?
  scx_augur bench compile --vm --schedulers eevdf,augur     build time, migrations and waits, measured
  scx_augur replay taskset.json --policies eevdf-like,augur     a workload of rt-app
  scx_augur calibrate -o costs.toml            what does a migration cost on this machine?
  scx_augur replay trace.augur --costs costs.toml        replay with that
  scx_augur run --simulate --machine 2x4       the same, on a simulated machine
  scx_augur profile                            what can this machine's CPU and GPU do?
  scx_augur simulate --profile hardware_profile.json --drift-at 5000      simulate with that, and a drift
  scx_augur simulate graph graph.json --policies heft,peft --optimal       list schedulers, beside the best possible
  scx_augur simulate graph montage.dax --gantt schedule.svg                a workflow of Pegasus, WfCommons or Graphviz, as a picture
  scx_augur simulate --workload jobs.swf                                   tasks of one's own: SWF, CSV or Parquet
  scx_augur simulate train --policy graph --vary --load 0.3,0.95 --out mine     train a policy for simulated machines
  scx_augur simulate queue --servers 4 --load 0.8                          queues, beside their closed forms
  scx_augur experiment --out results           policies, forests and devices, measured and drawn in one report

Files:
  model_dir/augur          the model, in the working directory, PREFIX/share/scx_augur or /usr/share/scx_augur
  /var/run/scx/root/stats  the statistics of the scheduler that is attached (a socket, scx_stats JSON)

`-` is standard input or output where a command reads or writes one file. What gzip or zstd packed is unpacked.

Environment:
  SCX_AUGUR_TENSORFLOW   TensorFlow's library: the file, its directory, or a virtual environment
  TENSORFLOW_DIR         the same, for all programs
  RUST_LOG               what is logged to standard error, `info` by default

Exit codes:
  0  done; what was asked for is true
  1  failed, with one sentence that says what, where and what to do
  2  wrong use
  130  interrupted; what is there is whole";

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
    Bench(Box<bench::Args>),
    /// Measure what a migration costs on this machine, for `replay --costs`
    Calibrate(calibrate::Args),
    /// Measure this machine's CPU, and a GPU where one is present, for `simulate --profile`
    Profile(profile::Args),
    /// Simulate machines of CPUs and GPUs under policies, side by side
    Simulate(Box<simulate::Args>),
    /// Print what completes this command line in bash, zsh or fish
    Completions(pages::Completions),
    /// Write this manual as pages for man(1)
    #[command(hide = true)]
    Man(pages::Pages),
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

/// Runs the command that was asked for. Exit code 0, 1 (failed), 2 (wrong use) or 130 (interrupted); that of a recorded
/// command is passed on.
pub fn run() -> ExitCode {
    let arguments = match parse::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    console::set(arguments.common.quiet, arguments.common.color);
    if !matches!(arguments.command, Command::Run(_)) {
        init_logging(arguments.common.verbose, "warn");
    }
    // The end of these is an interruption.
    let ends_so = matches!(arguments.command, Command::Run(_) | Command::Record(_));
    match carry_out(arguments.command) {
        Ok(code) => ExitCode::from(code),
        Err(err) if reader_is_gone(&err) => ExitCode::SUCCESS,
        Err(err) => {
            console::tell!("scx_augur: {}", console::sentence(&err));
            ExitCode::from(match err.downcast_ref::<WrongUse>() {
                _ if interrupt::came() && !ends_so => interrupt::EXIT_CODE,
                Some(_) => 2,
                None => 1,
            })
        }
    }
}

fn carry_out(command: Command) -> anyhow::Result<u8> {
    match command {
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
        Command::Completions(args) => pages::completions(&args).map(|()| 0),
        Command::Man(args) => pages::man(&args).map(|()| 0),
    }
}

/// Prints a report: as JSON, or as text, which ends its last line itself. Where nobody reads any more, see [`say`].
fn print(report: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    let text = match json {
        true => serde_json::to_string_pretty(report)? + "\n",
        false => report.to_string(),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .context("cannot write to standard output")
}

/// Refuses a folder that holds another run's files.
fn unused(folder: &Path) -> anyhow::Result<()> {
    match file::Used::by(folder) {
        None => Ok(()),
        Some(used) => Err(WrongUse(format!(
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
fn init_logging(verbose: u8, level: &str) {
    let level = if verbose > 0 { "debug" } else { level };
    // What TensorFlow's binding tells of each place that it looks in helps nobody but its authors.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("{level},tensorflow=warn")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _ = log
        .with_ansi(console::has_colours())
        .with_target(false)
        .try_init();
}

/// A machine as it is named on the command line: a shape, or a TOML file.
fn machine_of(spec: &str) -> anyhow::Result<Machine> {
    let path = Path::new(spec);
    if !path.is_file() {
        let wrong = |err: anyhow::Error| WrongUse(format!("{err:#}; or name a TOML file"));
        return Ok(Machine::from_spec(spec).map_err(wrong)?);
    }
    let text = file::text(path).context("there is no machine")?;
    Machine::from_toml(&text).with_context(|| format!("{spec} is not a machine"))
}
