// SPDX-License-Identifier: GPL-2.0-only
//! Drift: from some task on, other tasks come, and devices are no longer what they were.

use super::generator::Settings;
use anyhow::{Result, ensure};
use augur_base::bounds::{self, COUNT, POSITIVE};
use augur_base::topology::device::{Devices, Kind};
use serde::{Deserialize, Serialize};

/// What changes, and when. Nobody tells the policies: they see what tasks are like and how long they took.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// The numbers of the tasks (the first is 0) at which all changes, and changes back, in turn.
    pub at: Vec<u64>,
    /// Sizes, from then on; nothing: as before.
    pub size: Option<[f64; 2]>,
    /// Intensities; nothing: as before.
    pub intensity: Option<[f64; 2]>,
    /// Memory; nothing: as before.
    pub memory_mb: Option<[f64; 2]>,
    /// Tasks a second; nothing: as before.
    pub rate_per_s: Option<f64>,
    /// CPUs are so many times as fast.
    pub cpu_speed: f64,
    /// GPUs are: one that is too hot is slower.
    pub gpu_speed: f64,
    /// Data comes to them so many times as fast: another guest uses the bus.
    pub gpu_bandwidth: f64,
    /// Mean completions are shown for every so many tasks.
    pub window_tasks: u64,
}

impl Default for Drift {
    fn default() -> Drift {
        Drift {
            at: Vec::new(),
            size: None,
            intensity: None,
            memory_mb: None,
            rate_per_s: None,
            cpu_speed: 1.0,
            gpu_speed: 0.4,
            gpu_bandwidth: 0.25,
            window_tasks: 250,
        }
    }
}

impl Drift {
    /// Whether all has changed by the time of a task.
    pub fn is_on(&self, task: u64) -> bool {
        !self.at.iter().filter(|&&at| at <= task).count().is_multiple_of(2)
    }

    /// What comes, changed.
    pub fn settings(&self, settings: &Settings) -> Settings {
        Settings {
            size: self.size.unwrap_or(settings.size),
            intensity: self.intensity.unwrap_or(settings.intensity),
            memory_mb: self.memory_mb.unwrap_or(settings.memory_mb),
            rate_per_s: self.rate_per_s.unwrap_or(settings.rate_per_s),
            ..settings.clone()
        }
    }

    /// The devices, changed.
    pub fn devices(&self, devices: &Devices) -> Devices {
        devices.map(|device| match device.kind {
            Kind::Cpu => device.speed *= self.cpu_speed,
            Kind::Gpu => {
                device.speed *= self.gpu_speed;
                device.bandwidth_mb_per_s *= self.gpu_bandwidth;
            }
        })
    }

    /// Whether every setting can be, by itself; ranges are looked at with the workload's.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.at.is_sorted_by(|a, b| a < b),
            "workload.drift.at must be numbers of tasks, each above the one before, not {:?}",
            self.at
        );
        let settings = [
            ("", "/window_tasks", COUNT),
            ("", "/cpu_speed", POSITIVE),
            ("", "/gpu_speed", POSITIVE),
            ("", "/gpu_bandwidth", POSITIVE),
        ];
        bounds::check("workload.drift", self, &settings)
    }
}
