// SPDX-License-Identifier: GPL-2.0-only
//! A machine as plain data: which CPU shares what with which.

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
