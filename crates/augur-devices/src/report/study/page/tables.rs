// SPDX-License-Identifier: GPL-2.0-only
//! The page's tables.

use super::html::{Cell, Table};
use crate::report::device::Duel;
use crate::report::drift::{Drift, Levels, Summary};
use crate::report::study::column::{Column, Kind};
use crate::report::study::summary::{Line, Study};
use augur_base::statistics::Interval;
use augur_base::table::grouped;

/// A figure of a policy, in a column.
type Figure = (&'static str, Kind, fn(&Line) -> Interval);

const TIMES: [Figure; 6] = [
    ("mean", Kind::Time, |line| line.completion_mean_ns),
    ("p50", Kind::Time, |line| line.completion_p50_ns),
    ("p95", Kind::Time, |line| line.completion_p95_ns),
    ("p99", Kind::Time, |line| line.completion_p99_ns),
    ("mean wait", Kind::Time, |line| line.wait_mean_ns),
    ("makespan", Kind::Time, |line| line.makespan_ns),
];
const COSTS: [Figure; 4] = [
    ("deadlines missed", Kind::Share, |line| line.sla_miss_share),
    ("energy of a task", Kind::Plain("J"), |line| {
        line.energy_j_per_task
    }),
    ("cost of 10⁶ tasks", Kind::Plain("$"), |line| {
        line.cost_usd_per_million
    }),
    ("balance", Kind::Plain(""), |line| line.balance),
];

fn figures(study: &Study, id: &'static str, caption: &str, figures: &[Figure]) -> Table {
    let (ranked, several) = (study.ranked(), study.seeds.len() > 1);
    let mut heads = vec!["policy".to_owned()];
    let names = ranked.iter().map(|line| line.policy.clone());
    let mut rows: Vec<(String, Vec<Cell>)> = names.map(|name| (name, Vec::new())).collect();
    for (name, kind, of) in figures {
        let all: Vec<f64> = ranked.iter().map(|line| of(line).mean).collect();
        let column = Column::new(*kind, &all, several);
        heads.push(column.head(name));
        let rivals = ranked
            .iter()
            .filter(|line| Some(&line.policy) != study.oracle.as_ref());
        let least = rivals.map(|line| of(line).mean).fold(f64::INFINITY, f64::min);
        for (line, (_, cells)) in ranked.iter().zip(&mut rows) {
            let mut cell = Cell::new(column.cell(&of(line)));
            // Balance is not an aim by itself.
            if of(line).mean == least && *name != "balance" && Some(&line.policy) != study.oracle.as_ref() {
                (cell.class, cell.hint) = ("best", "the lowest of those that are told nothing of the future");
            }
            cells.push(cell);
        }
    }
    Table {
        id,
        caption: caption.to_owned(),
        head: heads,
        rows,
        file: Some("summary"),
        ..Table::default()
    }
}

pub(super) fn times(study: &Study) -> Table {
    let sure = match study.seeds.len() {
        1 => "one seed",
        _ => "± 95 % confidence over the seeds, or both ends of it where it reaches down to 0",
    };
    let caption = format!("Times from a task's arrival until it is done; {sure}; the lowest in bold.");
    figures(study, "times", &caption, &TIMES)
}

pub(super) fn costs(study: &Study) -> Table {
    figures(
        study,
        "costs",
        "Deadlines, energy, cost, and balance of devices; the lowest in bold.",
        &COSTS,
    )
}

/// What a decision took: the median, for a run that was disturbed says nothing of a policy.
pub(super) fn decisions(study: &Study) -> Table {
    let of = |policy: &str| {
        let runs = study.runs.iter().filter(|run| run.policy == policy);
        let mut all: Vec<f64> = runs.map(|run| run.decision_ns).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let median = |all: &[f64]| match all.len() {
        0 => 0.0,
        count => f64::midpoint(all[(count - 1) / 2], all[count / 2]),
    };
    let ranked = study.ranked();
    let medians: Vec<f64> = ranked.iter().map(|line| median(&of(&line.policy))).collect();
    let column = Column::new(Kind::Time, &medians, false);
    let row = |line: &&Line| {
        let all = of(&line.policy);
        let ends = [all.first(), Some(&median(&all)), all.last()]
            .map(|end| end.map_or("–".to_owned(), |end| column.number(*end)));
        let [least, middle, most] = ends.map(Cell::new);
        (line.policy.clone(), vec![middle, least, most])
    };
    let heads = ["median", "least", "most"].map(|name| column.head(name));
    Table {
        id: "decisions",
        caption: "Mean of a decision in each run, over the seeds.".to_owned(),
        head: std::iter::once("policy".to_owned()).chain(heads).collect(),
        rows: ranked.iter().map(row).collect(),
        file: Some("timing"),
        ..Table::default()
    }
}

/// Each pair once: the row against the column, both in order of mean completion.
pub(super) fn duels(study: &Study) -> Option<Table> {
    let ranked = study.ranked();
    if study.win_loss.is_empty() || ranked.len() < 2 {
        return None;
    }
    let cell = |duel: &Duel, base: f64| {
        let column = Column::new(Kind::Plain("%"), &[100.0], false);
        let percent = -100.0 * duel.ahead_ns.mean / base;
        let sign = if percent >= 0.5 { "+" } else { "" };
        let (class, hint) = match duel.verdict {
            "better" => ("faster", "the row is faster, and 0 is outside the interval"),
            "worse" => ("faster", "the row is slower, and 0 is outside the interval"),
            _ => ("tie", "a tie: 0 is inside the interval"),
        };
        let tie = if duel.verdict == "tie" { " =" } else { "" };
        Cell {
            words: format!(
                "{}:{} {sign}{} %{tie}",
                duel.wins,
                duel.losses,
                column.number(percent)
            ),
            class,
            hint,
        }
    };
    let row = |(at, line): (usize, &&Line)| {
        let cells = ranked
            .iter()
            .enumerate()
            .skip(1)
            .map(|(column, other)| match column > at {
                true => study
                    .duel(&line.policy, &other.policy)
                    .map_or(Cell::new("–"), |duel| cell(duel, other.completion_mean_ns.mean)),
                false => Cell::default(),
            });
        (study.label(&line.policy).to_owned(), cells.collect())
    };
    let rivals = ranked.iter().skip(1);
    let heads = rivals.map(|line| study.label(&line.policy).to_owned());
    Some(Table {
        id: "duels",
        caption: "Seeds won and lost on mean completion by the row against the column, and how much shorter (−) or longer (+) its tasks \
                  take; in bold where that is outside the noise, = where it is not. Each pair stands once."
            .to_owned(),
        head: std::iter::once("policy".to_owned()).chain(heads).collect(),
        rows: ranked.iter().enumerate().take(ranked.len() - 1).map(row).collect(),
        whole: ranked.iter().map(|line| line.policy.clone()).collect(),
        upright: true,
        file: Some("win_loss"),
    })
}

/// A figure of drift that may not be known: with its mean, and how much that is above the clairvoyant policy's.
type Level = (
    &'static str,
    fn(&Levels) -> Option<f64>,
    fn(&Levels) -> Option<f64>,
);

const LEVELS: [Level; 3] = [
    ("before", |of| of.before_mean_ns, |of| of.before_excess),
    ("first", |of| of.first_mean_ns, |of| of.first_excess),
    ("after", |of| of.after_mean_ns, |of| of.after_excess),
];

pub(super) fn drift(found: &Drift) -> Table {
    match found.at.is_empty() {
        true => alarms(found),
        false => shifts(found),
    }
}

/// Those that look for drift, where there is none.
fn alarms(found: &Drift) -> Table {
    let row = |policy: &Summary| {
        Some((
            policy.policy.clone(),
            vec![Cell::new(policy.false_alarms?.to_string())],
        ))
    };
    Table {
        id: "drift",
        caption:
            "Policies that look for drift, and how often they saw one where there was none, over all seeds."
                .to_owned(),
        head: ["policy", "false alarms"].map(str::to_owned).to_vec(),
        rows: found.policies.iter().filter_map(row).collect(),
        ..Table::default()
    }
}

fn shifts(found: &Drift) -> Table {
    let mut head = vec!["policy".to_owned()];
    let names = found.policies.iter().map(|policy| policy.policy.clone());
    let mut rows: Vec<(String, Vec<Cell>)> = names.map(|name| (name, Vec::new())).collect();
    for (name, mean, excess) in LEVELS {
        let means = found.policies.iter().filter_map(|policy| mean(&policy.levels));
        let means: Vec<f64> = means.collect();
        let (column, percent) = (
            Column::new(Kind::Time, &means, false),
            Column::new(Kind::Plain("%"), &[10.0], false),
        );
        head.push(column.head(name));
        for (policy, (_, cells)) in found.policies.iter().zip(&mut rows) {
            let above = excess(&policy.levels).map(|excess| {
                let sign = if excess >= 0.0005 { "+" } else { "" };
                format!(" ({sign}{} %)", percent.number(excess * 100.0))
            });
            cells.push(match mean(&policy.levels) {
                Some(mean) => Cell::new(column.number(mean) + &above.unwrap_or_default()),
                None => unknown("the run is too short for a window there"),
            });
        }
    }
    for (policy, (_, cells)) in found.policies.iter().zip(&mut rows) {
        cells.extend(reactions(policy));
    }
    head.extend(
        [
            "noticed, tasks",
            "back, tasks",
            "recovered, tasks",
            "false alarms",
        ]
        .map(str::to_owned),
    );
    Table {
        id: "drift",
        caption: "What the drift did. A dash: it does not look for drift, or it did not happen within the run, or the run is too short to \
                  tell."
            .to_owned(),
        head,
        rows,
        file: Some("drift"),
        ..Table::default()
    }
}

/// How soon a policy noticed, came back and recovered, and how often it was wrong.
fn reactions(policy: &Summary) -> [Cell; 4] {
    let tasks = |value: Option<f64>, count: u64, why: &'static str| match value {
        Some(tasks) if count == policy.shifts => Cell::new(grouped(tasks, 0)),
        Some(tasks) if count > 0 => {
            Cell::new(format!("{} ({count} of {})", grouped(tasks, 0), policy.shifts))
        }
        _ => unknown(why),
    };
    let looks = policy.false_alarms.is_some();
    let or = |why: &'static str| if looks { why } else { "it does not look for drift" };
    let alarms = policy.false_alarms.map(|count| Cell::new(count.to_string()));
    [
        tasks(
            policy.detected_after_tasks,
            policy.detected,
            or("it did not notice"),
        ),
        tasks(
            policy.came_back_after_tasks,
            policy.shifts,
            or("its model did not decide again"),
        ),
        tasks(
            policy.recovered_after_tasks,
            policy.recovered,
            "it did not recover within the run",
        ),
        alarms.unwrap_or_else(|| unknown(or(""))),
    ]
}

/// What is not known, and why.
fn unknown(why: &'static str) -> Cell {
    Cell {
        hint: why,
        ..Cell::new("–")
    }
}

/// What pictures call those whose names are long; nothing where all are called by their names.
pub(super) fn labels(study: &Study) -> Option<Table> {
    let named = |line: &&Line| study.label(&line.policy) != line.policy;
    let rows: Vec<(String, Vec<Cell>)> = study
        .ranked()
        .into_iter()
        .filter(named)
        .map(|line| {
            let name = Cell {
                class: "left",
                ..Cell::new(&line.policy)
            };
            (study.label(&line.policy).to_owned(), vec![name])
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        id: "labels",
        caption: "Policies that pictures call by a shorter name.".to_owned(),
        head: ["in pictures", "whole name"].map(str::to_owned).to_vec(),
        rows,
        ..Table::default()
    })
}
