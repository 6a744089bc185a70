// SPDX-License-Identifier: GPL-2.0-only
//! How a run went, window by window, and what its policy noticed of drift.

use crate::policy::device::Notices;
use crate::policy::device::watch;
use crate::report::device::Figures;
use crate::report::drift::{Course, Drift, Event, Shift, Window};
use crate::sim::device::Done;
use crate::workload;

/// The most windows of a run; where there would be more they are longer.
const MOST_WINDOWS: u64 = 10_000;

/// Adds up completions of tasks, window by window.
pub struct Recorder {
    window_tasks: u64,
    windows: Vec<(u64, u128)>,
    shifts: Vec<Shift>,
}

/// How long a run's windows are.
fn window_tasks(drift: &workload::Drift, tasks: u64) -> u64 {
    drift.window_tasks.max(tasks.div_ceil(MOST_WINDOWS))
}

impl Recorder {
    /// Nothing of so many tasks is done.
    pub fn new(drift: &workload::Drift, tasks: u64) -> Recorder {
        let shift = |&at_task: &u64| Shift {
            at_task,
            ..Shift::default()
        };
        Recorder {
            window_tasks: window_tasks(drift, tasks),
            windows: Vec::new(),
            shifts: drift.at.iter().filter(|at| **at < tasks).map(shift).collect(),
        }
    }

    /// A task is done.
    pub fn done(&mut self, done: &Done) {
        let number = done.task.number;
        let window = (number / self.window_tasks) as usize;
        if self.windows.len() <= window {
            self.windows.resize(window + 1, (0, 0));
        }
        let (tasks, sum_ns) = &mut self.windows[window];
        *tasks += 1;
        *sum_ns += u128::from(done.finish_ns - done.task.arrival_ns);
        if let Some(shift) = self.shifts.iter_mut().find(|shift| shift.at_task == number) {
            shift.at_ns = done.task.arrival_ns;
        }
    }

    /// The run's course; what the policy noticed is added with [`notices`].
    pub fn finish(self) -> Course {
        let windows = self
            .windows
            .iter()
            .zip(0..)
            .map(|(&(tasks, sum_ns), number)| Window {
                from_task: number * self.window_tasks,
                tasks,
                completion_mean_ns: sum_ns as f64 / tasks.max(1) as f64,
            });
        Course {
            windows: windows.collect(),
            shifts: self.shifts,
            ..Course::default()
        }
    }
}

/// The report of all runs; nothing where nothing drifted and nobody looked.
pub fn report(
    drift: &workload::Drift,
    tasks: u64,
    results: &mut [Figures],
    oracle: Option<&str>,
) -> Option<Drift> {
    let watched = results.iter().any(|run| run.course.false_alarms.is_some());
    if drift.at.is_empty() && !watched {
        return None;
    }
    let courses = results.iter_mut().map(|run| Course {
        policy: run.policy.clone(),
        seed: run.seed,
        ..std::mem::take(&mut run.course)
    });
    let courses = courses.collect();
    Some(Drift::new(
        drift.at.clone(),
        window_tasks(drift, tasks),
        courses,
        oracle,
    ))
}

/// Adds what a policy noticed.
pub fn notices(course: &mut Course, notices: Option<&Notices>) {
    let Some(notices) = notices else { return };
    // How many of them were false is found out in the report.
    course.false_alarms = Some(0);
    course.events = notices.all.iter().map(event).collect();
}

fn event(notice: &watch::Notice) -> Event {
    let mut event = Event {
        task: notice.task,
        arrival_ns: notice.arrival_ns,
        ..Event::default()
    };
    match notice.event {
        watch::Event::Drift { source, detector } => {
            event.event = "drift";
            (event.source, event.detector) = (Some(source), Some(detector.name()));
        }
        watch::Event::FellBack { rule } => {
            event.event = "fell_back";
            event.rule = Some(rule);
        }
        watch::Event::Retrained { rows } => {
            event.event = "retrained";
            event.rows = Some(rows);
        }
        watch::Event::CameBack => event.event = "came_back",
    }
    event
}
