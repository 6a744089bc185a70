// SPDX-License-Identifier: GPL-2.0-only
//! Whether the lines of a text are one recording: on each CPU time goes on, and there is one machine.
//!
//! Files of single CPUs, one behind the other, are one recording. Two whole ones are two, and so are those of two
//! machines: who would mix them would let a CPU run two tasks at once.

use crate::{Event, Notes, shown};
use std::collections::{BTreeMap, HashMap};

/// By how much an event may come too late on its own CPU. Interrupts write into the middle of what they interrupt.
const SLACK_NS: u64 = 1_000_000;
/// Where more than one of so many steps goes back in time, the times are none.
const BACK: u64 = 10;
/// Fewer steps back than that prove nothing.
const FEW: u64 = 3;
/// Most buffers and machines that are told apart.
const LABELS: usize = 64;

/// What is known of the order so far.
#[derive(Default)]
pub(super) struct Order {
    cpus: HashMap<u32, Cpu>,
    labels: BTreeMap<String, u64>,
    /// Which of several recordings this is, from 0.
    section: u32,
    events: u64,
    first_ns: u64,
    last_ns: u64,
    steps_back: u64,
    clash: Option<String>,
}

struct Cpu {
    section: u32,
    last_ns: u64,
    /// An event that came too late, and its line: damage, or the begin of another recording.
    late: Option<(u64, u64)>,
}

impl Order {
    /// A heading: what follows may be another recording.
    pub(super) fn heading(&mut self) {
        self.section += u32::from(self.events > 0);
    }

    /// The buffer or machine of an event; `switch` where somebody comes to run.
    pub(super) fn label(&mut self, label: &[u8], switch: bool) {
        if label.is_empty() && self.labels.is_empty() && !switch {
            return;
        }
        if let Some(count) = std::str::from_utf8(label)
            .ok()
            .and_then(|label| self.labels.get_mut(label))
        {
            *count += u64::from(switch);
        } else if self.labels.len() < LABELS {
            let label = String::from_utf8_lossy(label).into_owned();
            *self.labels.entry(label).or_default() += u64::from(switch);
        }
    }

    /// Looks at an event of that line; false where it cannot be in its place.
    pub(super) fn admit(&mut self, event: &Event, line: u64, notes: &mut Notes) -> bool {
        if self.events == 0 {
            self.first_ns = event.time_ns;
        }
        self.events += 1;
        self.steps_back += u64::from(event.time_ns < self.last_ns);
        self.last_ns = event.time_ns;
        let (section, time_ns) = (self.section, event.time_ns);
        let cpu = self.cpus.entry(event.cpu).or_insert(Cpu {
            section,
            last_ns: time_ns,
            late: None,
        });
        if cpu.section != section {
            let what = format!(
                "line {line} belongs to a second recording: CPU {} was in the first, too",
                event.cpu
            );
            self.clash.get_or_insert(what);
        }
        if time_ns.saturating_add(SLACK_NS) >= cpu.last_ns {
            if let Some((line, late_ns)) = cpu.late.take() {
                notes.skip(line, too_late(late_ns));
            }
            cpu.last_ns = cpu.last_ns.max(time_ns);
            return true;
        }
        let back_ns = cpu.last_ns - time_ns;
        match cpu.late.take() {
            None => {
                cpu.late = Some((line, back_ns));
                false
            }
            Some((first, back_ns)) => {
                let seconds = back_ns as f64 / 1e9;
                let what = format!(
                    "from line {first} on, CPU {} is {seconds:.6} s back: there a second recording begins",
                    event.cpu
                );
                self.clash.get_or_insert(what);
                cpu.last_ns = time_ns;
                true
            }
        }
    }

    /// Whether several CPUs take turns in the order of time, as they do in a recording that is whole.
    pub(super) fn is_one(&self) -> bool {
        self.cpus.len() > 1 && self.steps_back == 0 && self.clash.is_none()
    }

    /// The times are differences: they run back again and again. `sorted` says that the tool never prints so otherwise.
    pub(super) fn differences(&self, sorted: bool) -> Option<String> {
        let often = self.steps_back >= FEW && self.steps_back * BACK > self.events;
        // The first difference is 0, for nothing was before it.
        let from_zero = sorted && self.first_ns == 0 && self.steps_back > 0;
        (from_zero || often && (sorted || self.clash.is_some())).then(|| {
            format!(
                "its times run back {} times in {} events: they are differences (perf script --deltatime), not times; print \
                 it without that",
                self.steps_back, self.events
            )
        })
    }

    /// Why this cannot be read as one recording, where `wanted` is the machine or buffer that was chosen. Two machines
    /// have the same CPUs at the same time, so they come first.
    pub(super) fn mixed(&self, wanted: Option<&str>) -> Option<String> {
        let machines = match wanted {
            Some(wanted) => (self.events == 0 && !self.labels.is_empty()).then(|| {
                let (wanted, names) = (shown(wanted), self.names());
                format!("it has no events of `{wanted}`; --trace-machine can be one of {names}")
            }),
            None => self.is_of_several().then(|| {
                let names = self.names();
                format!("it holds several machines or buffers ({names}); choose one with --trace-machine")
            }),
        };
        machines.or_else(|| {
            let clash = self.clash.as_ref()?;
            Some(format!("{clash}; give one recording at a time"))
        })
    }

    fn is_of_several(&self) -> bool {
        let files = self.labels.keys().any(|name| name.ends_with(".dat"));
        let counts = |&&switches: &&u64| switches > 0 || files;
        self.labels.values().filter(counts).count() > 1
    }

    fn names(&self) -> String {
        let name = |name: &String| match name.as_str() {
            "" => TOP.to_owned(),
            name => shown(name).into_owned(),
        };
        self.labels.keys().map(name).collect::<Vec<_>>().join(", ")
    }

    /// Reports what came too late and was not followed by more of the kind.
    pub(super) fn finish(&mut self, notes: &mut Notes) {
        for (line, late_ns) in self.cpus.values_mut().filter_map(|cpu| cpu.late.take()) {
            notes.skip(line, too_late(late_ns));
        }
    }
}

/// What the buffer without a name is called.
pub(super) const TOP: &str = "top";

fn too_late(late_ns: u64) -> String {
    format!("an event that comes {late_ns} ns too late")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventKind;

    /// Times in ms, each with its CPU; a CPU of 99 is a heading.
    fn order(steps: &[(u64, u32)]) -> (Order, usize, Notes) {
        let (mut order, mut notes) = (Order::default(), Notes::default());
        let mut admitted = 0;
        for (&(ms, cpu), line) in steps.iter().zip(1..) {
            if cpu == 99 {
                order.heading();
                continue;
            }
            let event = Event {
                time_ns: ms * 1_000_000,
                cpu,
                kind: EventKind::Lost { count: 1 },
            };
            admitted += usize::from(order.admit(&event, line, &mut notes));
        }
        order.finish(&mut notes);
        (order, admitted, notes)
    }

    #[test]
    fn files_of_single_cpus_are_one_recording() {
        let (found, admitted, notes) = order(&[(0, 99), (10, 0), (20, 0), (0, 99), (11, 1), (19, 1)]);
        assert_eq!((found.mixed(None), found.differences(false)), (None, None));
        assert_eq!((admitted, notes.skipped_count(), found.is_one()), (4, 0, false));
        assert!(order(&[(10, 0), (11, 1), (12, 0)]).0.is_one());
    }

    #[test]
    fn one_event_that_is_late_is_damage_and_more_are_another_recording() {
        let (found, admitted, notes) = order(&[(10, 0), (20, 0), (1, 0), (21, 0)]);
        assert_eq!((found.mixed(None), admitted), (None, 3));
        assert_eq!(notes.skipped()[0].line, 3);
        assert_eq!(notes.skipped()[0].why, "an event that comes 19000000 ns too late");
        let why = order(&[
            (10, 0),
            (20, 0),
            (10, 0),
            (20, 0),
            (12, 0),
            (20, 0),
            (9, 0),
            (9, 0),
        ])
        .0
        .mixed(None);
        assert!(why.is_some_and(|why| why.contains("from line 7 on, CPU 0")));
        let why = order(&[(0, 99), (10, 0), (0, 99), (20, 0)]).0.mixed(None);
        assert!(why.is_some_and(|why| why.contains("line 4 belongs to a second recording")));
    }

    #[test]
    fn differences_are_told_from_times() {
        let (found, ..) = order(&[(0, 0), (2, 0), (8, 1), (2, 1), (7, 0), (2, 0), (7, 1)]);
        let why = found.differences(true);
        assert!(why.is_some_and(|why| why.starts_with("its times run back 2 times in 7 events")));
        assert_eq!(order(&[(10, 0), (20, 0), (11, 1)]).0.differences(true), None);
        let (found, ..) = order(&[(0, 0), (2, 0), (1, 0), (4, 0)]);
        assert!(found.differences(true).is_some() && found.differences(false).is_none());
    }

    #[test]
    fn several_machines_are_named() {
        let mut order = Order::default();
        order.label(b"", false);
        order.label(b"mybuf", true);
        assert_eq!(order.mixed(None), None);
        order.label(b"", true);
        let why = order.mixed(None);
        assert!(why.is_some_and(|why| why.contains("(top, mybuf)")));
        let why = order.mixed(Some("other"));
        assert!(why.is_some_and(|why| why.contains("no events of `other`")));
        let mut order = Order::default();
        order.label(b"host.dat", false);
        order.label(b"guest.dat", true);
        assert!(order.mixed(None).is_some());
    }
}
