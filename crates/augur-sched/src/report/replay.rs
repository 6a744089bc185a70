// SPDX-License-Identifier: GPL-2.0-only
//! What a replay found, as JSON and as a table. Migrations never stand without makespan and latency beside them.

use super::task::TaskFigures;
use crate::sim::cpu::{Causes, Decisions};
use augur_base::statistics::{Interval, Percentiles};
use augur_base::table::{self, time};
use augur_base::topology::ByDistance;
use serde::Serialize;
use std::fmt;

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The machine that was simulated.
    pub machine: String,
    /// The first seed.
    pub seed: u64,
    /// One for each policy and seed, policy by policy.
    pub results: Vec<Figures>,
    /// Over the seeds, where there are several: one for each policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Spread>,
    /// No schedule on CPUs of full speed can end sooner: the longest chain of work and sleep, or the work for each CPU.
    pub bound_ns: u64,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// The policy, as it is written.
    pub policy: String,
    /// Its seed.
    pub seed: u64,
    /// From the beginning to the end of the last burst.
    pub makespan_ns: u64,
    /// Bursts that ended, a second.
    pub throughput_hz: f64,
    /// By how far.
    pub migrations: Migrations,
    /// By why.
    pub causes: Causes,
    /// Migrations that undid the one before.
    pub ping_pongs: u64,
    /// From each wakeup to the first run after it. Unknown where the trace shows no wakeups, and so are all that follow
    /// from who waited.
    pub wakeup_latency_ns: Percentiles,
    /// Every wait for a CPU.
    pub wait_ns: Percentiles,
    /// CPU time that idled while tasks waited that could have moved.
    pub idle_while_overloaded_ns: Option<u64>,
    /// How unequally tasks were spread over CPUs: standard deviation of their number, root of the mean square over
    /// time.
    pub imbalance: Option<f64>,
    /// Jain's index over tasks of run / (run + wait).
    pub jain: Option<f64>,
    /// Decisions between domains that were seen to come true.
    pub decisions: u64,
    /// What became of all of them.
    pub decision_outcomes: Decisions,
    /// Time spent on filling caches again.
    pub overhead_ns: u64,
    /// Tasks that still slept at the end because their waker never came to it.
    pub stranded: u64,
    /// Events that were simulated, or read for `recorded`.
    pub events: u64,
    /// `clairvoyant`: which policy's schedule it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// All that happened, as one number in hexadecimal.
    pub state_hash: String,
    /// Task by task, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskFigures>,
}

/// Migrations by distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Migrations {
    /// All.
    pub total: u64,
    /// By how far.
    #[serde(flatten)]
    pub kinds: ByDistance,
}

/// One policy over all seeds, with 95 % confidence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The policy.
    pub policy: String,
    /// How many seeds.
    pub seeds: usize,
    /// Makespan.
    pub makespan_ns: Interval,
    /// All migrations.
    pub migrations: Interval,
    /// 99th percentile of the wakeup latency.
    pub p99_ns: Option<Interval>,
    /// Mean wait.
    pub mean_wait_ns: Option<Interval>,
}

impl Figures {
    /// The trace does not tell who waited, and since when.
    pub fn forget_waits(&mut self) {
        self.wakeup_latency_ns = Percentiles::default();
        self.wait_ns = Percentiles::default();
        (self.idle_while_overloaded_ns, self.imbalance, self.jain) = (None, None, None);
        self.tasks.iter_mut().for_each(TaskFigures::forget_waits);
    }
}

impl Report {
    /// A report of these runs, policy by policy.
    pub fn new(machine: String, seed: u64, bound_ns: u64, results: Vec<Figures>) -> Report {
        let mut intervals: Vec<Spread> = Vec::new();
        for runs in results.chunk_by(|a, b| a.policy == b.policy) {
            if runs.len() > 1 {
                intervals.push(Spread::of(runs));
            }
        }
        Report {
            machine,
            seed,
            results,
            intervals,
            bound_ns,
        }
    }
}

impl Spread {
    fn of(runs: &[Figures]) -> Spread {
        let over = |of: fn(&Figures) -> f64| Interval::over(runs, of);
        Spread {
            policy: runs.first().map(|run| run.policy.clone()).unwrap_or_default(),
            seeds: runs.len(),
            makespan_ns: over(|run| run.makespan_ns as f64),
            migrations: over(|run| run.migrations.total as f64),
            p99_ns: (runs.iter().all(|run| run.wakeup_latency_ns.count > 0))
                .then(|| over(|run| run.wakeup_latency_ns.p99 as f64)),
            mean_wait_ns: (runs.iter().all(|run| run.wait_ns.count > 0))
                .then(|| over(|run| run.wait_ns.mean)),
        }
    }
}

const COLUMNS: [&str; 13] = [
    "policy",
    "makespan",
    "migrations",
    "core/LLC/far/node",
    "wake/steal/bal",
    "p50",
    "p99",
    "p99.9",
    "max",
    "mean wait",
    "idle+queue",
    "Jain",
    "hash",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "machine: {}; no schedule can end before {}",
            self.machine,
            time(self.bound_ns as f64)
        )?;
        let several = !self.intervals.is_empty();
        let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
        rows.extend(self.results.iter().map(|run| row(run, several)));
        table::write(f, &rows)?;
        for spread in &self.intervals {
            let plus = |interval: &Interval| interval.high - interval.mean;
            let about = |interval: &Option<Interval>| match interval {
                Some(interval) => format!("{} ± {}", time(interval.mean), time(plus(interval))),
                None => "-".to_owned(),
            };
            writeln!(
                f,
                "{} over {} seeds: makespan {} ± {}, migrations {:.0} ± {:.0}, p99 {}, mean wait {}",
                spread.policy,
                spread.seeds,
                time(spread.makespan_ns.mean),
                time(plus(&spread.makespan_ns)),
                spread.migrations.mean,
                plus(&spread.migrations),
                about(&spread.p99_ns),
                about(&spread.mean_wait_ns),
            )?;
        }
        Ok(())
    }
}

/// What is unknown.
fn or_dash(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

fn row(run: &Figures, several: bool) -> Vec<String> {
    let seed = if several {
        format!(" #{}", run.seed)
    } else {
        String::new()
    };
    let by = run.by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default();
    let (kinds, causes, latency) = (&run.migrations.kinds, &run.causes, run.wakeup_latency_ns.known());
    let span = |of: fn(&Percentiles) -> u64| or_dash(latency.map(|latency| time(of(latency) as f64)));
    vec![
        format!("{}{by}{seed}", run.policy),
        time(run.makespan_ns as f64),
        run.migrations.total.to_string(),
        format!(
            "{}/{}/{}/{}",
            kinds.same_core, kinds.same_llc, kinds.cross_llc, kinds.cross_node
        ),
        format!("{}/{}/{}", causes.wakeup, causes.steal, causes.balance),
        span(|latency| latency.p50),
        span(|latency| latency.p99),
        span(|latency| latency.p999),
        span(|latency| latency.max),
        or_dash(run.wait_ns.known().map(|wait| time(wait.mean))),
        or_dash(run.idle_while_overloaded_ns.map(|idle_ns| time(idle_ns as f64))),
        or_dash(run.jain.map(|jain| format!("{jain:.4}"))),
        run.state_hash.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(policy: &str, makespan_ns: u64) -> Figures {
        Figures {
            policy: policy.to_owned(),
            makespan_ns,
            wakeup_latency_ns: Percentiles::of(&mut [3]),
            wait_ns: Percentiles::of(&mut [3]),
            idle_while_overloaded_ns: Some(0),
            imbalance: Some(0.0),
            jain: Some(1.0),
            ..Figures::default()
        }
    }

    #[test]
    fn a_table_has_a_line_for_each_run_and_one_for_each_spread() {
        let report = Report::new(
            "m".into(),
            1,
            0,
            vec![run("a", 1_500), run("a", 2_500), run("b", 7)],
        );
        let text = report.to_string();
        assert_eq!(text.lines().count(), 1 + 1 + 3 + 1, "{text}");
        assert!(text.contains("makespan 2.0 µs"), "{text}");
        let header = text.lines().nth(1).unwrap();
        assert!(header.contains("migrations") && header.contains("makespan") && header.contains("p99"));
    }

    #[test]
    fn what_is_unknown_is_a_dash_and_null() {
        let mut unknown = run("a", 5);
        unknown.forget_waits();
        let report = Report::new("m".into(), 1, 0, vec![unknown.clone(), unknown]);
        let text = report.to_string();
        let row = text.lines().nth(2).unwrap();
        assert_eq!(
            row.split_whitespace().filter(|cell| *cell == "-").count(),
            7,
            "{text}"
        );
        assert!(text.contains("p99 -, mean wait -"), "{text}");
        let json = serde_json::to_value(&report).unwrap();
        let run = &json["results"][0];
        for unknown in [
            &run["jain"],
            &run["idle_while_overloaded_ns"],
            &run["wait_ns"]["mean"],
        ] {
            assert!(unknown.is_null(), "{json}");
        }
        assert_eq!(run["wakeup_latency_ns"]["count"], 0);
    }

    #[test]
    fn json_has_the_names_that_others_rely_on() {
        let report = serde_json::to_value(Report::new("m".into(), 7, 0, vec![run("a", 5)])).unwrap();
        assert_eq!(report["seed"], 7);
        let run = &report["results"][0];
        for name in ["total", "same_core", "same_llc", "cross_llc", "cross_node"] {
            assert!(run["migrations"][name].is_u64(), "{name}");
        }
        for name in ["p50", "p90", "p99", "p999", "max"] {
            assert!(
                run["wakeup_latency_ns"][name].is_u64() && run["wait_ns"][name].is_u64(),
                "{name}"
            );
        }
        for name in [
            "policy",
            "makespan_ns",
            "causes",
            "idle_while_overloaded_ns",
            "jain",
            "decisions",
            "state_hash",
        ] {
            assert!(!run[name].is_null(), "{name}");
        }
    }
}
