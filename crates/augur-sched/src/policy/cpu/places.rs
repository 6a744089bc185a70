// SPDX-License-Identifier: GPL-2.0-only
//! A machine prepared for scheduling: CPUs by dense index, who is near whom, who shares what.

use super::mask::Mask;
use augur_base::topology::{Distance, Machine};
use std::sync::Arc;

/// The speed of a CPU of capacity 1.0.
pub const FULL_SPEED: u64 = 1024;

/// A machine, by dense CPU index (the position in [`Machine::cpus`]).
#[derive(Debug)]
pub struct Places {
    /// The machine.
    pub machine: Arc<Machine>,
    /// Each CPU's domain.
    pub domain: Vec<u32>,
    /// Each CPU's capacity, [`FULL_SPEED`] for 1.0.
    pub speed: Vec<u64>,
    /// Each CPU's core: all its CPUs.
    pub core: Vec<Mask>,
    /// Each CPU's last-level cache: all its CPUs.
    pub llc: Vec<Mask>,
    /// Each CPU's node: all its CPUs.
    pub node: Vec<Mask>,
    /// All CPUs.
    pub all: Mask,
    /// Each domain's CPUs, ascending.
    pub members: Vec<Vec<u32>>,
    /// The same as sets.
    pub domain_mask: Vec<Mask>,
    /// For each domain, all domains nearest first; itself is the first.
    pub near: Vec<Vec<u32>>,
    /// Whether any core has several CPUs.
    pub smt: bool,
    /// `from * cpus + to`.
    distances: Vec<Distance>,
}

impl Places {
    /// Prepares a machine.
    pub fn new(machine: Arc<Machine>) -> Places {
        let cpus = &machine.cpus;
        let count = cpus.len();
        let together = |same: &dyn Fn(usize, usize) -> bool| -> Vec<Mask> {
            let members = |a: usize| (0..count).filter(move |&b| same(a, b)).map(|b| b as u32);
            (0..count).map(|a| Mask::of(count, members(a))).collect()
        };
        let core = together(&|a, b| cpus[a].core == cpus[b].core);
        let members: Vec<Vec<u32>> = (0..machine.domains.len())
            .map(|domain| {
                let inside = cpus.iter().enumerate().filter(|(_, cpu)| cpu.domain == domain);
                inside.map(|(index, _)| index as u32).collect()
            })
            .collect();
        let near = |domain: usize| {
            let others = machine.nearest_domains(domain);
            std::iter::once(domain)
                .chain(others)
                .map(|other| other as u32)
                .collect()
        };
        let pairs = (0..count).flat_map(|a| (0..count).map(move |b| (a, b)));
        Places {
            domain: cpus.iter().map(|cpu| cpu.domain as u32).collect(),
            speed: cpus.iter().map(|cpu| speed(cpu.capacity)).collect(),
            llc: together(&|a, b| cpus[a].llc == cpus[b].llc),
            node: together(&|a, b| cpus[a].node == cpus[b].node),
            all: Mask::all(count),
            domain_mask: members
                .iter()
                .map(|cpus| Mask::of(count, cpus.iter().copied()))
                .collect(),
            members,
            near: (0..machine.domains.len()).map(near).collect(),
            smt: core.iter().any(|core| core.count() > 1),
            distances: pairs
                .map(|(a, b)| machine.distance(cpus[a].id, cpus[b].id))
                .collect(),
            core,
            machine,
        }
    }

    /// How many CPUs there are.
    pub fn cpus(&self) -> usize {
        self.domain.len()
    }

    /// How many domains there are.
    pub fn domains(&self) -> usize {
        self.members.len()
    }

    /// How far two CPUs are apart.
    pub fn distance(&self, a: u32, b: u32) -> Distance {
        self.distances[a as usize * self.cpus() + b as usize]
    }

    /// Whether two CPUs share a last-level cache.
    pub fn share_cache(&self, a: u32, b: u32) -> bool {
        self.distance(a, b) <= Distance::Llc
    }

    /// The domain of a CPU.
    pub fn domain_of(&self, cpu: u32) -> u32 {
        self.domain[cpu as usize]
    }
}

fn speed(capacity: f32) -> u64 {
    ((f64::from(capacity) * FULL_SPEED as f64).round() as u64).max(1)
}
