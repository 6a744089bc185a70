// SPDX-License-Identifier: GPL-2.0-only
//! What differs between two traces: events, totals, and the tasks of each name, as JSON and as a table.
//!
//! Pids and times of day differ between any two recordings, so tasks are compared by their names.

use crate::report::{Report, TaskRow};
use crate::shown;
use augur_base::statistics::Percentiles;
use augur_base::table;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

/// A figure of both; null where it is unknown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// What it is, with its unit.
    pub what: &'static str,
    /// In the first.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
}

impl Pair {
    fn differs(&self) -> bool {
        self.a != self.b
    }
}

/// The figures of something that both have, or one of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its figures.
    pub figures: Vec<Pair>,
}

/// The whole comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// The first file.
    pub a: String,
    /// The second file.
    pub b: String,
    /// Whether nothing differs.
    pub same: bool,
    /// Of the whole trace.
    pub totals: Vec<Pair>,
    /// How many events of each name.
    pub events: Vec<Group>,
    /// The tasks of each name.
    pub tasks: Vec<Group>,
}

/// Tasks of one name, added up.
fn figures(tasks: &[&TaskRow]) -> Vec<(&'static str, Option<f64>)> {
    let sum = |of: fn(&TaskRow) -> Option<u64>| {
        let sum: Option<u64> = tasks.iter().map(|task| of(task)).sum();
        sum.map(|sum| sum as f64)
    };
    let known = tasks.iter().any(|task| task.latencies_ns.is_some());
    let mut all: Vec<u64> = tasks
        .iter()
        .flat_map(|task| task.latencies_ns.iter().flatten())
        .copied()
        .collect();
    let latency = Percentiles::of(&mut all);
    let latency = latency.known();
    vec![
        ("tasks", Some(tasks.len() as f64)),
        ("on_cpu_ns", sum(|task| task.run_ns)),
        ("runs", sum(|task| Some(task.runs))),
        ("wakeups", sum(|task| task.wakeups)),
        ("latencies", known.then_some(all.len() as f64)),
        ("latency_mean_ns", latency.map(|these| these.mean)),
        ("latency_p50_ns", latency.map(|these| these.p50 as f64)),
        ("latency_p99_ns", latency.map(|these| these.p99 as f64)),
        ("latency_max_ns", latency.map(|these| these.max as f64)),
        ("migrations", sum(|task| task.migrations)),
        ("preempted_ns", sum(|task| task.preempted_ns)),
        ("sleep_ns", sum(|task| task.sleep_ns)),
        ("blocked_ns", sum(|task| task.blocked_ns)),
    ]
}

fn pairs(a: Vec<(&'static str, Option<f64>)>, b: Vec<(&'static str, Option<f64>)>) -> Vec<Pair> {
    a.into_iter()
        .zip(b)
        .map(|((what, a), (_, b))| Pair { what, a, b })
        .collect()
}

fn totals(report: &Report) -> Vec<(&'static str, Option<f64>)> {
    let sum = |of: fn(&crate::report::CpuRow) -> Option<u64>| {
        let told: Vec<u64> = report.coverage.iter().filter_map(of).collect();
        (!told.is_empty()).then(|| told.iter().sum::<u64>() as f64)
    };
    let all: Vec<&TaskRow> = report.tasks.iter().collect();
    let mut totals = vec![
        ("cpus", Some(report.cpus as f64)),
        ("duration_ns", Some((report.end_ns - report.start_ns) as f64)),
        ("lost", Some(report.lost as f64)),
        ("switches", sum(|cpu| Some(cpu.switches))),
        ("busy_ns", sum(|cpu| cpu.busy_ns)),
        ("idle_ns", sum(|cpu| cpu.idle_ns)),
    ];
    totals.extend(figures(&all));
    totals
}

fn by_name(report: &Report) -> BTreeMap<&str, Vec<&TaskRow>> {
    let mut names: BTreeMap<&str, Vec<&TaskRow>> = BTreeMap::new();
    for task in &report.tasks {
        names.entry(&task.comm).or_default().push(task);
    }
    names
}

impl Diff {
    /// Compares two traces.
    pub fn new((a, one): (String, &Report), (b, other): (String, &Report)) -> Diff {
        let names: BTreeSet<&String> = one.events.keys().chain(other.events.keys()).collect();
        let count =
            |report: &Report, name: &String| Some(report.events.get(name).copied().unwrap_or(0) as f64);
        let events = names.into_iter().map(|name| Group {
            name: name.clone(),
            figures: vec![Pair {
                what: "events",
                a: count(one, name),
                b: count(other, name),
            }],
        });
        let (ours, theirs) = (by_name(one), by_name(other));
        let names: BTreeSet<&&str> = ours.keys().chain(theirs.keys()).collect();
        let none = Vec::new();
        let tasks = names.into_iter().map(|name| Group {
            name: (*name).to_owned(),
            figures: pairs(
                figures(ours.get(name).unwrap_or(&none)),
                figures(theirs.get(name).unwrap_or(&none)),
            ),
        });
        let differs = |group: &Group| group.figures.iter().any(Pair::differs);
        let totals = pairs(totals(one), totals(other));
        let events: Vec<Group> = events.filter(differs).collect();
        let tasks: Vec<Group> = tasks.filter(differs).collect();
        Diff {
            a,
            b,
            same: events.is_empty() && tasks.is_empty() && !totals.iter().any(Pair::differs),
            totals,
            events,
            tasks,
        }
    }
}

/// A figure in its unit.
fn value(what: &str, value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if what.ends_with("_ns") => table::time(value),
        Some(value) => format!("{value:.0}"),
    }
}

fn change(pair: &Pair) -> String {
    match (pair.a, pair.b) {
        (Some(a), Some(b)) if a > 0.0 => format!("{:+.1} %", (b - a) / a * 100.0),
        _ => "-".to_owned(),
    }
}

impl Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.same {
            return writeln!(
                f,
                "nothing differs between {} and {}",
                shown(&self.a),
                shown(&self.b)
            );
        }
        writeln!(f, "A: {}\nB: {}\n", shown(&self.a), shown(&self.b))?;
        let head = ["", "figure", "A", "B", "change"].map(str::to_owned).to_vec();
        let mut rows = vec![head];
        let mut add = |name: &str, figures: &[Pair]| {
            for (index, pair) in figures.iter().filter(|pair| pair.differs()).enumerate() {
                rows.push(vec![
                    if index == 0 {
                        shown(name).into_owned()
                    } else {
                        String::new()
                    },
                    pair.what.trim_end_matches("_ns").replace('_', " "),
                    value(pair.what, pair.a),
                    value(pair.what, pair.b),
                    change(pair),
                ]);
            }
        };
        add("all", &self.totals);
        self.events
            .iter()
            .chain(&self.tasks)
            .for_each(|group| add(&group.name, &group.figures));
        table::write(f, &rows)
    }
}
