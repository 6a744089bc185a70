// SPDX-License-Identifier: GPL-2.0-only
//! Figures of one task of a replay.

use serde::Serialize;

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TaskFigures {
    /// Its pid.
    pub pid: i32,
    /// Its name.
    pub name: String,
    /// Time on CPUs, costs of migrations included.
    pub run_ns: u64,
    /// Time that it was runnable and waited; unknown where a trace does not tell.
    pub wait_ns: Option<u64>,
    /// From its wakeups to its runs; unknown where none was seen.
    pub wakeup_latency_ns: Option<Latencies>,
    /// To another CPU.
    pub migrations: u64,
    /// When its last burst ended.
    pub done_ns: u64,
}

/// Wakeup latencies of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// How many wakeups.
    pub count: u64,
    /// On average.
    pub mean: f64,
    /// The longest.
    pub max: u64,
}

impl Latencies {
    /// Those that add up to this, if there are any.
    pub fn of(count: u64, sum_ns: u64, max_ns: u64) -> Option<Latencies> {
        (count > 0).then(|| Latencies {
            count,
            mean: sum_ns as f64 / count as f64,
            max: max_ns,
        })
    }
}

impl TaskFigures {
    /// The trace does not tell who waited, and since when.
    pub fn forget_waits(&mut self) {
        self.wait_ns = None;
        self.wakeup_latency_ns = None;
    }
}
