// SPDX-License-Identifier: GPL-2.0-only
//! A policy whose decisions are timed. The simulation itself knows no clock.

use crate::policy::{DevicePolicy, Fleet, Notices, Placement};
use crate::workload::{Parents, Task, Work};
use std::time::{Duration, Instant};

/// One decision in so many is timed: looking at the clock takes as long as a simple decision.
const EACH: u64 = 16;

/// Passes everything on.
pub(super) struct Timed {
    policy: Box<dyn DevicePolicy>,
    decisions: u64,
    timed: u64,
    took: Duration,
}

impl Timed {
    /// Times this policy.
    pub(super) fn new(policy: Box<dyn DevicePolicy>) -> Timed {
        Timed {
            policy,
            decisions: 0,
            timed: 0,
            took: Duration::ZERO,
        }
    }

    /// What a decision took, on average.
    pub(super) fn mean_ns(&self) -> f64 {
        self.took.as_nanos() as f64 / self.timed.max(1) as f64
    }
}

impl DevicePolicy for Timed {
    fn name(&self) -> String {
        self.policy.name()
    }

    fn prepare(&mut self, fleet: &Fleet, tasks: &[Task], parents: &[Parents]) {
        self.policy.prepare(fleet, tasks, parents);
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        self.decisions += 1;
        if !self.decisions.is_multiple_of(EACH) {
            return self.policy.place(fleet, task);
        }
        let start = Instant::now();
        let placement = self.policy.place(fleet, task);
        self.took += start.elapsed();
        self.timed += 1;
        placement
    }

    fn learn(&mut self, fleet: &Fleet, task: &Task, work: &Work) {
        self.policy.learn(fleet, task, work);
    }

    fn notices(&self) -> Option<&Notices> {
        self.policy.notices()
    }

    fn is_clairvoyant(&self) -> bool {
        self.policy.is_clairvoyant()
    }

    fn foresee(&mut self, work: &Work) {
        self.policy.foresee(work);
    }
}
