// SPDX-License-Identifier: GPL-2.0-only
//! A machine as plain data: which CPU shares what with which.

use super::split;
use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The largest machine, in CPUs. A limit that nobody meets by accident, and that a typing error does.
pub const MAX_CPUS: usize = 8192;

/// One logical CPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Cpu {
    /// The kernel's number.
    pub id: usize,
    /// Physical core, unique over the machine.
    pub core: usize,
    /// Last-level cache, unique over the machine.
    pub llc: usize,
    /// NUMA node.
    pub node: usize,
    /// Relative capacity; the machine's fastest CPU is 1.0.
    pub capacity: f32,
    /// Index into [`Machine::domains`].
    pub domain: usize,
}

/// A set of CPUs that share a cache and are balanced as one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    /// The kernel's CPU numbers, ascending.
    pub cpus: Vec<usize>,
    /// Last-level cache that they share.
    pub llc: usize,
    /// NUMA node.
    pub node: usize,
    /// Summed capacity.
    pub capacity: f32,
}

/// A machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Online CPUs, ascending by id.
    pub cpus: Vec<Cpu>,
    /// Domains; a CPU's `domain` indexes this.
    pub domains: Vec<Domain>,
}

impl Machine {
    /// Builds a machine from its online CPUs, in any order; ids may have holes. The CPUs' `domain` is ignored on
    /// the way in and set on the way out. Domains are ordered by node, cache and lowest CPU.
    ///
    /// One last-level cache is one domain. With `max_domain_cpus`, a cache with more CPUs than that is split evenly
    /// along its cores; siblings stay together, so a domain is never smaller than a core.
    ///
    /// # Errors
    /// One sentence that names the CPU, core or cache that contradicts the rest.
    pub fn from_cpus(mut cpus: Vec<Cpu>, max_domain_cpus: Option<usize>) -> Result<Machine> {
        ensure!(
            max_domain_cpus != Some(0),
            "a domain of at most 0 CPUs cannot hold any; allow at least 1"
        );
        cpus.sort_by_key(|cpu| cpu.id);
        validate(&cpus)?;

        let mut caches: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
        for (index, cpu) in cpus.iter().enumerate() {
            caches.entry((cpu.node, cpu.llc)).or_default().push(index);
        }
        let mut domains = Vec::new();
        for ((node, llc), members) in caches {
            for part in split::along_cores(&cpus, &members, max_domain_cpus) {
                for &index in &part {
                    cpus[index].domain = domains.len();
                }
                let capacity = part.iter().map(|&index| cpus[index].capacity).sum();
                let ids = part.iter().map(|&index| cpus[index].id).collect();
                domains.push(Domain {
                    cpus: ids,
                    llc,
                    node,
                    capacity,
                });
            }
        }
        Ok(Machine { cpus, domains })
    }

    /// The CPU with the kernel's number `id`, if it is online.
    pub fn cpu(&self, id: usize) -> Option<&Cpu> {
        self.cpus
            .binary_search_by_key(&id, |cpu| cpu.id)
            .ok()
            .map(|index| &self.cpus[index])
    }
}

/// Refuses what cannot be a machine; `cpus` is sorted by id.
fn validate(cpus: &[Cpu]) -> Result<()> {
    ensure!(!cpus.is_empty(), "a machine needs at least one CPU");
    ensure!(
        cpus.len() <= MAX_CPUS,
        "a machine of {} CPUs is beyond the limit of {MAX_CPUS}",
        cpus.len()
    );
    let mut cores = BTreeMap::new();
    let mut caches = BTreeMap::new();
    for (index, cpu) in cpus.iter().enumerate() {
        let (id, core, llc, node) = (cpu.id, cpu.core, cpu.llc, cpu.node);
        ensure!(index == 0 || cpus[index - 1].id != id, "CPU {id} is listed twice");
        if !(cpu.capacity > 0.0 && cpu.capacity <= 1.0) {
            bail!(
                "CPU {id} has capacity {}; it must be above 0 and at most 1",
                cpu.capacity
            );
        }
        let other = *cores.entry(core).or_insert(llc);
        ensure!(
            other == llc,
            "core {core} is behind two last-level caches, {other} and {llc}"
        );
        let other = *caches.entry(llc).or_insert(node);
        ensure!(
            other == node,
            "last-level cache {llc} is in two NUMA nodes, {other} and {node}"
        );
    }
    Ok(())
}

impl fmt::Display for Machine {
    /// `2 nodes, 4 LLCs, 16 cores, 32 CPUs, 4 domains`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distinct = |of: fn(&Cpu) -> usize| self.cpus.iter().map(of).collect::<BTreeSet<_>>().len();
        let parts = [
            (distinct(|cpu| cpu.node), "node"),
            (distinct(|cpu| cpu.llc), "LLC"),
            (distinct(|cpu| cpu.core), "core"),
            (self.cpus.len(), "CPU"),
            (self.domains.len(), "domain"),
        ];
        for (index, (count, noun)) in parts.into_iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {noun}{plural}")?;
        }
        Ok(())
    }
}
