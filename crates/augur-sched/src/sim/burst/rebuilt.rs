// SPDX-License-Identifier: GPL-2.0-only
//! The program that comes of a trace, and the recording of what happened.

use super::task::{Piece, Tracked};
use super::{Builder, CpuSeen, Recording, Seat};
use crate::sim::program::Program;
use augur_trace::State;
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
    /// Closes what is open and puts the program together: the events are all there is.
    pub fn finish(self) -> Rebuilt {
        self.finish_at(None, false)
    }

    /// Closes what is open and puts the program together. `end_ns` is the trace's end where something else than its
    /// events tells it; `torn`: what is missing there may differ from CPU to CPU.
    pub fn finish_at(mut self, end_ns: Option<u64>, torn: bool) -> Rebuilt {
        if let Some(end_ns) = end_ns {
            self.coverage.ends(end_ns);
        }
        self.coverage.close(torn);
        self.close();
        for (index, task) in self.tasks.iter().enumerate() {
            self.pieces.done(index as u32, task.last());
        }
        let specs = self.tasks.iter().map(Tracked::spec).collect();
        drop(std::mem::take(&mut self.tasks));
        let wakeups = self.wakeups;
        let program = self.pieces.program(specs, |piece| sleep_ns(piece, wakeups));
        self.notes.lost = self.coverage.lost();
        Rebuilt {
            program: Arc::new(program),
            recording: Recording {
                stays: self.stays,
                start_ns: self.coverage.start_ns(),
                span_ns: self.coverage.end_ns() - self.coverage.start_ns(),
                gaps: self.gaps,
                hides_waits: !self.wakeups_of_sleepers && (!wakeups || self.notes.unexplained > 0),
                doubt: self.coverage.doubt(),
                step: self.coverage.step(),
                cpus: self.cpus.into_keys().collect(),
                notes: self.notes,
            },
        }
    }

    /// Who still runs runs until the last moment that is known of the CPU.
    fn close(&mut self) {
        let start_ns = self.coverage.start_ns();
        let span_ns = self.coverage.end_ns() - start_ns;
        let asleep = State {
            bits: 1,
            preempted: false,
        };
        let cpus: Vec<(u32, CpuSeen)> = self.cpus.iter().map(|(&cpu, &seen)| (cpu, seen)).collect();
        for (cpu, seen) in cpus {
            let doubted = self
                .coverage
                .cpus()
                .get(&cpu)
                .is_some_and(|known| known.is_inconsistent());
            let end_ns = (self.coverage.end_of(cpu) - start_ns).max(seen.since_ns);
            match seen.seat {
                Seat::Taken(index) if doubted => {
                    self.lose(index, cpu, seen.since_ns);
                    self.gap(cpu, seen.since_ns, span_ns);
                }
                Seat::Taken(index) => {
                    self.end(index, cpu, end_ns, asleep);
                    self.gap(cpu, end_ns, span_ns);
                }
                Seat::Unknown => self.gap(cpu, seen.since_ns, span_ns),
                Seat::Idle => self.gap(cpu, end_ns, span_ns),
                Seat::Unseen => {}
            }
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
