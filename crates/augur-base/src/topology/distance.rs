// SPDX-License-Identifier: GPL-2.0-only
//! How far apart two CPUs or two domains are.

use super::{Cpu, Machine};
use serde::{Serialize, Serializer};

/// How far apart two CPUs are, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distance {
    /// The same logical CPU.
    Same,
    /// SMT siblings.
    Core,
    /// Another core behind the same last-level cache.
    Llc,
    /// Another last-level cache of the same node.
    Node,
    /// Another NUMA node.
    Remote,
}

impl Distance {
    /// The word in tables and files.
    pub fn label(self) -> &'static str {
        ["same_cpu", "same_core", "same_llc", "cross_llc", "cross_node"][self as usize]
    }

    /// 0 for [`Distance::Same`] to 4 for [`Distance::Remote`].
    pub fn ordinal(self) -> u8 {
        self as u8
    }

    fn between(a: &Cpu, b: &Cpu) -> Distance {
        if a.id == b.id {
            Distance::Same
        } else if a.core == b.core {
            Distance::Core
        } else {
            Distance::outside_core((a.llc, a.node), (b.llc, b.node))
        }
    }

    fn outside_core((llc_a, node_a): (usize, usize), (llc_b, node_b): (usize, usize)) -> Distance {
        if llc_a == llc_b {
            Distance::Llc
        } else if node_a == node_b {
            Distance::Node
        } else {
            Distance::Remote
        }
    }
}

impl Serialize for Distance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

/// Migrations by how far they went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByDistance {
    /// Between siblings of a core.
    pub same_core: u64,
    /// Within a last-level cache.
    pub same_llc: u64,
    /// To another last-level cache of the node.
    pub cross_llc: u64,
    /// To another node.
    pub cross_node: u64,
}

impl ByDistance {
    /// So many more of that distance; who stays did not migrate.
    pub fn add(&mut self, distance: Distance, count: u64) {
        match distance {
            Distance::Same => {}
            Distance::Core => self.same_core += count,
            Distance::Llc => self.same_llc += count,
            Distance::Node => self.cross_llc += count,
            Distance::Remote => self.cross_node += count,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.same_core + self.same_llc + self.cross_llc + self.cross_node
    }
}

impl From<[u64; 4]> for ByDistance {
    /// The nearest first.
    fn from([same_core, same_llc, cross_llc, cross_node]: [u64; 4]) -> ByDistance {
        ByDistance {
            same_core,
            same_llc,
            cross_llc,
            cross_node,
        }
    }
}

impl Machine {
    /// How far two CPUs are apart. A CPU that the machine does not have (unplugged) is [`Distance::Remote`].
    pub fn distance(&self, cpu_a: usize, cpu_b: usize) -> Distance {
        match (self.cpu(cpu_a), self.cpu(cpu_b)) {
            (Some(a), Some(b)) => Distance::between(a, b),
            _ => Distance::Remote,
        }
    }

    /// How far two domains are apart: [`Distance::Same`] for one and the same, [`Distance::Llc`] for two halves of
    /// a split cache. A domain that the machine does not have is [`Distance::Remote`].
    pub fn domain_distance(&self, a: usize, b: usize) -> Distance {
        match (self.domains.get(a), self.domains.get(b)) {
            (Some(_), Some(_)) if a == b => Distance::Same,
            (Some(x), Some(y)) => Distance::outside_core((x.llc, x.node), (y.llc, y.node)),
            _ => Distance::Remote,
        }
    }

    /// Every other domain, nearest first, ties by index.
    pub fn nearest_domains(&self, domain: usize) -> Vec<usize> {
        let mut others: Vec<usize> = (0..self.domains.len()).filter(|&other| other != domain).collect();
        others.sort_by_key(|&other| (self.domain_distance(domain, other), other));
        others
    }
}
