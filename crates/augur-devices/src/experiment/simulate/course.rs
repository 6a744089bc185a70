// SPDX-License-Identifier: GPL-2.0-only
//! How a run went, window by window, and what its policy noticed of drift.

use crate::policy::Notices;
use crate::report::drift::Drift;
use crate::report::record::Record;
use crate::sim::Done;
use crate::workload;
use anyhow::Result;

/// The most windows of a run; where there would be more they are longer.
const MOST_WINDOWS: u64 = 10_000;

/// Adds up completions of tasks, window by window.
pub(super) struct Recorder {
    record: Record,
}

impl Recorder {
    /// Nothing of so many tasks is done.
    pub(super) fn new(drift: &workload::Drift, tasks: u64) -> Recorder {
        let shifts = drift.at.iter().filter(|at| **at < tasks);
        Recorder {
            record: Record {
                window_tasks: drift.window_tasks.max(tasks.div_ceil(MOST_WINDOWS)),
                shifts: shifts.map(|&at_task| (at_task, 0)).collect(),
                ..Record::default()
            },
        }
    }

    /// A task is done.
    pub(super) fn done(&mut self, done: &Done) {
        let number = done.task.number;
        let window = (number / self.record.window_tasks) as usize;
        let windows = &mut self.record.windows;
        if windows.len() <= window {
            windows.resize(window + 1, (0, 0));
        }
        let (tasks, sum_ns) = &mut windows[window];
        *tasks += 1;
        *sum_ns = sum_ns.saturating_add(done.finish_ns - done.task.arrival_ns);
        let mut shifts = self.record.shifts.iter_mut();
        if let Some((_, at_ns)) = shifts.find(|(at_task, _)| *at_task == number) {
            *at_ns = done.task.arrival_ns;
        }
    }

    /// The run's course, with what its policy noticed.
    ///
    /// # Errors
    /// Where that cannot be put into words.
    pub(super) fn finish(self, notices: Option<&Notices>) -> Result<Record> {
        let events = |notices: &Notices| serde_json::from_value(serde_json::to_value(&notices.all)?);
        Ok(Record {
            events: notices.map(events).transpose()?,
            ..self.record
        })
    }
}

/// The report of all runs, policy by policy; nothing where nothing drifted and nobody looked.
pub(crate) fn report(
    drift: &workload::Drift,
    records: Vec<(String, u64, Record)>,
    clairvoyant: Option<&str>,
) -> Option<Drift> {
    let watched = records.iter().any(|(_, _, record)| record.events.is_some());
    if drift.at.is_empty() && !watched {
        return None;
    }
    let window_tasks = records
        .first()
        .map_or(drift.window_tasks, |(_, _, record)| record.window_tasks);
    let courses = records
        .into_iter()
        .map(|(policy, seed, record)| record.course(&policy, seed));
    Some(Drift::new(
        drift.at.clone(),
        window_tasks,
        courses.collect(),
        clairvoyant,
    ))
}
