// SPDX-License-Identifier: GPL-2.0-only
//! What a migration costs: the time to fill the new CPU's caches again.
//!
//! The penalty is `refill_ns(distance) × warm share × footprint share`. The warm share is what the old cache still
//! held: it halves for every `cooling_halflife_ns` since the task last ran. The footprint share is how much of a
//! working set the task has: it grows towards 1 with its average burst, half of it at `footprint_halflife_ns`.

use crate::policy::cpu::load::decay_towards;
use crate::topology::Distance;
use serde::{Deserialize, Serialize};

/// The shares' fixed point.
const ONE: u64 = 1 << 16;

/// The cost table of replay, in ns of a CPU of capacity 1.0. The defaults are assumptions of the order that the
/// literature on migration costs gives for servers; measure your own machine for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Costs {
    /// Refill after a migration between siblings of a core, which share all caches but predictors.
    pub same_core_ns: u64,
    /// Within a last-level cache: L1 and L2.
    pub same_llc_ns: u64,
    /// To another last-level cache of the node.
    pub cross_llc_ns: u64,
    /// To another node.
    pub cross_node_ns: u64,
    /// Half of what a task left in a cache is gone after so long.
    pub cooling_halflife_ns: u64,
    /// A task of this average burst has half of a full working set.
    pub footprint_halflife_ns: u64,
    /// Every switch to another task. 0 by default: recorded bursts have theirs in them.
    pub switch_ns: u64,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            same_core_ns: 1_000,
            same_llc_ns: 10_000,
            cross_llc_ns: 60_000,
            cross_node_ns: 150_000,
            cooling_halflife_ns: 10_000_000,
            footprint_halflife_ns: 500_000,
            switch_ns: 0,
        }
    }
}

impl Costs {
    /// Nothing costs anything.
    pub const FREE: Costs = Costs {
        same_core_ns: 0,
        same_llc_ns: 0,
        cross_llc_ns: 0,
        cross_node_ns: 0,
        cooling_halflife_ns: 1,
        footprint_halflife_ns: 1,
        switch_ns: 0,
    };

    /// What a task pays that goes on at `distance` from where it ran, `since_ns` ago, with bursts of `burst_ns`.
    pub fn refill_ns(&self, distance: Distance, since_ns: u64, burst_ns: u64) -> u64 {
        let full = match distance {
            Distance::Same => return 0,
            Distance::Core => self.same_core_ns,
            Distance::Llc => self.same_llc_ns,
            Distance::Node => self.cross_llc_ns,
            Distance::Remote => self.cross_node_ns,
        };
        let warm = halved(since_ns, self.cooling_halflife_ns);
        let footprint = ONE - halved(burst_ns, self.footprint_halflife_ns);
        (u128::from(full) * u128::from(warm) * u128::from(footprint) / u128::from(ONE * ONE)) as u64
    }
}

/// 1 halved for every `halflife_ns` in `time_ns`.
fn halved(time_ns: u64, halflife_ns: u64) -> u64 {
    let steps = u128::from(time_ns) * 32 / u128::from(halflife_ns.max(1));
    decay_towards(ONE, 0, steps.min(1 << 20) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_grows_with_distance_and_footprint_and_fades_with_time() {
        let costs = Costs::default();
        let far = |since_ns, burst_ns| costs.refill_ns(Distance::Remote, since_ns, burst_ns);
        assert_eq!(costs.refill_ns(Distance::Same, 0, 1 << 40), 0);
        assert_eq!(far(0, 1 << 40), 150_000);
        assert_eq!(far(10_000_000, 1 << 40), 75_000);
        assert_eq!(far(0, 500_000), 75_000);
        assert_eq!(far(1 << 50, 1 << 40), 0);
        let near = costs.refill_ns(Distance::Llc, 0, 1 << 40);
        assert_eq!(near, 10_000);
    }

    #[test]
    fn free_is_free() {
        assert_eq!(Costs::FREE.refill_ns(Distance::Remote, 0, 1 << 40), 0);
    }
}
