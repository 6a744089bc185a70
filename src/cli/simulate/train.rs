// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate train`: policies that learn, on simulated machines.

use super::Machine;
use crate::cli::number::{real, whole};
use crate::cli::progress::Progress;
use crate::cli::{UsageError, interrupt};
use anyhow::{Result, ensure};
use augur_devices::experiment::train::{self, Plan};
use augur_devices::policy::registry;
use augur_sched::model::place::installed;
use augur_tensorflow::prepare_library;
use clap::Parser;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Where the exported networks are looked for: as models are.
pub const NETWORKS: &str = "model_dir/trainable";

const AFTER_HELP: &str = "\
Policies:
  dqn     a dueling deep Q-network; an action is a device. dqn[gamma=0.99,w=0.5,queues=0,normalise=0,sla=0,imbalance=0,
          learning_rate=0.001,learning_rate_decay=1,epsilon_decay=0.9999,epsilon_min=0.01,replay=50000,batch=128,target=100,hidden=256,double=0,
          n_step=1]: reward -[(1 - w) T + w E / 100 J], less sla for each missed deadline and imbalance for each s that
          backlogs deviate; queues=1: it sees the devices' queues, waits, speeds and run times, too; normalise=1: times
          count in mean run times, from the least that the task could take. --scenario multiprocessor begins from
          dqn[gamma=0.6,w=0,queues=1,normalise=1,sla=0.25,imbalance=0.02,learning_rate_decay=0.9999,epsilon_decay=0.9998]
  graph   messages between devices and task, for any number of devices; graph[learning_rate=0.001,batch=64,replay=20000,
          hidden=32]

DIR gets policy.msgpack (use it as `simulate --policies dqn[dir=DIR]`), reward.csv, reward.png and checkpoint.msgpack. After
Ctrl-C the episode that runs is finished, and all is written; --resume goes on as if there had been no break.

The network itself is TensorFlow's: a graph without weights, from model_dir/trainable. The library is found as in `run`.";

/// Train a policy that learns.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// What is trained, `name[key=value,...]`: dqn or graph
    #[arg(long, alias = "policies", value_name = "P")]
    policy: String,
    #[command(flatten)]
    machine: Machine,
    /// How many tasks come in each episode
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = whole::<u64>(1..=1_000_000_000))]
    tasks: u64,
    /// How many episodes, those before a --resume included
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = whole::<u64>(1..=1_000_000))]
    episodes: u64,
    /// A load for each episode, evenly between these two, of what all devices can do; without it the workload's rate
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 1..=2, value_parser = real(..))]
    load: Vec<f64>,
    /// Draw the devices' kinds and speeds anew in each episode
    #[arg(long)]
    vary: bool,
    /// What is drawn at random is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(..))]
    seed: u64,
    /// The folder of the training; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with the training in that folder
    #[arg(long)]
    resume: bool,
    /// Write into a folder that holds another run's files, too, and over those of a training
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Write the folder after so many episodes
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<u64>(1..))]
    checkpoint: u64,
    /// Print the curve as JSON instead of a line
    #[arg(long)]
    json: bool,
    /// TensorFlow's library: the file, its directory, or a virtual environment [env: SCX_AUGUR_TENSORFLOW]
    #[arg(long, value_name = "PATH")]
    tensorflow: Option<PathBuf>,
    /// The folder of the exported networks [default: model_dir/trainable]
    #[arg(long, value_name = "DIR")]
    networks: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    // Before the first thread: TensorFlow reads the environment. A missing library is told when it is needed.
    let _ = prepare_library(args.tensorflow.as_deref());
    let config = args.machine.config(Some(args.tasks), None)?;
    let wrong = |err: anyhow::Error| UsageError(format!("{err:#}"));
    registry::check_learner(&args.policy, &config.context()?).map_err(wrong)?;
    if !args.force && !train::has_begun(&args.out) {
        crate::cli::unused(&args.out)?;
    }
    let networks = args.networks.clone().unwrap_or_else(|| installed(NETWORKS));
    let plan = Plan {
        config: &config,
        policy: &args.policy,
        episodes: args.episodes,
        seed: args.seed,
        load: load(&args.load)?,
        vary: args.vary,
        checkpoint_interval: args.checkpoint,
        out: &args.out,
        resume: args.resume,
        networks: &networks,
    };
    let _earlier = args.force.then(|| train::set_aside(&args.out)).transpose()?;
    let stop = interrupt::flag()?;
    let bar = Progress::new(args.tasks.saturating_mul(args.episodes), "decisions");
    let curve = train::run(&plan, &|count| bar.step(count), &|| stop.load(Ordering::Relaxed))?;
    bar.finish();
    crate::cli::print(&curve, args.json)
}

fn load(ends: &[f64]) -> Result<Option<[f64; 2]>> {
    let ends = match *ends {
        [] => return Ok(None),
        [load] => [load, load],
        [low, high, ..] => [low, high],
    };
    ensure!(
        0.0 < ends[0] && ends[0] <= ends[1] && ends[1] <= 10.0,
        UsageError(format!(
            "--load needs one or two numbers above 0 and up to 10, the smaller one first, not {},{}",
            ends[0], ends[1]
        ))
    );
    Ok(Some(ends))
}
