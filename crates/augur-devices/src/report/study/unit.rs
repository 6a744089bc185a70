// SPDX-License-Identifier: GPL-2.0-only
//! What is kept of each unit of an experiment, in plain numbers.

use crate::report::device::Figures;
use crate::report::record::Record;
use serde::{Deserialize, Serialize};

/// Tasks, and the time that they took in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Tally {
    /// How many.
    pub tasks: u64,
    /// From arrival until done, all together.
    pub completion_ns: u64,
}

impl Tally {
    /// One more.
    pub fn add(&mut self, completion_ns: u64) {
        self.tasks += 1;
        self.completion_ns = self.completion_ns.saturating_add(completion_ns);
    }

    /// Both together.
    pub fn merge(&mut self, other: &Tally) {
        self.tasks += other.tasks;
        self.completion_ns = self.completion_ns.saturating_add(other.completion_ns);
    }

    /// The mean; none of no tasks.
    pub fn mean_ns(&self) -> Option<f64> {
        (self.tasks > 0).then(|| self.completion_ns as f64 / self.tasks as f64)
    }
}

/// One policy on the tasks of one seed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Run {
    /// What it came to.
    pub figures: Figures,
    /// By size, and within that by intensity.
    pub cells: Vec<Tally>,
    /// By arrival, so many tasks each.
    pub windows: Vec<Tally>,
    /// Tasks by intensity, in bins of equal width from 0 to 1, and the sum of the GPU's shares of each.
    #[serde(default)]
    pub gpu_shares: Vec<(u64, f64)>,
    /// How it went beside a drift, and what it noticed.
    pub course: Record,
    /// By when each of [`shares`] of the tasks were done, each counted from its own arrival.
    #[serde(default)]
    pub completion_ns: Vec<u64>,
    /// Where and when the first tasks ran.
    #[serde(default)]
    pub pieces: Vec<Piece>,
}

/// Shares of all tasks, of which it is kept how long they took: in half per cents, and finer at the end.
pub fn shares() -> impl Iterator<Item = f64> {
    (1..200).map(|half| f64::from(half) / 200.0).chain([0.999, 1.0])
}

/// A task on a device, or a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Piece {
    /// Its number.
    pub task: u64,
    /// The device's place among all.
    pub device: usize,
    /// How much of the task it is.
    pub share: f64,
    /// When it was put there.
    pub placed_ns: u64,
    /// When it began.
    pub start_ns: u64,
    /// When all of the task was done.
    pub finish_ns: u64,
}

/// One learner that was trained on the tasks of one seed and tried on those of another.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Lessons {
    /// Who learned.
    pub learner: String,
    /// From which seed.
    pub seed: u64,
    /// How good it became.
    pub points: Vec<Lesson>,
    /// How much worse it is in share of work without each feature.
    pub importance: Vec<(String, f64)>,
}

/// A learner after some training.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Lesson {
    /// What is counted: `tasks` seen, or `trees`.
    pub by: String,
    /// How many.
    pub count: u64,
    /// Mean absolute error of the share, on tasks that it has not seen.
    pub share_error: f64,
    /// How much longer those take than with the best share, all together, where nothing waits.
    pub time_lost: f64,
    /// R² of the share, on the same: 1 where every one is right, 0 where it is no better than their mean.
    #[serde(default)]
    pub r2: f64,
}

/// A moment that something changes in the workload.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Mark {
    /// From this task on.
    pub task: u64,
    /// What.
    pub what: String,
}

/// Where the experiment ran.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Profile {
    /// The processor, as it names itself.
    pub cpu: String,
    /// How many.
    pub cpus: usize,
    /// Memory.
    pub memory_mb: u64,
    /// The kernel.
    pub kernel: String,
    /// What `scx_augur profile` measured, where it was given.
    pub hardware: Option<serde_json::Value>,
}
