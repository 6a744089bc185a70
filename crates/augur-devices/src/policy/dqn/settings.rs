// SPDX-License-Identifier: GPL-2.0-only
//! How `dqn` learns and what it weighs.

use anyhow::{Result, ensure};
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

/// Arguments of the spelling.
pub const KEYS: [&str; 16] = [
    "w",
    "sla",
    "imbalance",
    "normalise",
    "queues",
    "gamma",
    "learning_rate",
    "learning_rate_decay",
    "epsilon_decay",
    "epsilon_min",
    "replay",
    "batch",
    "target",
    "hidden",
    "double",
    "n_step",
];

impl Settings {
    /// These, changed by the spelling's arguments.
    ///
    /// # Errors
    /// One sentence that names the argument that cannot be.
    pub fn spelled(&self, spelling: &Spelling) -> Result<Settings> {
        spelling.only(&KEYS)?;
        let mut settings = self.clone();
        let number = |key: &str, most: f32, to: &mut f64| -> Result<()> {
            if let Some(value) = spelling.number(key, most)? {
                // By its decimal spelling: 0.9999 is meant, not the nearest float32.
                *to = value.to_string().parse()?;
            }
            Ok(())
        };
        let flag = |key: &str, to: &mut bool| -> Result<()> {
            *to = spelling.integer(key)?.map_or(*to, |value| value != 0);
            Ok(())
        };
        let size = |key: &str, to: &mut usize| -> Result<()> {
            *to = spelling.integer(key)?.map_or(Ok(*to), usize::try_from)?;
            Ok(())
        };
        number("w", 1.0, &mut settings.energy_weight)?;
        number("sla", 1e6, &mut settings.sla_penalty)?;
        number("imbalance", 1e6, &mut settings.imbalance_penalty)?;
        number("gamma", 1.0, &mut settings.discount)?;
        number("learning_rate", 1.0, &mut settings.learning_rate)?;
        number("learning_rate_decay", 1.0, &mut settings.learning_rate_decay)?;
        number("epsilon_decay", 1.0, &mut settings.epsilon_decay)?;
        number("epsilon_min", 1.0, &mut settings.epsilon_least)?;
        flag("normalise", &mut settings.normalise)?;
        flag("queues", &mut settings.queues)?;
        flag("double", &mut settings.double)?;
        size("replay", &mut settings.replay)?;
        size("batch", &mut settings.batch)?;
        size("hidden", &mut settings.hidden)?;
        size("n_step", &mut settings.n_step)?;
        settings.target_interval = spelling.integer("target")?.unwrap_or(settings.target_interval);
        settings.check()?;
        Ok(settings)
    }

    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        for (name, value) in [
            ("energy_weight", self.energy_weight),
            ("discount", self.discount),
            ("learning_rate", self.learning_rate),
            ("learning_rate_decay", self.learning_rate_decay),
            ("epsilon_decay", self.epsilon_decay),
            ("epsilon_least", self.epsilon_least),
        ] {
            ensure!(
                (0.0..=1.0).contains(&value),
                "dqn.{name} must be 0 to 1, not {value}"
            );
        }
        for (name, value) in [
            ("sla_penalty", self.sla_penalty),
            ("imbalance_penalty", self.imbalance_penalty),
        ] {
            ensure!(
                (0.0..=1e6).contains(&value),
                "dqn.{name} must be 0 to 1000000, not {value}"
            );
        }
        for (name, value, most) in [
            ("replay", self.replay, 10_000_000),
            ("batch", self.batch, 65_536),
            ("hidden", self.hidden, 4096),
            ("n_step", self.n_step, 1000),
        ] {
            ensure!(
                (1..=most).contains(&value),
                "dqn.{name} must be 1 to {most}, not {value}"
            );
        }
        ensure!(
            self.batch <= self.replay,
            "dqn.batch ({}) must not be above dqn.replay ({})",
            self.batch,
            self.replay
        );
        ensure!(self.target_interval > 0, "dqn.target_interval must be 1 or more");
        Ok(())
    }
}
