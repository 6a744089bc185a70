// SPDX-License-Identifier: GPL-2.0-only
//! DDM (Gama, Medas, Castillo, Rodrigues, "Learning with drift detection", SBIA 2004): errors are 0 or 1; their rate p with
//! its standard deviation s should only fall. Where p + s is above the lowest p + 2 s so far it warns, above p + 3 s it
//! says that there is a drift.

use super::{Detector, Signal};

/// The detector. A value above 0 is an error.
#[derive(Clone, Debug)]
pub struct Ddm {
    /// Up to so many values say nothing.
    pub warm_start: u64,
    /// Standard deviations until it warns.
    pub warning_threshold: f64,
    /// Standard deviations until it says so.
    pub drift_threshold: f64,
    rates: Rates,
}

#[derive(Clone, Debug, Default)]
struct Rates {
    count: u64,
    errors: u64,
    /// p and s where p + s was lowest.
    lowest: Option<(f64, f64)>,
    /// Values since it began to warn.
    warned: u64,
}

impl Default for Ddm {
    fn default() -> Ddm {
        Ddm {
            warm_start: 30,
            warning_threshold: 2.0,
            drift_threshold: 3.0,
            rates: Rates::default(),
        }
    }
}

impl Detector for Ddm {
    fn observe(&mut self, value: f64) -> Signal {
        let rates = &mut self.rates;
        rates.count += 1;
        rates.errors += u64::from(value > 0.0);
        if rates.count <= self.warm_start {
            return Signal::Quiet;
        }
        let count = rates.count as f64;
        let p = rates.errors as f64 / count;
        let s = (p * (1.0 - p) / count).sqrt();
        let (p_min, s_min) = match rates.lowest {
            Some((p_min, s_min)) if p + s > p_min + s_min => (p_min, s_min),
            _ => {
                rates.lowest = Some((p, s));
                (p, s)
            }
        };
        if p + s <= p_min + self.warning_threshold * s_min {
            rates.warned = 0;
            return Signal::Quiet;
        }
        rates.warned += 1;
        if p + s <= p_min + self.drift_threshold * s_min {
            return Signal::Warning;
        }
        let since = rates.warned;
        self.rates = Rates::default();
        Signal::Drift { since, rose: true }
    }
}
