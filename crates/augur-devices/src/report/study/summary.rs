// SPDX-License-Identifier: GPL-2.0-only
//! All units of an experiment together, with 95 % confidence over the seeds.

use super::fraction::Fraction;
use super::labels::labels;
use super::lessons::{curves, importance};
use super::unit::{Lessons, Mark, Piece, Profile, Run, Tally, shares};
use crate::report::device::{self, Duel, Figures};
use crate::report::drift::Drift;
use crate::report::learning;
use augur_base::statistics::Interval;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Study {
    /// What it is about.
    pub title: String,
    /// Tasks of each run.
    pub tasks: u64,
    /// Seeds of each policy.
    pub seeds: Vec<u64>,
    /// The devices' names.
    pub devices: Vec<String>,
    /// The policy that was told the future, if any.
    #[serde(rename = "clairvoyant")]
    pub oracle: Option<String>,
    /// One for each policy, in the order that they were asked for.
    pub policies: Vec<Line>,
    /// Each policy against each other one, by mean completion, seed by seed.
    pub win_loss: Vec<Duel>,
    /// What each lost.
    pub regret: Vec<Gap>,
    /// By size and intensity.
    pub heatmap: Heatmap,
    /// How learners became better.
    pub learning: Vec<Curve>,
    /// What they look at.
    pub importance: Vec<Importance>,
    /// How networks became better, episode by episode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub training: Vec<learning::Curve>,
    /// How much of each task GPUs did.
    pub gpu_fractions: Vec<Fraction>,
    /// Over the run.
    pub timeline: Timeline,
    /// What drift did, where there was any or somebody looked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Where it ran.
    pub machine: Profile,
    /// All settings, as TOML.
    #[serde(skip)]
    pub settings: String,
    /// What policies are called in pictures, where that is not how they are written.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// How it was made.
    #[serde(skip)]
    pub made: Made,
    /// How long shares of the tasks took.
    #[serde(skip)]
    pub completion: Vec<Distribution>,
    /// Where and when the first tasks of the first seed ran.
    #[serde(skip)]
    pub schedules: Vec<Schedule>,
    /// All runs, policy by policy.
    #[serde(skip)]
    pub runs: Vec<Figures>,
}

/// How a report was made.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The command line.
    pub command: Option<String>,
    /// When, in UTC.
    pub at: Option<String>,
    /// From which state of the source.
    pub commit: Option<String>,
}

/// How long a policy's tasks took.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// The policy.
    pub policy: String,
    /// By when each of [`shares`] of them were done.
    pub points: Vec<(f64, Interval)>,
}

/// What ran where under a policy.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The policy.
    pub policy: String,
    /// Task by task.
    pub pieces: Vec<Piece>,
}

/// A policy over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The policy.
    pub policy: String,
    /// Mean completion.
    pub completion_mean_ns: Interval,
    /// Half are done by then.
    pub completion_p50_ns: Interval,
    /// 95 % are.
    pub completion_p95_ns: Interval,
    /// 99 % are.
    pub completion_p99_ns: Interval,
    /// From being placed until it begins.
    pub wait_mean_ns: Interval,
    /// When the last task is done.
    pub makespan_ns: Interval,
    /// What a task draws.
    pub energy_j_per_task: Interval,
    /// What a million tasks cost.
    pub cost_usd_per_million: Interval,
    /// Share of tasks that missed their deadline.
    pub sla_miss_share: Interval,
    /// How much of the makespan each device worked.
    pub utilisation: Vec<Interval>,
    /// Jain's index of that.
    pub balance: Interval,
    /// What a decision took on the machine where it ran: the one figure that differs each time.
    #[serde(skip)]
    pub decision_ns: Interval,
}

/// What a policy lost.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// The policy.
    pub policy: String,
    /// How much later than possible a task was done, as devices were when it was placed.
    pub decision_ns: Interval,
    /// How much later it was done than in the clairvoyant policy's run, seed by seed; below 0: earlier.
    #[serde(rename = "behind_clairvoyant_ns")]
    pub behind_oracle_ns: Option<Interval>,
    /// How much later it was done than what is proven to be possible.
    pub above_bound_ns: Interval,
}

/// Mean completion by size and intensity.
#[derive(Clone, Debug, Serialize)]
pub struct Heatmap {
    /// Edges of the sizes.
    pub size: Vec<f64>,
    /// Edges of the intensities.
    pub intensity: Vec<f64>,
    /// The policy by whose times the others are divided.
    pub reference: String,
    /// One for each policy.
    pub panels: Vec<Panel>,
}

/// A policy's part of it.
#[derive(Clone, Debug, Serialize)]
pub struct Panel {
    /// The policy.
    pub policy: String,
    /// By size, and within that by intensity; all seeds.
    pub cells: Vec<Tally>,
    /// Mean completion, divided by that of the reference in the same cell.
    pub times: Vec<Option<f64>>,
}

/// How a learner became better.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Who.
    pub learner: String,
    /// What is counted: `tasks` or `trees`.
    pub by: String,
    /// Over the seeds.
    pub points: Vec<Point>,
}

/// A point of it.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// How many.
    pub count: u64,
    /// Mean absolute error of the share.
    pub share_error: Interval,
    /// Time lost against the best share.
    pub time_lost: Interval,
    /// R²: how much of what the best share varies is explained.
    pub r2: Interval,
}

/// What a learner looks at.
#[derive(Clone, Debug, Serialize)]
pub struct Importance {
    /// Who.
    pub learner: String,
    /// The feature.
    pub feature: String,
    /// How much the error of the share grows when the feature's values are shuffled.
    pub error_added: Interval,
}

/// Mean completion over the run.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The first task of each window.
    pub starts: Vec<u64>,
    /// One for each policy.
    pub tracks: Vec<Track>,
    /// What changes when.
    pub marks: Vec<Mark>,
}

/// A policy's part of it.
#[derive(Clone, Debug, Serialize)]
pub struct Track {
    /// The policy.
    pub policy: String,
    /// Mean completion of the tasks that came in each window.
    pub completion_mean_ns: Vec<Interval>,
}

impl Study {
    /// Puts runs, policy by policy and each with the same seeds in the same order, and lessons together. What the
    /// title, the machine and the settings are is left to be said.
    pub fn new(
        devices: Vec<String>,
        oracle: Option<String>,
        runs: &[Run],
        lessons: &[Lessons],
        (size, intensity): (Vec<f64>, Vec<f64>),
    ) -> Study {
        let figures: Vec<Figures> = runs.iter().map(|run| run.figures.clone()).collect();
        let of_policy: Vec<&[Run]> = runs
            .chunk_by(|a, b| a.figures.policy == b.figures.policy)
            .collect();
        let first = of_policy.first().copied().unwrap_or_default();
        let tasks = first
            .first()
            .map_or(0, |run| run.windows.iter().map(|window| window.tasks).sum());
        let lines: Vec<Line> = of_policy.iter().map(|runs| line(runs, tasks)).collect();
        let reference = oracle
            .clone()
            .or_else(|| lines.iter().min_by(by_mean).map(|line| line.policy.clone()));
        let report = device::Report::new(devices.clone(), tasks, figures);
        Study {
            title: String::new(),
            tasks,
            seeds: first.iter().map(|run| run.figures.seed).collect(),
            devices,
            regret: of_policy
                .iter()
                .map(|runs| gap(runs, oracle.as_deref(), &of_policy))
                .collect(),
            heatmap: heatmap(&of_policy, size, intensity, reference.unwrap_or_default()),
            learning: curves(lessons),
            importance: importance(lessons),
            training: Vec::new(),
            gpu_fractions: of_policy.iter().map(|runs| Fraction::of(runs)).collect(),
            timeline: timeline(&of_policy),
            drift: None,
            oracle,
            policies: lines,
            win_loss: report.win_loss,
            machine: Profile::default(),
            settings: String::new(),
            labels: BTreeMap::new(),
            made: Made::default(),
            completion: of_policy.iter().filter_map(|runs| distribution(runs)).collect(),
            schedules: of_policy.iter().filter_map(|runs| schedule(runs)).collect(),
            runs: report.results,
        }
    }

    /// The policy of the least mean completion that is told nothing of the future.
    pub fn best(&self) -> Option<&Line> {
        let told = |line: &&Line| Some(&line.policy) == self.oracle.as_ref();
        let rest = self.policies.iter().filter(|line| !told(line));
        rest.min_by(by_mean)
    }

    /// Those that are told nothing of the future either, and whose difference to a policy is inside the noise.
    pub fn tied_with(&self, policy: &str) -> Vec<&str> {
        let duels = self
            .win_loss
            .iter()
            .filter(|duel| duel.policy == policy && duel.verdict == "tie");
        let names = duels.map(|duel| duel.against.as_str());
        names
            .filter(|name| Some(*name) != self.oracle.as_deref())
            .collect()
    }

    /// What pictures call a policy.
    pub fn label<'a>(&'a self, policy: &'a str) -> &'a str {
        self.labels.get(policy).map_or(policy, String::as_str)
    }

    /// A policy against another one.
    pub fn duel(&self, one: &str, other: &str) -> Option<&Duel> {
        let mut duels = self.win_loss.iter();
        duels.find(|duel| duel.policy == one && duel.against == other)
    }

    /// Takes labels for all policies that have long names; those that are given come first.
    pub fn call(&mut self, given: &BTreeMap<String, String>) {
        let names: Vec<&str> = self.policies.iter().map(|line| line.policy.as_str()).collect();
        self.labels = labels(&names, given);
    }

    /// The place of a policy among those that compete, in the order that they were asked for; none of the oracle.
    pub fn place(&self, policy: &str) -> Option<usize> {
        let rest = self
            .policies
            .iter()
            .filter(|line| Some(&line.policy) != self.oracle.as_ref());
        rest.map(|line| &line.policy).position(|name| name == policy)
    }

    /// The policies with the least mean completion first.
    pub fn ranked(&self) -> Vec<&Line> {
        let mut all: Vec<&Line> = self.policies.iter().collect();
        all.sort_by(by_mean);
        all
    }
}

/// Whose runs these are.
pub(super) fn policy_of(runs: &[Run]) -> String {
    runs.first()
        .map(|run| run.figures.policy.clone())
        .unwrap_or_default()
}

fn distribution(runs: &[Run]) -> Option<Distribution> {
    let policy = runs.first()?.figures.policy.clone();
    let point = |(at, share): (usize, f64)| {
        let all: Option<Vec<f64>> = runs
            .iter()
            .map(|run| Some(*run.completion_ns.get(at)? as f64))
            .collect();
        Some((share, Interval::of(&all?)))
    };
    let points: Option<Vec<_>> = shares().enumerate().map(point).collect();
    points.map(|points| Distribution { policy, points })
}

fn schedule(runs: &[Run]) -> Option<Schedule> {
    let first = runs.first().filter(|run| !run.pieces.is_empty())?;
    Some(Schedule {
        policy: first.figures.policy.clone(),
        pieces: first.pieces.clone(),
    })
}

/// The lower mean completion first.
fn by_mean(a: &&Line, b: &&Line) -> std::cmp::Ordering {
    a.completion_mean_ns.mean.total_cmp(&b.completion_mean_ns.mean)
}

fn over(runs: &[Run], of: impl Fn(&Figures) -> f64) -> Interval {
    Interval::over(runs, |run| of(&run.figures))
}

fn line(runs: &[Run], tasks: u64) -> Line {
    let count = tasks.max(1) as f64;
    let devices = runs
        .first()
        .map_or(0, |run| run.figures.outcome.utilisation.len());
    let used = |device: usize| {
        over(runs, |run| {
            run.outcome.utilisation.get(device).copied().unwrap_or(0.0)
        })
    };
    Line {
        policy: policy_of(runs),
        completion_mean_ns: over(runs, |run| run.outcome.completion_mean_ns),
        completion_p50_ns: over(runs, |run| run.outcome.completion_p50_ns as f64),
        completion_p95_ns: over(runs, |run| run.outcome.completion_p95_ns as f64),
        completion_p99_ns: over(runs, |run| run.outcome.completion_p99_ns as f64),
        wait_mean_ns: over(runs, |run| run.outcome.wait_mean_ns),
        makespan_ns: over(runs, |run| run.outcome.makespan_ns as f64),
        energy_j_per_task: over(runs, |run| run.outcome.energy_j / count),
        cost_usd_per_million: over(runs, |run| run.outcome.cost_usd / count * 1e6),
        sla_miss_share: over(runs, |run| run.outcome.sla_miss_share),
        utilisation: (0..devices).map(used).collect(),
        balance: over(runs, |run| run.outcome.balance),
        decision_ns: over(runs, |run| run.decision_ns),
    }
}

fn gap(runs: &[Run], oracle: Option<&str>, all: &[&[Run]]) -> Gap {
    let of_oracle = all
        .iter()
        .find(|runs| runs.first().map(|run| run.figures.policy.as_str()) == oracle);
    let behind = |told: &&[Run]| {
        let pairs = runs.iter().zip(told.iter());
        let behind: Vec<f64> = pairs
            .map(|(run, told)| {
                run.figures.outcome.completion_mean_ns - told.figures.outcome.completion_mean_ns
            })
            .collect();
        Interval::of(&behind)
    };
    Gap {
        policy: policy_of(runs),
        decision_ns: over(runs, |run| run.outcome.regret_mean_ns),
        behind_oracle_ns: oracle.and(of_oracle).map(behind),
        above_bound_ns: over(runs, |run| {
            run.outcome.completion_mean_ns - run.completion_bound_ns
        }),
    }
}

fn heatmap(all: &[&[Run]], size: Vec<f64>, intensity: Vec<f64>, reference: String) -> Heatmap {
    let together = |runs: &&[Run]| {
        let mut cells = vec![Tally::default(); runs.first().map_or(0, |run| run.cells.len())];
        for run in runs.iter() {
            cells
                .iter_mut()
                .zip(&run.cells)
                .for_each(|(cell, other)| cell.merge(other));
        }
        (policy_of(runs), cells)
    };
    let cells: Vec<(String, Vec<Tally>)> = all.iter().map(together).collect();
    let base = cells.iter().find(|(policy, _)| *policy == reference);
    let base = base.map(|(_, cells)| cells.clone()).unwrap_or_default();
    let panel = |(policy, cells): (String, Vec<Tally>)| {
        let pairs = cells.iter().zip(&base);
        Panel {
            times: pairs
                .map(|(cell, base)| Some(cell.mean_ns()? / base.mean_ns()?))
                .collect(),
            policy,
            cells,
        }
    };
    Heatmap {
        size,
        intensity,
        reference,
        panels: cells.into_iter().map(panel).collect(),
    }
}

fn timeline(all: &[&[Run]]) -> Timeline {
    let first = all.first().and_then(|runs| runs.first());
    let windows = first.map_or(&[][..], |run| &run.windows);
    let mut next = 0;
    let starts = windows.iter().map(|window| {
        let start = next;
        next += window.tasks;
        start
    });
    let track = |runs: &&[Run]| {
        let window = |at: usize| {
            let means = runs.iter().filter_map(|run| run.windows.get(at)?.mean_ns());
            Interval::of(&means.collect::<Vec<f64>>())
        };
        Track {
            policy: policy_of(runs),
            completion_mean_ns: (0..windows.len()).map(window).collect(),
        }
    };
    Timeline {
        starts: starts.collect(),
        tracks: all.iter().map(track).collect(),
        marks: Vec::new(),
    }
}
