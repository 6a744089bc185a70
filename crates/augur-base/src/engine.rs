// SPDX-License-Identifier: GPL-2.0-only
//! The event engine: what happens next, in order of time, and a hash of all that happened.
//!
//! Events are small plain values. Two at the same moment happen in the order in which they were scheduled, so that one
//! input has one history. There is no cancelling: whoever scheduled an event that no longer holds recognises it when
//! it comes (by a token in the event) and does not apply it.

use super::invariant::Violation;

/// Children of a node. Four of them share a cache line or two, and the heap is half as deep as a binary one.
const ARITY: usize = 4;

/// One event that waits for its time.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time_ns: u64,
    /// Breaks ties: first scheduled, first applied.
    number: u64,
    event: E,
}

impl<E> Entry<E> {
    fn before(&self, other: &Entry<E>) -> bool {
        (self.time_ns, self.number) < (other.time_ns, other.number)
    }
}

/// A clock and the events to come. `E` turns into 64 bits, which is what the hash takes of it.
#[derive(Clone, Debug)]
pub struct Engine<E> {
    heap: Vec<Entry<E>>,
    now_ns: u64,
    scheduled: u64,
    applied: u64,
    hash: StateHash,
}

impl<E: Copy + Into<u64>> Default for Engine<E> {
    fn default() -> Self {
        Engine {
            heap: Vec::new(),
            now_ns: 0,
            scheduled: 0,
            applied: 0,
            hash: StateHash::default(),
        }
    }
}

impl<E: Copy + Into<u64>> Engine<E> {
    /// An engine at time 0 with nothing to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// The time of the event that was taken last.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// How many events were applied.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// What was applied so far, as one number.
    pub fn state_hash(&self) -> u64 {
        self.hash.value()
    }

    /// When the next event is, if there is one.
    pub fn next_ns(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.time_ns)
    }

    /// Lets `event` happen at `time_ns`; at once where that is past.
    pub fn schedule(&mut self, time_ns: u64, event: E) {
        let entry = Entry {
            time_ns: time_ns.max(self.now_ns),
            number: self.scheduled,
            event,
        };
        self.scheduled += 1;
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    /// Takes the next event off and sets the clock to its time. It counts as applied only once [`Engine::apply`] says
    /// so.
    pub fn take(&mut self) -> Option<E> {
        let last = self.heap.pop()?;
        let first = match self.heap.first_mut() {
            Some(root) => std::mem::replace(root, last),
            None => last,
        };
        self.sift_down();
        self.now_ns = first.time_ns;
        Some(first.event)
    }

    /// Moves the clock without an event of its own, for events that are kept elsewhere in order of time.
    ///
    /// # Errors
    /// [`Violation::TimeRanBack`] for a moment that is past.
    pub fn advance(&mut self, time_ns: u64) -> Result<(), Violation> {
        if time_ns < self.now_ns {
            return Err(Violation::TimeRanBack {
                from_ns: self.now_ns,
                to_ns: time_ns,
            });
        }
        self.now_ns = time_ns;
        Ok(())
    }

    /// Counts and hashes an event that takes effect now.
    pub fn apply(&mut self, event: E) {
        self.applied += 1;
        self.hash.add(self.now_ns);
        self.hash.add(event.into());
    }

    /// Takes a consequence of an event into the hash, such as who runs where.
    pub fn note(&mut self, word: u64) {
        self.hash.add(word);
    }

    fn sift_up(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / ARITY;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.heap[at] = self.heap[parent];
            at = parent;
        }
        self.heap[at] = entry;
    }

    fn sift_down(&mut self) {
        let Some(&entry) = self.heap.first() else { return };
        let (mut at, len) = (0, self.heap.len());
        loop {
            let first = at * ARITY + 1;
            if first >= len {
                break;
            }
            let mut least = first;
            for child in first + 1..(first + ARITY).min(len) {
                if self.heap[child].before(&self.heap[least]) {
                    least = child;
                }
            }
            if !self.heap[least].before(&entry) {
                break;
            }
            self.heap[at] = self.heap[least];
            at = least;
        }
        self.heap[at] = entry;
    }
}

/// A running hash of 64-bit words, in order. The same words give the same number on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHash(u64);

impl Default for StateHash {
    fn default() -> Self {
        StateHash(0x9e37_79b9_7f4a_7c15)
    }
}

impl StateHash {
    /// Takes one word in.
    pub fn add(&mut self, word: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// The hash of all words so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(engine: &mut Engine<u64>) -> Vec<(u64, u64)> {
        std::iter::from_fn(|| engine.take().map(|event| (engine.now_ns(), event))).collect()
    }

    #[test]
    fn events_come_in_order_of_time_and_ties_in_order_of_scheduling() {
        let mut engine = Engine::new();
        let times = [5u64, 1, 9, 5, 0, 5, 7, 1, 3, 2, 8, 5];
        for (event, &time) in times.iter().enumerate() {
            engine.schedule(time, event as u64);
        }
        let mut wanted: Vec<(u64, u64)> = times.iter().enumerate().map(|(e, &t)| (t, e as u64)).collect();
        wanted.sort();
        assert_eq!(drain(&mut engine), wanted);
    }

    #[test]
    fn the_past_is_now_and_the_clock_does_not_run_back() {
        let mut engine = Engine::new();
        engine.schedule(10, 1u64);
        engine.take();
        engine.schedule(3, 2);
        assert_eq!(drain(&mut engine), [(10, 2)]);
        assert!(matches!(
            engine.advance(9),
            Err(Violation::TimeRanBack {
                from_ns: 10,
                to_ns: 9
            })
        ));
    }

    #[test]
    fn the_hash_tells_order_and_time() {
        let hash = |events: &[(u64, u64)]| {
            let mut engine = Engine::new();
            events
                .iter()
                .for_each(|&(time, event)| engine.schedule(time, event));
            while let Some(event) = engine.take() {
                engine.apply(event);
            }
            engine.state_hash()
        };
        assert_eq!(hash(&[(1, 1), (2, 2)]), hash(&[(2, 2), (1, 1)]));
        assert_ne!(hash(&[(1, 1), (2, 2)]), hash(&[(1, 2), (2, 1)]));
        assert_ne!(hash(&[(1, 1), (2, 2)]), hash(&[(1, 1), (3, 2)]));
    }
}
