// SPDX-License-Identifier: GPL-2.0-only
//! An experiment as tables, for CSV and Parquet. But for `timing`, they are the same each time for the same settings.

use super::summary::Study;
use crate::report::device::{COLUMNS, Figures};
use crate::report::drift::Drift;
use anyhow::{Context, Result, anyhow};
use augur_base::cells::{Cell, ENDING, Table};
use augur_base::file::Output;
use augur_base::statistics::Interval;
use augur_base::table::Value;
use std::path::Path;

/// A table.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The file's name, without what says its kind.
    pub name: &'static str,
    /// What is in its columns.
    pub columns: Vec<String>,
    /// Each with a value for each column.
    pub rows: Vec<Vec<Value>>,
}

impl Sheet {
    fn new(name: &'static str, columns: &[&str], rows: Vec<Vec<Value>>) -> Sheet {
        Sheet {
            name,
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows,
        }
    }

    /// The table as CSV.
    ///
    /// # Errors
    /// Where a row has too few values.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(&self.columns)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(Value::to_string))?;
        }
        csv.into_inner().map_err(|err| anyhow!("{}", err.error()))
    }

    /// The table as Parquet, in a file that is still to be finished; none of no rows, and none in a build without Parquet.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn parquet(&self, path: &Path) -> Result<Option<Output>> {
        let Some(first) = self.rows.first().filter(|_| ENDING == "parquet") else {
            return Ok(None);
        };
        let columns: Vec<(&str, Cell<'_>)> = self
            .columns
            .iter()
            .map(String::as_str)
            .zip(cells(first))
            .collect();
        let mut table = Table::create(path, &columns)?;
        for row in &self.rows {
            table
                .push(&cells(row))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        table.finish().map(Some)
    }
}

fn cells(row: &[Value]) -> Vec<Cell<'_>> {
    row.iter()
        .map(|value| match value {
            Value::Text(words) => Cell::Text(words),
            Value::Count(count) => Cell::count(*count),
            Value::Real(number) => Cell::Real(*number),
        })
        .collect()
}

/// All tables of an experiment.
pub fn sheets(study: &Study) -> Vec<Sheet> {
    let mut all = vec![
        results(study),
        utilisation(study),
        gpu_fraction(study),
        summary(study),
        win_loss(study),
        regret(study),
        heatmap(study),
        learning(study),
        importance(study),
        timeline(study),
        timing(study),
    ];
    all.extend((!study.completion.is_empty()).then(|| completion(study)));
    all.extend((!study.schedules.is_empty()).then(|| schedule(study)));
    all.extend(study.drift.as_ref().map(drift));
    all.extend((!study.training.is_empty()).then(|| training(study)));
    all
}

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn spread(row: &mut Vec<Value>, interval: &Interval) {
    row.extend([interval.mean, interval.low, interval.high].map(Value::Real));
}

/// Every run; the columns of `simulate --out`, but for the time that decisions took, and each device.
fn results(study: &Study) -> Sheet {
    let mut columns = COLUMNS.map(str::to_owned).to_vec();
    columns.extend(study.devices.iter().map(|device| format!("utilisation_{device}")));
    columns.push("state_hash".to_owned());
    let row = |run: &Figures| {
        let mut row = run.values().to_vec();
        row.extend(run.utilisation.iter().map(|used| Value::Real(*used)));
        row.push(word(&run.state_hash));
        row
    };
    Sheet {
        name: "results",
        columns,
        rows: study.runs.iter().map(row).collect(),
    }
}

/// Every run and device, a row each.
fn utilisation(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for run in &study.runs {
        for (device, used) in study.devices.iter().zip(&run.utilisation) {
            rows.push(vec![
                word(&run.policy),
                Value::Count(run.seed),
                word(device),
                Value::Real(*used),
            ]);
        }
    }
    Sheet::new("utilisation", &["policy", "seed", "device", "utilisation"], rows)
}

/// How much of tasks of an intensity GPUs did, policy by policy.
fn gpu_fraction(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for fraction in &study.gpu_fractions {
        for (at, share) in fraction.share_mean.iter().enumerate() {
            let edge = |at: usize| Value::Real(at as f64 / fraction.share_mean.len() as f64);
            rows.push(vec![
                word(&fraction.policy),
                edge(at),
                edge(at + 1),
                Value::Count(fraction.tasks[at]),
                Value::Real(share.unwrap_or(f64::NAN)),
            ]);
        }
    }
    Sheet::new(
        "gpu_fraction",
        &[
            "policy",
            "intensity_from",
            "intensity_to",
            "tasks",
            "gpu_share_mean",
        ],
        rows,
    )
}

/// Every policy and figure, with its interval.
fn summary(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for line in &study.policies {
        let figures = [
            ("completion_mean_ns", &line.completion_mean_ns),
            ("completion_p50_ns", &line.completion_p50_ns),
            ("completion_p95_ns", &line.completion_p95_ns),
            ("completion_p99_ns", &line.completion_p99_ns),
            ("wait_mean_ns", &line.wait_mean_ns),
            ("makespan_ns", &line.makespan_ns),
            ("energy_j_per_task", &line.energy_j_per_task),
            ("cost_usd_per_million", &line.cost_usd_per_million),
            ("sla_miss_share", &line.sla_miss_share),
            ("balance", &line.balance),
        ];
        let used = study.devices.iter().zip(&line.utilisation);
        let used = used.map(|(device, used)| (format!("utilisation_{device}"), used));
        let figures = figures
            .into_iter()
            .map(|(name, figure)| (name.to_owned(), figure));
        for (name, interval) in figures.chain(used) {
            let mut row = vec![word(&line.policy), Value::Text(name)];
            spread(&mut row, interval);
            rows.push(row);
        }
    }
    Sheet::new("summary", &["policy", "figure", "mean", "low", "high"], rows)
}

fn win_loss(study: &Study) -> Sheet {
    let row = |duel: &crate::report::device::Duel| {
        let mut row = vec![
            word(&duel.policy),
            word(&duel.against),
            Value::Count(duel.wins as u64),
            Value::Count(duel.losses as u64),
        ];
        spread(&mut row, &duel.ahead_ns);
        row.push(word(duel.verdict));
        row
    };
    Sheet::new(
        "win_loss",
        &[
            "policy",
            "against",
            "wins",
            "losses",
            "ahead_ns",
            "ahead_low_ns",
            "ahead_high_ns",
            "verdict",
        ],
        study.win_loss.iter().map(row).collect(),
    )
}

fn regret(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for gap in &study.regret {
        let of = [
            ("decision", Some(&gap.decision_ns)),
            ("behind_clairvoyant", gap.behind_oracle_ns.as_ref()),
            ("above_bound", Some(&gap.above_bound_ns)),
        ];
        for (kind, interval) in of {
            if let Some(interval) = interval {
                let mut row = vec![word(&gap.policy), word(kind)];
                spread(&mut row, interval);
                rows.push(row);
            }
        }
    }
    Sheet::new(
        "regret",
        &["policy", "kind", "mean_ns", "low_ns", "high_ns"],
        rows,
    )
}

fn heatmap(study: &Study) -> Sheet {
    let map = &study.heatmap;
    let across = map.intensity.len().saturating_sub(1).max(1);
    let mut rows = Vec::new();
    for panel in &map.panels {
        for (at, cell) in panel.cells.iter().enumerate() {
            let (size, intensity) = (at / across, at % across);
            let edge = |edges: &[f64], at: usize| Value::Real(edges.get(at).copied().unwrap_or(0.0));
            rows.push(vec![
                word(&panel.policy),
                edge(&map.size, size),
                edge(&map.size, size + 1),
                edge(&map.intensity, intensity),
                edge(&map.intensity, intensity + 1),
                Value::Count(cell.tasks),
                Value::Real(cell.mean_ns().unwrap_or(f64::NAN)),
                Value::Real(panel.times.get(at).copied().flatten().unwrap_or(f64::NAN)),
            ]);
        }
    }
    Sheet::new(
        "heatmap",
        &[
            "policy",
            "size_from",
            "size_to",
            "intensity_from",
            "intensity_to",
            "tasks",
            "completion_mean_ns",
            "times_reference",
        ],
        rows,
    )
}

fn learning(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for curve in &study.learning {
        for point in &curve.points {
            let mut row = vec![word(&curve.learner), word(&curve.by), Value::Count(point.count)];
            spread(&mut row, &point.share_error);
            spread(&mut row, &point.time_lost);
            spread(&mut row, &point.r2);
            rows.push(row);
        }
    }
    Sheet::new(
        "learning",
        &[
            "learner",
            "by",
            "count",
            "share_error",
            "share_error_low",
            "share_error_high",
            "time_lost",
            "time_lost_low",
            "time_lost_high",
            "r2",
            "r2_low",
            "r2_high",
        ],
        rows,
    )
}

fn importance(study: &Study) -> Sheet {
    let row = |importance: &super::Importance| {
        let mut row = vec![word(&importance.learner), word(&importance.feature)];
        spread(&mut row, &importance.error_added);
        row
    };
    Sheet::new(
        "importance",
        &["learner", "feature", "share_error_added", "low", "high"],
        study.importance.iter().map(row).collect(),
    )
}

/// Every episode of every network; the columns of `simulate train`.
fn training(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for curve in &study.training {
        for point in &curve.episodes {
            let mut row = vec![
                word(&curve.policy),
                Value::Count(point.episode),
                Value::Count(point.decisions),
            ];
            let figures = [
                point.epsilon,
                point.reward,
                point.loss,
                point.rate_per_s,
                point.completion_mean_ns,
                point.sla_miss_share,
            ];
            row.extend(figures.map(Value::Real));
            rows.push(row);
        }
    }
    Sheet::new(
        "training",
        &[
            "network",
            "episode",
            "decisions",
            "epsilon",
            "reward",
            "loss",
            "rate_per_s",
            "completion_mean_ns",
            "sla_miss_share",
        ],
        rows,
    )
}

fn timeline(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for track in &study.timeline.tracks {
        for (start, interval) in study.timeline.starts.iter().zip(&track.completion_mean_ns) {
            let mut row = vec![word(&track.policy), Value::Count(*start)];
            spread(&mut row, interval);
            rows.push(row);
        }
    }
    Sheet::new(
        "timeline",
        &["policy", "first_task", "completion_mean_ns", "low_ns", "high_ns"],
        rows,
    )
}

/// How long shares of the tasks took, means over the seeds.
fn completion(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for distribution in &study.completion {
        for (share, interval) in &distribution.points {
            let mut row = vec![word(&distribution.policy), Value::Real(*share)];
            spread(&mut row, interval);
            rows.push(row);
        }
    }
    Sheet::new(
        "completion",
        &["policy", "share", "completion_ns", "low_ns", "high_ns"],
        rows,
    )
}

/// Where the first tasks of the first seed ran.
fn schedule(study: &Study) -> Sheet {
    let mut rows = Vec::new();
    for schedule in &study.schedules {
        for piece in &schedule.pieces {
            let device = study.devices.get(piece.device).map_or("", String::as_str);
            rows.push(vec![
                word(&schedule.policy),
                Value::Count(piece.task),
                word(device),
                Value::Real(piece.share),
                Value::Count(piece.placed_ns),
                Value::Count(piece.start_ns),
                Value::Count(piece.finish_ns),
            ]);
        }
    }
    Sheet::new(
        "schedule",
        &[
            "policy",
            "task",
            "device",
            "share",
            "placed_ns",
            "start_ns",
            "finish_ns",
        ],
        rows,
    )
}

/// Every run and change; what there is not is no number.
fn drift(drift: &Drift) -> Sheet {
    let count = |value: Option<u64>| Value::Real(value.map_or(f64::NAN, |value| value as f64));
    let real = |value: Option<f64>| Value::Real(value.unwrap_or(f64::NAN));
    let mut rows = Vec::new();
    for run in &drift.runs {
        for shift in &run.shifts {
            rows.push(vec![
                word(&run.policy),
                Value::Count(run.seed),
                Value::Count(shift.at_task),
                Value::Count(shift.at_ns),
                count(shift.detected_after_tasks),
                count(shift.came_back_after_tasks),
                count(shift.recovered_after_tasks),
                real(shift.levels.before_mean_ns),
                real(shift.levels.first_mean_ns),
                real(shift.levels.after_mean_ns),
                real(shift.levels.before_excess),
                real(shift.levels.first_excess),
                real(shift.levels.after_excess),
                count(run.false_alarms),
            ]);
        }
    }
    let columns = [
        "policy",
        "seed",
        "at_task",
        "at_ns",
        "detected_after_tasks",
        "came_back_after_tasks",
        "recovered_after_tasks",
        "before_mean_ns",
        "first_mean_ns",
        "after_mean_ns",
        "before_excess",
        "first_excess",
        "after_excess",
        "false_alarms_of_run",
    ];
    Sheet::new("drift", &columns, rows)
}

fn timing(study: &Study) -> Sheet {
    let row = |run: &Figures| {
        vec![
            word(&run.policy),
            Value::Count(run.seed),
            Value::Real(run.decision_ns),
        ]
    };
    Sheet::new(
        "timing",
        &["policy", "seed", "decision_ns"],
        study.runs.iter().map(row).collect(),
    )
}
