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
        let firsts: Vec<u32> = self
            .tasks
            .iter()
            .scan(0, |next, task| {
                let first = *next;
                *next += task.pieces.len() as u32;
                Some(first)
            })
            .collect();
        let ends: Vec<u32> = self
            .tasks
            .iter()
            .zip(&firsts)
            .map(|(task, first)| first + task.pieces.len() as u32)
            .collect();
        let mut program = Program::default();
        // Each task is given up as its bursts are taken over, so that a long trace is not in memory twice.
        for task in std::mem::take(&mut self.tasks) {
            self.add(&mut program, &task, (&firsts, &ends));
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

    /// Adds a task; all tasks' bursts are numbered from `firsts` on and up to `ends`.
    fn add(&self, program: &mut Program, task: &Tracked, (firsts, ends): (&[u32], &[u32])) {
        let bursts: Vec<(u64, u64)> = task
            .pieces
            .iter()
            .map(|piece| (self.sleep_ns(piece), piece.run_ns))
            .collect();
        let kept = task.actions.iter().filter_map(|&(burst, at_ns, woken, number)| {
            let &(_, run_ns) = bursts.get(burst as usize)?;
            let action = Action {
                at_ns: at_ns.min(run_ns),
                task: woken,
                burst: firsts[woken as usize] + number,
            };
            (action.burst < ends[woken as usize]).then_some((burst, action))
        });
        let mut kept: Vec<(u32, Action)> = kept.collect();
        // A wakeup that came too early took effect later than others that its waker made since.
        kept.sort_by_key(|&(burst, _)| burst);
        let (of_burst, actions): (Vec<u32>, Vec<Action>) = kept.into_iter().unzip();
        let mut rest = 0;
        let lists = (0..bursts.len() as u32).map(|burst| {
            let first = rest;
            rest += of_burst[rest..].iter().take_while(|&&of| of == burst).count();
            &actions[first..rest]
        });
        let lists: Vec<&[Action]> = lists.collect();
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
