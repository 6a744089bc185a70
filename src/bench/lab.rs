// SPDX-License-Identifier: GPL-2.0-only
//! Runs on this machine.

use super::attached::{self, Attached, Refusal};
use super::child::CommandLine;
use super::counters::{BpfStats, Counters};
use super::plan::Lab;
use super::{Contender, Workload};
use crate::bench::report::{About, Run};
use crate::live::machine;
use anyhow::{Context, Result};
use augur_base::topology::Machine;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

/// This machine, ready to measure.
pub struct Here<'a> {
    workload: Workload,
    machine: Machine,
    /// The model of `+model`, where it is not the usual one.
    model: Option<PathBuf>,
    program: PathBuf,
    /// For logs.
    scratch: &'a TempDir,
    stop: &'a AtomicBool,
    notes: BTreeSet<String>,
    _bpf_stats: Option<BpfStats>,
}

impl<'a> Here<'a> {
    /// Makes this machine ready: switches on what is needed in the kernel.
    ///
    /// # Errors
    /// Where this machine's topology cannot be read.
    pub fn new(
        workload: Workload,
        model: Option<PathBuf>,
        scratch: &'a TempDir,
        stop: &'a AtomicBool,
    ) -> Result<Here<'a>> {
        let mut notes = BTreeSet::new();
        let bpf_stats = BpfStats::start();
        // Without sched_ext there is no scheduler whose programs could cost anything.
        if let (Err(why), true) = (&bpf_stats, attached::possible()) {
            notes.insert(format!("{why:#}"));
        }
        Ok(Here {
            workload,
            machine: machine::read(None)?,
            model,
            program: std::env::current_exe().context("cannot find this program's own file")?,
            scratch,
            stop,
            notes,
            _bpf_stats: bpf_stats.ok(),
        })
    }

    /// What is measured, on what.
    pub fn about(&self, repeats: u32, baseline: &str) -> About {
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        About {
            workload: self.workload.name.clone(),
            kernel: kernel.trim().to_owned(),
            machine: self.machine.to_string(),
            jobs: self.workload.jobs,
            repeats,
            baseline: baseline.to_owned(),
        }
    }

    /// What could not be measured, and why.
    pub fn notes(&self) -> impl Iterator<Item = &String> {
        self.notes.iter()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Runs the workload between two readings of the counters.
    fn figures(&mut self, mut scheduler: Option<&mut Attached>) -> Result<Result<Run, String>> {
        let log = self.log("workload.log");
        self.workload.make_ready(&log, self.stop)?;
        let cost_before = scheduler.as_deref().and_then(Attached::cost);
        let counters = Counters::start(&self.machine);
        let outcome = self.workload.run(&log, self.stop, || {
            scheduler.as_deref_mut().and_then(Attached::fault)
        });
        let difference = counters.stop(&self.machine);
        let cost_after = scheduler.as_deref().and_then(Attached::cost);
        let fault = scheduler.and_then(Attached::fault);
        let took = match (outcome, fault) {
            // Who died took the workload along, perhaps.
            (Err(err), Some(_)) if err.is::<super::Interrupted>() => return Err(err),
            (_, Some(why)) => return Ok(Err(why)),
            (outcome, None) => match outcome? {
                Ok(took) => took,
                Err(why) => return Ok(Err(why)),
            },
        };
        self.notes.extend(difference.notes);
        let mut run = Run {
            figures: difference.figures,
            callbacks: difference.callbacks,
            ..Run::default()
        };
        let mut set = |name: &str, value: f64| run.figures.insert(name.to_owned(), value);
        set("time_s", took.as_secs_f64());
        if let (Some(before), Some(after)) = (cost_before, cost_after) {
            let cpu_s = after.cpu_s - before.cpu_s;
            set("daemon_cpu_s", cpu_s);
            set("daemon_percent", 100.0 * cpu_s / took.as_secs_f64());
            set("daemon_mb", after.resident_mb);
        }
        Ok(Ok(run))
    }

    fn under(&mut self, command: Vec<OsString>) -> Result<Run, Refusal> {
        // Here, where the model's usual place is looked for from.
        let folder = std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned());
        let command = CommandLine {
            words: command,
            folder,
        };
        let mut scheduler = Attached::start(&command, &self.log("scheduler.log"), self.stop)?;
        let mut run = self.figures(Some(&mut scheduler))?.map_err(Refusal::Died)?;
        run.metrics = scheduler.end()?;
        Ok(run)
    }
}

impl Lab for Here<'_> {
    fn warm_up(&mut self) -> Result<()> {
        let log = self.log("workload.log");
        self.workload.make_ready(&log, self.stop)?;
        self.workload.run(&log, self.stop, || None).map(drop)
    }

    fn measure(&mut self, contender: &Contender) -> Result<Run> {
        let Some(command) = contender.command(&self.program, self.model.as_deref()) else {
            return self.figures(None)?.map_err(|why| anyhow::anyhow!(why));
        };
        match self.under(command) {
            Ok(run) => Ok(run),
            Err(Refusal::Died(why)) => Ok(Run {
                died: Some(why),
                ..Run::default()
            }),
            Err(Refusal::Other(err)) => Err(err),
        }
    }
}
