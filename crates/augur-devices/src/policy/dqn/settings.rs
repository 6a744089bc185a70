// SPDX-License-Identifier: GPL-2.0-only
//! How `dqn` learns and what it weighs.

use anyhow::{Result, ensure};
use augur_base::bounds::{self, ANY, COUNT, Setting};
use augur_base::spelling::Spelling;
use serde::{Deserialize, Serialize};

/// The settings, with the usual ones of this field as defaults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// w: 0 looks at time only, 1 at energy only.
    pub energy_weight: f64,
    /// What a missed deadline costs beside.
    pub sla_penalty: f64,
    /// What it costs beside that backlogs differ, for each s of their standard deviation.
    pub imbalance_penalty: f64,
    /// Times are counted in mean durations of a task on a CPU of speed 1, not in s; and from the least that the task would run
    /// anywhere, for no policy can change that, and how much it differs from task to task would hide what a policy can.
    pub normalise: bool,
    /// Devices' queues, waits, speeds and run times are seen, too, and not only the task.
    pub queues: bool,
    /// γ: what the next decision's reward counts beside this one's.
    pub discount: f64,
    /// Of Adam.
    pub learning_rate: f64,
    /// It is multiplied by this at each decision, down to a fiftieth.
    pub learning_rate_decay: f64,
    /// ε is multiplied by this at each decision, from 1 on.
    pub epsilon_decay: f64,
    /// ε ends here.
    pub epsilon_least: f64,
    /// Transitions that are remembered.
    pub replay: usize,
    /// Transitions of a step of training.
    pub batch: usize,
    /// The target network follows after so many steps.
    pub target_interval: u64,
    /// Hidden units of each of the two layers.
    pub hidden: usize,
    /// One network chooses, the other one judges (van Hasselt et al. 2016).
    pub double: bool,
    /// Rewards of so many decisions are summed before the rest is estimated.
    pub n_step: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            energy_weight: 0.5,
            sla_penalty: 0.0,
            imbalance_penalty: 0.0,
            normalise: false,
            queues: false,
            discount: 0.99,
            learning_rate: 1e-3,
            learning_rate_decay: 1.0,
            epsilon_decay: 0.9999,
            epsilon_least: 0.01,
            replay: 50_000,
            batch: 128,
            target_interval: 100,
            hidden: 256,
            double: false,
            n_step: 1,
        }
    }
}

/// All of them, by their arguments in the spelling.
const SETTINGS: [Setting<'_>; 16] = [
    ("w", "/energy_weight", 0.0..=1.0),
    ("sla", "/sla_penalty", 0.0..=1e6),
    ("imbalance", "/imbalance_penalty", 0.0..=1e6),
    ("normalise", "/normalise", ANY),
    ("queues", "/queues", ANY),
    ("gamma", "/discount", 0.0..=1.0),
    ("learning_rate", "/learning_rate", 0.0..=1.0),
    ("learning_rate_decay", "/learning_rate_decay", 0.0..=1.0),
    ("epsilon_decay", "/epsilon_decay", 0.0..=1.0),
    ("epsilon_min", "/epsilon_least", 0.0..=1.0),
    ("replay", "/replay", 1.0..=1e7),
    ("batch", "/batch", 1.0..=65_536.0),
    ("target", "/target_interval", COUNT),
    ("hidden", "/hidden", 1.0..=4096.0),
    ("double", "/double", ANY),
    ("n_step", "/n_step", 1.0..=1000.0),
];

impl Settings {
    /// These, changed by the spelling's arguments.
    ///
    /// # Errors
    /// One sentence that names the argument that cannot be.
    pub fn spelled(&self, spelling: &Spelling) -> Result<Settings> {
        let settings = spelling.over(self, &SETTINGS)?;
        settings.check()?;
        Ok(settings)
    }

    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        bounds::check("dqn", self, &SETTINGS)?;
        ensure!(
            self.batch <= self.replay,
            "dqn.batch ({}) must not be above dqn.replay ({})",
            self.batch,
            self.replay
        );
        Ok(())
    }
}
