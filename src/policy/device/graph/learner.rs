// SPDX-License-Identifier: GPL-2.0-only
//! `graph` while it learns: what each device would have cost is known by the machine's laws when a task is placed, so a step
//! of training lowers the expected cost of its choices beyond the best one's.

use super::{INPUTS, KIND, Seen, View};
use crate::model::array::Arrays;
use crate::model::fault::Fault;
use crate::model::messages;
use crate::model::tensorflow::Input;
use crate::model::trainable::{Trainable, beginning};
use crate::model::trained::Trained;
use crate::policy::Generator;
use crate::policy::device::learner::{Learner, Lesson, Sums, generator};
use crate::policy::device::{DevicePolicy, Fleet, Placement, best};
use crate::policy::spelling::Spelling;
use crate::workload::{Task, Work};
use anyhow::{Context, Result, ensure};
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
        spelling.only(&["learning_rate", "batch", "replay", "hidden"])?;
        let mut settings = Settings::default();
        if let Some(rate) = spelling.number("learning_rate", 1.0)? {
            settings.learning_rate = rate.to_string().parse()?;
        }
        for (key, most, to) in [
            ("batch", 65_536, &mut settings.batch),
            ("replay", 1_000_000, &mut settings.replay),
            ("hidden", 1024, &mut settings.hidden),
        ] {
            *to = spelling.integer(key)?.map_or(Ok(*to), usize::try_from)?;
            ensure!(
                (1..=most).contains(to),
                "policy '{spelling}' needs {key} of 1 to {most}, not {to}"
            );
        }
        Ok(settings)
    }
}

/// `graph[…]` in training.
pub struct GraphLearner {
    name: String,
    network: Trainable,
    devices: usize,
    state: State,
    generator: Generator,
    sums: Sums,
    fault: Option<Fault>,
    view: View,
    batch: [Vec<f32>; 3],
}

/// All that is needed to go on.
#[derive(Serialize, Deserialize)]
struct State {
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
        let state = State {
            settings: settings.clone(),
            seed,
            steps: 0,
            arrays: beginning(&weights, false),
            rows: Vec::new(),
            next: 0,
        };
        GraphLearner::from(name, state, devices, graph)
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
        let found: State = rmp_serde::from_slice(bytes)
            .ok()
            .context("it is no checkpoint of graph")?;
        ensure!(
            found.settings == *settings,
            "it was made with other settings of graph; give the same ones, or another folder for --out"
        );
        let whole = |row: &Row| {
            row.devices.len() == INPUTS * devices
                && row.allowed.len() == devices
                && row.costs.len() == devices
        };
        ensure!(
            found.rows.iter().all(whole) && found.next <= found.rows.len(),
            "it does not fit this machine or is damaged; begin again in another folder"
        );
        GraphLearner::from(name, found, devices, graph)
    }

    fn from(name: String, state: State, devices: usize, graph: &Path) -> Result<Self> {
        let network = Trainable::load(graph, &state.arrays)
            .with_context(|| format!("cannot load the network in {}", graph.display()))?;
        Ok(GraphLearner {
            name,
            network,
            devices,
            generator: generator(state.seed, 0),
            state,
            sums: Sums::default(),
            fault: None,
            view: View::default(),
            batch: Default::default(),
        })
    }

    fn epsilon(&self) -> f64 {
        let settings = &self.state.settings;
        let decayed = settings.epsilon_decay.powf(self.state.steps as f64);
        decayed.max(settings.epsilon_least)
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
        let State {
            rows, next, settings, ..
        } = &mut self.state;
        match rows.get_mut(*next) {
            Some(oldest) => *oldest = row,
            None => rows.push(row),
        }
        *next = (*next + 1) % settings.replay;
    }

    fn train(&mut self) -> Result<(), Fault> {
        let State { rows, settings, .. } = &self.state;
        if rows.len() < settings.batch {
            return Ok(());
        }
        let [devices, allowed, costs] = &mut self.batch;
        for values in [&mut *devices, &mut *allowed, &mut *costs] {
            values.clear();
        }
        for _ in 0..settings.batch {
            let row = &rows[self.generator.random_range(0..rows.len())];
            devices.extend_from_slice(&row.devices);
            allowed.extend_from_slice(&row.allowed);
            costs.extend_from_slice(&row.costs);
        }
        let (count, width) = (settings.batch as u64, self.devices as u64);
        let input = |name, shape, values| Input { name, shape, values };
        let loss = self.network.train(
            "train_step",
            &[
                input("devices", &[count, width, INPUTS as u64], devices),
                input("allowed", &[count, width], allowed),
                input("costs", &[count, width], costs),
                input("learning_rate", &[], &[settings.learning_rate as f32]),
            ],
        )?;
        self.sums.loss(loss);
        Ok(())
    }

    fn choose(&mut self, row: &Row) -> Result<Option<usize>, Fault> {
        if self.generator.random::<f64>() < self.epsilon() {
            let fitting = &self.view.fitting;
            if fitting.is_empty() {
                return Ok(None);
            }
            return Ok(Some(fitting[self.generator.random_range(0..fitting.len())]));
        }
        let count = row.allowed.len() as u64;
        let input = |name, shape, values| Input { name, shape, values };
        let scores = self.network.call(
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
        self.state.steps += 1;
        let row = self.row(fleet, task, work);
        let device = self.choose(&row)?;
        if let Some(device) = device {
            self.sums.reward(-f64::from(row.costs[device]));
        }
        self.remember(row);
        self.train()?;
        Ok(device)
    }
}

impl DevicePolicy for GraphLearner {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        if self.fault.is_some() || fleet.len() != self.devices {
            return fleet.anywhere(&work);
        }
        match self.step(fleet, task, &work) {
            Ok(Some(device)) => Placement::One(device),
            Ok(None) => fleet.anywhere(&work),
            Err(fault) => {
                self.fault = Some(fault);
                fleet.anywhere(&work)
            }
        }
    }
}

impl Learner for GraphLearner {
    fn begin(&mut self, episode: u64) {
        self.generator = generator(self.state.seed, episode);
        self.sums = Sums::default();
    }

    fn end(&mut self) -> Result<Lesson> {
        match self.fault.take() {
            Some(fault) => Err(fault.into()),
            None => Ok(self.sums.lesson(self.state.steps, self.epsilon())),
        }
    }

    fn checkpoint(&mut self) -> Result<Vec<u8>> {
        self.state.arrays = self.network.arrays()?;
        Ok(rmp_serde::to_vec_named(&self.state)?)
    }

    fn trained(&mut self) -> Result<Vec<u8>> {
        Trained::new(KIND, Seen { inputs: INPUTS }, self.network.weights()?).bytes()
    }
}
