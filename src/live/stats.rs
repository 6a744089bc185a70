// SPDX-License-Identifier: GPL-2.0-only
//! What the scheduler shows: one structure for the terminal, the socket, the tests and the service.

use super::decisions::Ledger;
use crate::policy::decision::Outcome;
use crate::policy::{DomainState, Snapshot, Tally};
use anyhow::Result;
use scx_stats::prelude::*;
use scx_stats_derive::{Stats, stat_doc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;

/// One domain.
#[stat_doc]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Stats)]
#[stat(_om_prefix = "d_", _om_label = "domain")]
pub struct DomainStats {
    #[stat(desc = "decayed weight of runnable tasks over capacity; one nice-0 task on one CPU is 1.0")]
    pub load: f64,
    #[stat(desc = "busy share of its CPUs, 0 to 1")]
    pub util: f64,
    #[stat(desc = "tasks that wait")]
    pub queue: u32,
    #[stat(desc = "CPUs that idle")]
    pub idle_cpus: u32,
    #[stat(desc = "summed capacity; a full CPU is 1.0")]
    pub capacity: f64,
}

impl From<&DomainState> for DomainStats {
    fn from(state: &DomainState) -> DomainStats {
        DomainStats {
            load: f64::from(state.load),
            util: f64::from(state.util),
            queue: state.queue,
            idle_cpus: state.idle_cpus,
            capacity: f64::from(state.capacity),
        }
    }
}

/// Everything, since the scheduler was attached; `--stats` and `--monitor` print what came since the last line.
#[stat_doc]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Stats)]
#[stat(top)]
pub struct Metrics {
    #[stat(desc = "seconds since the scheduler was attached")]
    pub uptime_s: f64,
    #[stat(desc = "model that decides, or why none does")]
    pub model: String,
    #[stat(desc = "what runs the model: TensorFlow or the Rust twin; empty where no model decides")]
    #[serde(default)]
    pub engine: String,
    #[stat(desc = "policy that names the candidates")]
    pub policy: String,
    #[stat(desc = "balance rounds")]
    pub rounds: u64,
    #[stat(desc = "rounds with questions, in which the model's word counted")]
    pub model_rounds: u64,
    #[stat(desc = "rounds with questions, in which the heuristic decided alone")]
    pub fallback_rounds: u64,
    #[stat(desc = "moves that the policy proposed")]
    pub proposed: u64,
    #[stat(desc = "proposed moves that were accepted; applied + refused + expired + pending")]
    pub accepted: u64,
    #[stat(desc = "accepted moves after which the task was seen to run in the other domain")]
    pub applied: u64,
    #[stat(desc = "accepted moves that the kernel's half refused")]
    pub refused: u64,
    #[stat(desc = "refused: the task had ended")]
    pub refused_gone: u64,
    #[stat(desc = "refused: the task was no longer in the domain")]
    pub refused_moved: u64,
    #[stat(desc = "refused: the affinity forbids the other domain")]
    pub refused_affinity: u64,
    #[stat(desc = "refused: the task is bound to its CPU")]
    pub refused_pinned: u64,
    #[stat(desc = "accepted moves whose task did not run in time")]
    pub expired: u64,
    #[stat(desc = "accepted moves that are under way")]
    pub pending: u64,
    #[stat(desc = "domain pairs that were judged for stealing")]
    pub pairs: u64,
    #[stat(desc = "domain pairs for which stealing was denied")]
    pub pairs_denied: u64,
    #[stat(desc = "migrations")]
    pub migrations: u64,
    #[stat(desc = "migrations to an SMT sibling")]
    pub mig_core: u64,
    #[stat(desc = "migrations within a last-level cache")]
    pub mig_llc: u64,
    #[stat(desc = "migrations to another last-level cache")]
    pub mig_cross_llc: u64,
    #[stat(desc = "migrations to another NUMA node")]
    pub mig_cross_node: u64,
    #[stat(desc = "migrations because a task woke up while its CPU was busy")]
    pub mig_wakeup: u64,
    #[stat(desc = "migrations because an idle CPU took a task that waited")]
    pub mig_steal: u64,
    #[stat(desc = "migrations because of a decision")]
    pub mig_balance: u64,
    #[stat(desc = "migrations because the affinity changed")]
    pub mig_affinity: u64,
    #[stat(desc = "migrations that the kernel made by itself")]
    pub mig_other: u64,
    #[stat(desc = "wakeups")]
    pub wakeups: u64,
    #[stat(desc = "wakeups whose previous CPU idled")]
    pub wake_prev_idle: u64,
    #[stat(desc = "wakeups that interrupted the task on their CPU")]
    pub wake_preempt: u64,
    #[stat(desc = "waiting tasks that interrupted the running one at a tick")]
    pub tick_preempt: u64,
    #[stat(desc = "new tasks")]
    pub forks: u64,
    #[stat(desc = "steals that were put off, because the wait is predicted to be short")]
    pub steal_too_soon: u64,
    #[stat(desc = "steals that the model denied")]
    pub steal_denied: u64,
    #[stat(desc = "tasks that got a turn because they had waited too long")]
    pub rescued: u64,
    #[stat(desc = "times that a task got a CPU")]
    pub runs: u64,
    #[stat(desc = "milliseconds that tasks ran")]
    pub run_ms: u64,
    #[stat(desc = "milliseconds that tasks waited for a CPU")]
    pub wait_ms: u64,
    #[stat(desc = "milliseconds of them: new tasks")]
    pub wait_fork_ms: u64,
    #[stat(desc = "milliseconds of them: woken tasks with short bursts")]
    pub wait_short_ms: u64,
    #[stat(desc = "milliseconds of them: woken tasks with long bursts")]
    pub wait_long_ms: u64,
    #[stat(desc = "milliseconds of them: tasks that were interrupted")]
    pub wait_preempted_ms: u64,
    #[stat(desc = "milliseconds of them: tasks whose slice had ended")]
    pub wait_expired_ms: u64,
    #[stat(desc = "wakeup latency, median, us")]
    pub latency_p50_us: f64,
    #[stat(desc = "wakeup latency, 90th percentile, us")]
    pub latency_p90_us: f64,
    #[stat(desc = "wakeup latency, 99th percentile, us")]
    pub latency_p99_us: f64,
    #[stat(desc = "wakeup latency, 99.9th percentile, us")]
    pub latency_p999_us: f64,
    #[stat(desc = "wakeup latency, longest, us")]
    pub latency_max_us: f64,
    #[stat(desc = "median time of a balance round, us")]
    pub round_us: f64,
    #[stat(desc = "tasks that had no place in a snapshot")]
    pub dropped_tasks: u64,
    #[stat(
        desc = "what happened to models, and why the heuristic decided: cause to count",
        _om_skip
    )]
    pub model_events: BTreeMap<String, u64>,
    #[stat(desc = "domains")]
    pub domains: BTreeMap<usize, DomainStats>,
}

impl Metrics {
    /// Puts the books of decisions into their places.
    pub fn take_ledger(&mut self, ledger: &Ledger) {
        self.accepted = ledger.accepted();
        self.applied = ledger.count(Outcome::Applied);
        self.refused_gone = ledger.count(Outcome::Gone);
        self.refused_moved = ledger.count(Outcome::Moved);
        self.refused_affinity = ledger.count(Outcome::Affinity);
        self.refused_pinned = ledger.count(Outcome::Pinned);
        self.refused = self.refused_gone + self.refused_moved + self.refused_affinity + self.refused_pinned;
        self.expired = ledger.count(Outcome::Expired);
        self.pending = ledger.pending();
    }

    /// Puts what was asked and answered into its places. How many moves were accepted is the ledger's to say.
    pub fn take_tally(&mut self, tally: &Tally) {
        self.proposed = tally.proposed;
        self.pairs = tally.pairs;
        self.pairs_denied = tally.pairs_denied;
        self.model_rounds = tally.model_rounds;
        self.fallback_rounds = tally.fallback_rounds;
    }

    /// Puts the domains into their place.
    pub fn take_snapshot(&mut self, snapshot: &Snapshot) {
        self.domains = snapshot
            .domains
            .iter()
            .map(DomainStats::from)
            .enumerate()
            .collect();
    }

    /// One block for the terminal.
    ///
    /// # Errors
    /// Where `to` cannot be written.
    pub fn format(&self, to: &mut dyn Write) -> Result<()> {
        let loads: Vec<String> = self
            .domains
            .values()
            .map(|domain| format!("{:.2}", domain.load))
            .collect();
        let queues: Vec<String> = self
            .domains
            .values()
            .map(|domain| domain.queue.to_string())
            .collect();
        let engine = match self.engine.as_str() {
            "" => String::new(),
            engine => format!(", run by {engine}"),
        };
        writeln!(
            to,
            "[augur] {:>7.1}s  {}  model {}{engine}",
            self.uptime_s, self.policy, self.model
        )?;
        writeln!(
            to,
            "  domains     load {}   waiting {}",
            loads.join(" | "),
            queues.join(" | ")
        )?;
        writeln!(
            to,
            "  decisions   proposed {}  accepted {}  applied {}  refused {}  expired {}  pending {}   rounds {} ({} by the heuristic alone)",
            self.proposed,
            self.accepted,
            self.applied,
            self.refused,
            self.expired,
            self.pending,
            self.rounds,
            self.fallback_rounds
        )?;
        writeln!(
            to,
            "  migrations  {} = wakeup {} + steal {} + balance {} + affinity {} + other {}   (core {}, LLC {}, cross LLC {}, cross node {})",
            self.migrations,
            self.mig_wakeup,
            self.mig_steal,
            self.mig_balance,
            self.mig_affinity,
            self.mig_other,
            self.mig_core,
            self.mig_llc,
            self.mig_cross_llc,
            self.mig_cross_node
        )?;
        writeln!(
            to,
            "  latency us  p50 {:.0}  p90 {:.0}  p99 {:.0}  p99.9 {:.0}  max {:.0}   wakeups {}  forks {}  waited {} ms  ran {} ms",
            self.latency_p50_us,
            self.latency_p90_us,
            self.latency_p99_us,
            self.latency_p999_us,
            self.latency_max_us,
            self.wakeups,
            self.forks,
            self.wait_ms,
            self.run_ms
        )?;
        for (cause, count) in &self.model_events {
            writeln!(to, "  model       {cause}: {count}")?;
        }
        Ok(())
    }
}

/// What is a state and not a counter: shown as it is, never as a difference.
const STATES: [&str; 11] = [
    "uptime_s",
    "model",
    "engine",
    "policy",
    "pending",
    "latency_p50_us",
    "latency_p90_us",
    "latency_p99_us",
    "latency_p999_us",
    "latency_max_us",
    "round_us",
];

/// `now` with every counter less what it was `before`.
///
/// # Errors
/// Where the metrics cannot be turned into JSON and back.
pub fn since(now: &Metrics, before: &Metrics) -> Result<Metrics> {
    let mut value = serde_json::to_value(now)?;
    let old = serde_json::to_value(before)?;
    if let Some(fields) = value.as_object_mut() {
        for (name, field) in fields
            .iter_mut()
            .filter(|(name, _)| !STATES.contains(&name.as_str()))
        {
            if let (Some(new), Some(old)) = (field.as_u64(), old[name].as_u64()) {
                *field = new.saturating_sub(old).into();
            }
        }
    }
    Ok(serde_json::from_value(value)?)
}

/// The stats server: each connection gets what came since its last request, the first everything.
pub fn server_data() -> StatsServerData<(), Metrics> {
    let open: Box<dyn StatsOpener<(), Metrics>> = Box::new(move |_channels| {
        let mut before = Metrics::default();
        let read: Box<dyn StatsReader<(), Metrics>> = Box::new(move |args, (ask, answer)| {
            ask.send(())?;
            let now = answer.recv()?;
            let total = args.get("total").is_some_and(|value| value == "true");
            let shown = if total { now.clone() } else { since(&now, &before)? };
            before = now;
            shown.to_json()
        });
        Ok(read)
    });
    StatsServerData::new()
        .add_meta(Metrics::meta())
        .add_meta(DomainStats::meta())
        .add_ops("top", StatsOps { open, close: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_keeps_states_and_subtracts_counters() {
        let before = Metrics {
            proposed: 3,
            uptime_s: 1.0,
            ..Metrics::default()
        };
        let now = Metrics {
            proposed: 10,
            uptime_s: 2.0,
            pending: 1,
            ..Metrics::default()
        };
        let shown = since(&now, &before).expect("plain numbers");
        assert_eq!((shown.proposed, shown.uptime_s, shown.pending), (7, 2.0, 1));
    }
}
