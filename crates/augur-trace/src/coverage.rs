// SPDX-License-Identifier: GPL-2.0-only
//! What a trace knows of each CPU: from when, until when, what is missing in between, and whether its switches fit each
//! other.
//!
//! * A CPU is known from the trace's first line on, whatever that tells of. Where a loss is the first that is heard of
//!   it (its buffer started late, or older events were overwritten), it is known from there on.
//! * It is known until the trace's last line. Where the file is torn in a way that cuts CPUs at different times, or a
//!   loss is the last that is heard of it, it is known until its own last event.
//! * Where the clock goes on by an hour without any event on any CPU, it was set, or two recordings are in one file:
//!   nothing is known of that time.
//! * Two switches of a CPU fit where the second says that the task left which the first said came.

use super::{Event, EventKind};
use serde::Serialize;
use std::collections::BTreeMap;

/// No machine is silent for so long.
pub const STEP_NS: u64 = 3_600_000_000_000;

/// What is known of a CPU. Times are those of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// From when.
    pub begin_ns: u64,
    /// Until when.
    pub end_ns: u64,
    /// How often something is missing in between.
    pub gaps: u64,
    /// Switches whose predecessor is known,
    pub checked: u64,
    /// and those of them that do not fit it.
    pub misfits: u64,
    /// The last that was heard of it is a loss.
    #[serde(skip)]
    lost_last: bool,
    /// Nothing but losses was heard of it.
    #[serde(skip)]
    silent: bool,
}

impl Known {
    /// Whether most of its switches do not fit.
    pub fn is_inconsistent(&self) -> bool {
        self.misfits * 2 > self.checked
    }
}

/// A clock that went on without any event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The last event before.
    pub at_ns: u64,
    /// How far it went.
    pub step_ns: u64,
}

/// What is known of all CPUs that a trace names.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    cpus: BTreeMap<u32, Known>,
    span: Option<(u64, u64)>,
    /// The end of the last gap of any CPU.
    gap_ns: Option<u64>,
    step: Option<Step>,
    /// The end of the last step: of CPUs that were not seen until then nothing is known before.
    stepped_ns: u64,
    lost: u64,
}

impl Coverage {
    /// The trace begins at that time, or before.
    pub fn begins(&mut self, time_ns: u64) {
        let (begin_ns, end_ns) = self.span.unwrap_or((time_ns, time_ns));
        self.span = Some((begin_ns.min(time_ns), end_ns));
    }

    /// The trace ends at that time, or after.
    pub fn ends(&mut self, time_ns: u64) {
        let (begin_ns, end_ns) = self.span.unwrap_or((time_ns, time_ns));
        self.span = Some((begin_ns, end_ns.max(time_ns)));
    }

    /// Takes the next event; true where the clock was set since the last, so that nobody knows what any CPU did.
    pub fn add(&mut self, event: &Event) -> bool {
        let now_ns = event.time_ns;
        let (begin_ns, last_ns) = self.span.unwrap_or((now_ns, now_ns));
        let steps = now_ns.saturating_sub(last_ns) >= STEP_NS;
        if steps {
            self.step.get_or_insert(Step {
                at_ns: last_ns,
                step_ns: now_ns - last_ns,
            });
            self.gap_ns = Some(now_ns);
            self.stepped_ns = now_ns;
            self.cpus.values_mut().for_each(|known| known.gaps += 1);
        }
        self.span = Some((begin_ns, last_ns.max(now_ns)));
        let known = self.cpus.entry(event.cpu).or_insert(Known {
            begin_ns: begin_ns.max(self.stepped_ns),
            silent: true,
            ..Known::default()
        });
        if let EventKind::Lost { count } = event.kind {
            if known.silent {
                known.begin_ns = known.begin_ns.max(now_ns);
                self.lost = self.lost.saturating_add(count);
            } else {
                known.gaps += 1;
                self.lost = self.lost.saturating_add(count.max(1));
            }
            known.lost_last = true;
            self.gap_ns = Some(now_ns);
        } else {
            (known.silent, known.lost_last) = (false, false);
            known.end_ns = known.begin_ns.max(now_ns);
        }
        steps
    }

    /// A switch whose predecessor on its CPU is known fits it, or not.
    pub fn check(&mut self, cpu: u32, fits: bool) {
        let known = self.cpus.entry(cpu).or_default();
        known.checked += 1;
        known.misfits += u64::from(!fits);
    }

    /// All events are in. `torn`: what is missing at the end may differ from CPU to CPU.
    pub fn close(&mut self, torn: bool) {
        let end_ns = self.end_ns();
        for known in self.cpus.values_mut() {
            if known.silent {
                known.end_ns = known.begin_ns;
            } else if !torn && !known.lost_last {
                known.end_ns = end_ns;
            }
        }
    }

    /// What is known of the CPUs, by number.
    pub fn cpus(&self) -> &BTreeMap<u32, Known> {
        &self.cpus
    }

    /// From when a CPU is known.
    pub fn begin_ns(&self, cpu: u32) -> u64 {
        let begin_ns = self.start_ns().max(self.stepped_ns);
        self.cpus.get(&cpu).map_or(begin_ns, |known| known.begin_ns)
    }

    /// Until when a CPU is known; right after [`Coverage::close`].
    pub fn end_of(&self, cpu: u32) -> u64 {
        self.cpus.get(&cpu).map_or(self.end_ns(), |known| known.end_ns)
    }

    /// The first moment of the trace.
    pub fn start_ns(&self) -> u64 {
        self.span.map_or(0, |(begin_ns, _)| begin_ns)
    }

    /// The last moment of the trace so far.
    pub fn end_ns(&self) -> u64 {
        self.span.map_or(0, |(_, end_ns)| end_ns)
    }

    /// Whether all CPUs are known from that time until now: what did not happen since is known not to have happened.
    pub fn is_whole_since(&self, time_ns: u64) -> bool {
        self.gap_ns.is_none_or(|gap_ns| gap_ns <= time_ns)
    }

    /// Where the clock was set first.
    pub fn step(&self) -> Option<Step> {
        self.step
    }

    /// Events that are known to be missing, at least one for each gap.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Switches whose predecessor is known, and those that do not fit it.
    pub fn consistency(&self) -> (u64, u64) {
        let sum = |of: fn(&Known) -> u64| self.cpus.values().map(of).sum();
        (sum(|known| known.checked), sum(|known| known.misfits))
    }

    /// Why the trace is not to be trusted, where most of its switches do not fit.
    pub fn doubt(&self) -> Option<String> {
        let (checked, misfits) = self.consistency();
        (misfits * 2 > checked).then(|| {
            format!(
                "{misfits} of {checked} switches do not fit who ran before, so times and migrations are unknown; record \
                 sched_switch on all CPUs and of all tasks (`perf record -a`, not -p)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{State, Task};

    fn at(time_ns: u64, cpu: u32, lost: Option<u64>) -> Event {
        let kind = match lost {
            Some(count) => EventKind::Lost { count },
            None => EventKind::Switch {
                prev: Task::default(),
                prev_state: State::default(),
                next: Task::default(),
            },
        };
        Event { time_ns, cpu, kind }
    }

    /// Events as (time, CPU, lost); for each CPU: from, until, gaps.
    fn check(events: &[(u64, u32, Option<u64>)], torn: bool, expected: &[(u64, u64, u64)], lost: u64) {
        let mut coverage = Coverage::default();
        coverage.begins(5);
        for &(time_ns, cpu, lost) in events {
            coverage.add(&at(time_ns, cpu, lost));
        }
        coverage.close(torn);
        let found: Vec<_> = coverage
            .cpus()
            .values()
            .map(|known| (known.begin_ns, known.end_ns, known.gaps))
            .collect();
        assert_eq!((found, coverage.lost()), (expected.to_vec(), lost), "{events:?}");
    }

    #[test]
    fn each_cpu_has_a_beginning_and_an_end() {
        check(
            &[(10, 0, None), (30, 1, None)],
            false,
            &[(5, 30, 0), (5, 30, 0)],
            0,
        );
        check(
            &[(10, 0, None), (30, 1, None)],
            true,
            &[(5, 10, 0), (5, 30, 0)],
            0,
        );
        // A buffer that started late.
        let late = [(10, 0, None), (20, 1, Some(0)), (20, 1, None), (30, 0, None)];
        check(&late, false, &[(5, 30, 0), (20, 30, 0)], 0);
        // A loss in between, of unknown size, and one at the end.
        let lossy = [
            (10, 0, None),
            (20, 0, Some(0)),
            (21, 0, None),
            (30, 1, None),
            (40, 0, Some(7)),
        ];
        check(&lossy, false, &[(5, 21, 2), (5, 40, 0)], 8);
        check(
            &[(10, 0, Some(3)), (12, 1, None)],
            false,
            &[(10, 10, 0), (5, 12, 0)],
            3,
        );
    }

    #[test]
    fn a_clock_that_is_set_is_a_gap_of_all() {
        let mut coverage = Coverage::default();
        assert!(!coverage.add(&at(10, 0, None)));
        assert!(coverage.is_whole_since(10));
        assert!(coverage.add(&at(10 + STEP_NS, 1, None)));
        let step = Step {
            at_ns: 10,
            step_ns: STEP_NS,
        };
        assert_eq!(coverage.step(), Some(step));
        assert!(!coverage.is_whole_since(10) && coverage.is_whole_since(10 + STEP_NS));
        assert_eq!(coverage.cpus()[&0].gaps, 1);
        // Nobody knows what a CPU did before that was seen only afterwards.
        assert_eq!([0, 1].map(|cpu| coverage.begin_ns(cpu)), [10, 10 + STEP_NS]);
    }

    #[test]
    fn switches_that_do_not_fit_are_doubted_where_they_are_most() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.doubt(), None);
        for fits in [true, false] {
            coverage.check(0, fits);
        }
        assert_eq!(coverage.doubt(), None);
        coverage.check(1, false);
        assert_eq!(coverage.consistency(), (3, 2));
        assert!(
            coverage
                .doubt()
                .is_some_and(|why| why.starts_with("2 of 3 switches"))
        );
        assert!(coverage.cpus()[&1].is_inconsistent() && !coverage.cpus()[&0].is_inconsistent());
    }
}
