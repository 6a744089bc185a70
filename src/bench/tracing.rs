// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's histograms of migrations and of wakeup latencies, for as long as they are wanted.
//!
//! They live in a tracing instance of their own, so that whatever else is traced on this machine goes on as it was.

use super::histogram::Histogram;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Where tracefs is mounted.
const TRACING: &str = "/sys/kernel/tracing";
const INSTANCE: &str = "instances/augur_bench";
/// The synthetic event that joins a wakeup with the switch that ends its wait.
const LATENCY: &str = "augur_wakeup";
/// The largest table that a hist trigger takes.
const MAX_ENTRIES: usize = 1 << 17;
/// Tasks in one run, and different latencies in µs: what has no room is counted as dropped.
const ENTRIES: usize = 1 << 15;

/// Where triggers are set, in the order in which they can be removed: one whose variable another one reads is busy.
const EVENTS: [&str; 4] = [
    "synthetic/augur_wakeup",
    "sched/sched_switch",
    "sched/sched_waking",
    "sched/sched_migrate_task",
];

/// Histograms that grow, until this is dropped.
pub struct Tracing {
    tracing: PathBuf,
    /// Why latencies are not counted.
    no_latency: Option<String>,
}

impl Tracing {
    /// Sets the triggers, on a machine with so many CPUs.
    ///
    /// # Errors
    /// One sentence where not even migrations can be counted.
    pub fn start(cpus: usize) -> Result<Tracing> {
        let tracing = Path::new(TRACING);
        let mut this = Tracing {
            tracing: tracing.to_owned(),
            no_latency: None,
        };
        // Where an earlier one was killed, its instance is still there.
        this.remove();
        let instance = tracing.join(INSTANCE);
        if let Err(err) = fs::create_dir(&instance) {
            bail!(match err.kind() {
                ErrorKind::PermissionDenied => "only root may count migrations (tracefs)".to_owned(),
                ErrorKind::NotFound => format!("{TRACING} is not there; mount tracefs on it"),
                _ => format!("cannot make {}: {err}", instance.display()),
            });
        }
        let entries = (cpus * cpus).next_power_of_two().clamp(2048, MAX_ENTRIES);
        this.set(
            "sched/sched_migrate_task",
            &format!("hist:keys=orig_cpu,dest_cpu:size={entries}"),
        )?;
        if let Err(err) = this.set_latency() {
            this.no_latency = Some(format!("{err:#}"));
        }
        Ok(this)
    }

    /// From `sched_waking` to the `sched_switch` that lets the task run.
    fn set_latency(&self) -> Result<()> {
        append(
            &self.tracing.join("synthetic_events"),
            &format!("{LATENCY} u64 wait_us; pid_t pid"),
        )
        .context("this kernel has no synthetic events (CONFIG_SYNTH_EVENTS)")?;
        self.set(
            "sched/sched_waking",
            &format!("hist:keys=pid:woken=common_timestamp.usecs:size={ENTRIES}"),
        )?;
        self.set(
            "sched/sched_switch",
            &format!(
                "hist:keys=next_pid:wait_us=common_timestamp.usecs-$woken:onmatch(sched.sched_waking)\
                 .trace({LATENCY},$wait_us,next_pid):size={ENTRIES}"
            ),
        )?;
        self.set(
            "synthetic/augur_wakeup",
            &format!("hist:keys=wait_us:size={ENTRIES}"),
        )
    }

    fn set(&self, event: &str, text: &str) -> Result<()> {
        append(&self.event(event, "trigger"), text)
            .with_context(|| format!("the kernel refused a histogram of {event}"))
    }

    /// Migrations so far, by (CPU before, CPU after).
    ///
    /// # Errors
    /// Where the kernel's file cannot be read.
    pub fn migrations(&self) -> Result<Histogram> {
        self.histogram("sched/sched_migrate_task")
    }

    /// Wakeup latencies so far, in µs.
    ///
    /// # Errors
    /// Why there are none.
    pub fn latencies(&self) -> Result<Histogram> {
        match &self.no_latency {
            Some(why) => bail!("{why}"),
            None => self.histogram("synthetic/augur_wakeup"),
        }
    }

    fn histogram(&self, event: &str) -> Result<Histogram> {
        let path = self.event(event, "hist");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Histogram::parse(&text))
    }

    fn event(&self, event: &str, file: &str) -> PathBuf {
        self.tracing.join(INSTANCE).join("events").join(event).join(file)
    }

    fn remove(&self) {
        if !self.tracing.join(INSTANCE).is_dir() {
            return;
        }
        for event in EVENTS {
            // Truncating a trigger file removes what is in it.
            let _ = fs::OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(self.event(event, "trigger"));
        }
        let _ = fs::remove_dir(self.tracing.join(INSTANCE));
        let _ = append(&self.tracing.join("synthetic_events"), &format!("!{LATENCY}"));
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        self.remove();
    }
}

/// These files are orders, and opening one with truncation would undo everybody's.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    fs::OpenOptions::new()
        .append(true)
        .open(path)?
        .write_all(text.as_bytes())
}
