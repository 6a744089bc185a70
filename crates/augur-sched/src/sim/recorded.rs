// SPDX-License-Identifier: GPL-2.0-only
//! The same figures for what really happened: the policy `recorded`.
//!
//! Nothing is simulated. Every stay on a CPU is counted as it was, so that time on CPUs and migrations are exactly the
//! recorded ones; the machine only says how far apart two CPUs are.

use super::burst::{Occupancy, Rebuilt};
use super::cpu::{Decisions, Ledger, Outcome, TaskOutcome};
use crate::policy::cpu::{Cause, NONE, Places};
use augur_base::engine::StateHash;
use augur_base::spool::Spool;

/// The policy's name.
pub const NAME: &str = "recorded";

/// The figures of a recording on `places`, whose CPUs have the kernel's numbers.
pub fn outcome(rebuilt: &Rebuilt, places: &Places) -> Outcome {
    let cpus = &places.machine.cpus;
    let index = |id: u32| cpus.binary_search_by_key(&(id as usize), |cpu| cpu.id).ok();
    let mut teller = Teller {
        places,
        ledger: Ledger::new(cpus.len()),
        tasks: vec![TaskOutcome::default(); rebuilt.program.tasks.len()],
        last: vec![(NONE, NONE); rebuilt.program.tasks.len()],
        counts: vec![0; cpus.len()],
        hash: StateHash::default(),
        tells_moves: rebuilt.recording.doubt.is_none(),
    };
    let pinned: Vec<bool> = rebuilt
        .program
        .tasks
        .iter()
        .map(|task| task.pinned.is_some())
        .collect();
    let mut stays: Spool<Seated> = Spool::default();
    for (number, &stay) in rebuilt.recording.stays.iter().enumerate() {
        let cpu = index(stay.cpu).unwrap_or(0) as u32;
        let from = index(stay.from).map_or(NONE, |from| from as u32);
        stays.push(Seated {
            stay,
            cpu,
            from,
            number,
        });
    }
    stays.sort_unstable_by_key(|seated| {
        (
            seated.stay.start_ns,
            seated.stay.end_ns,
            seated.stay.cpu,
            seated.number,
        )
    });
    let gaps = rebuilt.recording.gaps.iter().map(|gap| {
        let cpu = index(gap.cpu).unwrap_or(0);
        (gap.start_ns, gap.end_ns, cpu)
    });
    let last_ns = teller.follow(&stays, gaps, &pinned);
    for seated in stays.iter() {
        teller.tell(seated);
    }
    let span_ns = rebuilt.recording.span_ns;
    teller
        .ledger
        .advance(span_ns.max(teller.ledger.makespan_ns).max(last_ns));
    teller.ledger.bursts = rebuilt.program.bursts.len() as u64;
    Outcome {
        policy: NAME.to_owned(),
        tasks: teller.tasks,
        decisions: Decisions::default(),
        stranded: 0,
        events: rebuilt.recording.notes.events,
        state_hash: teller.hash.value(),
        ledger: teller.ledger,
    }
}

/// A stay, its CPU and the one before by their index, and which of the recording's it is.
#[derive(Clone, Copy)]
struct Seated {
    stay: Occupancy,
    cpu: u32,
    from: u32,
    number: usize,
}

struct Teller<'a> {
    places: &'a Places,
    ledger: Ledger,
    tasks: Vec<TaskOutcome>,
    /// For each task, the CPU that it ran on last, and the one before that.
    last: Vec<(u32, u32)>,
    counts: Vec<u32>,
    hash: StateHash,
    /// The switches fit each other, so that who runs elsewhere than before has moved.
    tells_moves: bool,
}

/// What changes at one moment; the order of two at the same moment is that of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Ends,
    Waits,
    Begins,
    /// Nobody knows whether a CPU idles.
    Hides,
    /// It is known again.
    Shows,
}

impl Teller<'_> {
    /// Idleness beside queues, and how tasks were spread, along the time line. When the last change was: a stay that begins where the
    /// trace ends lasts 1 ns beyond it.
    fn follow(
        &mut self,
        stays: &[Seated],
        gaps: impl Iterator<Item = (u64, u64, usize)>,
        pinned: &[bool],
    ) -> u64 {
        let mut changes = Spool::default();
        for (start_ns, end_ns, cpu) in gaps {
            changes.push((start_ns, Change::Hides, cpu));
            changes.push((end_ns, Change::Shows, cpu));
        }
        for (number, Seated { stay, .. }) in stays.iter().enumerate() {
            changes.push((stay.queued_ns, Change::Waits, number));
            changes.push((stay.start_ns, Change::Begins, number));
            changes.push((stay.end_ns.max(stay.start_ns + 1), Change::Ends, number));
        }
        changes.sort_unstable();
        let mut busy = vec![0u32; self.counts.len()];
        for &(at_ns, change, number) in changes.iter() {
            if matches!(change, Change::Hides | Change::Shows) {
                // A CPU of which nothing is known does not idle.
                self.occupies(&mut busy[number], at_ns, change == Change::Hides);
                continue;
            }
            let Seated { stay, cpu, .. } = stays[number];
            let cpu = cpu as usize;
            let movable = !pinned[stay.task as usize];
            match change {
                Change::Waits => {
                    self.count(at_ns, cpu, true);
                    if movable {
                        self.ledger.waits(at_ns, true);
                    }
                }
                Change::Begins => {
                    if movable {
                        self.ledger.waits(at_ns, false);
                    }
                    self.occupies(&mut busy[cpu], at_ns, true);
                }
                Change::Hides | Change::Shows => {}
                Change::Ends => {
                    self.occupies(&mut busy[cpu], at_ns, false);
                    self.count(at_ns, cpu, false);
                }
            }
        }
        changes.last().map_or(0, |&(at_ns, ..)| at_ns)
    }

    /// One more, or one less, that keeps a CPU from idling.
    fn occupies(&mut self, count: &mut u32, at_ns: u64, more: bool) {
        *count = if more { *count + 1 } else { *count - 1 };
        if *count == u32::from(more) {
            self.ledger.busy(at_ns, more);
        }
    }

    fn count(&mut self, at_ns: u64, cpu: usize, more: bool) {
        let before = self.counts[cpu];
        let after = if more { before + 1 } else { before - 1 };
        self.counts[cpu] = after;
        self.ledger.counts(at_ns, before, after);
    }

    /// One stay: what the task did, and whether it came from elsewhere.
    fn tell(&mut self, seated: &Seated) {
        let Seated { stay, cpu, from, .. } = *seated;
        let waited = stay.start_ns - stay.queued_ns;
        let task = &mut self.tasks[stay.task as usize];
        task.run_ns += stay.end_ns - stay.start_ns;
        task.wait_ns += waited;
        task.done_ns = task.done_ns.max(stay.end_ns);
        self.ledger.makespan_ns = self.ledger.makespan_ns.max(stay.end_ns);
        if stay.waited {
            self.ledger.waits_ns.push(waited);
        }
        if stay.woken && stay.waited {
            task.latencies.add(waited);
            self.ledger.latencies_ns.push(waited);
        }
        let (last, before) = match self.last[stay.task as usize] {
            (NONE, before) => (from, before),
            last => last,
        };
        if last != NONE && last != cpu && stay.seen && self.tells_moves {
            let cause = if stay.cause == Cause::Other {
                Cause::Balance
            } else {
                stay.cause
            };
            self.ledger.migrated(self.places.distance(last, cpu), cause);
            self.ledger.ping_pongs += u64::from(before == cpu);
            task.migrations += 1;
        }
        if last != cpu || self.last[stay.task as usize].0 == NONE {
            self.last[stay.task as usize] = (cpu, last);
        }
        self.hash.add(stay.start_ns);
        self.hash.add(stay.end_ns);
        self.hash.add(u64::from(cpu) << 32 | u64::from(stay.task));
    }
}
