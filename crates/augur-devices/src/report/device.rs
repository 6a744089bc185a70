// SPDX-License-Identifier: GPL-2.0-only
//! What policies made of a machine of CPUs and GPUs, as JSON, as a table and as CSV.

use super::drift::Drift;
use super::record::Record;
use crate::sim::Outcome;
use augur_base::statistics::Interval;
use augur_base::table::{self, Column, Value};
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
    /// What it came to.
    #[serde(flatten)]
    pub outcome: Outcome,
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
            completion_mean_ns: over(|run| run.outcome.completion_mean_ns),
            completion_p99_ns: over(|run| run.outcome.completion_p99_ns as f64),
            makespan_ns: over(|run| run.outcome.makespan_ns as f64),
            energy_j: over(|run| run.outcome.energy_j),
            cost_usd: over(|run| run.outcome.cost_usd),
            sla_miss_share: over(|run| run.outcome.sla_miss_share),
            regret_mean_ns: over(|run| run.outcome.regret_mean_ns),
            above_bound: over(Figures::above_bound),
        }
    }
}

impl Duel {
    fn of(one: &[Figures], other: &[Figures]) -> Duel {
        let means = |runs: &[Figures]| runs.iter().map(|run| run.outcome.completion_mean_ns).collect();
        let (own, others): (Vec<f64>, Vec<f64>) = (means(one), means(other));
        let pairs = || own.iter().zip(&others).map(|(own, other)| other - own);
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
        .map(|run| (run.seed, run.outcome.completion_mean_ns))
        .collect();
    for run in results {
        let same = means
            .iter()
            .find(|(seed, mean_ns)| *seed == run.seed && *mean_ns > 0.0);
        run.behind_clairvoyant = same.map(|(_, mean_ns)| run.outcome.completion_mean_ns / mean_ns - 1.0);
    }
}

/// Above this share of the time a device has no room for chance: queues grow as long as tasks come.
const OVERLOADED: f64 = 0.95;

/// Where a device has more to do than it can, a sentence for each policy.
pub fn overloads(devices: &[String], results: &[Figures]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for runs in results.chunk_by(|a, b| a.policy == b.policy) {
        let most = |device: usize| {
            let used = runs.iter().filter_map(|run| run.outcome.utilisation.get(device));
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

/// What is shown of a run, behind its policy.
const SHOWN: [Column<Figures, String>; 13] = [
    ("mean", |run| table::time(run.outcome.completion_mean_ns)),
    ("above bound", |run| match run.completion_bound_ns > 0.0 {
        true => format!("{:.1} %", run.above_bound() * 100.0),
        false => "-".to_owned(),
    }),
    ("behind clairvoyant", |run| {
        run.behind_clairvoyant
            .map_or("-".to_owned(), |share| format!("{:+.1} %", share * 100.0))
    }),
    ("p50", |run| table::time(run.outcome.completion_p50_ns as f64)),
    ("p95", |run| table::time(run.outcome.completion_p95_ns as f64)),
    ("p99", |run| table::time(run.outcome.completion_p99_ns as f64)),
    ("decision regret", |run| table::time(run.outcome.regret_mean_ns)),
    ("makespan", |run| table::time(run.outcome.makespan_ns as f64)),
    ("energy", |run| joules(run.outcome.energy_j)),
    ("cost", |run| format!("{} $", table::number(run.outcome.cost_usd))),
    ("SLA misses", |run| percent(run.outcome.sla_miss_share)),
    ("used", |run| {
        let used = run.outcome.utilisation.iter().take(8);
        let used = used.map(|used| format!("{:.0}", used * 100.0));
        format!("{} %", used.collect::<Vec<String>>().join("/"))
    }),
    ("decision", |run| table::time(run.decision_ns)),
];

/// What is shown of a policy over the seeds, behind its name.
const SHOWN_OF_SEEDS: [Column<Spread, String>; 6] = [
    ("mean", |of| sure(&of.completion_mean_ns, table::time)),
    ("above bound", |of| {
        sure(&of.above_bound, |share| format!("{:.1} %", share * 100.0))
    }),
    ("p99", |of| sure(&of.completion_p99_ns, table::time)),
    ("decision regret", |of| sure(&of.regret_mean_ns, table::time)),
    ("energy", |of| sure(&of.energy_j, joules)),
    ("SLA misses", |of| sure(&of.sla_miss_share, percent)),
];

/// The mean, and how far the interval reaches from there.
fn sure(interval: &Interval, text: fn(f64) -> String) -> String {
    let half = interval.high - interval.mean;
    format!("{} ± {}", text(interval.mean), text(half))
}

fn joules(energy: f64) -> String {
    format!("{} J", table::number(energy))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

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
        let seed = |run: &Figures| {
            if several {
                format!(" #{}", run.seed)
            } else {
                String::new()
            }
        };
        let row = |run: &Figures| {
            let cells = SHOWN.iter().map(|(_, of)| of(run));
            table::row(format!("{}{}", run.policy, seed(run)), cells)
        };
        let heads = SHOWN.iter().map(|(head, _)| head);
        table::write(f, &table::with("policy", heads, self.results.iter().map(row)))?;
        for line in overloads(&self.devices, &self.results) {
            writeln!(f, "{line}")?;
        }
        if !several {
            return Ok(());
        }
        writeln!(f)?;
        let row = |spread: &Spread| {
            let cells = SHOWN_OF_SEEDS.iter().map(|(_, of)| of(spread));
            table::row(format!("{} ({})", spread.policy, spread.seeds), cells)
        };
        let heads = SHOWN_OF_SEEDS.iter().map(|(head, _)| head);
        table::write(
            f,
            &table::with("over the seeds", heads, self.intervals.iter().map(row)),
        )?;
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
        let cell = |one: &String, other: &String| {
            let mut duels = self.win_loss.iter();
            let duel = duels.find(|duel| duel.policy == *one && duel.against == *other)?;
            let tie = if duel.verdict == "tie" { " =" } else { "" };
            Some(format!("{}:{}{tie}", duel.wins, duel.losses))
        };
        let row = |one: &&String| {
            let cells = names.iter().map(|other| cell(one, other).unwrap_or_default());
            table::row((*one).clone(), cells)
        };
        table::with("", &names, names.iter().map(row))
    }
}

/// The columns of [`Figures::values`], without what differs from machine to machine and from time to time.
pub const COLUMNS: [Column<Figures, Value>; 19] = [
    ("policy", |run| Value::Text(run.policy.clone())),
    ("seed", |run| Value::Count(run.seed)),
    ("makespan_ns", |run| Value::Count(run.outcome.makespan_ns)),
    ("completion_mean_ns", |run| {
        Value::Real(run.outcome.completion_mean_ns)
    }),
    ("completion_p50_ns", |run| {
        Value::Count(run.outcome.completion_p50_ns)
    }),
    ("completion_p95_ns", |run| {
        Value::Count(run.outcome.completion_p95_ns)
    }),
    ("completion_p99_ns", |run| {
        Value::Count(run.outcome.completion_p99_ns)
    }),
    ("completion_max_ns", |run| {
        Value::Count(run.outcome.completion_max_ns)
    }),
    ("wait_mean_ns", |run| Value::Real(run.outcome.wait_mean_ns)),
    ("regret_mean_ns", |run| Value::Real(run.outcome.regret_mean_ns)),
    ("energy_j", |run| Value::Real(run.outcome.energy_j)),
    ("cost_usd", |run| Value::Real(run.outcome.cost_usd)),
    ("sla_misses", |run| Value::Count(run.outcome.sla_misses)),
    ("sla_miss_share", |run| Value::Real(run.outcome.sla_miss_share)),
    ("splits", |run| Value::Count(run.outcome.splits)),
    ("balance", |run| Value::Real(run.outcome.balance)),
    ("completion_bound_ns", |run| Value::Real(run.completion_bound_ns)),
    ("makespan_bound_ns", |run| Value::Count(run.makespan_bound_ns)),
    ("behind_clairvoyant", |run| {
        Value::Real(run.behind_clairvoyant.unwrap_or(f64::NAN))
    }),
];

impl Figures {
    /// How much higher the mean completion is than what is proven to be possible, as a share of that.
    pub fn above_bound(&self) -> f64 {
        match self.completion_bound_ns {
            bound_ns if bound_ns > 0.0 => self.outcome.completion_mean_ns / bound_ns - 1.0,
            _ => f64::NAN,
        }
    }

    /// The run as a row of a table.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        COLUMNS.iter().map(|(_, of)| of(self))
    }
}
