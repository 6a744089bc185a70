// SPDX-License-Identifier: GPL-2.0-only
//! The settings file: machine, laws, workload, and how what learns does.

use crate::policy::{Context, dqn, hybrid_ml};
use crate::workload::{Listed, Physics, generator};
use anyhow::{Result, anyhow, ensure};
use augur_base::topology::device;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// All settings; what a file leaves out is as by default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What only `experiment` looks at.
    pub experiment: crate::experiment::study::Settings,
    /// The devices.
    pub machine: device::Settings,
    /// How long tasks take.
    pub physics: Physics,
    /// What tasks come.
    pub workload: generator::Settings,
    /// How `hybrid_ml` learns.
    pub hybrid_ml: hybrid_ml::Settings,
    /// How `dqn` learns.
    pub dqn: dqn::Settings,
    /// Tasks of a file, in place of drawn ones.
    #[serde(skip)]
    pub listed: Option<Arc<Listed>>,
}

/// What is simulated where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// A CPU and four GPUs.
    #[default]
    CpuGpu,
    /// Four CPUs of unequal speed, at seven tenths of what they can do.
    Multiprocessor,
}

impl Scenario {
    /// The policies that are compared where none are named.
    pub fn policies(self) -> &'static str {
        match self {
            Scenario::CpuGpu => "round_robin,random,greedy,least_work,eft,hybrid_ml,clairvoyant",
            Scenario::Multiprocessor => "round_robin,least_work,eft",
        }
    }

    /// Its settings.
    pub fn config(self) -> Config {
        let mut config = Config::default();
        if self == Scenario::Multiprocessor {
            config.machine.cpus = 4;
            config.machine.gpus = 0;
            config.machine.cpu_speeds = vec![1.2, 1.0, 1.0, 0.8];
            config.workload.rate_per_s = 175.0;
            config.workload.drift.cpu_speed = 0.8;
            // The reward is −completion time, in mean run times, less penalties for a missed deadline and for imbalance. What
            // a decision does to others is over when the queues that it made are: the far future is noise. These are what
            // model_dir/dqn-multiprocessor learned with.
            config.dqn = dqn::Settings {
                queues: true,
                energy_weight: 0.0,
                normalise: true,
                sla_penalty: 0.25,
                imbalance_penalty: 0.02,
                discount: 0.6,
                learning_rate: 1e-3,
                learning_rate_decay: 0.9999,
                epsilon_decay: 0.9998,
                ..dqn::Settings::default()
            };
        }
        config
    }
}

impl Config {
    /// Reads TOML; what it leaves out is as in the scenario.
    ///
    /// # Errors
    /// One sentence that names the line and the setting.
    pub fn from_toml(text: &str, scenario: Scenario) -> Result<Config> {
        scenario.config().with_toml(text)
    }

    /// Reads TOML; what it leaves out is as here.
    ///
    /// # Errors
    /// One sentence that names the line and the setting.
    pub fn with_toml(&self, text: &str) -> Result<Config> {
        // By itself first, for the line of what is wrong.
        let _: Config = read(text)?;
        let mut table = toml::Table::try_from(self)?;
        overlay(&mut table, read(text)?);
        Ok(table.try_into()?)
    }

    /// What policies are made for.
    ///
    /// # Errors
    /// One sentence that names the setting that is wrong.
    pub fn context(&self) -> Result<Context> {
        self.physics.check()?;
        self.workload.check()?;
        self.hybrid_ml.check()?;
        self.dqn.check()?;
        let devices = self.machine.devices()?;
        let drifted = self.workload.drift.memory_mb.unwrap_or_default();
        let most_mb = self.workload.memory_mb[1].max(drifted[1]);
        ensure!(
            devices.all().iter().any(|device| most_mb <= device.memory_mb),
            "a task of {most_mb} MB fits no device; workload.memory_mb is too large, or machine.cpu.memory_mb and \
             machine.gpu.memory_mb are too small"
        );
        Ok(Context {
            devices,
            physics: self.physics.clone(),
            workload: self.workload.clone(),
            listed: self.listed.clone(),
            hybrid_ml: self.hybrid_ml.clone(),
            dqn: self.dqn.clone(),
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|err| {
        let at = err.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..at]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        anyhow!("line {line}: {}", err.message().trim().replace('\n', "; "))
    })
}

/// Lays tables over tables, and anything else in place of what was there.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
