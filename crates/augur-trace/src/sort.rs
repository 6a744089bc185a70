// SPDX-License-Identifier: GPL-2.0-only
//! Events in the order of time, however many there are: what does not fit goes to a temporary file, sorted.

use super::Event;
use super::native::codec::{Decoder, Encoder};
use anyhow::{Context, Result, ensure};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

/// Events that are sorted at once; about 40 MB.
const RUN: usize = 1 << 19;
/// Bytes of a block in the temporary file.
const BLOCK: usize = 1 << 16;

/// Takes events in any order.
pub(crate) struct Sorter {
    run: Vec<Event>,
    run_events: usize,
    runs: Vec<Run>,
    file: Option<File>,
    written: u64,
}

impl Default for Sorter {
    fn default() -> Sorter {
        Sorter::with_run(RUN)
    }
}

impl Sorter {
    /// Sorts so many events at once.
    fn with_run(run_events: usize) -> Sorter {
        Sorter {
            run: Vec::new(),
            run_events,
            runs: Vec::new(),
            file: None,
            written: 0,
        }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// Where there is no room for temporary files.
    pub(crate) fn push(&mut self, event: Event) -> Result<()> {
        self.run.push(event);
        if self.run.len() >= self.run_events {
            self.spill().context(
                "cannot keep a trace of this size in a temporary file; make room, or name another place in TMPDIR",
            )?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.run.sort_by_key(|event| event.time_ns);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        let begin = self.written;
        let mut block = Encoder::default();
        let count = self.run.len();
        for (index, event) in self.run.drain(..).enumerate() {
            block.push(&event);
            if block.len() >= BLOCK || index + 1 == count {
                self.written += block.take(|bytes| {
                    file.write_all(&(bytes.len() as u64).to_le_bytes())?;
                    file.write_all(bytes)?;
                    anyhow::Ok(8 + bytes.len() as u64)
                })?;
            }
        }
        self.runs.push(Run {
            next: begin,
            end: self.written,
            block: Decoder::default(),
        });
        Ok(())
    }

    /// Gives them out. Events of one time stay in the order in which they came.
    ///
    /// # Errors
    /// Where the temporary file cannot be read.
    pub(crate) fn finish(mut self) -> Result<Sorted> {
        self.run.sort_by_key(|event| event.time_ns);
        let mut sorted = Sorted {
            memory: self.run.into_iter(),
            file: self.file,
            heads: BinaryHeap::new(),
            waiting: Vec::new(),
            runs: self.runs,
        };
        for run in 0..=sorted.runs.len() {
            sorted.waiting.push(None);
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// A sorted part of the temporary file.
struct Run {
    next: u64,
    end: u64,
    block: Decoder,
}

impl Run {
    fn next(&mut self, file: &File) -> Result<Option<Event>> {
        loop {
            match self.block.next() {
                Some(event) => return event.map(Some).context("the temporary file was changed"),
                None if self.next == self.end => return Ok(None),
                None => {}
            }
            let mut bytes = [0; 8];
            file.read_exact_at(&mut bytes, self.next)?;
            let len = u64::from_le_bytes(bytes);
            ensure!(len <= self.end - self.next, "the temporary file was changed");
            let mut block = vec![0; usize::try_from(len)?];
            file.read_exact_at(&mut block, self.next + 8)?;
            self.next += 8 + len;
            self.block.start(block);
        }
    }
}

/// Events in the order of time. The last run is the one in memory.
pub(crate) struct Sorted {
    memory: std::vec::IntoIter<Event>,
    file: Option<File>,
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    waiting: Vec<Option<Event>>,
}

impl Sorted {
    fn advance(&mut self, run: usize) -> Result<()> {
        let event = match (self.runs.get_mut(run), &self.file) {
            (Some(run), Some(file)) => run.next(file)?,
            _ => self.memory.next(),
        };
        if let Some(event) = &event {
            self.heads.push(Reverse((event.time_ns, run)));
        }
        self.waiting[run] = event;
        Ok(())
    }

    /// The next event.
    ///
    /// # Errors
    /// Where the temporary file cannot be read.
    pub(crate) fn next(&mut self) -> Result<Option<Event>> {
        let Some(Reverse((_, run))) = self.heads.pop() else {
            return Ok(None);
        };
        let event = self.waiting[run].take();
        self.advance(run)?;
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn sorted_and_stable_in_memory_and_beyond(
            times in prop::collection::vec(0u64..50, 0..300),
            run in prop::sample::select(vec![1usize, 7, 50, 1000]),
        ) {
            let events: Vec<Event> = times.iter().zip(0..).map(|(&time_ns, cpu)| Event {
                time_ns,
                cpu,
                kind: EventKind::Lost { count: u64::from(cpu) },
            }).collect();
            let mut sorter = Sorter::with_run(run);
            for event in &events {
                sorter.push(event.clone()).unwrap();
            }
            let mut sorted = sorter.finish().unwrap();
            let mut expected = events;
            expected.sort_by_key(|event| event.time_ns);
            for event in expected {
                prop_assert_eq!(sorted.next().unwrap(), Some(event));
            }
            prop_assert_eq!(sorted.next().unwrap(), None);
        }
    }
}
