// SPDX-License-Identifier: GPL-2.0-only
//! What a device policy may know: the devices, the machine's laws, and what each device still has to do.

use super::Placement;
use crate::workload::{Physics, Task, Work};
use augur_base::topology::device::{Device, Devices};

/// The devices at one moment.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// All devices, CPUs first.
    pub devices: Devices,
    /// How long tasks take, as far as their features tell.
    pub physics: Physics,
    /// One for each device.
    pub states: Vec<State>,
}

/// A device at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Until it has done all that it has, by the machine's laws; in s.
    pub backlog_s: f64,
    /// How many tasks it has, the one that runs included.
    pub queue: usize,
}

impl Fleet {
    /// Devices that idle.
    pub fn new(devices: Devices, physics: Physics) -> Fleet {
        let states = vec![State::default(); devices.all().len()];
        Fleet {
            devices,
            physics,
            states,
        }
    }

    /// How many devices.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// A device.
    pub fn device(&self, device: usize) -> &Device {
        &self.devices.all()[device]
    }

    /// The numbers of the CPUs.
    pub fn cpus(&self) -> std::ops::Range<usize> {
        0..self.devices.cpus()
    }

    /// The numbers of the GPUs.
    pub fn gpus(&self) -> std::ops::Range<usize> {
        self.devices.cpus()..self.len()
    }

    /// Until a device has done all that it has, in s.
    pub fn backlog_s(&self, device: usize) -> f64 {
        self.states[device].backlog_s
    }

    /// What a task takes by the machine's laws.
    pub fn estimate(&self, task: &Task) -> Work {
        self.physics.work(task)
    }

    /// The device of `among` that fits the task and has the least left to do; of equals the first.
    pub fn least_busy(&self, among: std::ops::Range<usize>, work: &Work) -> Option<usize> {
        let fitting = among.filter(|&device| work.fits(self.device(device)));
        fitting.min_by(|&a, &b| self.backlog_s(a).total_cmp(&self.backlog_s(b)))
    }

    /// Whether a task fits where it would be put.
    pub fn fits(&self, work: &Work, placement: Placement) -> bool {
        match placement {
            Placement::One(device) => work.fits(self.device(device)),
            Placement::Split { cpu, gpu, .. } => work.fits(self.device(cpu)) && work.fits(self.device(gpu)),
        }
    }

    /// From now until a task would be done, in s.
    pub fn finish_s(&self, work: &Work, placement: Placement) -> f64 {
        match placement {
            Placement::One(device) => self.backlog_s(device) + work.alone_s(self.device(device)),
            Placement::Split { cpu, gpu, share } => {
                let (on_cpu, on_gpu) = work.parts_s(self.device(cpu), self.device(gpu), share);
                self.backlog_s(cpu).max(self.backlog_s(gpu)) + on_cpu.max(on_gpu)
            }
        }
    }

    /// What a task would draw, in J.
    pub fn energy_j(&self, work: &Work, placement: Placement) -> f64 {
        match placement {
            Placement::One(device) => work.alone_s(self.device(device)) * self.device(device).power_w,
            Placement::Split { cpu, gpu, share } => {
                let (on_cpu, on_gpu) = work.parts_s(self.device(cpu), self.device(gpu), share);
                on_cpu * self.device(cpu).power_w + on_gpu * self.device(gpu).power_w
            }
        }
    }

    /// A split, or one device alone where the share leaves nothing to the other.
    pub fn split(&self, cpu: usize, gpu: usize, share: f64) -> Placement {
        match share {
            _ if share <= 0.0 => Placement::One(cpu),
            _ if share >= 1.0 => Placement::One(gpu),
            _ => Placement::Split { cpu, gpu, share },
        }
    }

    /// A device that fits the task, whatever it costs: the generator draws none that fits nowhere.
    pub fn anywhere(&self, work: &Work) -> Placement {
        Placement::One(self.least_busy(0..self.len(), work).unwrap_or(0))
    }
}
