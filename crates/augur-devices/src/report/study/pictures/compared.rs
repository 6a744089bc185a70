// SPDX-License-Identifier: GPL-2.0-only
//! Policies beside each other.

use super::{MS, above_nothing, style, times};
use crate::report::study::column::{Column, Kind};
use crate::report::study::fraction::Fraction;
use crate::report::study::summary::{self, Gap, Study};
use augur_base::picture::chart::{Curves, Item, Line, Marked, Point, Row, Rows, Scale, Scatter};
use augur_base::picture::palette::Style;
use augur_base::statistics::Interval;

/// Figures in ms with as many digits as all of them need.
fn ms(figures: impl Iterator<Item = f64>) -> impl Fn(f64) -> String {
    let column = Column::new(Kind::Plain("ms"), &figures.collect::<Vec<f64>>(), false);
    move |ms| format!("{} ms", column.number(ms))
}

pub(super) fn race(study: &Study) -> Rows {
    let ranked = study.ranked();
    let note = ms(ranked.iter().map(|line| line.completion_mean_ns.mean * MS));
    let row = |line: &&summary::Line| {
        let value = above_nothing(&line.completion_mean_ns, MS);
        Row {
            name: study.label(&line.policy).to_owned(),
            items: vec![Item {
                note: note(value.mean),
                value,
                style: style(study, &line.policy),
            }],
        }
    };
    Rows {
        title: "Performance race: the shorter the bar, the faster the policy".to_owned(),
        description: "Bars, one for each policy, the fastest first: mean completion of a task, with 95 % confidence as whiskers."
            .to_owned(),
        axis: "mean completion of a task, ms (whiskers: 95 % confidence)".to_owned(),
        scale: Scale::Bars,
        legend: Vec::new(),
        rows: ranked.iter().map(row).collect(),
    }
}

pub(super) fn tail(study: &Study) -> Rows {
    let ranked = study.ranked();
    let of = |line: &summary::Line| [line.completion_mean_ns, line.completion_p99_ns];
    let all = ranked.iter().flat_map(|line| of(line));
    let note = ms(all.map(|value| value.mean * MS));
    let row = |line: &&summary::Line| {
        let [mean, p99] = of(line).map(|value| value.mean * MS);
        let item = |at: usize, value: f64| Item {
            value: Interval::of(&[value]),
            note: note(value),
            style: Style::other(at),
        };
        Row {
            name: study.label(&line.policy).to_owned(),
            items: vec![item(0, mean), item(1, p99)],
        }
    };
    Rows {
        title: "Mean and p99: how much longer the slowest hundredth takes".to_owned(),
        description: "Two points for each policy, joined: mean completion of its tasks, and the time within which 99 % of them are done; \
                      the policy of the lowest mean first."
            .to_owned(),
        axis: "completion of a task, ms (log scale)".to_owned(),
        scale: Scale::Times,
        legend: vec![(Style::other(0), "mean".to_owned()), (Style::other(1), "p99".to_owned())],
        rows: ranked.iter().map(row).collect(),
    }
}

/// What each policy takes longer than the best one, in pairs of the same tasks; nothing of one policy or one seed.
pub(super) fn paired(study: &Study) -> Option<Rows> {
    let best = study.best()?;
    let base = best.completion_mean_ns.mean;
    let row = |line: &&summary::Line| {
        let duel = study.duel(&line.policy, &best.policy)?;
        let behind = times(&duel.ahead_ns, -100.0 / base);
        let (low, high) = (behind.low.min(behind.high), behind.low.max(behind.high));
        let column = Column::new(Kind::Plain("%"), &[100.0], false);
        let sign = if behind.mean >= 0.5 { "+" } else { "" };
        Some(Row {
            name: study.label(&line.policy).to_owned(),
            items: vec![Item {
                note: format!("{sign}{} %", column.number(behind.mean)),
                value: Interval { low, high, ..behind },
                style: style(study, &line.policy),
            }],
        })
    };
    let ranked = study.ranked();
    let rows: Vec<Row> = ranked.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| Rows {
        title: format!("Behind {}: how much longer a task takes, seed by seed", study.label(&best.policy)),
        description: format!(
            "A point for each other policy: the mean over the seeds of its mean completion less that of {} with the same tasks, in per \
             cent of the latter, with 95 % confidence as whiskers. Where whiskers reach over 0 the two are not told apart.",
            best.policy
        ),
        axis: format!("behind {}, % of its mean completion (whiskers: 95 % confidence)", study.label(&best.policy)),
        scale: Scale::Around,
        legend: Vec::new(),
        rows,
    })
}

pub(super) fn regret(study: &Study) -> Rows {
    let values = |gap: &Gap| {
        let behind = gap.behind_oracle_ns.map(|behind| times(&behind, MS));
        std::iter::once(above_nothing(&gap.decision_ns, MS))
            .chain(behind)
            .collect::<Vec<Interval>>()
    };
    let all = study.regret.iter().flat_map(&values);
    let note = ms(all.map(|value| value.mean));
    let row = |line: &&summary::Line| {
        let gap = study.regret.iter().find(|gap| gap.policy == line.policy);
        let items = gap.map(values).unwrap_or_default().into_iter().enumerate();
        Row {
            name: study.label(&line.policy).to_owned(),
            items: items
                .map(|(at, value)| Item {
                    note: note(value.mean),
                    value,
                    style: Style::other(at),
                })
                .collect(),
        }
    };
    let mut legend = vec![(
        Style::other(0),
        "lost by each decision, as devices were then".to_owned(),
    )];
    let oracle = study.oracle.as_ref();
    legend.extend(oracle.map(|oracle| {
        (
            Style::other(1),
            format!("behind the run of {}", study.label(oracle)),
        )
    }));
    Rows {
        title: "Regret: what was lost against the best that could be done".to_owned(),
        description: "Bars for each policy: what a task loses on average by each decision, and behind the run of the policy that is told \
                      the future, with 95 % confidence as whiskers."
            .to_owned(),
        axis: "mean of a task, ms (whiskers: 95 % confidence)".to_owned(),
        scale: Scale::Bars,
        legend,
        rows: study.ranked().iter().map(row).collect(),
    }
}

/// Points for all policies of two figures.
fn points(study: &Study, of: impl Fn(&summary::Line) -> (Interval, Interval)) -> Vec<Point> {
    let point = |line: &summary::Line| {
        let (x, y) = of(line);
        Point {
            label: study.label(&line.policy).to_owned(),
            x,
            y,
            style: style(study, &line.policy),
        }
    };
    study.policies.iter().map(point).collect()
}

pub(super) fn frontier(study: &Study) -> Scatter {
    Scatter {
        title: "Energy and time: the nearer to the lower left, the better".to_owned(),
        description: "A point for each policy: along, the energy that a task draws; up, its mean completion; 95 % confidence as whiskers. \
                      A dotted line joins those that no other policy beats in both."
            .to_owned(),
        x: "energy of a task, J (log scale)".to_owned(),
        y: "mean completion, ms (log scale)".to_owned(),
        x_log: true,
        y_log: true,
        points: points(study, |line| {
            (line.energy_j_per_task, times(&line.completion_mean_ns, MS))
        }),
    }
}

pub(super) fn cost(study: &Study) -> Scatter {
    Scatter {
        title: "Cost and deadlines: the nearer to the lower left, the better".to_owned(),
        description: "A point for each policy: along, what a million tasks cost; up, the share of tasks that missed their deadlines; 95 % \
                      confidence as whiskers. A dotted line joins those that no other policy beats in both."
            .to_owned(),
        x: "cost of a million tasks, $".to_owned(),
        y: "tasks that missed their deadline, %".to_owned(),
        x_log: false,
        y_log: false,
        points: points(study, |line| {
            (
                above_nothing(&line.cost_usd_per_million, 1.0),
                share(&line.sla_miss_share),
            )
        }),
    }
}

/// In per cent, from 0 to 100.
fn share(interval: &Interval) -> Interval {
    let there = above_nothing(interval, 100.0);
    Interval {
        high: there.high.min(100.0),
        ..there
    }
}

pub(super) fn completion(study: &Study) -> Curves {
    let line = |found: &summary::Distribution| Line {
        label: study.label(&found.policy).to_owned(),
        points: found
            .points
            .iter()
            .map(|(share, time)| (time.mean * MS, Interval::of(&[share * 100.0])))
            .collect(),
        style: style(study, &found.policy),
        marked: Marked::Heights(vec![50.0, 95.0, 99.0]),
        ..Line::default()
    };
    Curves {
        title: "Completion times: how many tasks are done within a time".to_owned(),
        description: "A rising line for each policy: the share of tasks that took no longer than the time along; means over the seeds. \
                      Marks stand at p50, p95 and p99."
            .to_owned(),
        x: "completion of a task, ms (log scale)".to_owned(),
        y: "tasks that are done, % (marks: p50, p95, p99)".to_owned(),
        x_log: true,
        lines: study.completion.iter().map(line).collect(),
        ..Curves::default()
    }
}

/// How much of tasks GPUs did, by intensity.
pub(super) fn gpu_fraction(study: &Study) -> Curves {
    let line = |of: &Fraction| {
        let bins = of.share_mean.len().max(1) as f64;
        let middle = |(at, share): (usize, &Option<f64>)| {
            let percent = share.map(|share| share * 100.0)?;
            Some(((at as f64 + 0.5) / bins, Interval::of(&[percent])))
        };
        Line {
            label: study.label(&of.policy).to_owned(),
            points: of.share_mean.iter().enumerate().filter_map(middle).collect(),
            style: style(study, &of.policy),
            ..Line::default()
        }
    };
    Curves {
        title: "GPU fraction: how much of a task GPUs did, by its intensity".to_owned(),
        description: "A line for each policy: the share of the work that was done on a GPU, the mean of tasks of a range of intensities, all \
                      seeds; 100 % is all on a GPU, 0 % all on a CPU. A mark is a range."
            .to_owned(),
        x: "compute intensity".to_owned(),
        y: "share of the work on a GPU, %".to_owned(),
        lines: study.gpu_fractions.iter().map(line).collect(),
        ..Curves::default()
    }
}
