// SPDX-License-Identifier: GPL-2.0-only
//! The program that comes of a trace, and the recording of what happened.

use super::task::{Piece, Tracked};
use super::{Builder, Recording, Seat};
use crate::sim::program::Program;
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
        for (index, task) in self.tasks.iter().enumerate() {
            self.pieces.done(index as u32, task.last());
        }
        let specs = self.tasks.iter().map(Tracked::spec).collect();
        drop(std::mem::take(&mut self.tasks));
        let wakeups = self.wakeups;
        let program = self.pieces.program(specs, |piece| sleep_ns(piece, wakeups));
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
}

/// The sleep before a burst. Without any wakeup in the trace, a first run tells when the task came, not since when it waited.
fn sleep_ns(piece: &Piece, wakeups: bool) -> u64 {
    match piece.assumed_ns {
        Some(begun_ns) if !wakeups => begun_ns,
        _ => piece.after_ns,
    }
}
