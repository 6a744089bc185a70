// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur bench`: real work under real schedulers, in turn.

use super::console::{note, say};
use super::number::whole;
use super::{UsageError, interrupt, threads};
use crate::bench::contender::{EEVDF, Kind};
use crate::bench::lab::Here;
use crate::bench::report::{Line, Report};
use crate::bench::{Contender, Interrupted, Plan, Workload, attached, guest, kernel_build};
use crate::bench::{frontier, report};
use anyhow::{Context, Result, bail, ensure};
use augur_base::file::{Folder, Output};
use augur_base::picture::formats;
use augur_base::table;
use augur_base::topology::Machine;
use augur_sched::model::place;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

const AFTER_HELP: &str = "\
Schedulers, separated by commas, [LABEL=]NAME[:OPTIONS]:
  eevdf           the kernel's own: nothing is attached; all ratios are to it
  augur           this program, `run --model off`; augur[high=0.2,low=0.1], never, random and other policies likewise
  augur+model     the same with the model
  scx_…, /PATH    another scheduler's program, from PATH or by its place
  frontier        eevdf, augur, augur+model, and augur with six other settings
OPTIONS are the scheduler's own, as in `augur:--slice-us 5000` or `short=augur:--slice-us 5000`.

Every figure is the kernel's own, and means the same for all schedulers: migrations from a histogram of \
sched:sched_migrate_task, run-queue wait from /proc/schedstat, wakeup latency from a histogram of the time from \
sched:sched_waking to sched:sched_switch, BPF time and calls from the kernel's BPF statistics, a daemon's CPU and memory \
from /proc. What this machine cannot count is left out, with the reason. Counting itself costs some µs a wakeup and a \
switch, the same for all.

A scheduler that dies is a row that says why. Ctrl-C detaches whoever is attached, and keeps the runs that ended.

--out DIR gets samples.csv and samples.jsonl (every run), table.md and frontier.png (migrations against run-queue \
wait, the time as colour).

Examples:
  sudo scx_augur bench compile --schedulers eevdf,augur,scx_rusty
  scx_augur bench compile --vm --schedulers frontier,/path/to/scx_rusty --out results
  scx_augur bench kernel-build --vm --schedulers eevdf,augur --repeats 2
  sudo scx_augur bench kernel-build --source linux-6.12 --config defconfig --target vmlinux

Exit codes:
  0  done
  1  failed, with one sentence; files are whole or absent
  2  wrong use
  130  interrupted; what was measured is kept";

/// Run real work under several schedulers in turn, and compare.
///
/// Needs root to attach schedulers and to count migrations.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Build a Linux kernel, or a part of it
    #[command(after_long_help = AFTER_HELP)]
    KernelBuild {
        /// Kernel tree; a clean one is left clean, a configured one is built in place [default: /opt/kbuild/linux, or
        /// the newest /usr/src/linux-source-*]
        #[arg(long, value_name = "DIR")]
        source: Option<PathBuf>,
        /// Configuration of a clean tree [default: tinyconfig]
        #[arg(long, value_name = "CONFIG")]
        config: Option<String>,
        /// What to build: vmlinux, lib/, … [default: vmlinux; lib/ of the virtual machine's own tree, which is a part]
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Compile a small C project in parallel
    #[command(after_long_help = AFTER_HELP)]
    Compile {
        /// Folder with a Makefile that knows `clean` [default: 26 objects of a kernel in the virtual machine; elsewhere
        /// 32 generated files]
        #[arg(long, value_name = "DIR")]
        source: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Pass messages between groups of 40 tasks (`hackbench`, package rt-tests)
    #[command(after_long_help = AFTER_HELP)]
    Hackbench {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Parser)]
struct Common {
    /// Who is measured, separated by commas
    #[arg(
        long,
        alias = "policies",
        value_name = "NAME,...",
        default_value = "eevdf,augur,augur+model"
    )]
    schedulers: Vec<String>,
    /// Runs of each
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole::<u32>(1..=1000))]
    repeats: u32,
    /// Compilers, or groups of hackbench, at a time [default: one a CPU]
    #[arg(long, value_name = "J", value_parser = whole::<u32>(1..=4096))]
    jobs: Option<u32>,
    /// Model directory of `augur+model` [default: model_dir/augur]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Folder for samples, table and picture; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write into a folder that holds another run's files, too
    #[arg(long, requires = "out")]
    force: bool,
    /// Print JSON, one object a line: about, each run as it ends, notes, the summary
    #[arg(long)]
    json: bool,
    /// Measure in an emulated machine with a kernel that has sched_ext (vm/vm of the source tree)
    #[arg(help_heading = "In an emulated machine", long)]
    vm: bool,
    /// Its kernel: a series or a version
    #[arg(
        help_heading = "In an emulated machine",
        long,
        value_name = "V",
        default_value = "6.18",
        requires = "vm"
    )]
    kernel: String,
    /// Its CPUs: C, LxC, NxLxC or NxLxCxT: nodes, last-level caches, cores, threads
    #[arg(
        help_heading = "In an emulated machine",
        long = "machine",
        alias = "topology",
        value_name = "SPEC",
        default_value = "2x2",
        requires = "vm"
    )]
    topology: String,
    /// What its clock counts: the host's time, or the instructions of all of its CPUs together: then nothing that the host does
    /// changes a figure; but a CPU that idles lends its speed to the others, so that work takes as long under any scheduler
    #[arg(help_heading = "In an emulated machine", long, value_name = "CLOCK", default_value = "host", value_parser = ["host", "instructions"], requires = "vm")]
    clock: String,
    /// It is ended after so many seconds
    #[arg(help_heading = "In an emulated machine", long, value_name = "SECS", default_value_t = 7200, requires = "vm", value_parser = whole::<u64>(1..=10_000_000))]
    timeout: u64,
}

impl Work {
    fn common(&self) -> &Common {
        match self {
            Work::KernelBuild { common, .. } | Work::Compile { common, .. } | Work::Hackbench { common } => {
                common
            }
        }
    }

    fn source(&self) -> Option<&Path> {
        match self {
            Work::KernelBuild { source, .. } | Work::Compile { source, .. } => source.as_deref(),
            Work::Hackbench { .. } => None,
        }
    }

    fn workload(&self, scratch: &Path) -> Result<Workload> {
        let jobs = threads(self.common().jobs);
        match self {
            Work::Hackbench { .. } => Ok(Workload::hackbench(jobs)),
            Work::Compile { source, .. } => Workload::compile(source.as_deref(), jobs, scratch),
            Work::KernelBuild {
                source,
                config,
                target,
                ..
            } => {
                let request = kernel_build::Request {
                    source: source.clone(),
                    config: config.clone(),
                    target: target.clone(),
                };
                kernel_build::workload(&request, jobs, scratch)
            }
        }
    }

    /// The guest's command line, but for what lies elsewhere there.
    fn arguments(&self) -> Vec<OsString> {
        let common = self.common();
        let name = match self {
            Work::Hackbench { .. } => "hackbench",
            Work::Compile { .. } => "compile",
            Work::KernelBuild { .. } => "kernel-build",
        };
        let mut words = vec![
            name.to_owned(),
            "--repeats".to_owned(),
            common.repeats.to_string(),
        ];
        let mut option = |name: &str, value: Option<String>| {
            words.extend(value.map(|value| format!("{name}={value}")));
        };
        option("--jobs", common.jobs.map(|jobs| jobs.to_string()));
        if let Work::KernelBuild { config, target, .. } = self {
            option("--config", config.clone());
            option("--target", target.clone());
        }
        words.into_iter().map(OsString::from).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    let common = args.work.common();
    let path = std::env::var("PATH").unwrap_or_default();
    let contenders = Contender::parse_list(&common.schedulers.join(","), &path)
        .map_err(|err| UsageError(format!("{err:#}")))?;
    check_machine(common)?;
    check_out(common.out.as_deref(), common.force)?;
    let stop = interrupt::flag()?;
    let scratch = tempfile::Builder::new()
        .prefix("scx_augur-bench-")
        .tempdir()
        .context("cannot make a folder for temporary files")?;
    let mut report = Report::default();
    let mut said = Progress {
        report: &mut report,
        json: common.json,
        runs: contenders.len() * common.repeats as usize,
    };
    let outcome = if common.vm {
        in_guest(&args.work, contenders, &scratch, &stop, &mut said)
    } else {
        here(&args.work, contenders, &scratch, &stop, &mut said)
    };
    let runs = said.runs;
    let stopped = outcome.as_ref().is_err_and(|err| err.is::<Interrupted>());
    // What was measured before it failed is worth as much as it was.
    if !report.runs.is_empty() {
        write_files(common.out.as_deref(), &report)?;
        print(&report, common.json)?;
    }
    if stopped {
        let kept = if report.runs.is_empty() {
            "nothing was written"
        } else {
            "what is shown are those"
        };
        bail!("interrupted after {} of {runs} runs; {kept}", report.runs.len());
    }
    outcome
}

/// What is said while it runs.
struct Progress<'a> {
    report: &'a mut Report,
    json: bool,
    runs: usize,
}

impl Progress<'_> {
    fn push(&mut self, line: Line) {
        if self.json
            && let Ok(text) = serde_json::to_string(&line)
        {
            // Who stopped reading still gets files.
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
        match &line {
            Line::About(about) => note!(
                "bench: {}, {} at a time, Linux {}, {}",
                about.workload,
                about.jobs,
                about.kernel,
                about.machine
            ),
            Line::Note(note) => note!("bench: not measured: {note}"),
            Line::Run(run) => {
                let number = self.report.runs.len() + 1;
                note!(
                    "bench: {number} of {}: {}: {}",
                    self.runs,
                    run.scheduler,
                    brief(run)
                );
            }
        }
        self.report.push(line);
    }
}

fn brief(run: &report::Run) -> String {
    if let Some(why) = &run.died {
        return format!("died: {why}");
    }
    let shown = ["time_s", "migrations", "wait_s"].into_iter().filter_map(|name| {
        let figure = report::FIGURES.iter().find(|figure| figure.name == name)?;
        let (title, unit) = figure.title.split_once(", ").unwrap_or((figure.title, ""));
        let value = table::grouped(*run.figures.get(name)?, figure.digits);
        Some(format!("{title} {value} {unit}").trim_end().to_owned())
    });
    shown.collect::<Vec<String>>().join(", ")
}

/// On this machine.
fn here(
    work: &Work,
    mut contenders: Vec<Contender>,
    scratch: &TempDir,
    stop: &AtomicBool,
    said: &mut Progress<'_>,
) -> Result<()> {
    if !attached::possible() {
        contenders.retain(|contender| contender.kind == Kind::Eevdf);
        let why = "this kernel has no sched_ext, so only eevdf can be measured here; --vm measures all in an emulated machine";
        ensure!(!contenders.is_empty(), "{why}");
        let left_out = said.runs - contenders.len() * work.common().repeats as usize;
        said.runs -= left_out;
        if left_out > 0 {
            said.push(Line::Note(why.to_owned()));
        }
    }
    attached::nobody_attached(&contenders)?;
    let workload = work.workload(&scratch.path().join("work"))?;
    let mut lab = Here::new(workload, work.common().model.clone(), scratch, stop)?;
    let baseline = contenders
        .iter()
        .find(|contender| contender.kind == Kind::Eevdf)
        .map_or(EEVDF, |contender| &contender.label);
    let repeats = work.common().repeats;
    said.push(Line::About(lab.about(repeats, baseline)));
    let plan = Plan { contenders, repeats };
    let outcome = plan.carry_out(&mut lab, |run| said.push(Line::Run(run)));
    for note in lab.notes() {
        said.push(Line::Note(note.clone()));
    }
    outcome
}

/// In an emulated machine.
fn in_guest(
    work: &Work,
    contenders: Vec<Contender>,
    scratch: &TempDir,
    stop: &AtomicBool,
    said: &mut Progress<'_>,
) -> Result<()> {
    let common = work.common();
    let order = guest::Order {
        kernel: common.kernel.clone(),
        topology: common.topology.clone(),
        clock: common.clock.clone(),
        timeout_s: common.timeout,
        arguments: work.arguments(),
        contenders,
        model: common
            .model
            .clone()
            .unwrap_or_else(|| place::installed(place::MODEL)),
        source: work.source().map(Path::to_owned),
    };
    order.carry_out(scratch.path(), stop, |line| said.push(line))
}

/// What the emulated machine would refuse after it was built.
fn check_machine(common: &Common) -> Result<()> {
    let wrong = |err: anyhow::Error| UsageError(format!("--machine {}: {err:#}", common.topology));
    Machine::from_spec(&common.topology).map_err(wrong)?;
    let number = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let kernel = &common.kernel;
    ensure!(
        kernel.starts_with(|c: char| c.is_ascii_digit()) && kernel.split('.').all(number),
        UsageError(format!(
            "--kernel {kernel} is not a version of Linux, such as 6.18"
        ))
    );
    Ok(())
}

/// A folder that cannot be, is told before an hour of measuring.
fn check_out(out: Option<&Path>, force: bool) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    if !force {
        super::unused(out)?;
    }
    ensure!(
        !out.exists() || out.is_dir(),
        "cannot write {}: it is not a folder",
        out.display()
    );
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    ensure!(
        parent.is_none_or(Path::is_dir),
        "cannot make {}: there is no folder to make it in",
        out.display()
    );
    Ok(())
}

/// All are begun before any is given its name.
fn write_files(out: Option<&Path>, report: &Report) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    let mut files = vec![
        ("samples.csv", report.csv()?),
        ("samples.jsonl", report.json_lines()?),
        ("table.md", report.markdown().into_bytes()),
    ];
    let picture = format!("frontier.{}", formats::USUAL);
    match frontier::file(report)? {
        Some(bytes) => files.push((&picture, bytes)),
        None => note!("bench: no {picture}, for no scheduler has both migrations and waits"),
    }
    let _folder = Folder::make(out)?;
    let mut outputs = Vec::new();
    for (name, bytes) in files {
        let path = out.join(name);
        outputs.push(Output::of(&path, &bytes)?);
    }
    outputs.into_iter().try_for_each(Output::finish)
}

fn print(report: &Report, json: bool) -> Result<()> {
    if json {
        let summary = serde_json::json!({ "summary": report.summaries() });
        say!("{summary}");
    } else {
        say!("{}", report.markdown().trim_end());
    }
    Ok(())
}
