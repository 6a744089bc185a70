// SPDX-License-Identifier: GPL-2.0-only
//! The Page-Hinkley test (Page, "Continuous inspection schemes", Biometrika 41, 1954; Hinkley, Biometrika 58, 1971): the sum
//! of what each value deviates from the mean so far, less a little, and how far it has risen above its lowest point; and the
//! same downwards.

use super::{Detector, Signal};

/// The detector.
#[derive(Clone, Debug)]
pub struct PageHinkley {
    /// Fewer values say nothing.
    pub min_instances: u64,
    /// A change that is tolerated, in the values' unit.
    pub delta: f64,
    /// A sum that is not.
    pub threshold: f64,
    /// What is left of the sum after each value.
    pub alpha: f64,
    sums: Sums,
}

#[derive(Clone, Debug, Default)]
struct Sums {
    count: u64,
    mean: f64,
    up: Side,
    down: Side,
}

/// One direction.
#[derive(Clone, Debug, Default)]
struct Side {
    sum: f64,
    /// The sum's lowest point, if there was one.
    lowest: Option<f64>,
    /// Values since then.
    since: u64,
}

impl Side {
    /// Adds a deviation; how far the sum is above its lowest point.
    fn add(&mut self, deviation: f64, alpha: f64) -> f64 {
        self.sum = alpha * self.sum + deviation;
        self.since += 1;
        match self.lowest {
            Some(lowest) if self.sum >= lowest => self.sum - lowest,
            _ => {
                self.lowest = Some(self.sum);
                self.since = 0;
                0.0
            }
        }
    }
}

impl Default for PageHinkley {
    fn default() -> PageHinkley {
        PageHinkley {
            min_instances: 30,
            delta: 0.005,
            threshold: 50.0,
            alpha: 0.9999,
            sums: Sums::default(),
        }
    }
}

impl Detector for PageHinkley {
    fn observe(&mut self, value: f64) -> Signal {
        let sums = &mut self.sums;
        sums.count += 1;
        sums.mean += (value - sums.mean) / sums.count as f64;
        let deviation = value - sums.mean;
        let risen = sums.up.add(deviation - self.delta, self.alpha);
        let fallen = sums.down.add(-deviation - self.delta, self.alpha);
        if sums.count < self.min_instances || risen.max(fallen) <= self.threshold {
            return Signal::Quiet;
        }
        let rose = risen > self.threshold;
        let side = if rose { &sums.up } else { &sums.down };
        let since = side.since.max(1);
        self.sums = Sums::default();
        Signal::Drift { since, rose }
    }
}
