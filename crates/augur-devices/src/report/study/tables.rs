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
    /// A table whose columns are those of the first line of its CSV, with no rows yet.
    fn new(name: &'static str, columns: &str) -> Sheet {
        Sheet {
            name,
            columns: columns.split(',').map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: values, and behind them intervals, of which each is three.
    fn row(&mut self, values: impl IntoIterator<Item = Value>, intervals: &[Interval]) {
        let ends = intervals
            .iter()
            .flat_map(|found| [found.mean, found.low, found.high]);
        self.rows
            .push(values.into_iter().chain(ends.map(Value::Real)).collect());
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
        let mut table = Table::create(path, &self.cells(first))?;
        for row in &self.rows {
            table
                .push(&self.cells(row))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        table.finish().map(Some)
    }

    fn cells<'a>(&'a self, row: &'a [Value]) -> Vec<(&'a str, Cell<'a>)> {
        let cells = row.iter().map(|value| match value {
            Value::Text(words) => Cell::Text(words),
            Value::Count(count) => Cell::count(*count),
            Value::Real(number) => Cell::Real(*number),
        });
        self.columns.iter().map(String::as_str).zip(cells).collect()
    }
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

/// What is not known is not a number.
fn real(number: Option<f64>) -> Value {
    Value::Real(number.unwrap_or(f64::NAN))
}

/// Every run; the columns of `simulate --out`, but for the time that decisions took, and each device.
fn results(study: &Study) -> Sheet {
    let mut columns: Vec<String> = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
    columns.extend(study.devices.iter().map(|device| format!("utilisation_{device}")));
    columns.push("state_hash".to_owned());
    let row = |run: &Figures| {
        let used = run.outcome.utilisation.iter().map(|used| Value::Real(*used));
        run.values().chain(used).chain([word(&run.state_hash)]).collect()
    };
    Sheet {
        name: "results",
        columns,
        rows: study.runs.iter().map(row).collect(),
    }
}

/// Every run and device, a row each.
fn utilisation(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("utilisation", "policy,seed,device,utilisation");
    for run in &study.runs {
        for (device, used) in study.devices.iter().zip(&run.outcome.utilisation) {
            let values = [
                word(&run.policy),
                Value::Count(run.seed),
                word(device),
                Value::Real(*used),
            ];
            sheet.row(values, &[]);
        }
    }
    sheet
}

/// How much of tasks of an intensity GPUs did, policy by policy.
fn gpu_fraction(study: &Study) -> Sheet {
    let mut sheet = Sheet::new(
        "gpu_fraction",
        "policy,intensity_from,intensity_to,tasks,gpu_share_mean",
    );
    for fraction in &study.gpu_fractions {
        for (at, share) in fraction.share_mean.iter().enumerate() {
            let edge = |at: usize| Value::Real(at as f64 / fraction.share_mean.len() as f64);
            let tasks = Value::Count(fraction.tasks[at]);
            sheet.row(
                [
                    word(&fraction.policy),
                    edge(at),
                    edge(at + 1),
                    tasks,
                    real(*share),
                ],
                &[],
            );
        }
    }
    sheet
}

/// Every policy and figure, with its interval.
fn summary(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("summary", "policy,figure,mean,low,high");
    for line in &study.policies {
        let figures = [
            ("completion_mean_ns", line.completion_mean_ns),
            ("completion_p50_ns", line.completion_p50_ns),
            ("completion_p95_ns", line.completion_p95_ns),
            ("completion_p99_ns", line.completion_p99_ns),
            ("wait_mean_ns", line.wait_mean_ns),
            ("makespan_ns", line.makespan_ns),
            ("energy_j_per_task", line.energy_j_per_task),
            ("cost_usd_per_million", line.cost_usd_per_million),
            ("sla_miss_share", line.sla_miss_share),
            ("balance", line.balance),
        ];
        for (name, interval) in figures {
            sheet.row([word(&line.policy), word(name)], &[interval]);
        }
        for (device, used) in study.devices.iter().zip(&line.utilisation) {
            sheet.row(
                [word(&line.policy), word(&format!("utilisation_{device}"))],
                &[*used],
            );
        }
    }
    sheet
}

fn win_loss(study: &Study) -> Sheet {
    let columns = "policy,against,wins,losses,ahead_ns,ahead_low_ns,ahead_high_ns,verdict";
    let mut sheet = Sheet::new("win_loss", columns);
    for duel in &study.win_loss {
        let seeds = [duel.wins, duel.losses].map(|seeds| Value::Count(seeds as u64));
        let ahead = duel.ahead_ns;
        let ahead = [ahead.mean, ahead.low, ahead.high].map(Value::Real);
        let names = [word(&duel.policy), word(&duel.against)];
        sheet.row(
            names
                .into_iter()
                .chain(seeds)
                .chain(ahead)
                .chain([word(duel.verdict)]),
            &[],
        );
    }
    sheet
}

fn regret(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("regret", "policy,kind,mean_ns,low_ns,high_ns");
    for gap in &study.regret {
        let of = [
            ("decision", Some(gap.decision_ns)),
            ("behind_clairvoyant", gap.behind_oracle_ns),
            ("above_bound", Some(gap.above_bound_ns)),
        ];
        for (kind, interval) in of {
            if let Some(interval) = interval {
                sheet.row([word(&gap.policy), word(kind)], &[interval]);
            }
        }
    }
    sheet
}

fn heatmap(study: &Study) -> Sheet {
    let columns =
        "policy,size_from,size_to,intensity_from,intensity_to,tasks,completion_mean_ns,times_reference";
    let mut sheet = Sheet::new("heatmap", columns);
    let map = &study.heatmap;
    let across = map.intensity.len().saturating_sub(1).max(1);
    for panel in &map.panels {
        for (at, cell) in panel.cells.iter().enumerate() {
            let (size, intensity) = (at / across, at % across);
            let edge = |edges: &[f64], at: usize| Value::Real(edges.get(at).copied().unwrap_or(0.0));
            let values = [
                word(&panel.policy),
                edge(&map.size, size),
                edge(&map.size, size + 1),
                edge(&map.intensity, intensity),
                edge(&map.intensity, intensity + 1),
                Value::Count(cell.tasks),
                real(cell.mean_ns()),
                real(panel.times.get(at).copied().flatten()),
            ];
            sheet.row(values, &[]);
        }
    }
    sheet
}

fn learning(study: &Study) -> Sheet {
    let columns = "learner,by,count,share_error,share_error_low,share_error_high,time_lost,time_lost_low,time_lost_high,r2,r2_low,r2_high";
    let mut sheet = Sheet::new("learning", columns);
    for curve in &study.learning {
        for point in &curve.points {
            let values = [word(&curve.learner), word(&curve.by), Value::Count(point.count)];
            sheet.row(values, &[point.share_error, point.time_lost, point.r2]);
        }
    }
    sheet
}

fn importance(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("importance", "learner,feature,share_error_added,low,high");
    for found in &study.importance {
        sheet.row([word(&found.learner), word(&found.feature)], &[found.error_added]);
    }
    sheet
}

/// Every episode of every network; the columns of `simulate train`.
fn training(study: &Study) -> Sheet {
    let columns =
        "network,episode,decisions,epsilon,reward,loss,rate_per_s,completion_mean_ns,sla_miss_share";
    let mut sheet = Sheet::new("training", columns);
    for curve in &study.training {
        for point in &curve.episodes {
            let figures = [
                point.epsilon,
                point.reward,
                point.loss,
                point.rate_per_s,
                point.completion_mean_ns,
                point.sla_miss_share,
            ];
            let counts = [point.episode, point.decisions].map(Value::Count);
            let values = [word(&curve.policy)].into_iter().chain(counts);
            sheet.row(values.chain(figures.map(Value::Real)), &[]);
        }
    }
    sheet
}

fn timeline(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("timeline", "policy,first_task,completion_mean_ns,low_ns,high_ns");
    for track in &study.timeline.tracks {
        for (start, interval) in study.timeline.starts.iter().zip(&track.completion_mean_ns) {
            sheet.row([word(&track.policy), Value::Count(*start)], &[*interval]);
        }
    }
    sheet
}

/// How long shares of the tasks took, means over the seeds.
fn completion(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("completion", "policy,share,completion_ns,low_ns,high_ns");
    for distribution in &study.completion {
        for (share, interval) in &distribution.points {
            sheet.row([word(&distribution.policy), Value::Real(*share)], &[*interval]);
        }
    }
    sheet
}

/// Where the first tasks of the first seed ran.
fn schedule(study: &Study) -> Sheet {
    let mut sheet = Sheet::new(
        "schedule",
        "policy,task,device,share,placed_ns,start_ns,finish_ns",
    );
    for schedule in &study.schedules {
        for piece in &schedule.pieces {
            let device = study.devices.get(piece.device).map_or("", String::as_str);
            let times = [piece.placed_ns, piece.start_ns, piece.finish_ns].map(Value::Count);
            let what = [
                word(&schedule.policy),
                Value::Count(piece.task),
                word(device),
                Value::Real(piece.share),
            ];
            sheet.row(what.into_iter().chain(times), &[]);
        }
    }
    sheet
}

/// Every run and change; what is absent is not a number.
fn drift(drift: &Drift) -> Sheet {
    let columns = "policy,seed,at_task,at_ns,detected_after_tasks,came_back_after_tasks,recovered_after_tasks,before_mean_ns,first_mean_ns,\
                   after_mean_ns,before_excess,first_excess,after_excess,false_alarms_of_run";
    let mut sheet = Sheet::new("drift", columns);
    let count = |value: Option<u64>| value.map(|value| value as f64);
    for run in &drift.runs {
        for shift in &run.shifts {
            let counts = [run.seed, shift.at_task, shift.at_ns].map(Value::Count);
            let levels = &shift.levels;
            let known = [
                count(shift.detected_after_tasks),
                count(shift.came_back_after_tasks),
                count(shift.recovered_after_tasks),
                levels.before_mean_ns,
                levels.first_mean_ns,
                levels.after_mean_ns,
                levels.before_excess,
                levels.first_excess,
                levels.after_excess,
                count(run.false_alarms),
            ];
            let values = [word(&run.policy)].into_iter().chain(counts);
            sheet.row(values.chain(known.map(real)), &[]);
        }
    }
    sheet
}

fn timing(study: &Study) -> Sheet {
    let mut sheet = Sheet::new("timing", "policy,seed,decision_ns");
    for run in &study.runs {
        sheet.row(
            [
                word(&run.policy),
                Value::Count(run.seed),
                Value::Real(run.decision_ns),
            ],
            &[],
        );
    }
    sheet
}
