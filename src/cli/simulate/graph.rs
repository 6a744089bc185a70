// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate graph`: a graph of tasks under list schedulers.

use crate::cli::console::tell;
use crate::cli::number::{real, whole};
use crate::cli::{UsageError, interrupt, policies};
use anyhow::{Context, Result, bail};
use augur_base::file::{self, Output};
use augur_base::picture::formats;
use augur_devices::experiment::graph::{self, Patience};
use augur_devices::report::gantt::Gantt;
use augur_devices::workload::workflow::{Format, Site};
use augur_devices::workload::{Graph, Workflow};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const AFTER_HELP: &str = "\
The file:
  {\"devices\": [\"P1\", \"P2\"],
   \"tasks\": [{\"id\": \"T1\", \"time\": [14, null], \"release\": 0}, {\"id\": \"T2\", \"time\": [13, 19]}],
   \"edges\": [{\"from\": \"T1\", \"to\": \"T2\", \"transfer\": 18}]}

`time` has one entry for each device, null where the task cannot run. A transfer is paid only between different devices. \
A task may be put into a gap.

Workflows of other tools are read as well, told apart by what is in them (or by --format); '-' is standard input, and gzip is \
unpacked:
  wfcommons  WfCommons JSON, 1.0 to 1.5 and later: runtimes, and what a task reads that another one wrote
  dax        Pegasus DAX: the same, with runtime=\"...\" or a profile of Pegasus
  dot        Graphviz: a node's runtime, time, cost, weight or size, and an arrow's size, bytes or data
Their tasks take runtime / speed on each device of --speeds; where a size in operations is all that is given, speeds are \
operations a second. What goes between two devices takes bytes / --bandwidth-mb-per-s.

--gantt draws the schedules: a row for each device, a bar for each task. In an SVG, pointing at a bar tells what it is.

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
    /// The graph: JSON of this program or of WfCommons, Pegasus DAX, Graphviz DOT
    file: PathBuf,
    /// What the file is, where its content does not tell
    #[arg(long, value_name = "NAME", value_parser = Format::NAMES)]
    format: Option<String>,
    /// Devices of a workflow of another tool: how much of a task's work each does a second [default: 1,1,1,1]
    #[arg(long, value_name = "S,...")]
    speeds: Option<String>,
    /// What goes between any two of these devices [default: 125]
    #[arg(long, value_name = "MB/S")]
    bandwidth_mb_per_s: Option<f64>,
    /// Draw the schedules into this file, .svg or .png
    #[arg(long, value_name = "FILE")]
    gantt: Option<PathBuf>,
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
        graph::check(policy).map_err(|err| UsageError(format!("{err:#}")))?;
    }
    let site = site(args)?;
    if let Some(path) = &args.gantt {
        formats::kind_of(path).map_err(|err| UsageError(format!("{err:#}")))?;
    }
    let (graph, notes) = read(&args.file, args.format.as_deref(), site.as_ref())?;
    // From here on there is something to keep.
    let interrupted = interrupt::flag()?;
    let until = Instant::now().checked_add(Duration::from_secs_f64(args.time_limit));
    let patience = Patience {
        most_nodes: args.max_nodes.unwrap_or(u64::MAX),
        stop: &|| interrupted.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until),
    };
    let report = graph::run(&graph, &policies, args.optimal, &patience)?;
    for note in notes {
        tell!("{}: {note}", args.file.display());
    }
    if let Some(path) = &args.gantt {
        let picture = Gantt::of(&report, graph.devices()).file(path)?;
        Output::of(path, &picture)?.finish()?;
    }
    crate::cli::print(&report, args.json)
}

/// The devices that were named; none: nobody named any.
fn site(args: &Args) -> Result<Option<Site>> {
    if args.speeds.is_none() && args.bandwidth_mb_per_s.is_none() {
        return Ok(None);
    }
    let mut site = Site::default();
    if let Some(speeds) = &args.speeds {
        site.speeds = Site::speeds(speeds).map_err(|err| UsageError(format!("--speeds: {err:#}")))?;
    }
    if let Some(bandwidth) = args.bandwidth_mb_per_s {
        if !(bandwidth > 0.0 && bandwidth.is_finite()) {
            bail!(UsageError(format!(
                "--bandwidth-mb-per-s must be above 0, not {bandwidth}"
            )));
        }
        site.bandwidth_mb_per_s = bandwidth;
    }
    Ok(Some(site))
}

/// The graph, and what was made simpler than it is.
fn read(path: &Path, format: Option<&str>, site: Option<&Site>) -> Result<(Graph, Vec<String>)> {
    let text = file::text(path)?;
    let path = path.display();
    let Some(format) = format.and_then(Format::by_name).or_else(|| Format::of(&text)) else {
        bail!(
            "{path} is none of WfCommons JSON, DAX, DOT and this program's JSON; --format names what it is"
        );
    };
    let wrong = || format!("{path} is not a graph to schedule");
    if format == Format::Own {
        if site.is_some() {
            bail!(UsageError(
                "--speeds and --bandwidth-mb-per-s are for workflows of other tools; this program's JSON has times and \
                 transfers"
                    .to_owned()
            ));
        }
        return Ok((Graph::from_json(&text).with_context(wrong)?, Vec::new()));
    }
    let workflow = Workflow::read(&text, format).with_context(wrong)?;
    let graph = workflow.graph(&site.cloned().unwrap_or_default());
    Ok((graph.with_context(wrong)?, workflow.notes))
}
