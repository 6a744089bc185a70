// SPDX-License-Identifier: GPL-2.0-only
//! What a run adds up to, with the same memory however long it is.

use super::{Done, Fault};
use crate::policy::Placement;
use augur_base::statistics::jain;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Percentiles are exact to so many digits.
const DIGITS: u8 = 3;

/// A run in figures. Completion is from arrival until done, whatever a task waited for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Outcome {
    /// Tasks that were done.
    #[serde(skip)]
    pub tasks: u64,
    /// When the last one was.
    pub makespan_ns: u64,
    /// Mean completion.
    pub completion_mean_ns: f64,
    /// Half are done by then; to three digits, as the others.
    pub completion_p50_ns: u64,
    /// 95 % are.
    pub completion_p95_ns: u64,
    /// 99 % are.
    pub completion_p99_ns: u64,
    /// All are.
    pub completion_max_ns: u64,
    /// From being placed until it begins, on average.
    pub wait_mean_ns: f64,
    /// How much later than possible a task was done, on average, as devices were when it was placed.
    pub regret_mean_ns: f64,
    /// What all tasks drew.
    pub energy_j: f64,
    /// What they cost.
    pub cost_usd: f64,
    /// Tasks that were done after their deadline.
    pub sla_misses: u64,
    /// Their share of all.
    pub sla_miss_share: f64,
    /// Tasks that ran on two devices.
    pub splits: u64,
    /// How much of the makespan each device worked.
    pub utilisation: Vec<f64>,
    /// Jain's index of that: 1 where all devices worked equally long.
    pub balance: f64,
    /// The most tasks that were there at once.
    pub in_flight_most: usize,
    /// One for each device.
    #[serde(skip)]
    pub devices: Vec<DeviceOutcome>,
    /// Events.
    #[serde(skip)]
    pub events: u64,
    /// All that happened, as one number.
    #[serde(skip)]
    pub state_hash: u64,
}

/// A device in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceOutcome {
    /// How long it worked.
    pub busy_ns: u64,
    /// On how many tasks.
    pub parts: u64,
}

/// Adds up.
pub(super) struct Ledger {
    outcome: Outcome,
    completions: Histogram<u64>,
    completion_ns: u128,
    wait_ns: u128,
    regret_ns: u128,
}

impl Ledger {
    /// Nothing has happened on so many devices.
    pub(super) fn new(devices: usize) -> Result<Ledger, Fault> {
        Ok(Ledger {
            outcome: Outcome {
                devices: vec![DeviceOutcome::default(); devices],
                ..Outcome::default()
            },
            completions: Histogram::new(DIGITS).map_err(|_| Fault::Statistics)?,
            completion_ns: 0,
            wait_ns: 0,
            regret_ns: 0,
        })
    }

    /// A device did a part.
    pub(super) fn part(&mut self, device: usize, busy_ns: u64) {
        let figures = &mut self.outcome.devices[device];
        figures.busy_ns += busy_ns;
        figures.parts += 1;
    }

    /// So many tasks are there.
    pub(super) fn in_flight(&mut self, tasks: usize) {
        self.outcome.in_flight_most = self.outcome.in_flight_most.max(tasks);
    }

    /// A task is done.
    pub(super) fn done(&mut self, done: &Done) {
        let completion_ns = done.finish_ns - done.task.arrival_ns;
        // Only what is beyond the histogram of 64 bits is an error, and that is nothing.
        let _ = self.completions.record(completion_ns);
        self.completion_ns += u128::from(completion_ns);
        self.wait_ns += u128::from(done.start_ns - done.placed_ns);
        self.regret_ns += u128::from(done.regret_ns);
        let outcome = &mut self.outcome;
        outcome.tasks += 1;
        outcome.makespan_ns = outcome.makespan_ns.max(done.finish_ns);
        outcome.completion_max_ns = outcome.completion_max_ns.max(completion_ns);
        outcome.energy_j += done.energy_j;
        outcome.cost_usd += done.cost_usd;
        outcome.sla_misses += u64::from(done.finish_ns > done.task.deadline_ns);
        outcome.splits += u64::from(matches!(done.placement, Placement::Split { .. }));
    }

    /// The figures.
    pub(super) fn finish(self, events: u64, state_hash: u64) -> Outcome {
        let count = self.outcome.tasks.max(1) as f64;
        let percentile = |quantile: f64| {
            // To three digits, and never above the largest.
            let value = self.completions.value_at_quantile(quantile);
            value.min(self.outcome.completion_max_ns)
        };
        let makespan_ns = self.outcome.makespan_ns.max(1) as f64;
        let busy = self.outcome.devices.iter().map(|device| device.busy_ns as f64);
        let utilisation: Vec<f64> = busy.map(|busy_ns| busy_ns / makespan_ns).collect();
        Outcome {
            completion_mean_ns: self.completion_ns as f64 / count,
            completion_p50_ns: percentile(0.5),
            completion_p95_ns: percentile(0.95),
            completion_p99_ns: percentile(0.99),
            wait_mean_ns: self.wait_ns as f64 / count,
            regret_mean_ns: self.regret_ns as f64 / count,
            sla_miss_share: self.outcome.sla_misses as f64 / count,
            balance: jain(utilisation.iter().copied()),
            utilisation,
            events,
            state_hash,
            ..self.outcome
        }
    }
}
