// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur run`: attach as this machine's scheduler.

use super::engine::EngineArgs;
use super::number::{real, seconds, whole};
use super::tuning::TuningArgs;
use super::{UsageError, interrupt, machine_of};
use crate::live::daemon::{self, Options};
use crate::live::monitor::{self, monitor};
use crate::live::stats::{Metrics, server_data};
use crate::live::{LoadOptions, machine};
use anyhow::Result;
use augur_base::random::Generator;
use augur_sched::experiment::stand_in::{self, Decider, Load};
use augur_sched::model::place::Place;
use augur_sched::model::{Engine, ModelHandle, ModelOptions, ModelSource, Predictor, canary};
use augur_sched::policy::{self, Mode};
use augur_tensorflow::Fault;
use clap::Parser;
use rand::SeedableRng;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::level_filters::LevelFilter;

const AFTER_HELP: &str = "\
At the end the totals are printed, as text or with --json as the last line. Log lines go to standard error.

Signals:
  SIGINT, SIGTERM   detach, write what is left, print the totals, exit 0
  SIGSTOP           scheduling goes on without decisions

Exit codes:
  0  detached because it was told to
  1  cannot attach, or the kernel ended the scheduler (its dump is on standard error)
  2  wrong use

A CPU that comes or goes makes it start again by itself. A model directory that changes is loaded again, and serves once \
it passed the same checks as the first.";

/// Attach as this machine's scheduler, until Ctrl-C.
///
/// Needs root (CAP_BPF and CAP_PERFMON) and a kernel with sched_ext; `scx_augur doctor` explains what is missing. There
/// is one sched_ext scheduler at a time. When it ends, the kernel goes back to its own scheduler.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// Model directory, or `off`: the heuristic decides alone [default: model_dir/augur, else the model that is built in]
    #[arg(help_heading = "The model", long, value_name = "DIR|off")]
    model: Option<PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
    /// A batch that takes more CPU time is dropped, and the heuristic decides that round
    #[arg(help_heading = "The model", long, value_name = "MS", default_value_t = 20, value_parser = whole::<u64>(1..=10_000))]
    model_limit_ms: u64,
    /// Loading and trying out a model may take so much CPU time (the library's own loading is not counted)
    #[arg(help_heading = "The model", long = "model-timeout", alias = "model-check-s", value_name = "SECS", default_value = "5",
          value_parser = seconds)]
    model_check_s: Duration,
    /// Who names the candidates, `name[key=value,...]`
    #[arg(
        help_heading = "Decisions",
        long,
        alias = "policies",
        value_name = "P",
        default_value = "augur"
    )]
    policy: String,
    /// Time between balance rounds
    #[arg(help_heading = "Decisions", long, value_name = "MS", default_value_t = 100, value_parser = whole::<u64>(10..=10_000))]
    interval_ms: u64,
    /// While rounds find nothing to do they come less often, at most this many intervals apart; 1: no
    #[arg(help_heading = "Decisions", long, value_name = "INTERVALS", default_value_t = 4, value_parser = whole::<u32>(1..=100))]
    rest: u32,
    /// Ask the model and log what it says, but let the heuristic decide
    #[arg(help_heading = "Decisions", long)]
    shadow: bool,
    /// Accept each candidate with probability 1/2 from this seed: for recording training data
    #[arg(help_heading = "Decisions", long, value_name = "SEED", conflicts_with = "shadow", value_parser = whole::<u64>(..))]
    explore: Option<u64>,
    /// Write every candidate, the decision and its outcome to a CSV file
    #[arg(help_heading = "Decisions", long, value_name = "FILE")]
    log_decisions: Option<PathBuf>,
    /// Print statistics every so many seconds
    #[arg(help_heading = "What is shown", long, value_name = "SECS", value_parser = seconds)]
    stats: Option<Duration>,
    /// Print statistics of a scheduler that is already running, every so many seconds; attach nothing. Where none runs,
    /// says so once and waits for one
    #[arg(help_heading = "What is shown", long, value_name = "SECS", value_parser = seconds)]
    monitor: Option<Duration>,
    /// Print statistics as JSON, one object a line
    #[arg(help_heading = "What is shown", long)]
    json: bool,
    /// Describe every statistic
    #[arg(help_heading = "What is shown", long)]
    help_stats: bool,
    /// Detach after so many seconds
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    duration: Option<Duration>,
    /// Schedule only tasks that ask for SCHED_EXT
    #[arg(long)]
    partial: bool,
    /// Split a last-level cache with more CPUs into domains of at most so many
    #[arg(long, value_name = "CPUS", value_parser = whole::<u32>(1..=512))]
    max_domain_cpus: Option<u32>,
    #[command(flatten)]
    tuning: TuningArgs,
    #[command(flatten)]
    simulated: SimulatedArgs,
    /// Bytes of the debug dump when the kernel ends the scheduler; 0 is the kernel's default
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = whole::<u32>(..))]
    exit_dump_len: u32,
    /// Say more; twice: libbpf too
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Without the kernel.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Without the kernel")]
struct SimulatedArgs {
    /// Attach nothing: the same policy, gate and model decide on a simulated machine under a generated load, as fast as that
    /// can be simulated, for --duration of simulated time [default: 10]. Needs no privilege. Statistics that a simulation
    /// does not count stay 0; --model off, --engine, --shadow, --explore, --interval-ms and tuning hold as they do for the
    /// kernel
    #[arg(long, conflicts_with_all = ["monitor", "log_decisions", "partial", "max_domain_cpus"])]
    simulate: bool,
    /// The simulated machine, such as 2x2x4x2 (nodes, last-level caches of each, cores, threads) or a TOML file [default:
    /// this machine's topology]
    #[arg(
        long = "machine",
        alias = "topology",
        value_name = "SPEC|FILE",
        requires = "simulate"
    )]
    topology: Option<String>,
    /// How much of the simulated CPUs the load takes
    #[arg(long, value_name = "SHARE", default_value_t = 0.8, requires = "simulate", value_parser = real(0.01..=4.0))]
    load: f64,
    /// Tasks of the load [default: 4 a CPU]
    #[arg(long, value_name = "N", requires = "simulate", value_parser = whole::<u32>(1..=100_000))]
    tasks: Option<u32>,
    /// What the load draws at random is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate", value_parser = whole::<u64>(..))]
    seed: u64,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    if args.help_stats {
        return server_data().describe_meta(&mut std::io::stdout(), None);
    }
    args.engine.prepare();
    super::init_logging(args.verbose, LevelFilter::INFO);
    args.engine.log_skipped();
    if args.simulated.simulate {
        return simulate(args);
    }
    let stop = interrupt::flag()?;
    if let Some(every) = args.monitor {
        return monitor(every, &stop, |metrics| {
            show(&metrics, args.json, std::io::stdout().lock())
        });
    }
    let policy = policy::parse(&args.policy).map_err(|err| UsageError(format!("{err:#}")))?;
    let options = options(args);
    let model = model(args)?;
    if let Some(every) = args.stats {
        print_in_background(every, args.json, stop.clone());
    }
    let outcome = daemon::run(&options, policy, model, &stop);
    // From here on the printer prints no more: it looks at this with standard output in its hand.
    stop.store(true, Ordering::Relaxed);
    let last = outcome?;
    if !args.json {
        super::say!("in all:");
    }
    show(&last, args.json, std::io::stdout().lock())
}

fn show(metrics: &Metrics, json: bool, mut out: impl Write) -> Result<()> {
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string(metrics)?)?);
    }
    Ok(write!(out, "{metrics}")?)
}

/// The simulated stand-in for the kernel. It leaves nothing behind, so that Ctrl-C may end it at once.
fn simulate(args: &Args) -> Result<()> {
    let policy = policy::parse(&args.policy).map_err(|err| UsageError(format!("{err:#}")))?;
    let simulated = &args.simulated;
    let machine = match &simulated.topology {
        Some(spec) => machine_of(spec)?,
        None => machine::read(None)?,
    };
    let load = Load {
        share: simulated.load,
        tasks: simulated
            .tasks
            .map_or(4 * machine.cpus.len(), |tasks| tasks as usize),
        duration: args.duration.unwrap_or(Duration::from_secs(10)),
        seed: simulated.seed,
    };
    let decider = Decider {
        policy,
        model: simulated_model(args),
        mode: mode(args),
        interval: Duration::from_millis(args.interval_ms),
        tuning: args.tuning.0.clone(),
    };
    let mut shown = Ok(());
    let last = stand_in::run(machine, &load, decider, args.stats, &mut |metrics| {
        if shown.is_ok() {
            shown = show(metrics, args.json, std::io::stdout().lock());
        }
    })?;
    shown?;
    if !args.json {
        super::say!("in all:");
    }
    show(&last, args.json, std::io::stdout().lock())
}

/// As for the kernel, a model that does not load is told, and the heuristic decides.
fn simulated_model(args: &Args) -> Result<(Box<dyn Predictor>, Engine), &'static str> {
    let place = place(args).ok_or("off")?;
    match canary::load_from(&place, args.engine.engine(), args.model_check_s) {
        Ok(model) => Ok((model.predictor, model.engine)),
        Err(fault) => {
            tracing::warn!("the heuristic decides: {fault}");
            Err("failed to load")
        }
    }
}

fn mode(args: &Args) -> Mode {
    match args.explore {
        Some(seed) => Mode::Explore(Generator::seed_from_u64(seed)),
        None if args.shadow => Mode::Shadow,
        None => Mode::Model,
    }
}

fn options(args: &Args) -> Options {
    Options {
        load: LoadOptions {
            tuning: args.tuning.0.clone(),
            partial: args.partial,
            verbose: args.verbose > 1,
            exit_dump_len: args.exit_dump_len,
        },
        interval: Duration::from_millis(args.interval_ms),
        rest: args.rest,
        mode: mode(args),
        log: args.log_decisions.clone(),
        duration: args.duration,
        max_domain_cpus: args.max_domain_cpus.map(|cpus| cpus as usize),
    }
}

fn model(args: &Args) -> Result<ModelHandle> {
    let Some(place) = place(args) else {
        return Ok(ModelSource::off());
    };
    let options = ModelOptions {
        directory: place.directory,
        built_in: place.built_in,
        engine: args.engine.engine(),
        batch_limit: Duration::from_millis(args.model_limit_ms),
        canary_limit: args.model_check_s,
        ..ModelOptions::default()
    };
    ModelSource::spawn(options).map_err(|fault: Fault| fault.into())
}

/// Where the model is, or `None` where none is to decide. Says where that is the one that is built in.
fn place(args: &Args) -> Option<Place> {
    let place = match &args.model {
        Some(path) if path.as_os_str() == "off" => return None,
        named => Place::of(named.as_deref()),
    };
    if let Some(remark) = place.remark(args.engine.engine()) {
        tracing::info!("{remark}");
    }
    Some(place)
}

fn print_in_background(every: Duration, json: bool, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        // There is nothing to show before the first interval has passed; by then it is known whether it attached.
        monitor::sleep(every, &stop);
        let printed = monitor(every, &stop, |metrics| {
            let out = std::io::stdout().lock();
            if stop.load(Ordering::Relaxed) {
                Ok(())
            } else {
                show(&metrics, json, out)
            }
        });
        if let Err(err) = printed {
            tracing::warn!("statistics are no longer printed: {err:#}");
        }
    });
}
