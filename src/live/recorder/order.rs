// SPDX-License-Identifier: GPL-2.0-only
//! Events of several CPUs in the order of time, with a bounded delay.
//!
//! A record has its place in the ring first and its time a little later, so CPUs overtake each other by as much as one
//! of them can be interrupted in between. What is younger than [`HOLD_NS`] before the newest event is therefore kept
//! back. One that comes later than that is given the time of the last one that was handed on: its own is off by more
//! than the others' order.

use anyhow::Result;
use augur_trace::Event;

/// How much younger than the newest an event must not be.
const HOLD_NS: u64 = 50_000_000;

/// Events that wait for earlier ones.
#[derive(Debug, Default)]
pub struct Order {
    waiting: Vec<Event>,
    newest_ns: u64,
    released_ns: u64,
    retimed: u64,
}

impl Order {
    /// Takes events, in the order of the ring.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for mut event in events {
            if event.time_ns < self.released_ns {
                event.time_ns = self.released_ns;
                self.retimed += 1;
            }
            self.newest_ns = self.newest_ns.max(event.time_ns);
            self.waiting.push(event);
        }
    }

    /// Hands on what no earlier event can come before.
    ///
    /// # Errors
    /// Where `sink` fails.
    pub fn release(&mut self, sink: &mut impl FnMut(&Event) -> Result<()>) -> Result<()> {
        self.release_before(self.newest_ns.saturating_sub(HOLD_NS), sink)
    }

    /// Hands on all that is left.
    ///
    /// # Errors
    /// Where `sink` fails.
    pub fn finish(&mut self, sink: &mut impl FnMut(&Event) -> Result<()>) -> Result<()> {
        self.release_before(u64::MAX, sink)
    }

    fn release_before(&mut self, end_ns: u64, sink: &mut impl FnMut(&Event) -> Result<()>) -> Result<()> {
        // Stable: events of one CPU at one time stay as they were.
        self.waiting.sort_by_key(|event| event.time_ns);
        let count = self.waiting.partition_point(|event| event.time_ns < end_ns);
        for event in self.waiting.drain(..count) {
            self.released_ns = event.time_ns;
            sink(&event)?;
        }
        Ok(())
    }

    /// The time of the newest event so far.
    pub fn newest_ns(&self) -> u64 {
        self.newest_ns
    }

    /// How many events came too late.
    pub fn retimed(&self) -> u64 {
        self.retimed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use augur_trace::EventKind;
    use proptest::prelude::*;

    fn event(time_ns: u64, cpu: u32) -> Event {
        Event {
            time_ns,
            cpu,
            kind: EventKind::Lost { count: 1 },
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_goes_on_in_the_order_of_time(
            batches in prop::collection::vec(prop::collection::vec(0u64..4 * HOLD_NS, 0..20), 0..8)
        ) {
            let mut order = Order::default();
            let mut seen = Vec::new();
            let mut cpu = 0;
            for batch in &batches {
                order.extend(batch.iter().map(|&time_ns| { cpu += 1; event(time_ns, cpu) }));
                order.release(&mut |event| { seen.push(event.clone()); Ok(()) }).unwrap();
                prop_assert!(order.waiting.iter().all(|event| event.time_ns + HOLD_NS >= order.newest_ns));
            }
            order.finish(&mut |event| { seen.push(event.clone()); Ok(()) }).unwrap();
            prop_assert!(seen.is_sorted_by_key(|event| event.time_ns));
            prop_assert_eq!(seen.len(), batches.iter().map(Vec::len).sum::<usize>());
        }
    }

    #[test]
    fn a_little_late_is_put_right_and_of_one_time_the_order_stays() {
        let mut order = Order::default();
        let mut seen = Vec::new();
        let mut keep = |event: &Event| {
            seen.push((event.time_ns, event.cpu));
            Ok(())
        };
        order.extend([
            event(20, 0),
            event(10, 1),
            event(20, 2),
            event(10 + HOLD_NS + 11, 3),
        ]);
        order.release(&mut keep).unwrap();
        order.extend([event(5, 4), event(30, 5)]);
        order.finish(&mut keep).unwrap();
        assert_eq!(order.retimed(), 1);
        assert_eq!(
            seen,
            [(10, 1), (20, 0), (20, 2), (20, 4), (30, 5), (HOLD_NS + 21, 3)]
        );
    }
}
