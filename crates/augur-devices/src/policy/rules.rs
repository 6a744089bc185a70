// SPDX-License-Identifier: GPL-2.0-only
//! Plain rules: policies that learn nothing of the tasks that ran.

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::{Task, Work};
use augur_base::random::Generator;
use rand::RngExt;
use std::ops::Range;

type Place = Box<dyn FnMut(&Fleet, &Task) -> Placement + Send>;

/// A rule under a name.
pub(super) struct Rule {
    name: String,
    place: Place,
}

impl Rule {
    /// A policy that places tasks so.
    pub(super) fn new(name: &str, place: impl FnMut(&Fleet, &Task) -> Placement + Send + 'static) -> Rule {
        Rule {
            name: name.to_owned(),
            place: Box::new(place),
        }
    }
}

impl DevicePolicy for Rule {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        (self.place)(fleet, task)
    }
}

/// `eft`, earliest finish time: the one device on which the task would be done first.
pub(super) fn eft(fleet: &Fleet, task: &Task) -> Placement {
    earliest(fleet, &fleet.estimate(task))
}

/// The one device on which the work would be done first; of equals the first.
pub(super) fn earliest(fleet: &Fleet, work: &Work) -> Placement {
    let mut best = (f64::INFINITY, fleet.anywhere(work));
    for device in (0..fleet.len()).filter(|&device| work.fits(fleet.device(device))) {
        let placement = Placement::One(device);
        let finish_s = fleet.finish_s(work, placement);
        if finish_s < best.0 {
            best = (finish_s, placement);
        }
    }
    best.1
}

/// `greedy`: the GPU's share is the task's intensity, on the CPU and the GPU that have the least left to do.
pub(super) fn greedy(fleet: &Fleet, task: &Task) -> Placement {
    let work = fleet.estimate(task);
    let cpu = fleet.least_busy(fleet.cpus(), &work);
    match (cpu, fleet.least_busy(fleet.gpus(), &work)) {
        (Some(cpu), Some(gpu)) => fleet.split(cpu, gpu, task.intensity),
        _ => fleet.anywhere(&work),
    }
}

/// `least_work`: the device that will first have done all that it has, whatever the task takes there.
pub(super) fn least_work(fleet: &Fleet, task: &Task) -> Placement {
    fleet.anywhere(&fleet.estimate(task))
}

/// `random`: a share drawn evenly, on a CPU and a GPU drawn evenly, by a generator that the caller seeded. A control.
pub(super) fn random(mut generator: Generator) -> impl FnMut(&Fleet, &Task) -> Placement {
    move |fleet, task| {
        let work = fleet.estimate(task);
        let share = generator.random::<f64>();
        let mut draw = |group: Range<usize>| {
            let device = (!group.is_empty()).then(|| generator.random_range(group));
            device.filter(|&device| work.fits(fleet.device(device)))
        };
        match (draw(fleet.cpus()), draw(fleet.gpus())) {
            (Some(cpu), Some(gpu)) => fleet.split(cpu, gpu, share),
            (Some(device), None) | (None, Some(device)) => Placement::One(device),
            (None, None) => fleet.anywhere(&work),
        }
    }
}

/// `round_robin`: a GPU and a CPU in turn, and among the GPUs and the CPUs in turn.
pub(super) fn round_robin() -> impl FnMut(&Fleet, &Task) -> Placement {
    let mut next = 0;
    move |fleet, task| {
        let turn: usize = next;
        next += 1;
        let (gpus, cpus) = (fleet.gpus(), fleet.cpus());
        let alone = gpus.is_empty() || cpus.is_empty();
        let group = match turn.is_multiple_of(2) {
            _ if cpus.is_empty() => gpus,
            true if !gpus.is_empty() => gpus,
            _ => cpus,
        };
        // Each kind has its own turn, unless there is one only.
        let rounds = if alone { turn } else { turn / 2 };
        let device = group.start + rounds % group.len().max(1);
        let work = fleet.estimate(task);
        match work.fits(fleet.device(device)) {
            true => Placement::One(device),
            false => fleet.anywhere(&work),
        }
    }
}

/// `power_of_d[d=…]`, the power of d choices: of d devices that are drawn, each among all, by a generator that the caller
/// seeded, the one that has the fewest tasks (Mitzenmacher, IEEE TPDS 12(10), 2001).
pub(super) fn power_of_d(d: usize, mut generator: Generator) -> impl FnMut(&Fleet, &Task) -> Placement {
    move |fleet, task| {
        let work = fleet.estimate(task);
        let drawn = (0..d).map(|_| generator.random_range(0..fleet.len().max(1)));
        let fitting = drawn.filter(|&device| work.fits(fleet.device(device)));
        // Of equals the first that was drawn.
        let best = fitting.min_by_key(|&device| fleet.states[device].queue);
        best.map_or_else(|| fleet.anywhere(&work), Placement::One)
    }
}
