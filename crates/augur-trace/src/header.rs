// SPDX-License-Identifier: GPL-2.0-only
//! What is known of a recording as a whole.

use anyhow::{Context, Result};
use augur_base::topology::{Cpu, Machine};
use serde::{Deserialize, Serialize};

/// Where and how a trace was recorded. What is not known is empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The kernel's release, such as `6.18.0`.
    pub kernel: String,
    /// The clock of the events' times, by its kernel name, such as `mono`.
    pub clock: String,
    /// The scheduler that ran.
    pub scheduler: String,
    /// The command that was recorded.
    pub command: Vec<String>,
    /// How many CPUs were online.
    pub cpus: u32,
    /// What the CPUs share with each other.
    pub topology: Vec<Place>,
    /// Events that the recorder had no room for, those that the trace's own `Lost` events name among them.
    pub lost: u64,
    /// Older events that newer ones took the place of before the trace was read: each CPU is known from its first
    /// event only.
    pub overwritten: u64,
}

/// One CPU's place in the machine, as [`Cpu`] has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The kernel's number.
    pub id: usize,
    /// Physical core.
    pub core: usize,
    /// Last-level cache.
    pub llc: usize,
    /// NUMA node.
    pub node: usize,
    /// Relative capacity, at most 1.0.
    pub capacity: f32,
}

impl From<&Cpu> for Place {
    fn from(cpu: &Cpu) -> Place {
        Place {
            id: cpu.id,
            core: cpu.core,
            llc: cpu.llc,
            node: cpu.node,
            capacity: cpu.capacity,
        }
    }
}

impl Header {
    /// Takes over a machine's topology.
    pub fn set_machine(&mut self, machine: &Machine) {
        self.topology = machine.cpus.iter().map(Place::from).collect();
        self.cpus = u32::try_from(machine.cpus.len()).unwrap_or(u32::MAX);
    }

    /// The machine that was recorded, with one domain for each last-level cache; `None` where the trace does not say.
    ///
    /// # Errors
    /// Where the places contradict each other.
    pub fn machine(&self) -> Result<Option<Machine>> {
        if self.topology.is_empty() {
            return Ok(None);
        }
        let cpus = self.topology.iter().map(|place| Cpu {
            id: place.id,
            core: place.core,
            llc: place.llc,
            node: place.node,
            capacity: place.capacity,
            domain: 0,
        });
        Machine::from_cpus(cpus.collect(), None)
            .map(Some)
            .context("the trace's topology is damaged; name a machine instead")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_comes_back_from_its_places() {
        let machine = Machine::from_spec("2x2x4x2").unwrap();
        let mut header = Header::default();
        assert_eq!(header.machine().unwrap(), None);
        header.set_machine(&machine);
        assert_eq!(header.cpus, 32);
        assert_eq!(header.machine().unwrap(), Some(machine));
        header.topology[0].llc = 7;
        assert!(header.machine().is_err());
    }
}
