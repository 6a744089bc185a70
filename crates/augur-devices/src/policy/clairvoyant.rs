// SPDX-License-Identifier: GPL-2.0-only
//! Clairvoyant: knows what a task really takes, and has it done as early as can be, as devices are now. No other decision is
//! better for that one task; for all of them together others can be, so it is not a bound ([`crate::sim::Bound`] is).

use super::{DevicePolicy, Fleet, Placement};
use crate::workload::{Task, Work};

/// `clairvoyant`, or `clairvoyant[step=0.05]`.
#[derive(Clone, Debug)]
pub struct Clairvoyant {
    name: String,
    step: Option<f64>,
    work: Option<Work>,
}

impl Clairvoyant {
    /// Without a step it splits exactly; with one it tries all multiples of it.
    pub fn new(name: String, step: Option<f64>) -> Clairvoyant {
        Clairvoyant {
            name,
            step,
            work: None,
        }
    }
}

impl DevicePolicy for Clairvoyant {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let work = self.work.take().unwrap_or_else(|| fleet.estimate(task));
        best(fleet, &work, self.step).0
    }

    fn is_clairvoyant(&self) -> bool {
        true
    }

    fn foresee(&mut self, work: &Work) {
        self.work = Some(*work);
    }
}

/// The placement that is done first, and when, in s from now. Both parts of a split begin together, so that the best share
/// of a pair is the same whatever they still have to do: where both parts end together.
pub fn best(fleet: &Fleet, work: &Work, step: Option<f64>) -> (Placement, f64) {
    let first = fleet.anywhere(work);
    let mut best = (first, fleet.finish_s(work, first));
    let mut consider = |placement: Placement| {
        let finish_s = fleet.finish_s(work, placement);
        if finish_s < best.1 {
            best = (placement, finish_s);
        }
    };
    let fits = |device: &usize| work.fits(fleet.device(*device));
    (0..fleet.len())
        .filter(fits)
        .for_each(|device| consider(Placement::One(device)));
    for cpu in fleet.cpus().filter(fits) {
        for gpu in fleet.gpus().filter(fits) {
            match step {
                None => {
                    let share = work.best_share(fleet.device(cpu), fleet.device(gpu));
                    consider(fleet.split(cpu, gpu, share));
                }
                Some(step) => {
                    let count = (1.0 / step).round().max(1.0) as usize;
                    (1..count).for_each(|part| consider(fleet.split(cpu, gpu, part as f64 * step)));
                }
            }
        }
    }
    best
}
