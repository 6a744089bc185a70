// SPDX-License-Identifier: GPL-2.0-only
//! The settings file: machine, laws, workload, and how what learns does.

use crate::policy::device::{Context, hybrid_ml};
use crate::topology::device;
use crate::workload::{Physics, generator};
use anyhow::{Result, anyhow, ensure};
use serde::Deserialize;

/// All settings; what a file leaves out is as by default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The devices.
    pub machine: device::Settings,
    /// How long tasks take.
    pub physics: Physics,
    /// What tasks come.
    pub workload: generator::Settings,
    /// How `hybrid_ml` learns.
    pub hybrid_ml: hybrid_ml::Settings,
}

impl Config {
    /// Reads TOML.
    ///
    /// # Errors
    /// One sentence that names the line and the setting.
    pub fn from_toml(text: &str) -> Result<Config> {
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

    /// What policies are made for.
    ///
    /// # Errors
    /// One sentence that names the setting that is wrong.
    pub fn context(&self) -> Result<Context> {
        self.physics.check()?;
        self.workload.check()?;
        self.hybrid_ml.check()?;
        let devices = self.machine.devices()?;
        let most_mb = self.workload.memory_mb[1];
        ensure!(
            devices.all().iter().any(|device| most_mb <= device.memory_mb),
            "a task of {most_mb} MB fits no device; workload.memory_mb is too large, or machine.cpu.memory_mb and \
             machine.gpu.memory_mb are too small"
        );
        Ok(Context {
            devices,
            physics: self.physics.clone(),
            workload: self.workload.clone(),
            hybrid_ml: self.hybrid_ml.clone(),
        })
    }
}
