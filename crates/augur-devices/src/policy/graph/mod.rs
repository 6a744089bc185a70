// SPDX-License-Identifier: GPL-2.0-only
//! A graph network that places tasks: devices and the task exchange messages, then each device has a score, and the highest
//! one gets the task. It has the same weights for every device, so that one that was trained on four serves any
//! number.

pub mod learner;

pub use learner::GraphLearner;

use super::{DevicePolicy, Fleet, Placement};
use crate::model::messages::Messages;
use crate::model::trained::Trained;
use crate::workload::{Task, Work};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How its trained policies are marked.
pub const KIND: &str = "graph";
/// The one that comes with this program.
const SHIPPED: &[u8] = include_bytes!("../../../../../model_dir/graph/policy.msgpack");
/// Numbers that describe a device and the task.
pub const INPUTS: usize = 12;

/// What else a trained network must come with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// How many numbers describe a device and the task.
    pub inputs: usize,
}

/// `graph`, or `graph[dir=DIR]`.
pub struct Graph {
    name: String,
    network: Messages,
    view: View,
}

impl Graph {
    /// Reads the trained policy in `directory`, or takes the one that comes with this program.
    ///
    /// # Errors
    /// One sentence where it cannot be read.
    pub fn read(name: String, directory: Option<&Path>) -> Result<Graph> {
        let trained: Trained<Seen> = match directory {
            Some(directory) => Trained::read(directory, KIND)?,
            None => Trained::parse(SHIPPED, KIND, "the policy that comes with this program")?,
        };
        let network = Messages::new(trained.weights)?;
        ensure!(
            network.inputs() == INPUTS,
            "the policy of {name} sees {} numbers of a device where this program shows {INPUTS}; train it again",
            network.inputs()
        );
        Ok(Graph {
            name,
            network,
            view: View::default(),
        })
    }
}

impl DevicePolicy for Graph {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        self.view.look(fleet, task, &work);
        let scores = self.network.scores(&self.view.rows);
        let fitting = &self.view.fitting;
        match super::best(scores, |at| at < fitting.len()) {
            Some(at) => Placement::One(fitting[at]),
            None => fleet.anywhere(&work),
        }
    }
}

/// The devices that a task fits, each with the task, as rows of numbers. Times are counted in the mean of what the task would
/// run on them, so that machines of any speed look alike.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The devices' numbers.
    pub fitting: Vec<usize>,
    /// A row of [`INPUTS`] for each of these.
    pub rows: Vec<f32>,
    /// A time that counts as 1, in s.
    pub time_scale_s: f64,
}

impl View {
    /// Looks at a machine.
    pub fn look(&mut self, fleet: &Fleet, task: &Task, work: &Work) {
        self.rows.clear();
        self.fitting.clear();
        let fitting = (0..fleet.len()).filter(|&at| work.fits(fleet.device(at)));
        self.fitting.extend(fitting);
        let (mut sum_s, mut least_s) = (0.0, f64::INFINITY);
        for &at in &self.fitting {
            sum_s += work.alone_s(fleet.device(at));
            least_s = fleet.backlog_s(at).min(least_s);
        }
        // Nothing takes no time at all, but a task of size 0 nearly does.
        self.time_scale_s = (sum_s / self.fitting.len().max(1) as f64).max(1e-9);
        let scale_s = self.time_scale_s;
        let cpus = fleet.cpus();
        for &at in &self.fitting {
            let (device, wait_s) = (fleet.device(at), fleet.backlog_s(at));
            let row: [f64; INPUTS] = [
                (wait_s - least_s) / scale_s,
                work.alone_s(device) / scale_s,
                (1.0 + wait_s / scale_s).ln(),
                (1.0 + least_s / scale_s).ln(),
                fleet.states[at].queue as f64 / 10.0,
                device.speed,
                if cpus.contains(&at) { 0.0 } else { 1.0 },
                work.transfer_s(device) / scale_s,
                task.size / 10_000.0,
                task.intensity,
                task.memory_mb / 5_000.0,
                f64::from(task.priority) / 10.0,
            ];
            self.rows.extend(row.map(|value| value as f32));
        }
    }
}
