// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate graph`: a graph of tasks under list schedulers.

use crate::cli::console::tell;
use crate::cli::number::whole;
use crate::cli::{WrongUse, interrupt, policies};
use crate::experiment::graph::{self, MOST_NODES};
use crate::file;
use crate::workload::Graph;
use anyhow::{Context, Result};
use clap::Parser;
use std::path::PathBuf;

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

The bound is the longest chain on the best devices, or all work shared equally. With --optimal it is the shortest makespan \
itself, where branch and bound can prove it; `optimal` is null where it cannot.";

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
    /// Give up looking for it after so many steps
    #[arg(long, value_name = "N", default_value_t = MOST_NODES, value_parser = whole::<u64>(1..))]
    max_nodes: u64,
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
    let report = graph::run(&graph, &policies, args.optimal, args.max_nodes)?;
    if args.optimal && report.optimal.is_none() {
        tell!(
            "the shortest schedule is not proven: the search took more than {} steps or the graph has more than 64 tasks; \
             --max-nodes allows more steps",
            args.max_nodes
        );
    }
    crate::cli::print(&report, args.json)
}
