// SPDX-License-Identifier: GPL-2.0-only
//! Machines: CPUs, cores, last-level caches, NUMA nodes and the domains that balancing works on.
//!
//! A [`Machine`] comes from a shape ([`Machine::from_spec`]), a TOML text ([`Machine::from_toml`]) or a list of CPUs
//! ([`Machine::from_cpus`]); reading this computer's own list is the caller's work. Nothing here reads a file or asks
//! the kernel.

pub mod device;
mod distance;
mod file;
mod machine;
mod shape;
mod split;

pub use distance::{ByDistance, Distance};
pub use machine::{Cpu, Domain, MAX_CPUS, Machine};
pub use shape::Shape;
