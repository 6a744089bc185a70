// SPDX-License-Identifier: GPL-2.0-only
//! The tasks that are there: those that wait for others, wait in queues, or run.

use super::Done;
use crate::workload::{Task, Work};

/// One task.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// What will be told of it when it is done.
    pub done: Done,
    /// What is true of it.
    pub work: Work,
    /// Tasks that it waits for.
    pub missing: usize,
    /// Parts that are not done.
    pub parts: u8,
    /// Who waits for it.
    pub children: Vec<u32>,
}

/// All that are there. Places are used again.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight {
    all: Vec<Flight>,
    free: Vec<u32>,
}

impl InFlight {
    /// Takes a task in.
    pub(super) fn add(&mut self, task: Task, work: Work, missing: usize) -> u32 {
        let flight = Flight {
            done: Done {
                task,
                ..Done::default()
            },
            work,
            missing,
            parts: 0,
            children: Vec::new(),
        };
        match self.free.pop() {
            Some(place) => {
                *self.get_mut(place) = flight;
                place
            }
            None => {
                self.all.push(flight);
                (self.all.len() - 1) as u32
            }
        }
    }

    /// One of them.
    pub(super) fn get(&self, place: u32) -> &Flight {
        &self.all[place as usize]
    }

    /// One of them, to change it.
    pub(super) fn get_mut(&mut self, place: u32) -> &mut Flight {
        &mut self.all[place as usize]
    }

    /// Forgets a task that is done; returns who waited for it.
    pub(super) fn remove(&mut self, place: u32) -> Vec<u32> {
        self.free.push(place);
        std::mem::take(&mut self.get_mut(place).children)
    }

    /// How many are there.
    pub(super) fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }
}
