// SPDX-License-Identifier: GPL-2.0-only
//! How long a task takes where, from its features, and how a task is split best.

use super::task::{Task, Work};
use anyhow::Result;
use augur_base::bounds::{self, NOT_NEGATIVE, POSITIVE};
use augur_base::topology::device::{Device, Kind};
use serde::{Deserialize, Serialize};

/// The laws of a simulated machine. A task takes `duration_scale_s` · N^`size_exponent` / (I + `intensity_offset`) on a
/// CPU, and `speedup_base` + `speedup_slope` · I times less on a GPU, after its data was brought there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Physics {
    /// The duration of N = 1 and I + offset = 1.
    pub duration_scale_s: f64,
    /// How the duration grows with N.
    pub size_exponent: f64,
    /// Keeps tasks without computation finite.
    pub intensity_offset: f64,
    /// How much faster a GPU is at I = 0.
    pub speedup_base: f64,
    /// How much faster still at I = 1.
    pub speedup_slope: f64,
}

impl Default for Physics {
    fn default() -> Self {
        Physics {
            duration_scale_s: 1e-7,
            size_exponent: 1.5,
            intensity_offset: 0.5,
            speedup_base: 1.0,
            speedup_slope: 3.0,
        }
    }
}

impl Physics {
    /// What a task of these features takes.
    pub fn work(&self, task: &Task) -> Work {
        // The usual exponent has a shorter way.
        let grown = match self.size_exponent {
            1.5 => task.size * task.size.sqrt(),
            exponent => task.size.powf(exponent),
        };
        Work {
            cpu_s: self.duration_scale_s * grown / (task.intensity + self.intensity_offset),
            speedup: self.speedup_base + self.speedup_slope * task.intensity,
            memory_mb: task.memory_mb,
        }
    }

    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        let settings = [
            ("", "/duration_scale_s", POSITIVE),
            ("", "/intensity_offset", POSITIVE),
            ("", "/speedup_base", POSITIVE),
            ("", "/size_exponent", NOT_NEGATIVE),
            ("", "/speedup_slope", NOT_NEGATIVE),
        ];
        bounds::check("physics", self, &settings)
    }
}

impl Work {
    /// What all of it takes on a device, in s; data that is brought to a GPU not counted.
    pub fn run_s(&self, device: &Device) -> f64 {
        match device.kind {
            Kind::Cpu => self.cpu_s / device.speed,
            Kind::Gpu => self.cpu_s / (self.speedup * device.speed),
        }
    }

    /// What bringing its data to a device takes, in s.
    pub fn transfer_s(&self, device: &Device) -> f64 {
        match device.kind {
            Kind::Cpu => 0.0,
            Kind::Gpu => self.memory_mb / device.bandwidth_mb_per_s,
        }
    }

    /// What all of it takes on a device, in s, its data included.
    pub fn alone_s(&self, device: &Device) -> f64 {
        self.run_s(device) + self.transfer_s(device)
    }

    /// What the CPU's part and the GPU's part take, in s, where the GPU has this share of the work.
    pub fn parts_s(&self, cpu: &Device, gpu: &Device, share: f64) -> (f64, f64) {
        (
            (1.0 - share) * self.run_s(cpu),
            share * self.run_s(gpu) + self.transfer_s(gpu),
        )
    }

    /// The GPU's share that ends first where both parts begin at once: where both end together, (c − t)/(c + g) for
    /// c on the CPU, g on the GPU and the transfer t. 0: the CPU is done before the data would be there.
    pub fn best_share(&self, cpu: &Device, gpu: &Device) -> f64 {
        let (c, g, t) = (self.run_s(cpu), self.run_s(gpu), self.transfer_s(gpu));
        if c <= t { 0.0 } else { (c - t) / (c + g) }
    }

    /// Whether it fits into a device's memory.
    pub fn fits(&self, device: &Device) -> bool {
        self.memory_mb <= device.memory_mb
    }
}
