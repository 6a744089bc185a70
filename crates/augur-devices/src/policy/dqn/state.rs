// SPDX-License-Identifier: GPL-2.0-only
//! What `dqn` sees.

use crate::policy::Fleet;
use crate::workload::{Task, Work};
use serde::{Deserialize, Serialize};

/// N / 10,000, I, M / 5,000.
const OF_TASK: usize = 3;
/// Beside that with queues: priority / 10, and the time to the deadline.
const MORE_OF_TASK: usize = 2;
/// Of each device with queues: tasks / 10, wait, speed, what this task would run there, and what time would be left to its
/// deadline.
const OF_DEVICE: usize = 5;

/// Turns a task and a machine into a row of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// Devices are seen.
    pub queues: bool,
    /// A time that counts as 1, in s.
    pub time_scale_s: f64,
}

impl Encoder {
    /// How many numbers a state is.
    pub fn inputs(&self, devices: usize) -> usize {
        if self.queues {
            OF_TASK + MORE_OF_TASK + OF_DEVICE * devices
        } else {
            OF_TASK
        }
    }

    /// The state, in place of what was in `state`.
    pub fn encode(&self, fleet: &Fleet, task: &Task, work: &Work, state: &mut Vec<f32>) {
        state.clear();
        let mut push = |value: f64| state.push(value as f32);
        push(task.size / 10_000.0);
        push(task.intensity);
        push(task.memory_mb / 5_000.0);
        if !self.queues {
            return;
        }
        let slack_s = task.deadline_ns.saturating_sub(task.arrival_ns) as f64 / 1e9;
        push(f64::from(task.priority) / 10.0);
        push(slack_s / self.time_scale_s / 10.0);
        for at in 0..fleet.len() {
            let device = fleet.device(at);
            push(fleet.states[at].queue as f64 / 10.0);
            push(fleet.backlog_s(at) / self.time_scale_s);
            push(device.speed);
            push(work.alone_s(device) / self.time_scale_s);
            let left_s = slack_s - fleet.backlog_s(at) - work.alone_s(device);
            // Near 0 it counts which side it is on, far away not by how much.
            push((left_s / self.time_scale_s).clamp(-1.0, 1.0));
        }
    }
}
