// SPDX-License-Identifier: GPL-2.0-only
//! How runs went: completion over the run, and what ran where at its beginning.

use super::{MS, above_nothing, style};
use crate::report::study::summary::{self, Study};
use crate::report::study::unit;
use augur_base::picture::chart::{Curves, Gantt, Lane, Line, Panel, Piece};

/// Schedules beside each other.
const MOST_SCHEDULES: usize = 3;

pub(super) fn timeline(study: &Study) -> Curves {
    let starts = &study.timeline.starts;
    let line = |track: &summary::Track| Line {
        label: study.label(&track.policy).to_owned(),
        points: starts
            .iter()
            .zip(&track.completion_mean_ns)
            .map(|(start, interval)| (*start as f64, above_nothing(interval, MS)))
            .collect(),
        style: style(study, &track.policy),
        band: study.seeds.len() > 1,
        rings: rings(study, &track.policy),
        ..Line::default()
    };
    let marks = study.timeline.marks.iter();
    Curves {
        title: "Timeline: mean completion of the tasks that came in each window".to_owned(),
        description: "A line for each policy: mean completion of the tasks that arrived in a window, over the run, means over the seeds; \
                      a mark is a window, a band 95 % confidence, a grey line a moment at which the workload shifts."
            .to_owned(),
        x: "task, in order of arrival".to_owned(),
        y: "mean completion, ms (log scale)".to_owned(),
        y_log: true,
        lines: study.timeline.tracks.iter().map(line).collect(),
        marks: marks.map(|mark| (mark.task as f64, mark.what.clone())).collect(),
        ..Curves::default()
    }
}

/// Where a policy had recovered from a shift with every seed: the mean of that. What the others are measured by has none.
fn rings(study: &Study, policy: &str) -> Vec<f64> {
    let Some(drift) = study
        .drift
        .as_ref()
        .filter(|_| study.oracle.as_deref() != Some(policy))
    else {
        return Vec::new();
    };
    let runs = drift.runs.iter().filter(|run| run.policy == policy);
    let of_shift = |at: usize| {
        let all: Option<Vec<f64>> = runs
            .clone()
            .map(|run| {
                let shift = run.shifts.get(at)?;
                Some((shift.at_task + shift.recovered_after_tasks?) as f64)
            })
            .collect();
        let all = all.filter(|all| !all.is_empty())?;
        Some(all.iter().sum::<f64>() / all.len() as f64)
    };
    (0..drift.at.len()).filter_map(of_shift).collect()
}

/// The first tasks under the best policy, the first one that was asked for, and the bound; nothing where they were not kept.
pub(super) fn schedule(study: &Study) -> Option<Gantt> {
    let best = study.best().map(|line| line.policy.as_str());
    let first = study.policies.first().map(|line| line.policy.as_str());
    let mut names: Vec<&str> = Vec::new();
    for name in [best, first, study.oracle.as_deref()].into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let panels: Vec<Panel> = names
        .into_iter()
        .take(MOST_SCHEDULES)
        .filter_map(|name| study.schedules.iter().find(|schedule| schedule.policy == name))
        .map(|schedule| panel(study, schedule))
        .collect();
    (!panels.is_empty()).then(|| Gantt {
        title: "Schedule: what ran where at the beginning, and what waited".to_owned(),
        description: "For some policies a lane for each device, over time: boxes are tasks or, with an edge, parts of one, by their numbers; \
                      the steps below them are how many tasks waited for that device. The first tasks of the first seed."
            .to_owned(),
        x: "time, ms".to_owned(),
        waiting: Some("tasks that wait for the device".to_owned()),
        panels,
    })
}

fn panel(study: &Study, schedule: &summary::Schedule) -> Panel {
    let lane = |(device, name): (usize, &String)| {
        let there = schedule.pieces.iter().filter(|piece| piece.device == device);
        let mut there: Vec<&unit::Piece> = there.collect();
        there.sort_by_key(|piece| piece.start_ns);
        let ms = |ns: u64| ns as f64 * MS;
        let piece = |(at, piece): (usize, &&unit::Piece)| {
            // The part that is done first ends at the latest where the device's next task begins.
            let next = there.get(at + 1).map_or(u64::MAX, |next| next.start_ns);
            Piece {
                name: piece.task.to_string(),
                from: ms(piece.start_ns),
                to: ms(piece.finish_ns.min(next)),
                shared: piece.share < 1.0,
            }
        };
        Lane {
            name: name.clone(),
            pieces: there.iter().enumerate().map(piece).collect(),
            waits: there
                .iter()
                .map(|piece| (ms(piece.placed_ns), ms(piece.start_ns)))
                .collect(),
        }
    };
    Panel {
        name: study.label(&schedule.policy).to_owned(),
        lanes: study.devices.iter().enumerate().map(lane).collect(),
    }
}
