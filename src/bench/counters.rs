// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's counters around one run, and the figures that are their difference.

use super::schedstat;
use super::tracing::Tracing;
use crate::bench::report::Callback;
use crate::live::programs::{self, Program};
use anyhow::{Context, Result};
use augur_base::topology::Machine;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SCHEDSTAT: &str = "/proc/schedstat";
const BPF_STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// The kernel's statistics of BPF programs, switched on for as long as this lives.
pub struct BpfStats {
    before: String,
}

impl BpfStats {
    /// Switches them on; they cost some ns a call.
    ///
    /// # Errors
    /// Where this process may not.
    pub fn start() -> Result<BpfStats> {
        let what = || format!("the run time of BPF programs, for {BPF_STATS} cannot be set");
        let before = fs::read_to_string(BPF_STATS).with_context(what)?;
        fs::write(BPF_STATS, "1").with_context(what)?;
        Ok(BpfStats { before })
    }
}

impl Drop for BpfStats {
    fn drop(&mut self) {
        let _ = fs::write(BPF_STATS, self.before.trim());
    }
}

/// Counters that run from here on.
pub struct Counters {
    tracing: Result<Tracing>,
    wait_ns: Option<u64>,
    programs: Vec<Program>,
}

/// What they say at the end.
#[derive(Debug, Default)]
pub struct Difference {
    /// By the names in [`crate::bench::report::FIGURES`].
    pub figures: BTreeMap<String, f64>,
    /// Each BPF callback.
    pub callbacks: BTreeMap<String, Callback>,
    /// What could not be counted, and why.
    pub notes: BTreeSet<String>,
}

impl Counters {
    /// Starts counting on this machine.
    pub fn start(machine: &Machine) -> Counters {
        let highest = machine.cpus.last().map_or(0, |cpu| cpu.id);
        Counters {
            tracing: Tracing::start(highest + 1),
            // Last, so that as little as can be of this counts itself.
            programs: programs::struct_ops(),
            wait_ns: wait_ns(),
        }
    }

    /// Stops counting.
    pub fn stop(self, machine: &Machine) -> Difference {
        let mut found = Difference::default();
        match (self.wait_ns, wait_ns()) {
            (Some(before), Some(after)) => {
                found.set("wait_s", after.saturating_sub(before) as f64 / 1e9);
            }
            _ => found.note(format!(
                "run-queue wait, for {SCHEDSTAT} does not show it (CONFIG_SCHED_INFO)"
            )),
        }
        match &self.tracing {
            Ok(tracing) => found.traced(tracing, machine),
            Err(why) => found.note(format!("migrations and wakeup latency: {why:#}")),
        }
        let after = programs::struct_ops();
        if !after.is_empty() {
            found.programs(&self.programs, &after);
        }
        found
    }
}

impl Difference {
    fn set(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    fn note(&mut self, text: String) {
        self.notes.insert(text);
    }

    fn traced(&mut self, tracing: &Tracing, machine: &Machine) {
        match tracing.migrations() {
            Ok(histogram) => {
                let kinds = histogram.migrations(machine);
                for (name, count) in [
                    ("migrations", kinds.total()),
                    ("same_core", kinds.same_core),
                    ("same_llc", kinds.same_llc),
                    ("cross_llc", kinds.cross_llc),
                    ("cross_node", kinds.cross_node),
                ] {
                    self.set(name, count as f64);
                }
            }
            Err(why) => self.note(format!("migrations: {why:#}")),
        }
        match tracing.latencies() {
            Ok(histogram) => {
                self.set("wakeups", histogram.count() as f64);
                for (name, permille) in [("latency_p50_us", 500), ("latency_p99_us", 990)] {
                    if let Some(latency_us) = histogram.permille(permille) {
                        self.set(name, latency_us as f64);
                    }
                }
                if histogram.dropped > 0 {
                    self.note("all wakeup latencies: the kernel's table of them was full".to_owned());
                }
            }
            Err(why) => self.note(format!("wakeup latency: {why:#}")),
        }
    }

    /// Adds up what the programs of a scheduler did in between. One that was loaded in between began at 0.
    fn programs(&mut self, before: &[Program], after: &[Program]) {
        let mut by_name: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for program in after {
            let earlier = before.iter().find(|earlier| earlier.id == program.id);
            let (run_time_ns, calls) = earlier.map_or((0, 0), |earlier| (earlier.run_time_ns, earlier.calls));
            let sum = by_name.entry(callback(&program.name)).or_default();
            sum.0 += program.run_time_ns.saturating_sub(run_time_ns);
            sum.1 += program.calls.saturating_sub(calls);
        }
        let run_time_ns: u64 = by_name.values().map(|sum| sum.0).sum();
        self.set("bpf_ms", run_time_ns as f64 / 1e6);
        self.set("bpf_calls", by_name.values().map(|sum| sum.1).sum::<u64>() as f64);
        for (name, (run_time_ns, calls)) in by_name {
            if calls > 0 {
                let mean_ns = run_time_ns as f64 / calls as f64;
                self.callbacks.insert(name, Callback { calls, mean_ns });
            }
        }
    }
}

/// `augur_select_cpu` and `rusty_select_cpu` are both sched_ext's `select_cpu`.
fn callback(function: &str) -> String {
    let (_, name) = function.split_once('_').unwrap_or(("", function));
    name.to_owned()
}

fn wait_ns() -> Option<u64> {
    schedstat::wait_ns(&fs::read_to_string(Path::new(SCHEDSTAT)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(id: u32, name: &str, run_time_ns: u64, calls: u64) -> Program {
        Program {
            id,
            name: name.to_owned(),
            run_time_ns,
            calls,
        }
    }

    #[test]
    fn only_what_a_program_did_in_between_counts() {
        let before = [program(1, "augur_enqueue", 1_000_000, 10)];
        let after = [
            program(1, "augur_enqueue", 4_000_000, 40),
            program(2, "augur_select_cpu", 500_000, 5),
            program(3, "augur_exit", 0, 0),
        ];
        let mut found = Difference::default();
        found.programs(&before, &after);
        assert_eq!((found.figures["bpf_ms"], found.figures["bpf_calls"]), (3.5, 35.0));
        let names: Vec<&String> = found.callbacks.keys().collect();
        assert_eq!(names, ["enqueue", "select_cpu"]);
        assert_eq!(found.callbacks["enqueue"].mean_ns, 100_000.0);
    }
}
