// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate`: policies on simulated machines of CPUs and GPUs, on a graph of tasks, or on plain queues.

mod graph;
mod listed;
mod queue;
pub(super) mod train;

use super::by_time::ByTime;
use super::{UsageError, environment, interrupt, policies, threads};
use crate::cli::number::whole;
use anyhow::{Context, Result, ensure};
use augur_base::file;
use augur_devices::experiment::profile;
use augur_devices::experiment::simulate::{self, Config, Plan, Scenario};
use augur_devices::policy::registry;
use clap::{Parser, Subcommand};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

const AFTER_HELP: &str = "\
Policies:
  round_robin  a GPU and a CPU in turn
  random       any share, any CPU and GPU
  greedy       the GPU's share is the task's intensity
  hybrid_ml    a forest predicts the share: hybrid_ml[retrain_interval=50,window=1000,pretrain_tasks=1000,trees=100,
               depth=15,model=random_forest] (or model=gradient_boosting; alone=0 splits only, and never weighs a device alone;
               forest=FILE begins with one that `experiment` left in train/*.forest.json;
               retrain_interval=0 never learns again; drift=adwin, page_hinkley or ddm watches for drift, and after
               one fallback=mean_share or eft decides until it has learned again)
  dqn          a deep Q-network that `simulate train` trained: dqn[dir=DIR]
  graph        a graph network, trained on four devices, for any number of them: graph, or graph[dir=DIR] of `simulate train`
  least_work   the device with the least left to do; fifo is the same: queues are first come, first served
  power_of_d   the device with the fewest tasks of two drawn ones: power_of_d[d=2]
  eft          the device where the task ends first
  heft, cpop, peft, lookahead    graphs of tasks as a whole (workload.tasks_per_graph); a task alone as eft
  portfolio    the best list schedule of each graph
  clairvoyant  knows what a task takes, has it done as early as can be, one task after the other; clairvoyant[step=0.05]

A task takes duration_scale_s · N^1.5 / (I + 0.5) on a CPU, 1 + 3 · I times less on a GPU after its data was brought there. \
A split task begins on both devices together, and leaves each when its part there is done. Queues are first come, first \
served. Every policy gets the same tasks for a seed.

--workload FILE takes tasks as a file lists them; what it is, its content says, and gzip is unpacked:
  SWF           a job is one task of its runtime times its processors; policies know what its user asked for, where that is there
  CSV, Parquet  size, compute_intensity, memory_required (MB), arrival_time (s; or arrival_ns); and, where there are such columns,
                task (a name), dependencies (names), deadline (s; or deadline_ns), priority (0 to 255). The tables that --out
                leaves are such. What other columns say is left out, and named.

Settings (--config), with their defaults:
  [machine]    cpus = 1, gpus = 4, cpu_speeds = [], gpu_speeds = []
  [machine.cpu]  memory_mb = 65536, power_w = 30, price_usd_per_hour = 0.1
  [machine.gpu]  memory_mb = 16384, power_w = 50, price_usd_per_hour = 1, bandwidth_mb_per_s = 64000
  [physics]    duration_scale_s = 1e-7, size_exponent = 1.5, intensity_offset = 0.5, speedup_base = 1,
               speedup_slope = 3
  [workload]   tasks = 2000, rate_per_s = 100, size = [100, 5000], intensity = [0, 1], memory_mb = [10, 500],
               tasks_per_graph = 1, parents_most = 3, deadline_durations = [2, 6], priorities = 5, noise = 0,
               shuffled = false (a control: features tell nothing)
  [workload.drift]  at = [] (as --drift-at), gpu_speed = 0.4, gpu_bandwidth = 0.25, cpu_speed = 1 (times what it was;
               multiprocessor: cpu_speed = 0.8);
               size, intensity, memory_mb, rate_per_s (as before where not given); window_tasks = 250
  [hybrid_ml]  retrain_interval = 50, window = 1000, pretrain_tasks = 1000, snap = 0.025, alone = true, energy_weight = 0.5,
               time_scale_s = 10, energy_scale_j = 500, drift = \"off\", fallback = \"mean_share\",
               wrong_above = 0.05
  [hybrid_ml.forest]  model = \"random_forest\", trees = 100, depth = 15, min_samples_leaf = 1, learning_rate = 0.3,
               seed = 1
  [dqn]        as in `simulate train --help`: energy_weight = 0.5, sla_penalty = 0, imbalance_penalty = 0, normalise = false,
               queues = false, discount = 0.99, learning_rate = 0.001,
               learning_rate_decay = 1, epsilon_decay = 0.9999, epsilon_least = 0.01,
               replay = 50000, batch = 128, target_interval = 100, hidden = 256, double = false, n_step = 1
               (multiprocessor: energy_weight = 0, sla_penalty = 0.25, imbalance_penalty = 0.02, normalise = true,
               queues = true, discount = 0.6, learning_rate_decay = 0.9999, epsilon_decay = 0.9998)

*above bound*: no policy, whatever it knows, has a lower mean on these tasks. That is proven: each task as early as it could be \
done on an empty machine, or all devices together as one that is interrupted for whatever is shorter, whichever says more. *behind \
clairvoyant*: beside a policy that knows what each task takes; others may beat it. *decision regret*: how much later than possible \
a task is done, as devices were when it was placed.

With --drift-at the report says after how many tasks each policy that watches noticed, how often without cause, when its \
model decided again, and how far it was behind `clairvoyant` (if that is among the policies) before and after. Policies are \
not told of drift: they plan with the devices as they were at the beginning, and learn from what tasks took.

The environment's NUM_GPUS and RETRAIN_INTERVAL (of hybrid_ml) go before --config, and the command line before both.

--out DIR leaves there tasks-POLICY-SEED.parquet with every task, results.csv and report.json; after an error \
there is none of them, after Ctrl-C there are those of the runs that were finished.";

/// Simulate machines of CPUs and GPUs under policies, side by side.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    machine: Machine,
    /// How many tasks come [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=1_000_000_000_000))]
    tasks: Option<u64>,
    /// Policies, `name[key=value,...]`, separated by commas [default: round_robin, random, greedy, least_work, eft,
    /// hybrid_ml, clairvoyant; multiprocessor: round_robin, least_work, eft]
    #[arg(long, alias = "policy", value_name = "P,...")]
    policies: Option<String>,
    /// What is drawn at random is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(..))]
    seed: u64,
    /// So many seeds, each one more than the last; with confidence intervals and a win/loss matrix
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = whole::<u64>(1..=10_000))]
    seeds: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// A folder for tables of all tasks and results; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into a folder that holds another run's files, too; those of a simulation are removed
    #[arg(long, requires = "out")]
    force: bool,
    /// Number of the task from which on the workload and the devices are others, as [workload.drift] says; more numbers,
    /// separated by commas: back again, and so on
    #[arg(long, value_name = "T,...", value_delimiter = ',', value_parser = whole::<u64>(..))]
    drift_at: Option<Vec<u64>>,
    /// Tasks of this file in place of drawn ones: a log in the Standard Workload Format, or a table (CSV, Parquet)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tasks", "drift_at"])]
    workload: Option<PathBuf>,
    /// Threads [default: one a CPU]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=4096))]
    threads: Option<u32>,
}

/// What is simulated.
#[derive(Debug, Parser)]
struct Machine {
    /// Settings of machine, laws, workload and learning, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What `scx_augur profile` measured, in place of the defaults: durations, a GPU's speedup and bandwidth; --config goes
    /// before it
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// cpu-gpu: a CPU and four GPUs; multiprocessor: four CPUs of speeds 1.2, 1, 1 and 0.8, and 175 tasks a second
    #[arg(long, value_name = "NAME", default_value = "cpu-gpu", value_parser = ["cpu-gpu", "multiprocessor"])]
    scenario: String,
    /// How many GPUs there are [default: 4]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=1024))]
    gpus: Option<u32>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Schedule a graph of tasks with given times and transfers
    Graph(graph::Args),
    /// Identical servers and their queues, beside queueing theory's closed forms
    Queue(queue::Args),
    /// Train a policy that learns
    Train(train::Args),
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    match &args.command {
        Some(Command::Graph(args)) => graph::run(args),
        Some(Command::Queue(args)) => queue::run(args),
        Some(Command::Train(args)) => train::run(args),
        None => simulate(args),
    }
}

fn simulate(args: &Args) -> Result<()> {
    let mut config = args.machine.config(args.tasks, args.drift_at.as_deref())?;
    if let Some(path) = &args.workload {
        listed::apply(path, &mut config)?;
    }
    let policies = policies::split(
        args.policies
            .as_deref()
            .unwrap_or(args.machine.scenario().policies()),
    )?;
    let policies = policies::as_today(policies, registry::current)?;
    for policy in &policies {
        registry::check(policy, &config.context()?).map_err(|err| UsageError(format!("{err:#}")))?;
    }
    if let Some(out) = args.out.as_deref().filter(|_| !args.force) {
        super::unused(out)?;
    }
    let plan = Plan {
        config: &config,
        policies: &policies,
        seeds: (0..args.seeds)
            .map(|number| args.seed.wrapping_add(number))
            .collect(),
        out: args.out.as_deref(),
        threads: threads(args.threads),
    };
    let stop = interrupt::flag()?;
    let bar = ByTime::new(
        policies.len(),
        plan.seeds.len(),
        config.workload.tasks,
        plan.threads,
    );
    let (report, runs) = simulate::run_or_part(&plan, &|step| {
        bar.step(step.policy, step.seed, step.count);
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    bar.finish();
    super::print(&report, args.json)?;
    ensure!(
        runs.all(),
        "interrupted after {} of {} runs; what is shown are those{}",
        runs.done,
        runs.planned,
        args.out.as_ref().map_or("", |_| ", and they are written")
    );
    Ok(())
}

impl Machine {
    fn scenario(&self) -> Scenario {
        match self.scenario.as_str() {
            "multiprocessor" => Scenario::Multiprocessor,
            _ => Scenario::CpuGpu,
        }
    }

    /// The settings: the scenario's, changed by the file, changed by the command line.
    fn config(&self, tasks: Option<u64>, drift_at: Option<&[u64]>) -> Result<Config> {
        let mut defaults = self.scenario().config();
        if let Some(path) = &self.profile {
            profile::apply(&profile::read(path)?, &mut defaults);
        }
        let mut config = settings(self.config.as_deref(), defaults)?;
        config.workload.tasks = tasks.unwrap_or(config.workload.tasks);
        if let Some(at) = drift_at {
            config.workload.drift.at = at.to_vec();
        }
        config.machine.gpus = self.gpus.map_or(config.machine.gpus, |gpus| gpus as usize);
        config.context().with_context(|| wrong(self.config.as_deref()))?;
        Ok(config)
    }
}

/// Defaults, changed by a file, and that by the environment.
pub(super) fn settings(path: Option<&Path>, defaults: Config) -> Result<Config> {
    let mut config = match path {
        None => defaults,
        Some(file) => {
            let text = file::text(file).context("there are no settings")?;
            defaults.with_toml(&text).with_context(|| wrong(path))?
        }
    };
    environment::apply(&mut config)?;
    Ok(config)
}

/// What is said of settings that cannot be.
pub(super) fn wrong(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("the settings {} are wrong", path.display()),
        None => "these settings are wrong".to_owned(),
    }
}
