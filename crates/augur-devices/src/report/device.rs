// SPDX-License-Identifier: GPL-2.0-only
//! What policies made of a machine of CPUs and GPUs, as JSON, as a table and as CSV.

use super::drift::Drift;
use super::record::Record;
use augur_base::statistics::Interval;
use augur_base::table::{self, Value};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The devices' names.
    pub devices: Vec<String>,
    /// Tasks of each run.
    pub tasks: u64,
    /// One for each policy and seed, policy by policy.
    pub results: Vec<Figures>,
    /// One for each policy, over the seeds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Spread>,
    /// Each policy against each other one, by mean completion, seed by seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub win_loss: Vec<Duel>,
    /// What drift did, where there was any or somebody looked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// One run. Completion is from arrival until done.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Figures {
    /// The policy, as it is written.
    pub policy: String,
    /// Its seed.
    pub seed: u64,
    /// When the last task was done.
    pub makespan_ns: u64,
    /// Mean completion.
    pub completion_mean_ns: f64,
    /// Half are done by then, to three digits.
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
    /// What a decision took on this machine, on average: the one figure that is not the same each time.
    pub decision_ns: f64,
    /// Events that were simulated.
    pub events: u64,
    /// All that happened, as one number in hexadecimal.
    pub state_hash: String,
    /// No policy has a lower mean completion on these tasks: proven.
    #[serde(default)]
    pub completion_bound_ns: f64,
    /// No policy is done earlier with all of them: proven.
    #[serde(default)]
    pub makespan_bound_ns: u64,
    /// How much higher the mean completion is than that of `clairvoyant` with the same seed, as a share of it; below 0: it
    /// beat it; nothing: that policy was not run.
    #[serde(default)]
    pub behind_clairvoyant: Option<f64>,
    /// How it went, for the report of drift.
    #[serde(skip)]
    pub course: Record,
}

/// One policy over all seeds, with 95 % confidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The policy.
    pub policy: String,
    /// How many seeds.
    pub seeds: usize,
    /// Mean completion.
    pub completion_mean_ns: Interval,
    /// 99th percentile of completion.
    pub completion_p99_ns: Interval,
    /// Makespan.
    pub makespan_ns: Interval,
    /// Energy.
    pub energy_j: Interval,
    /// Cost.
    pub cost_usd: Interval,
    /// Share of tasks that missed their deadline.
    pub sla_miss_share: Interval,
    /// Mean regret.
    pub regret_mean_ns: Interval,
    /// How much higher the mean completion is than what is proven to be possible, as a share of that.
    pub above_bound: Interval,
}

/// Two policies on the same tasks, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duel {
    /// The one.
    pub policy: String,
    /// The other.
    pub against: String,
    /// Seeds on which its mean completion is the lower one.
    pub wins: usize,
    /// Seeds on which it is the higher one.
    pub losses: usize,
    /// How much lower it is, with 95 % confidence; below 0: higher.
    pub ahead_ns: Interval,
    /// `better`, `worse`, or `tie` where the interval holds 0.
    pub verdict: &'static str,
}

impl Report {
    /// A report of these runs, policy by policy, each with the same seeds in the same order.
    pub fn new(devices: Vec<String>, tasks: u64, mut results: Vec<Figures>) -> Report {
        behind(&mut results);
        let runs: Vec<&[Figures]> = results.chunk_by(|a, b| a.policy == b.policy).collect();
        let several = runs.iter().any(|runs| runs.len() > 1);
        let intervals = if several {
            runs.iter().map(|runs| Spread::of(runs)).collect()
        } else {
            Vec::new()
        };
        let mut win_loss = Vec::new();
        for one in runs.iter().filter(|_| several) {
            let others = runs.iter().filter(|other| other[0].policy != one[0].policy);
            win_loss.extend(others.map(|other| Duel::of(one, other)));
        }
        Report {
            devices,
            tasks,
            intervals,
            win_loss,
            results,
            drift: None,
        }
    }
}

impl Spread {
    fn of(runs: &[Figures]) -> Spread {
        let over = |of: fn(&Figures) -> f64| Interval::over(runs, of);
        Spread {
            policy: runs.first().map(|run| run.policy.clone()).unwrap_or_default(),
            seeds: runs.len(),
            completion_mean_ns: over(|run| run.completion_mean_ns),
            completion_p99_ns: over(|run| run.completion_p99_ns as f64),
            makespan_ns: over(|run| run.makespan_ns as f64),
            energy_j: over(|run| run.energy_j),
            cost_usd: over(|run| run.cost_usd),
            sla_miss_share: over(|run| run.sla_miss_share),
            regret_mean_ns: over(|run| run.regret_mean_ns),
            above_bound: over(Figures::above_bound),
        }
    }
}

impl Duel {
    fn of(one: &[Figures], other: &[Figures]) -> Duel {
        let pairs = || {
            one.iter()
                .zip(other)
                .map(|(one, other)| other.completion_mean_ns - one.completion_mean_ns)
        };
        let ahead_ns = Interval::of(&pairs().collect::<Vec<f64>>());
        Duel {
            policy: one.first().map(|run| run.policy.clone()).unwrap_or_default(),
            against: other.first().map(|run| run.policy.clone()).unwrap_or_default(),
            wins: pairs().filter(|&ahead| ahead > 0.0).count(),
            losses: pairs().filter(|&ahead| ahead < 0.0).count(),
            verdict: match ahead_ns {
                Interval { low, .. } if low > 0.0 => "better",
                Interval { high, .. } if high < 0.0 => "worse",
                _ => "tie",
            },
            ahead_ns,
        }
    }
}

/// How far each run is behind the clairvoyant policy's of the same seed.
fn behind(results: &mut [Figures]) {
    let told = |run: &&Figures| run.policy == "clairvoyant" || run.policy.starts_with("clairvoyant[");
    let first = results.iter().find(told).map(|run| run.policy.clone());
    let means: Vec<(u64, f64)> = results
        .iter()
        .filter(|run| Some(&run.policy) == first.as_ref())
        .map(|run| (run.seed, run.completion_mean_ns))
        .collect();
    for run in results {
        let same = means
            .iter()
            .find(|(seed, mean_ns)| *seed == run.seed && *mean_ns > 0.0);
        run.behind_clairvoyant = same.map(|(_, mean_ns)| run.completion_mean_ns / mean_ns - 1.0);
    }
}

/// Above this share of the time a device has no room for chance: queues grow as long as tasks come.
const OVERLOADED: f64 = 0.95;

/// Where a device has more to do than it can, a sentence for each policy.
pub fn overloads(devices: &[String], results: &[Figures]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for runs in results.chunk_by(|a, b| a.policy == b.policy) {
        let most = |device: usize| {
            let used = runs.iter().filter_map(|run| run.utilisation.get(device));
            used.copied().fold(0.0, f64::max)
        };
        let full: Vec<String> = devices
            .iter()
            .enumerate()
            .filter(|(device, _)| most(*device) > OVERLOADED)
            .map(|(device, name)| format!("{name} ({:.0} %)", most(device) * 100.0))
            .collect();
        if let Some(run) = runs.first().filter(|_| !full.is_empty()) {
            told.push(format!(
                "overloaded under {}: {}; its times grow with the number of tasks",
                run.policy,
                full.join(", ")
            ));
        }
    }
    told
}

const SHOWN: [&str; 14] = [
    "policy",
    "mean",
    "above bound",
    "behind clairvoyant",
    "p50",
    "p95",
    "p99",
    "decision regret",
    "makespan",
    "energy",
    "cost",
    "SLA misses",
    "used",
    "decision",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.runs(f)?;
        match &self.drift {
            Some(drift) => write!(f, "\n{drift}"),
            None => Ok(()),
        }
    }
}

impl Report {
    fn runs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} tasks on {}; times from arrival until done{}",
            self.tasks,
            self.devices.join(", "),
            self.bound()
        )?;
        let several = !self.intervals.is_empty();
        let mut rows = vec![SHOWN.map(str::to_owned).to_vec()];
        rows.extend(self.results.iter().map(|run| row(run, several)));
        table::write(f, &rows)?;
        for line in overloads(&self.devices, &self.results) {
            writeln!(f, "{line}")?;
        }
        if !several {
            return Ok(());
        }
        writeln!(f)?;
        let mut rows = vec![
            [
                "over the seeds",
                "mean",
                "above bound",
                "p99",
                "decision regret",
                "energy",
                "SLA misses",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        rows.extend(self.intervals.iter().map(spread));
        table::write(f, &rows)?;
        writeln!(
            f,
            "\nseeds won on mean completion (line against column; = where the difference is inside the noise)"
        )?;
        table::write(f, &self.matrix())
    }

    /// What is proven, in words; where there are several seeds each has its own.
    fn bound(&self) -> String {
        match self.results.first() {
            Some(run) if self.intervals.is_empty() && run.completion_bound_ns > 0.0 => format!(
                "; no policy can have a mean below {}",
                table::time(run.completion_bound_ns)
            ),
            _ => String::new(),
        }
    }

    pub(super) fn matrix(&self) -> Vec<Vec<String>> {
        let names: Vec<&String> = self.intervals.iter().map(|spread| &spread.policy).collect();
        let mut rows = vec![
            std::iter::once(String::new())
                .chain(names.iter().map(|name| (*name).clone()))
                .collect(),
        ];
        for one in &names {
            let cell = |other: &&String| {
                let duel = self
                    .win_loss
                    .iter()
                    .find(|duel| duel.policy == **one && duel.against == **other);
                duel.map_or_else(String::new, |duel| {
                    let tie = if duel.verdict == "tie" { " =" } else { "" };
                    format!("{}:{}{tie}", duel.wins, duel.losses)
                })
            };
            rows.push(
                std::iter::once((*one).clone())
                    .chain(names.iter().map(cell))
                    .collect(),
            );
        }
        rows
    }
}

fn spread(spread: &Spread) -> Vec<String> {
    let with = |interval: &Interval, text: fn(f64) -> String| {
        format!(
            "{} ± {}",
            text(interval.mean),
            text(interval.high - interval.mean)
        )
    };
    vec![
        format!("{} ({})", spread.policy, spread.seeds),
        with(&spread.completion_mean_ns, table::time),
        with(&spread.above_bound, |share| format!("{:.1} %", share * 100.0)),
        with(&spread.completion_p99_ns, table::time),
        with(&spread.regret_mean_ns, table::time),
        with(&spread.energy_j, |energy| format!("{} J", table::number(energy))),
        with(&spread.sla_miss_share, |share| format!("{:.2} %", share * 100.0)),
    ]
}

fn row(run: &Figures, several: bool) -> Vec<String> {
    let seed = if several {
        format!(" #{}", run.seed)
    } else {
        String::new()
    };
    let used: Vec<String> = run
        .utilisation
        .iter()
        .take(8)
        .map(|used| format!("{:.0}", used * 100.0))
        .collect();
    vec![
        format!("{}{seed}", run.policy),
        table::time(run.completion_mean_ns),
        match run.completion_bound_ns > 0.0 {
            true => format!("{:.1} %", run.above_bound() * 100.0),
            false => "-".to_owned(),
        },
        run.behind_clairvoyant
            .map_or("-".to_owned(), |share| format!("{:+.1} %", share * 100.0)),
        table::time(run.completion_p50_ns as f64),
        table::time(run.completion_p95_ns as f64),
        table::time(run.completion_p99_ns as f64),
        table::time(run.regret_mean_ns),
        table::time(run.makespan_ns as f64),
        format!("{} J", table::number(run.energy_j)),
        format!("{} $", table::number(run.cost_usd)),
        format!("{:.2} %", run.sla_miss_share * 100.0),
        format!("{} %", used.join("/")),
        table::time(run.decision_ns),
    ]
}

/// The columns of [`Figures::values`].
pub const COLUMNS: [&str; 19] = [
    "policy",
    "seed",
    "makespan_ns",
    "completion_mean_ns",
    "completion_p50_ns",
    "completion_p95_ns",
    "completion_p99_ns",
    "completion_max_ns",
    "wait_mean_ns",
    "regret_mean_ns",
    "energy_j",
    "cost_usd",
    "sla_misses",
    "sla_miss_share",
    "splits",
    "balance",
    "completion_bound_ns",
    "makespan_bound_ns",
    "behind_clairvoyant",
];

impl Figures {
    /// How much higher the mean completion is than what is proven to be possible, as a share of that.
    pub fn above_bound(&self) -> f64 {
        match self.completion_bound_ns {
            bound_ns if bound_ns > 0.0 => self.completion_mean_ns / bound_ns - 1.0,
            _ => f64::NAN,
        }
    }

    /// The run as a row of a table, without what differs from machine to machine and from time to time.
    pub fn values(&self) -> [Value; 19] {
        [
            Value::Text(self.policy.clone()),
            Value::Count(self.seed),
            Value::Count(self.makespan_ns),
            Value::Real(self.completion_mean_ns),
            Value::Count(self.completion_p50_ns),
            Value::Count(self.completion_p95_ns),
            Value::Count(self.completion_p99_ns),
            Value::Count(self.completion_max_ns),
            Value::Real(self.wait_mean_ns),
            Value::Real(self.regret_mean_ns),
            Value::Real(self.energy_j),
            Value::Real(self.cost_usd),
            Value::Count(self.sla_misses),
            Value::Real(self.sla_miss_share),
            Value::Count(self.splits),
            Value::Real(self.balance),
            Value::Real(self.completion_bound_ns),
            Value::Count(self.makespan_bound_ns),
            Value::Real(self.behind_clairvoyant.unwrap_or(f64::NAN)),
        ]
    }
}
