// SPDX-License-Identifier: GPL-2.0-only
//! Whose events a trace holds. Packets of several machines name theirs; each has a CPU 0 and tasks of the same pids, so
//! they are kept apart.

use std::collections::{BTreeMap, HashMap};

/// Most machines that are told apart.
const MACHINES: usize = 64;
/// Most CPUs of sequences whose order is watched.
const SEQUENCES: usize = 1 << 16;

/// The machines that were seen.
#[derive(Default)]
pub(super) struct Machines {
    wanted: Option<String>,
    /// Bundles of events of each.
    bundles: BTreeMap<u64, u64>,
    uuid: Option<Vec<u8>>,
    /// When the last bundle of each CPU in each sequence of packets began.
    begins: HashMap<(u64, u32), u64>,
    several: bool,
}

impl Machines {
    /// Only this one is read, or all where there is one.
    pub(super) fn new(wanted: Option<String>) -> Machines {
        Machines {
            wanted,
            ..Machines::default()
        }
    }

    /// A bundle of that machine's; whether it is read.
    pub(super) fn wants(&mut self, machine: u64) -> bool {
        if self.bundles.len() < MACHINES || self.bundles.contains_key(&machine) {
            *self.bundles.entry(machine).or_default() += 1;
        }
        self.wanted
            .as_ref()
            .is_none_or(|wanted| *wanted == machine.to_string())
    }

    /// The machine was named behind a bundle that was taken for machine 0's.
    pub(super) fn behind(&mut self, machine: u64) {
        if machine != 0 {
            *self.bundles.entry(machine).or_default() += 1;
        }
    }

    /// A recording's own number: two of them are two recordings in one file.
    pub(super) fn recording(&mut self, uuid: &[u8]) {
        match &self.uuid {
            Some(first) => self.several |= first != uuid,
            None => self.uuid = Some(uuid.to_vec()),
        }
    }

    /// A bundle's CPU and begin. In one sequence a CPU's bundles follow each other in time, in one recording.
    pub(super) fn bundle(&mut self, sequence: u64, begin: Option<(u32, u64)>) {
        let Some((cpu, time_ns)) = begin else {
            return;
        };
        if self.begins.len() < SEQUENCES || self.begins.contains_key(&(sequence, cpu)) {
            let before = self.begins.insert((sequence, cpu), time_ns);
            self.several |= before.is_some_and(|before| time_ns < before);
        }
    }

    /// Why this cannot be read as one machine's.
    pub(super) fn mixed(&self) -> Option<String> {
        if self.several {
            return Some("it holds several recordings, one behind the other; give one at a time".into());
        }
        let names: Vec<String> = self.bundles.keys().map(u64::to_string).collect();
        let names = names.join(", ");
        match &self.wanted {
            Some(wanted) if !self.bundles.keys().any(|machine| machine.to_string() == *wanted) => Some(
                format!("it has no events of machine `{wanted}`; --trace-machine can be one of {names}"),
            ),
            None if self.bundles.len() > 1 => Some(format!(
                "it holds the events of several machines ({names}); choose one with --trace-machine"
            )),
            _ => None,
        }
    }
}
