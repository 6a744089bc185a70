// SPDX-License-Identifier: GPL-2.0-only
//! `graph` while it learns: what each device would have cost is known by the machine's laws when a task is placed, so a step
//! of training lowers the expected cost of its choices beyond the best one's.

use super::{INPUTS, KIND, Seen, View};
use crate::model::messages;
use crate::model::trainable::beginning;
use crate::model::trained::Trained;
use crate::policy::learner::{Learner, Lesson, generator};
use crate::policy::training::{Training, resumed};
use crate::policy::{DevicePolicy, Fleet, Placement, best};
use crate::workload::{Task, Work};
use anyhow::Result;
use augur_base::spelling::Spelling;
use augur_tensorflow::array::Arrays;
use augur_tensorflow::array::Input;
use augur_tensorflow::fault::Fault;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A cost beyond this is as bad: in mean run times of the task.
const MOST_COST: f64 = 10.0;

/// How it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Of Adam.
    pub learning_rate: f64,
    /// Decisions of a step of training.
    pub batch: usize,
    /// Decisions that are remembered.
    pub replay: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Random decisions become rarer by this factor at each decision.
    pub epsilon_decay: f64,
    /// The share of random decisions ends here.
    pub epsilon_least: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            learning_rate: 1e-3,
            batch: 64,
            replay: 20_000,
            hidden: 32,
            epsilon_decay: 0.9995,
            epsilon_least: 0.05,
        }
    }
}

impl Settings {
    /// The defaults, changed by the spelling's arguments.
    ///
    /// # Errors
    /// One sentence that names the argument that cannot be.
    pub fn spelled(spelling: &Spelling) -> Result<Settings> {
        let settings = [
            ("learning_rate", "/learning_rate", 0.0..=1.0),
            ("batch", "/batch", 1.0..=65_536.0),
            ("replay", "/replay", 1.0..=1e6),
            ("hidden", "/hidden", 1.0..=1024.0),
        ];
        spelling.over(&Settings::default(), &settings)
    }
}

/// `graph[…]` in training.
pub struct GraphLearner {
    training: Training,
    settings: Settings,
    /// What is remembered, and where the next one goes.
    rows: Vec<Row>,
    next: usize,
    view: View,
    batch: [Vec<f32>; 3],
}

/// All that is needed to go on.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    settings: Settings,
    seed: u64,
    steps: u64,
    arrays: Arrays,
    rows: Vec<Row>,
    next: usize,
}

/// A decision that was to be made: a row for each device, whether it could be taken, and what it would have cost.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    devices: Vec<f32>,
    allowed: Vec<f32>,
    costs: Vec<f32>,
}

impl GraphLearner {
    /// One that knows nothing, in training on so many devices; `graph` is the directory of the exported network.
    ///
    /// # Errors
    /// One sentence where the network cannot be loaded.
    pub fn new(name: String, settings: &Settings, devices: usize, graph: &Path, seed: u64) -> Result<Self> {
        let weights = messages::drawn(INPUTS, settings.hidden, &mut generator(seed, u64::MAX));
        let begun = Checkpoint {
            settings: settings.clone(),
            seed,
            steps: 0,
            arrays: beginning(&weights, false),
            rows: Vec::new(),
            next: 0,
        };
        GraphLearner::from(name, begun, devices, graph)
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
    ) -> Result<Self> {
        let whole = |row: &Row| {
            row.devices.len() == INPUTS * devices
                && row.allowed.len() == devices
                && row.costs.len() == devices
        };
        let fits = |found: &Checkpoint| found.rows.iter().all(whole) && found.next <= found.rows.len();
        let same = |found: &Checkpoint| found.settings == *settings;
        GraphLearner::from(name, resumed(KIND, bytes, same, fits)?, devices, graph)
    }

    fn from(name: String, checkpoint: Checkpoint, devices: usize, graph: &Path) -> Result<Self> {
        let begun = (checkpoint.seed, checkpoint.steps);
        Ok(GraphLearner {
            training: Training::load(name, devices, (graph, &checkpoint.arrays), begun)?,
            settings: checkpoint.settings,
            rows: checkpoint.rows,
            next: checkpoint.next,
            view: View::default(),
            batch: Default::default(),
        })
    }

    fn epsilon(&self) -> f64 {
        let settings = &self.settings;
        self.training
            .epsilon(settings.epsilon_decay, settings.epsilon_least)
    }

    /// What was to be decided, as the network sees it.
    fn row(&mut self, fleet: &Fleet, task: &Task, work: &Work) -> Row {
        self.view.look(fleet, task, work);
        let mut row = Row {
            devices: vec![0.0; INPUTS * fleet.len()],
            allowed: vec![0.0; fleet.len()],
            costs: vec![0.0; fleet.len()],
        };
        let finish_s = |at: usize| fleet.finish_s(work, Placement::One(at));
        let best_s = self
            .view
            .fitting
            .iter()
            .map(|&at| finish_s(at))
            .fold(f64::INFINITY, f64::min);
        for (&at, seen) in self.view.fitting.iter().zip(self.view.rows.chunks_exact(INPUTS)) {
            row.devices[at * INPUTS..(at + 1) * INPUTS].copy_from_slice(seen);
            row.allowed[at] = 1.0;
            let cost = (finish_s(at) - best_s) / self.view.time_scale_s;
            row.costs[at] = cost.min(MOST_COST) as f32;
        }
        row
    }

    fn remember(&mut self, row: Row) {
        match self.rows.get_mut(self.next) {
            Some(oldest) => *oldest = row,
            None => self.rows.push(row),
        }
        self.next = (self.next + 1) % self.settings.replay;
    }

    fn train(&mut self) -> Result<(), Fault> {
        let (rows, settings, training) = (&self.rows, &self.settings, &mut self.training);
        if rows.len() < settings.batch {
            return Ok(());
        }
        let [devices, allowed, costs] = &mut self.batch;
        for values in [&mut *devices, &mut *allowed, &mut *costs] {
            values.clear();
        }
        for _ in 0..settings.batch {
            let row = &rows[training.generator.random_range(0..rows.len())];
            devices.extend_from_slice(&row.devices);
            allowed.extend_from_slice(&row.allowed);
            costs.extend_from_slice(&row.costs);
        }
        let (count, width) = (settings.batch as u64, training.devices as u64);
        let input = |name, shape, values| Input { name, shape, values };
        let loss = training.network.train(
            "train_step",
            &[
                input("devices", &[count, width, INPUTS as u64], devices),
                input("allowed", &[count, width], allowed),
                input("costs", &[count, width], costs),
                input("learning_rate", &[], &[settings.learning_rate as f32]),
            ],
        )?;
        training.sums.loss(loss);
        Ok(())
    }

    fn choose(&mut self, row: &Row) -> Result<Option<usize>, Fault> {
        let epsilon = self.epsilon();
        if self.training.explores(epsilon) {
            return Ok(self.training.any(self.view.fitting.iter().copied()));
        }
        let count = row.allowed.len() as u64;
        let input = |name, shape, values| Input { name, shape, values };
        let scores = self.training.network.call(
            "scores",
            &[
                input("devices", &[1, count, INPUTS as u64], &row.devices),
                input("allowed", &[1, count], &row.allowed),
            ],
            "scores",
        )?;
        Ok(best(&scores.values, |at| row.allowed[at] > 0.0))
    }

    fn step(&mut self, fleet: &Fleet, task: &Task, work: &Work) -> Result<Option<usize>, Fault> {
        self.training.steps += 1;
        let row = self.row(fleet, task, work);
        let device = self.choose(&row)?;
        if let Some(device) = device {
            self.training.sums.reward(-f64::from(row.costs[device]));
        }
        self.remember(row);
        self.train()?;
        Ok(device)
    }
}

impl DevicePolicy for GraphLearner {
    fn name(&self) -> String {
        self.training.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        if !self.training.serves(fleet) {
            return fleet.anywhere(&work);
        }
        let step = self.step(fleet, task, &work);
        match self.training.chosen(step) {
            Some(device) => Placement::One(device),
            None => fleet.anywhere(&work),
        }
    }
}

impl Learner for GraphLearner {
    fn begin(&mut self, episode: u64) {
        self.training.begin(episode);
    }

    fn end(&mut self) -> Result<Lesson> {
        self.training.end(self.epsilon())
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>> {
        let arrays = self.training.network.arrays()?;
        // The rows are lent, not copied.
        let checkpoint = Checkpoint {
            settings: self.settings.clone(),
            seed: self.training.seed,
            steps: self.training.steps,
            arrays,
            rows: std::mem::take(&mut self.rows),
            next: self.next,
        };
        let bytes = rmp_serde::to_vec_named(&checkpoint);
        self.rows = checkpoint.rows;
        Ok(bytes?)
    }

    fn trained(&mut self) -> Result<Vec<u8>> {
        Trained::new(KIND, Seen { inputs: INPUTS }, self.training.network.weights()?).bytes()
    }
}
