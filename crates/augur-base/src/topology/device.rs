// SPDX-License-Identifier: GPL-2.0-only
//! Devices of a simulated machine: CPUs and GPUs, what they can do, draw and cost.

use crate::bounds::{self, NOT_NEGATIVE, POSITIVE};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Runs tasks as they are.
    Cpu,
    /// Runs tasks faster, after their data was brought there.
    Gpu,
}

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// `CPU0`, `GPU1`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How fast, beside the usual one of its kind.
    pub speed: f64,
    /// Tasks that need more do not fit.
    pub memory_mb: f64,
    /// How fast data comes to a GPU.
    pub bandwidth_mb_per_s: f64,
    /// While it works.
    pub power_w: f64,
    /// While it works.
    pub price_usd_per_hour: f64,
}

/// The devices of a machine, CPUs first.
#[derive(Clone, Debug, PartialEq)]
pub struct Devices {
    all: Vec<Device>,
    cpus: usize,
}

/// A machine as it is written in a settings file: so many of each kind, or each by itself.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many CPUs.
    pub cpus: usize,
    /// How many GPUs.
    pub gpus: usize,
    /// What each CPU is like.
    pub cpu: CpuSettings,
    /// What each GPU is like.
    pub gpu: GpuSettings,
    /// The speed of each CPU; none: all 1.
    pub cpu_speeds: Vec<f64>,
    /// The speed of each GPU; none: all 1.
    pub gpu_speeds: Vec<f64>,
}

/// A CPU.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CpuSettings {
    /// Tasks that need more do not fit.
    pub memory_mb: f64,
    /// While it works.
    pub power_w: f64,
    /// While it works.
    pub price_usd_per_hour: f64,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GpuSettings {
    /// Tasks that need more do not fit.
    pub memory_mb: f64,
    /// How fast data comes to it: PCIe 5.0 with 16 lanes.
    pub bandwidth_mb_per_s: f64,
    /// While it works.
    pub power_w: f64,
    /// While it works.
    pub price_usd_per_hour: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            cpus: 1,
            gpus: 4,
            cpu: CpuSettings::default(),
            gpu: GpuSettings::default(),
            cpu_speeds: Vec::new(),
            gpu_speeds: Vec::new(),
        }
    }
}

impl Default for CpuSettings {
    fn default() -> Self {
        CpuSettings {
            memory_mb: 65_536.0,
            power_w: 30.0,
            price_usd_per_hour: 0.1,
        }
    }
}

impl Default for GpuSettings {
    fn default() -> Self {
        GpuSettings {
            memory_mb: 16_384.0,
            bandwidth_mb_per_s: 64_000.0,
            power_w: 50.0,
            price_usd_per_hour: 1.0,
        }
    }
}

/// The most devices of a machine.
pub const MOST_DEVICES: usize = 1024;

impl Settings {
    /// The devices themselves.
    ///
    /// # Errors
    /// One sentence that names the setting that is wrong.
    pub fn devices(&self) -> Result<Devices> {
        let count = self.cpus.saturating_add(self.gpus);
        ensure!(
            (1..=MOST_DEVICES).contains(&count),
            "machine.cpus and machine.gpus must be 1 to {MOST_DEVICES} together, not {count}"
        );
        for (name, speeds, count) in [
            ("cpu", &self.cpu_speeds, self.cpus),
            ("gpu", &self.gpu_speeds, self.gpus),
        ] {
            ensure!(
                speeds.is_empty() || speeds.len() == count,
                "machine.{name}_speeds has {} speeds, but machine.{name}s is {count}; give one for each, or none",
                speeds.len()
            );
        }
        let settings = [
            ("", "/cpu/memory_mb", POSITIVE),
            ("", "/gpu/memory_mb", POSITIVE),
            ("", "/gpu/bandwidth_mb_per_s", POSITIVE),
            ("", "/cpu/power_w", NOT_NEGATIVE),
            ("", "/gpu/power_w", NOT_NEGATIVE),
            ("", "/cpu/price_usd_per_hour", NOT_NEGATIVE),
            ("", "/gpu/price_usd_per_hour", NOT_NEGATIVE),
        ];
        bounds::check("machine", self, &settings)?;
        for (name, speeds) in [("cpu", &self.cpu_speeds), ("gpu", &self.gpu_speeds)] {
            let wrong = speeds.iter().find(|speed| !POSITIVE.contains(speed));
            ensure!(
                wrong.is_none(),
                "machine.{name}_speeds must be above 0, not {}",
                wrong.unwrap_or(&f64::NAN)
            );
        }
        let all = (0..self.cpus)
            .map(|at| self.cpu(at))
            .chain((0..self.gpus).map(|at| self.gpu(at)));
        Ok(Devices {
            all: all.collect(),
            cpus: self.cpus,
        })
    }

    fn cpu(&self, at: usize) -> Device {
        Device {
            name: format!("CPU{at}"),
            kind: Kind::Cpu,
            speed: speed(&self.cpu_speeds, at),
            memory_mb: self.cpu.memory_mb,
            bandwidth_mb_per_s: f64::INFINITY,
            power_w: self.cpu.power_w,
            price_usd_per_hour: self.cpu.price_usd_per_hour,
        }
    }

    fn gpu(&self, at: usize) -> Device {
        Device {
            name: format!("GPU{at}"),
            kind: Kind::Gpu,
            speed: speed(&self.gpu_speeds, at),
            memory_mb: self.gpu.memory_mb,
            bandwidth_mb_per_s: self.gpu.bandwidth_mb_per_s,
            power_w: self.gpu.power_w,
            price_usd_per_hour: self.gpu.price_usd_per_hour,
        }
    }
}

fn speed(speeds: &[f64], at: usize) -> f64 {
    speeds.get(at).copied().unwrap_or(1.0)
}

impl Devices {
    /// All devices, CPUs first.
    pub fn all(&self) -> &[Device] {
        &self.all
    }

    /// The same devices, each as `change` makes it.
    pub fn map(&self, change: impl Fn(&mut Device)) -> Devices {
        let mut devices = self.clone();
        devices.all.iter_mut().for_each(change);
        devices
    }

    /// How many of them are CPUs.
    pub fn cpus(&self) -> usize {
        self.cpus
    }
}
