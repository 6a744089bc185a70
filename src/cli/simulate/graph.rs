// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate graph`: a graph of tasks under list schedulers.

use crate::cli::number::{real, whole};
use crate::cli::{WrongUse, interrupt, policies};
use crate::experiment::graph::{self, Patience};
use crate::file;
use crate::workload::Graph;
use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const AFTER_HELP: &str = "\
The file:
  {\"devices\": [\"P1\", \"P2\"],
   \"tasks\": [{\"id\": \"T1\", \"time\": [14, null], \"release\": 0}, {\"id\": \"T2\", \"time\": [13, 19]}],
   \"edges\": [{\"from\": \"T1\", \"to\": \"T2\", \"transfer\": 18}]}

`time` has one entry for each device, null where the task cannot run. A transfer is paid only between different devices. \
A task may be put into a gap.

Policies:
  heft         by upward rank, each where it ends first
  cpop         the critical path on one device
  peft         by a table of optimistic costs
  lookahead    HEFT that tries each task's children, too
  eft          in the order of the input, each where it ends first
  least_work   each on the device that has the least work
  greedy       each on the device that is fastest for it
  round_robin  on the devices in turn
  random       anywhere: random[seed=1]
  portfolio    the best of all but the last two
  optimal      the best that branch and bound finds

The bound is proven: no schedule is shorter. Without --optimal it is the longest chain on the best devices, or all work shared \
equally. With it branch and bound raises the bound and shortens the best schedule until both meet, and `optimal` is that \
makespan; after --time-limit, --max-nodes or Ctrl-C it says what it has: the shortest schedule found (`best`), the bound, and \
the gap between them. `optimal` is null then. It searches graphs of up to 128 tasks.";

/// Schedule a graph of tasks with given times and transfers.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// The graph, as JSON
    file: PathBuf,
    /// Policies, separated by commas
    #[arg(
        long = "policies",
        alias = "policy",
        value_name = "P,...",
        default_value = "heft,cpop,peft,lookahead"
    )]
    policy: String,
    /// Look for the shortest schedule of all
    #[arg(long)]
    optimal: bool,
    /// Stop looking for it after so many seconds, and print what was found by then
    #[arg(long, value_name = "S", default_value_t = 60.0, value_parser = real(0.0..=1e9))]
    time_limit: f64,
    /// Stop looking for it after so many steps: the result is then the same each time
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..))]
    max_nodes: Option<u64>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    interrupt::end_at_once()?;
    let policies = policies::split(&args.policy)?;
    for policy in &policies {
        graph::check(policy).map_err(|err| WrongUse(format!("{err:#}")))?;
    }
    let path = args.file.display();
    let text = file::text(&args.file)?;
    let graph = Graph::from_json(&text).with_context(|| format!("{path} is not a graph to schedule"))?;
    // From here on there is something to keep.
    let interrupted = interrupt::flag()?;
    let until = Instant::now().checked_add(Duration::from_secs_f64(args.time_limit));
    let patience = Patience {
        most_nodes: args.max_nodes.unwrap_or(u64::MAX),
        stop: &|| interrupted.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until),
    };
    let report = graph::run(&graph, &policies, args.optimal, &patience)?;
    crate::cli::print(&report, args.json)
}
