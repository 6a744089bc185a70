// SPDX-License-Identifier: GPL-2.0-only
//! Machines: CPUs, cores, last-level caches, NUMA nodes and the domains that balancing works on.

mod machine;

pub use machine::{Cpu, Distance, Domain, Machine};
