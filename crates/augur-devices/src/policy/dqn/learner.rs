// SPDX-License-Identifier: GPL-2.0-only
//! `dqn` while it learns: each decision is a step. What a decision brings is known by the machine's laws when it is made,
//! for queues are first come, first served.

use super::replay::{Batch, Replay, Transition};
use super::{Encoder, KIND, Settings};
use crate::model::dueling;
use crate::model::trainable::beginning;
use crate::model::trained::Trained;
use crate::policy::learner::{Learner, Lesson, generator};
use crate::policy::training::{Training, resumed};
use crate::policy::{DevicePolicy, Fleet, Placement, best};
use crate::workload::{Task, Work};
use anyhow::Result;
use augur_tensorflow::array::Arrays;
use augur_tensorflow::array::Input;
use augur_tensorflow::fault::Fault;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::path::Path;

/// The learning rate decays to this share of what it was.
const LEAST_RATE: f64 = 0.02;

/// `dqn[…]` in training.
pub struct DqnLearner {
    training: Training,
    settings: Settings,
    encoder: Encoder,
    replay: Replay,
    /// Decisions whose consequences are not all known.
    pending: VecDeque<Pending>,
    batch: Batch,
    state: Vec<f32>,
    allowed: Vec<f32>,
}

struct Pending {
    state: Vec<f32>,
    action: usize,
    reward: f64,
}

/// All that is needed to go on.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    settings: Settings,
    encoder: Encoder,
    seed: u64,
    steps: u64,
    arrays: Arrays,
    replay: Replay,
}

impl DqnLearner {
    /// One that knows nothing, for so many devices; `graph` is the directory of the exported network.
    ///
    /// # Errors
    /// One sentence where the network cannot be loaded.
    pub fn new(
        name: String,
        settings: &Settings,
        encoder: Encoder,
        devices: usize,
        graph: &Path,
        seed: u64,
    ) -> Result<DqnLearner> {
        settings.check()?;
        let inputs = encoder.inputs(devices);
        let weights = dueling::drawn(inputs, settings.hidden, devices, &mut generator(seed, u64::MAX));
        let begun = Checkpoint {
            settings: settings.clone(),
            encoder,
            seed,
            steps: 0,
            arrays: beginning(&weights, true),
            replay: Replay::new(inputs, devices, settings.replay),
        };
        DqnLearner::from(name, begun, devices, graph)
    }

    /// One that goes on from a checkpoint.
    ///
    /// # Errors
    /// One sentence where it is none, is one of other settings, or the network cannot be loaded.
    pub fn resume(
        name: String,
        settings: &Settings,
        devices: usize,
        graph: &Path,
        bytes: &[u8],
    ) -> Result<DqnLearner> {
        let fits = |found: &Checkpoint| {
            let shape = [found.encoder.inputs(devices) as u64, settings.hidden as u64];
            found.arrays.get("w0").is_some_and(|array| array.is(&shape)) && found.replay.is_whole()
        };
        let same = |found: &Checkpoint| found.settings == *settings;
        DqnLearner::from(name, resumed(KIND, bytes, same, fits)?, devices, graph)
    }

    fn from(name: String, checkpoint: Checkpoint, devices: usize, graph: &Path) -> Result<DqnLearner> {
        let begun = (checkpoint.seed, checkpoint.steps);
        Ok(DqnLearner {
            training: Training::load(name, devices, (graph, &checkpoint.arrays), begun)?,
            settings: checkpoint.settings,
            encoder: checkpoint.encoder,
            replay: checkpoint.replay,
            pending: VecDeque::new(),
            batch: Batch::default(),
            state: Vec::new(),
            allowed: Vec::new(),
        })
    }

    /// The share of random decisions now.
    fn epsilon(&self) -> f64 {
        let settings = &self.settings;
        self.training
            .epsilon(settings.epsilon_decay, settings.epsilon_least)
    }

    /// What putting a task somewhere brings: −[(1 − w) · T + w · E / 100 J], less the penalties.
    fn reward(&self, fleet: &Fleet, task: &Task, work: &Work, device: usize) -> f64 {
        let Settings {
            energy_weight: w,
            sla_penalty,
            imbalance_penalty,
            normalise,
            ..
        } = self.settings;
        let placement = Placement::One(device);
        let finish_s = fleet.finish_s(work, placement);
        let (scale_s, least_s) = if normalise {
            let runs = (0..fleet.len()).map(|at| work.alone_s(fleet.device(at)));
            (self.encoder.time_scale_s, runs.fold(f64::INFINITY, f64::min))
        } else {
            (1.0, 0.0)
        };
        let slack_s = task.deadline_ns.saturating_sub(task.arrival_ns) as f64 / 1e9;
        let mut cost =
            (1.0 - w) * (finish_s - least_s) / scale_s + w * fleet.energy_j(work, placement) / 100.0;
        if finish_s > slack_s {
            cost += sla_penalty;
        }
        if imbalance_penalty > 0.0 {
            let backlogs = (0..fleet.len()).map(|at| {
                let added = if at == device {
                    work.alone_s(fleet.device(at))
                } else {
                    0.0
                };
                (fleet.backlog_s(at) + added) / scale_s
            });
            cost += imbalance_penalty * deviation(backlogs);
        }
        -cost
    }

    /// Remembers what the oldest decisions led to, now that the state after them is known.
    fn remember(&mut self) {
        if self.pending.len() < self.settings.n_step {
            return;
        }
        let Some(oldest) = self.pending.front() else {
            return;
        };
        let discounted = self.pending.iter().enumerate();
        let reward = discounted
            .map(|(at, pending)| self.settings.discount.powi(at as i32) * pending.reward)
            .sum();
        self.replay.push(&Transition {
            state: &oldest.state,
            action: oldest.action,
            reward,
            discount: self.settings.discount.powi(self.pending.len() as i32),
            next_state: &self.state,
            next_allowed: &self.allowed,
        });
        self.pending.pop_front();
    }

    fn train(&mut self) -> Result<(), Fault> {
        let Settings {
            batch,
            target_interval,
            ..
        } = self.settings;
        if self.replay.len() < batch {
            return Ok(());
        }
        let training = &mut self.training;
        self.replay.draw(batch, &mut training.generator, &mut self.batch);
        let signature = if self.settings.double {
            "train_step_double"
        } else {
            "train_step"
        };
        let decay = self.settings.learning_rate_decay.powf(training.steps as f64);
        let learning_rate = self.settings.learning_rate * decay.max(LEAST_RATE);
        let loss = self.batch.with(learning_rate as f32, |inputs| {
            training.network.train(signature, inputs)
        })?;
        training.sums.loss(loss);
        if training.steps.is_multiple_of(target_interval) {
            training.network.call("sync_target", &[], "done")?;
        }
        Ok(())
    }

    fn choose(&mut self) -> Result<Option<usize>, Fault> {
        let epsilon = self.epsilon();
        let allowed = |device: usize| self.allowed[device] > 0.0;
        if self.training.explores(epsilon) {
            let devices = 0..self.training.devices;
            return Ok(self.training.any(devices.filter(|&device| allowed(device))));
        }
        let state = Input {
            name: "states",
            shape: &[1, self.state.len() as u64],
            values: &self.state,
        };
        let values = self.training.network.call("q_values", &[state], "values")?;
        Ok(best(&values.values, allowed))
    }

    /// Takes a step: learns, and chooses.
    fn step(&mut self) -> Result<Option<usize>, Fault> {
        self.remember();
        self.training.steps += 1;
        self.train()?;
        self.choose()
    }
}

/// The standard deviation.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}

impl DevicePolicy for DqnLearner {
    fn name(&self) -> String {
        self.training.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        if !self.training.serves(fleet) {
            return fleet.anywhere(&work);
        }
        self.encoder.encode(fleet, task, &work, &mut self.state);
        self.allowed.clear();
        let fits = (0..fleet.len()).map(|at| if work.fits(fleet.device(at)) { 1.0 } else { 0.0 });
        self.allowed.extend(fits);
        let step = self.step();
        let Some(device) = self.training.chosen(step) else {
            return fleet.anywhere(&work);
        };
        let reward = self.reward(fleet, task, &work, device);
        self.training.sums.reward(reward);
        self.pending.push_back(Pending {
            state: self.state.clone(),
            action: device,
            reward,
        });
        Placement::One(device)
    }
}

impl Learner for DqnLearner {
    fn begin(&mut self, episode: u64) {
        self.training.begin(episode);
        // The last episode's last decisions led nowhere: time ended, not the task's world.
        self.pending.clear();
    }

    fn end(&mut self) -> Result<Lesson> {
        self.training.end(self.epsilon())
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>> {
        let arrays = self.training.network.arrays()?;
        // The buffer is lent, not copied.
        let replay = std::mem::replace(&mut self.replay, Replay::new(1, 1, 1));
        let checkpoint = Checkpoint {
            settings: self.settings.clone(),
            encoder: self.encoder.clone(),
            seed: self.training.seed,
            steps: self.training.steps,
            arrays,
            replay,
        };
        let bytes = rmp_serde::to_vec_named(&checkpoint);
        self.replay = checkpoint.replay;
        Ok(bytes?)
    }

    fn trained(&mut self) -> Result<Vec<u8>> {
        Trained::new(KIND, self.encoder.clone(), self.training.network.weights()?).bytes()
    }
}
