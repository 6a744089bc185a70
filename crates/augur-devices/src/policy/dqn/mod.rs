// SPDX-License-Identifier: GPL-2.0-only
//! A deep Q-network (Mnih et al. 2015) that places tasks: dueling, with a target network, a replay buffer and ε-greedy
//! exploration. An action is a device.
//!
//! ```text
//! settings  how it learns and what it weighs      state   what it sees
//! replay    what happened                         learner it, while it learns
//! ```
//! Here: it, once it has learned; then it takes the action of the highest value.

pub mod learner;
mod replay;
pub mod settings;
mod state;

pub use learner::DqnLearner;
pub use settings::Settings;
pub use state::Encoder;

use super::{DevicePolicy, Fleet, Placement};
use crate::model::dueling::Dueling;
use crate::model::trained::Trained;
use crate::workload::Task;
use anyhow::{Result, ensure};
use std::path::Path;

/// How its trained policies are marked.
pub const KIND: &str = "dqn";

/// `dqn[dir=DIR]`.
pub struct Dqn {
    name: String,
    network: Dueling,
    encoder: Encoder,
    state: Vec<f32>,
}

impl Dqn {
    /// Reads the trained policy in `directory`, for so many devices.
    ///
    /// # Errors
    /// One sentence where it cannot be read, or was trained for another number of devices.
    pub fn read(name: String, directory: &Path, devices: usize) -> Result<Dqn> {
        let trained: Trained<Encoder> = Trained::read(directory, KIND)?;
        let (network, encoder) = (Dueling::new(trained.weights)?, trained.settings);
        ensure!(
            network.actions() == devices,
            "the policy in {} was trained for {} devices, and this machine has {devices}; train one for it with `scx_augur \
             simulate train`",
            directory.display(),
            network.actions()
        );
        ensure!(
            network.inputs() == encoder.inputs(devices),
            "the policy in {} sees {} numbers where this program shows {}; train it again",
            directory.display(),
            network.inputs(),
            encoder.inputs(devices)
        );
        Ok(Dqn {
            name,
            network,
            encoder,
            state: Vec::new(),
        })
    }
}

impl DevicePolicy for Dqn {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = fleet.estimate(task);
        self.encoder.encode(fleet, task, &work, &mut self.state);
        let values = self.network.values(&self.state);
        let best = super::best(values, |device| work.fits(fleet.device(device)));
        best.map_or_else(|| fleet.anywhere(&work), Placement::One)
    }
}
