// SPDX-License-Identifier: GPL-2.0-only
//! What a migration costs: the time to fill the new CPU's caches again.
//!
//! The penalty is `refill(distance, working set × footprint share) × warm share`. The warm share is what the old cache
//! still held: it halves for every `cooling_halflife_ns` since the task last ran. The footprint share is how much of a
//! working set the task has: it grows towards 1 with its average burst, half of it at `footprint_halflife_ns`. The
//! refill is that of a measured [`Curve`] where there is one for the distance (`scx_augur calibrate`); else it is
//! in proportion to the footprint share, and the distance's constant at a whole working set.

use crate::policy::cpu::load::decay_towards;
use anyhow::{Context, Result, bail, ensure};
use augur_base::topology::Distance;
use serde::{Deserialize, Serialize};

/// The shares' fixed point.
const ONE: u64 = 1 << 16;
/// No cache is larger: 1 TB.
const LARGEST_KB: u64 = 1 << 30;
/// No refill takes longer: a second.
const LONGEST_NS: u64 = 1_000_000_000;

/// The cost table of replay, in ns of a CPU of capacity 1.0. The defaults are assumptions of the order that the
/// literature on migration costs gives for servers; `scx_augur calibrate` measures a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// A full working set, where a curve asks for its size. An assumption: no trace tells it.
    pub working_set_kb: u64,
    /// Every switch to another task. 0 by default: recorded bursts have theirs in them.
    pub switch_ns: u64,
    /// Takes the place of `same_core_ns`; and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_core: Option<Curve>,
    /// Within a last-level cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_llc: Option<Curve>,
    /// To another last-level cache of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_llc: Option<Curve>,
    /// To another node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_node: Option<Curve>,
}

/// Refill times by working set: straight lines from nothing through the points; beyond the last one, as there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Sizes, ascending.
    pub working_set_kb: Vec<u64>,
    /// The refill of each.
    pub refill_ns: Vec<u64>,
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
            working_set_kb: 512,
            ..Costs::FREE
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
        working_set_kb: 1,
        switch_ns: 0,
        same_core: None,
        same_llc: None,
        cross_llc: None,
        cross_node: None,
    };

    /// What a task pays that goes on at `distance` from where it ran, `since_ns` ago, with bursts of `burst_ns`.
    pub fn refill_ns(&self, distance: Distance, since_ns: u64, burst_ns: u64) -> u64 {
        let (full_ns, curve) = match distance {
            Distance::Same => return 0,
            Distance::Core => (self.same_core_ns, &self.same_core),
            Distance::Llc => (self.same_llc_ns, &self.same_llc),
            Distance::Node => (self.cross_llc_ns, &self.cross_llc),
            Distance::Remote => (self.cross_node_ns, &self.cross_node),
        };
        let warm = u128::from(halved(since_ns, self.cooling_halflife_ns));
        let footprint = u128::from(ONE - halved(burst_ns, self.footprint_halflife_ns));
        let one = u128::from(ONE);
        let cost = match curve {
            Some(curve) => {
                let bytes = u128::from(self.working_set_kb) * 1024 * footprint / one;
                u128::from(curve.refill_ns(bytes as u64)) * warm / one
            }
            None => u128::from(full_ns) * warm * footprint / (one * one),
        };
        cost as u64
    }

    /// Puts a measured curve in the place of a distance's constant, which becomes the curve's value at a full working
    /// set.
    pub fn measured(&mut self, distance: Distance, curve: Curve) {
        let full_ns = curve.refill_ns(self.working_set_kb * 1024);
        let (constant, place) = match distance {
            Distance::Same => return,
            Distance::Core => (&mut self.same_core_ns, &mut self.same_core),
            Distance::Llc => (&mut self.same_llc_ns, &mut self.same_llc),
            Distance::Node => (&mut self.cross_llc_ns, &mut self.cross_llc),
            Distance::Remote => (&mut self.cross_node_ns, &mut self.cross_node),
        };
        (*constant, *place) = (full_ns, Some(curve));
    }

    /// The table of a TOML text, as `scx_augur calibrate` writes it. What it does not name has its default.
    ///
    /// # Errors
    /// One sentence that says what is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Costs> {
        let costs: Costs = toml::from_str(text).map_err(|err| {
            let begin = err.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..begin]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            anyhow::anyhow!("line {line}: {}", err.message().replace('\n', "; "))
        })?;
        costs.validate()?;
        Ok(costs)
    }

    /// The table as TOML, below comments.
    ///
    /// # Errors
    /// Where it cannot be written: never, as far as is known.
    pub fn to_toml(&self, comments: &[String]) -> Result<String> {
        let table = toml::to_string(self).context("cannot write the costs as TOML")?;
        let comments: String = comments.iter().map(|line| format!("# {line}\n")).collect();
        Ok(format!("{comments}{table}"))
    }

    fn validate(&self) -> Result<()> {
        for (name, time_ns) in [
            ("same_core_ns", self.same_core_ns),
            ("same_llc_ns", self.same_llc_ns),
            ("cross_llc_ns", self.cross_llc_ns),
            ("cross_node_ns", self.cross_node_ns),
            ("switch_ns", self.switch_ns),
        ] {
            ensure!(
                time_ns <= LONGEST_NS,
                "{name} is {time_ns}; it can be at most {LONGEST_NS}, a second"
            );
        }
        for (name, time_ns) in [
            ("cooling_halflife_ns", self.cooling_halflife_ns),
            ("footprint_halflife_ns", self.footprint_halflife_ns),
        ] {
            ensure!(time_ns > 0, "{name} is 0; it must be at least 1");
        }
        let size = self.working_set_kb;
        ensure!(
            (1..=LARGEST_KB).contains(&size),
            "working_set_kb is {size}; it must be from 1 to {LARGEST_KB}"
        );
        for (name, curve) in [
            ("same_core", &self.same_core),
            ("same_llc", &self.same_llc),
            ("cross_llc", &self.cross_llc),
            ("cross_node", &self.cross_node),
        ] {
            if let Some(curve) = curve {
                curve.validate().with_context(|| format!("[{name}]"))?;
            }
        }
        Ok(())
    }
}

impl Curve {
    /// The refill of a working set of so many bytes.
    pub fn refill_ns(&self, bytes: u64) -> u64 {
        let mut before = (0u64, 0u64);
        for (&kb, &ns) in self.working_set_kb.iter().zip(&self.refill_ns) {
            let size = kb.saturating_mul(1024);
            if bytes <= size {
                let (low, low_ns) = before;
                let share = i128::from(bytes - low);
                let rise = (i128::from(ns) - i128::from(low_ns)) * share / i128::from((size - low).max(1));
                return (i128::from(low_ns) + rise) as u64;
            }
            before = (size, ns);
        }
        before.1
    }

    fn validate(&self) -> Result<()> {
        let (sizes, times) = (&self.working_set_kb, &self.refill_ns);
        ensure!(
            !sizes.is_empty(),
            "working_set_kb is empty; give at least one size"
        );
        ensure!(
            sizes.len() == times.len(),
            "working_set_kb has {} sizes and refill_ns {} times; give one time for each size",
            sizes.len(),
            times.len()
        );
        if let Some(pair) = sizes.windows(2).find(|pair| pair[0] >= pair[1]) {
            bail!(
                "working_set_kb goes from {} to {}; give the sizes in ascending order",
                pair[0],
                pair[1]
            );
        }
        if let Some(size) = sizes.iter().find(|size| !(1..=LARGEST_KB).contains(*size)) {
            bail!("working_set_kb has {size}; it must be from 1 to {LARGEST_KB}");
        }
        if let Some(time) = times.iter().find(|&&time| time > LONGEST_NS) {
            bail!("refill_ns has {time}; it can be at most {LONGEST_NS}, a second");
        }
        Ok(())
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

    fn curve() -> Curve {
        Curve {
            working_set_kb: vec![32, 128, 512],
            refill_ns: vec![1_000, 9_000, 5_000],
        }
    }

    #[test]
    fn between_its_points_a_curve_is_straight_and_beyond_it_is_flat() {
        let at = |kb: u64| curve().refill_ns(kb * 1024);
        assert_eq!((at(0), at(16), at(32)), (0, 500, 1_000));
        assert_eq!((at(80), at(128), at(320), at(512)), (5_000, 9_000, 7_000, 5_000));
        assert_eq!((at(513), at(1 << 40)), (5_000, 5_000));
    }

    #[test]
    fn a_measured_curve_takes_the_place_of_its_constant() {
        let mut costs = Costs::default();
        costs.measured(Distance::Llc, curve());
        assert_eq!(costs.same_llc_ns, 5_000);
        let pays = |since_ns, burst_ns| costs.refill_ns(Distance::Llc, since_ns, burst_ns);
        assert_eq!(pays(0, 1 << 40), 5_000);
        // Half of the working set: 256 KB, a third of the way down; and half of that is still warm.
        assert_eq!(pays(0, 500_000), 9_000 - 4_000 / 3);
        assert_eq!(pays(10_000_000, 500_000), pays(0, 500_000) / 2);
        assert_eq!(costs.refill_ns(Distance::Remote, 0, 1 << 40), 150_000);
    }

    #[test]
    fn a_table_comes_back_from_its_text() {
        let mut costs = Costs::default();
        costs.measured(Distance::Llc, curve());
        costs.measured(
            Distance::Core,
            Curve {
                working_set_kb: vec![8],
                refill_ns: vec![0],
            },
        );
        let text = costs.to_toml(&["measured".into(), "somewhere".into()]).unwrap();
        assert!(
            text.starts_with("# measured\n# somewhere\nsame_core_ns = 0\n"),
            "{text}"
        );
        assert_eq!(Costs::from_toml(&text).unwrap(), costs);
        assert_eq!(Costs::from_toml("").unwrap(), Costs::default());
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_in_one_line() {
        for (text, part) in [
            ("\n\nsame_lc_ns = 3", "line 3: unknown field `same_lc_ns`"),
            ("same_llc_ns = \"3\"", "line 1: invalid type"),
            ("same_llc_ns = -3", "line 1: invalid value"),
            ("cross_node_ns = 2000000000", "cross_node_ns is 2000000000"),
            ("cooling_halflife_ns = 0", "cooling_halflife_ns is 0"),
            ("working_set_kb = 0", "working_set_kb is 0"),
            ("[same_llc]\nworking_set_kb = [1]", "missing field `refill_ns`"),
            (
                "[same_llc]\nworking_set_kb = []\nrefill_ns = []",
                "[same_llc]: working_set_kb is empty",
            ),
            (
                "[same_llc]\nworking_set_kb = [1, 2]\nrefill_ns = [1]",
                "2 sizes and refill_ns 1 times",
            ),
            (
                "[cross_llc]\nworking_set_kb = [4, 4]\nrefill_ns = [1, 2]",
                "[cross_llc]: working_set_kb goes from 4 to 4",
            ),
            (
                "[cross_llc]\nworking_set_kb = [0]\nrefill_ns = [1]",
                "working_set_kb has 0",
            ),
            (
                "[same_core]\nworking_set_kb = [9]\nrefill_ns = [9999999999]",
                "refill_ns has 9999999999",
            ),
            ("same_llc_ns = ", "line 1: "),
        ] {
            let said = format!("{:#}", Costs::from_toml(text).unwrap_err());
            assert!(said.contains(part) && said.lines().count() == 1, "{text}: {said}");
        }
    }

    #[test]
    fn free_is_free() {
        assert_eq!(Costs::FREE.refill_ns(Distance::Remote, 0, 1 << 40), 0);
    }
}
