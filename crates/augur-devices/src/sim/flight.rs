// SPDX-License-Identifier: GPL-2.0-only
//! The tasks that are there: those that wait for others, wait in queues, or run.

use crate::policy::Placement;
use crate::workload::{Task, Work};

/// One task.
#[derive(Clone, Debug)]
pub struct Flight {
    /// What may be known of it.
    pub task: Task,
    /// What is true of it.
    pub work: Work,
    /// Where it was put.
    pub placement: Placement,
    /// When.
    pub placed_ns: u64,
    /// When it begins.
    pub start_ns: u64,
    /// How much later than possible it will be done.
    pub regret_ns: u64,
    /// What it draws, in J.
    pub energy_j: f64,
    /// What it costs.
    pub cost_usd: f64,
    /// Tasks that it waits for.
    pub missing: usize,
    /// Parts that are not done.
    pub parts: u8,
    /// Who waits for it.
    pub children: Vec<u32>,
}

/// All that are there. Places are used again.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    all: Vec<Flight>,
    free: Vec<u32>,
}

impl InFlight {
    /// Takes a task in.
    pub fn add(&mut self, task: Task, work: Work, missing: usize) -> u32 {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.all.push(Flight {
                    task,
                    work,
                    placement: Placement::One(0),
                    placed_ns: 0,
                    start_ns: 0,
                    regret_ns: 0,
                    energy_j: 0.0,
                    cost_usd: 0.0,
                    missing,
                    parts: 0,
                    children: Vec::new(),
                });
                return (self.all.len() - 1) as u32;
            }
        };
        let flight = self.get_mut(place);
        flight.task = task;
        flight.work = work;
        flight.missing = missing;
        place
    }

    /// One of them.
    pub fn get(&self, place: u32) -> &Flight {
        &self.all[place as usize]
    }

    /// One of them, to change it.
    pub fn get_mut(&mut self, place: u32) -> &mut Flight {
        &mut self.all[place as usize]
    }

    /// Forgets a task that is done; returns who waited for it.
    pub fn remove(&mut self, place: u32) -> Vec<u32> {
        self.free.push(place);
        std::mem::take(&mut self.get_mut(place).children)
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }
}
