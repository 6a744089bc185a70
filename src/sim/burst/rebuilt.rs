// SPDX-License-Identifier: GPL-2.0-only
//! The program that comes of a trace, and the recording of what happened.

use super::task::{Piece, Tracked};
use super::{Builder, Recording, Seat};
use crate::sim::program::{Action, Program};
use crate::trace::State;
use std::sync::Arc;

/// A trace's program, and what really happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rebuilt {
    /// What the tasks do.
    pub program: Arc<Program>,
    /// What really happened.
    pub recording: Recording,
}

impl Builder {
    /// Closes what is open and puts the program together.
    pub fn finish(mut self) -> Rebuilt {
        let end_ns = self.now_ns;
        let open: Vec<(u32, u32)> = self
            .cpus
            .iter()
            .filter_map(|(&cpu, seen)| match seen.seat {
                Seat::Taken(index) => Some((index, cpu)),
                _ => None,
            })
            .collect();
        for (index, cpu) in open {
            self.end(
                index,
                cpu,
                end_ns,
                State {
                    bits: 1,
                    preempted: false,
                },
            );
        }
        self.tasks.iter_mut().for_each(Tracked::forget_unrun);
        let numbers: Vec<u32> = self
            .tasks
            .iter()
            .scan(0, |next, task| {
                let first = *next;
                *next += task.pieces.len() as u32;
                Some(first)
            })
            .collect();
        let mut program = Program::default();
        for task in &self.tasks {
            self.add(&mut program, task, &numbers);
        }
        Rebuilt {
            program: Arc::new(program),
            recording: Recording {
                stays: self.stays,
                start_ns: self.start_ns.unwrap_or(0),
                span_ns: end_ns,
                cpus: self.cpus.into_keys().collect(),
                notes: self.notes,
            },
        }
    }

    fn add(&self, program: &mut Program, task: &Tracked, numbers: &[u32]) {
        let bursts: Vec<(u64, u64)> = task
            .pieces
            .iter()
            .map(|piece| (self.sleep_ns(piece), piece.run_ns))
            .collect();
        let mut actions = vec![Vec::new(); bursts.len()];
        for &(burst, at_ns, woken, number) in &task.actions {
            let kept = number < self.tasks[woken as usize].pieces.len() as u32;
            if let (Some(list), true) = (actions.get_mut(burst as usize), kept) {
                list.push(Action {
                    at_ns: at_ns.min(bursts[burst as usize].1),
                    task: woken,
                    burst: numbers[woken as usize] + number,
                });
            }
        }
        let lists: Vec<&[Action]> = actions.iter().map(Vec::as_slice).collect();
        program.push(task.spec(), &bursts, &lists);
    }

    /// The sleep before a burst. Without any wakeup in the trace, a first run tells when the task came, not since when
    /// it waited.
    fn sleep_ns(&self, piece: &Piece) -> u64 {
        match piece.assumed_ns {
            Some(begun_ns) if !self.wakeups => begun_ns,
            _ => piece.after_ns,
        }
    }
}
