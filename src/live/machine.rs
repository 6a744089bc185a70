// SPDX-License-Identifier: GPL-2.0-only
//! This machine's topology, as the kernel reports it.

use super::steady::{ThisMachine, once_steady};
use anyhow::{Context, Result};
use augur_base::topology::{Cpu, Machine};
use scx_utils::Topology;

/// Reads the online CPUs of this machine; a last-level cache with more than `max_domain_cpus` CPUs is split.
///
/// # Errors
/// Where sysfs cannot be read, or CPUs come and go all the time.
pub fn read(max_domain_cpus: Option<usize>) -> Result<Machine> {
    once_steady(&mut ThisMachine, || read_now(max_domain_cpus))
}

/// What sysfs says at this moment.
fn read_now(max_domain_cpus: Option<usize>) -> Result<Machine> {
    let topology = Topology::new().context("cannot read the topology from /sys/devices/system/cpu")?;
    let fastest = topology
        .all_cpus
        .values()
        .map(|cpu| cpu.cpu_capacity)
        .max()
        .unwrap_or(1)
        .max(1);
    let cpus = topology
        .all_cpus
        .values()
        .map(|cpu| Cpu {
            id: cpu.id,
            core: cpu.core_id,
            llc: cpu.llc_id,
            node: cpu.node_id,
            capacity: cpu.cpu_capacity as f32 / fastest as f32,
            domain: 0,
        })
        .collect();
    Machine::from_cpus(cpus, max_domain_cpus)
}
