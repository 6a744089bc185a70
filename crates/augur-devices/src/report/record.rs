// SPDX-License-Identifier: GPL-2.0-only
//! How a run went beside a drift, in few words: what is kept of it in a file until it is judged.

use super::drift::{Course, Event, Shift, Window};
use serde::{Deserialize, Serialize};

/// A run, window by window, and what its policy noticed. Counts alone, so that a file gives back exactly what was put into it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Record {
    /// Windows are of so many tasks.
    pub window_tasks: u64,
    /// Of each window: tasks that were done, and what they took from arrival until done, all together, in ns.
    pub windows: Vec<(u64, u64)>,
    /// Of each change: its first task, and when that came, in ns.
    pub shifts: Vec<(u64, u64)>,
    /// What the policy noticed and did; nothing: it does not look.
    pub events: Option<Vec<Event>>,
}

impl Record {
    /// The run's course, still to be judged.
    pub fn course(self, policy: &str, seed: u64) -> Course {
        let windows = self.windows.iter().zip(0..);
        let windows = windows.map(|(&(tasks, sum_ns), number)| Window {
            from_task: number * self.window_tasks,
            tasks,
            completion_mean_ns: sum_ns as f64 / tasks.max(1) as f64,
        });
        let shifts = self.shifts.iter().map(|&(at_task, at_ns)| Shift {
            at_task,
            at_ns,
            ..Shift::default()
        });
        Course {
            policy: policy.to_owned(),
            seed,
            windows: windows.collect(),
            shifts: shifts.collect(),
            // How many of them were false is found out when it is judged.
            false_alarms: self.events.as_ref().map(|_| 0),
            events: self.events.unwrap_or_default(),
        }
    }
}
