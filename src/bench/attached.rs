// SPDX-License-Identifier: GPL-2.0-only
//! A scheduler that is attached for one run, and what its process costs.

use super::child::{CommandLine, last_words};
use super::{Contender, Interrupted};
use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, SysconfVar, sysconf};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The kernel's word on who schedules.
const STATE: &str = "/sys/kernel/sched_ext/state";
/// Loading a scheduler's BPF program takes seconds, and tens of them where the machine is emulated.
const ATTACH_LIMIT: Duration = Duration::from_secs(90);
const END_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// From being attached to the first measured moment at the earliest: tasks are taken over, the daemon makes its first rounds.
const SETTLE: Duration = Duration::from_secs(1);
/// And until the daemon has started up, a model's library loaded: until it takes less of a CPU than this, or for so long.
const QUIET_CPUS: f64 = 0.1;
const QUIET_LIMIT: Duration = Duration::from_secs(30);

/// Does this kernel have sched_ext?
pub fn possible() -> bool {
    Path::new(STATE).exists()
}

/// `enabled` while a scheduler is attached, `disabled` while none is.
pub fn state() -> String {
    fs::read_to_string(STATE).unwrap_or_default().trim().to_owned()
}

/// A scheduler's process. Dropped, it is ended, and waited for.
pub struct Attached {
    child: Child,
    log: PathBuf,
    interrupted: bool,
}

/// Why no figures came of it.
#[derive(Debug)]
pub enum Refusal {
    /// The scheduler's fault: a row of the table.
    Died(String),
    /// Not the scheduler's.
    Other(anyhow::Error),
}

/// What a process used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// CPU time of all its threads.
    pub cpu_s: f64,
    /// Resident memory.
    pub resident_mb: f64,
}

impl Attached {
    /// Starts a scheduler and waits until the kernel says that it is attached.
    ///
    /// # Errors
    /// [`Refusal::Died`] where it ends before or is not attached in time.
    pub fn start(command: &CommandLine, log: &Path, stop: &AtomicBool) -> Result<Attached, Refusal> {
        let child = command
            .start(log)
            .map_err(|err| Refusal::Died(format!("{err:#}")))?;
        let mut attached = Attached {
            child,
            log: log.to_owned(),
            interrupted: false,
        };
        let start = Instant::now();
        while state() != "enabled" {
            if let Some(why) = attached.ended() {
                return Err(Refusal::Died(format!("did not attach: {why}")));
            }
            if start.elapsed() > ATTACH_LIMIT {
                let limit_s = ATTACH_LIMIT.as_secs();
                return Err(Refusal::Died(format!("did not attach within {limit_s} s")));
            }
            pause(LOOK, stop)?;
        }
        attached.settle(stop)?;
        match attached.fault() {
            Some(why) => Err(Refusal::Died(why)),
            None => Ok(attached),
        }
    }

    /// What starting up costs is nobody's scheduling.
    fn settle(&self, stop: &AtomicBool) -> Result<()> {
        let start = Instant::now();
        let cpu_s = || self.cost().map_or(0.0, |cost| cost.cpu_s);
        loop {
            let (before_s, since) = (cpu_s(), Instant::now());
            pause(SETTLE, stop)?;
            let cpus = (cpu_s() - before_s) / since.elapsed().as_secs_f64();
            if cpus < QUIET_CPUS || start.elapsed() > QUIET_LIMIT {
                return Ok(());
            }
        }
    }

    /// Why it schedules no longer; `None` while it does.
    pub fn fault(&mut self) -> Option<String> {
        if let Some(why) = self.ended() {
            return Some(why);
        }
        (state() != "enabled").then(|| format!("the kernel detached it: {}", last_words(&self.log)))
    }

    fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(Some(_)) => Some(last_words(&self.log)),
            _ => None,
        }
    }

    /// What it used so far.
    pub fn cost(&self) -> Option<Cost> {
        let read = |name| fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).ok();
        let ticks = sysconf(SysconfVar::CLK_TCK).ok()??;
        cost(&read("stat")?, &read("status")?, ticks as f64)
    }

    /// Ends it in order and waits until the kernel's own scheduler is back. Its last line, where that is a JSON object.
    ///
    /// # Errors
    /// One sentence where another scheduler stays attached.
    pub fn end(mut self) -> Result<Option<serde_json::Value>> {
        anyhow::ensure!(
            self.interrupt(),
            "a scheduler is still attached {} s after it was told to end; /sys/kernel/sched_ext/root/ops says which",
            END_LIMIT.as_secs()
        );
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let last = text.lines().rfind(|line| line.starts_with('{'));
        Ok(last.and_then(|line| serde_json::from_str(line).ok()))
    }

    /// True when the kernel's own scheduler is back.
    fn interrupt(&mut self) -> bool {
        if !std::mem::replace(&mut self.interrupted, true) {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT);
            if !within(END_LIMIT, || !matches!(self.child.try_wait(), Ok(None))) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        // The next one would be taken for attached while this one still is.
        within(END_LIMIT, || state() == "disabled")
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.interrupt();
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(err: anyhow::Error) -> Refusal {
        Refusal::Other(err)
    }
}

fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

fn pause(duration: Duration, stop: &AtomicBool) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < duration {
        if stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        std::thread::sleep(LOOK.min(duration));
    }
    Ok(())
}

/// From `/proc/PID/stat` (fields 14 and 15, in ticks) and `/proc/PID/status`.
fn cost(stat: &str, status: &str, ticks_hz: f64) -> Option<Cost> {
    // The command's name may hold anything, brackets and spaces too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kb: f64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Cost {
        cpu_s: (ticks(11)? + ticks(12)?) / ticks_hz,
        resident_mb: resident_kb / 1024.0,
    })
}

/// Is nobody else attached, so that a run means what its row says?
///
/// # Errors
/// One sentence with who is.
pub fn nobody_attached(contenders: &[Contender]) -> Result<()> {
    let state = state();
    if state.is_empty() || state == "disabled" {
        return Ok(());
    }
    let ops = fs::read_to_string("/sys/kernel/sched_ext/root/ops").unwrap_or_default();
    anyhow::bail!(
        "the scheduler {} is attached already ({state}), so none of {} can be measured; end it first",
        ops.trim(),
        contenders.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_cost_is_read_past_any_name() {
        let stat = "4242 (a) b (c) S 1 4242 4242 0 -1 4194560 1023 0 0 0 150 50 0 0 20 0 7 0 1234 5 6 7";
        let status = "Name:\ta) b (c\nVmPeak:\t  999 kB\nVmRSS:\t   10240 kB\n";
        let found = cost(stat, status, 100.0);
        assert_eq!(
            found,
            Some(Cost {
                cpu_s: 2.0,
                resident_mb: 10.0
            })
        );
        assert_eq!(cost("1 (x) Z 1", status, 100.0), None);
    }
}
