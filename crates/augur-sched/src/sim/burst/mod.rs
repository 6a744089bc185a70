// SPDX-License-Identifier: GPL-2.0-only
//! From a trace's events to what the tasks do: every task's bursts and sleeps, and who woke whom.
//!
//! A burst is the CPU work between a wakeup and the next sleep; where the task was interrupted meanwhile, the pieces
//! belong to one burst, because the scheduler cut it. Who woke a task is the task that ran on the CPU of the wakeup's
//! event. An event does not tell whether an interrupt did it instead. It is taken for one where the CPU idled; where a
//! task would have woken itself; and, unless the two are parent and child, where the sleep was of a kind that devices
//! and timers end: uninterruptible, a kernel thread's idleness, of softirqs and RCU, begun before the trace, or as
//! long as the sleep before it to within the accuracy of timers. Such a sleep lasts as long as it did; all others end
//! when the waker gets there.
//!
//! Open ends: who runs when the trace begins has been running since then, who runs when it ends runs to its end, and
//! both count as time on a CPU, where that CPU is known ([`Coverage`]). Where events of a CPU were lost, a stay whose
//! beginning or end was not seen counts no time, and whoever waited then may have run: nobody knows how long it waited.
//! Who first runs after somebody else, and was not woken, has waited since its CPU is known; on a CPU that was idle it did
//! not wait. A task that sleeps at the end is done.
//!
//! Events are taken one by one and not kept: what grows is a [`Spool`], which need not fit into memory: 48 bytes a burst, 24 a wakeup by
//! a task, 40 a stay on a CPU. What memory has to hold is each task.

mod pieces;
mod rebuilt;
mod recording;
mod task;

pub use rebuilt::Rebuilt;
pub use recording::{Gap, Notes, Occupancy, Recording};

use super::program::WOKEN;
use augur_base::spool::Spool;
use augur_trace::{Coverage, Event, EventKind, State, Task};
use pieces::{Link, Pieces};
use std::collections::{BTreeMap, HashMap};
use task::{Awake, Origin, Phase, Tracked, Waker};

/// `EXIT_DEAD` and `EXIT_ZOMBIE`: the task does not come back.
const DEAD: u16 = 0x10 | 0x20;

/// Bursts are numbered in 32 bits.
pub const BURSTS_MAX: usize = u32::MAX as usize;

/// Who is on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    /// No event has told yet.
    Unseen,
    /// Events were lost since one told.
    Unknown,
    Idle,
    Taken(u32),
}

#[derive(Clone, Copy, Debug)]
struct CpuSeen {
    seat: Seat,
    since_ns: u64,
    /// Its last event.
    last_ns: u64,
}

/// Takes a trace's events, in order of time, and gives the program.
#[derive(Debug, Default)]
pub struct Builder {
    cpus: BTreeMap<u32, CpuSeen>,
    /// Only ever looked up, never walked: its order is nobody's.
    pids: HashMap<i32, u32>,
    tasks: Vec<Tracked>,
    pieces: Pieces,
    stays: Spool<Occupancy>,
    gaps: Spool<Gap>,
    coverage: Coverage,
    started: bool,
    now_ns: u64,
    /// When events were last lost.
    gap_ns: u64,
    notes: Notes,
    /// Whether any wakeup was seen, and whether one of a task that slept.
    wakeups: bool,
    wakeups_of_sleepers: bool,
}

/// Rebuilds a whole trace.
pub fn rebuild<'a>(events: impl IntoIterator<Item = &'a Event>) -> Rebuilt {
    let mut builder = Builder::default();
    events.into_iter().for_each(|event| builder.push(event));
    builder.finish()
}

impl Builder {
    /// The trace begins at that time, whatever its first event is.
    pub fn begins(&mut self, time_ns: u64) {
        if !self.started {
            self.coverage.begins(time_ns);
        }
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &Event) {
        self.notes.events += 1;
        if !self.started {
            self.coverage.begins(event.time_ns);
            self.started = true;
        }
        let start_ns = self.coverage.start_ns();
        let at_ns = event.time_ns.saturating_sub(start_ns);
        self.notes.backwards += u64::from(at_ns < self.now_ns || event.time_ns < start_ns);
        if self.coverage.add(event) {
            self.lose_all();
        }
        self.now_ns = self.now_ns.max(at_ns);
        let cpu = event.cpu;
        self.cpu(cpu);
        match &event.kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => self.switch(cpu, prev, *prev_state, next),
            EventKind::Waking { task, target_cpu } => self.waking(cpu, task, *target_cpu),
            EventKind::Wakeup { task, target_cpu } => self.wakeup(cpu, task, *target_cpu),
            EventKind::WakeupNew { task, target_cpu } => self.wakeup_new(cpu, task, *target_cpu),
            EventKind::Migrate {
                task,
                orig_cpu,
                dest_cpu,
            } => self.migrate(task, *orig_cpu, *dest_cpu),
            EventKind::Fork { parent, child } => self.fork(parent, child),
            EventKind::Exec { task, old_pid, .. } => self.exec(task, *old_pid),
            EventKind::Exit { task } => {
                let index = self.find(task);
                let done_ns = self.tasks[index as usize].done_ns(self.now_ns);
                self.tasks[index as usize].exits_ns = Some(done_ns);
            }
            EventKind::Lost { .. } => {
                self.lose_cpu(cpu);
                self.gap_ns = self.now_ns;
            }
        }
        self.cpu(cpu).last_ns = self.now_ns;
    }

    /// Nobody knows what a CPU did since its last event, and does until its next switch.
    fn lose_cpu(&mut self, cpu: u32) {
        let seen = *self.cpu(cpu);
        let since_ns = match seen.seat {
            Seat::Unknown => return,
            Seat::Unseen => 0,
            Seat::Idle => seen.last_ns,
            Seat::Taken(running) => {
                self.lose(running, cpu, seen.since_ns);
                seen.since_ns
            }
        };
        let seen = self.cpu(cpu);
        (seen.seat, seen.since_ns) = (Seat::Unknown, since_ns);
    }

    /// The clock was set.
    fn lose_all(&mut self) {
        let cpus: Vec<u32> = self.cpus.keys().copied().collect();
        cpus.into_iter().for_each(|cpu| self.lose_cpu(cpu));
        self.gap_ns = self.coverage.end_ns() - self.coverage.start_ns();
    }

    fn gap(&mut self, cpu: u32, start_ns: u64, end_ns: u64) {
        if start_ns < end_ns {
            self.gaps.push(Gap {
                cpu,
                start_ns,
                end_ns,
            });
        }
    }

    /// Bursts so far; a program has numbers for [`BURSTS_MAX`].
    pub fn bursts(&self) -> usize {
        self.pieces.len() + self.tasks.len()
    }

    fn cpu(&mut self, cpu: u32) -> &mut CpuSeen {
        self.cpus.entry(cpu).or_insert(CpuSeen {
            seat: Seat::Unseen,
            since_ns: 0,
            last_ns: 0,
        })
    }

    /// The task of an event, new where its pid was not seen before; its name and priority are brought up to date.
    fn find(&mut self, task: &Task) -> u32 {
        let index = match self.pids.get(&task.pid) {
            Some(&index) => index,
            None => self.create(task, Origin::Before),
        };
        let known = &mut self.tasks[index as usize];
        if !task.comm.as_bytes().is_empty() {
            known.comm = task.comm;
        }
        // Some events carry no priority. Of those that have priority 0, only the stoppers are common.
        if task.prio != 0 || known.comm.as_bytes().starts_with(b"migration/") {
            known.prio = task.prio;
        }
        index
    }

    fn create(&mut self, task: &Task, origin: Origin) -> u32 {
        let index = self.tasks.len() as u32;
        let born_ns = match origin {
            Origin::Before => 0,
            Origin::Forked => self.now_ns.max(1),
        };
        self.tasks.push(Tracked::new(task, born_ns, origin));
        self.pids.insert(task.pid, index);
        index
    }

    fn switch(&mut self, cpu: u32, prev: &Task, prev_state: State, next: &Task) {
        self.leave(cpu, prev, prev_state);
        let now = self.now_ns;
        let seat = match next.pid {
            0 => Seat::Idle,
            _ => {
                let index = self.find(next);
                // Who comes after somebody else, and was not woken, has been waiting.
                let awake = match prev.pid {
                    0 => Awake::FirstSeen,
                    _ => Awake::Since(self.coverage.begin_ns(cpu) - self.coverage.start_ns()),
                };
                self.begin_at(index, cpu, now, awake);
                Seat::Taken(index)
            }
        };
        let seen = self.cpu(cpu);
        (seen.seat, seen.since_ns) = (seat, now);
    }

    /// `prev` leaves the CPU.
    fn leave(&mut self, cpu: u32, prev: &Task, state: State) {
        let (CpuSeen { seat, since_ns, .. }, now) = (*self.cpu(cpu), self.now_ns);
        let index = (prev.pid != 0).then(|| self.find(prev));
        // Who was here all the time has not run elsewhere.
        let elsewhere = index.is_some_and(|index| self.tasks[index as usize].has_run());
        let fits = match seat {
            Seat::Taken(running) => Some(index == Some(running)),
            Seat::Idle => Some(index.is_none()),
            Seat::Unseen => elsewhere.then_some(false),
            Seat::Unknown => None,
        };
        if let Some(fits) = fits {
            self.coverage.check(cpu, fits);
            self.notes.mismatches += u64::from(!fits);
        }
        match seat {
            Seat::Taken(running) if fits == Some(false) => {
                self.lose(running, cpu, since_ns);
                self.gap(cpu, since_ns, now);
            }
            Seat::Unknown => self.gap(cpu, since_ns, now),
            _ => {}
        }
        let Some(index) = index else { return };
        if fits != Some(true) {
            let since_ns = match (seat, elsewhere) {
                (Seat::Unseen, false) => {
                    let begin_ns = self.coverage.begin_ns(cpu) - self.coverage.start_ns();
                    self.tasks[index as usize].idle_since(now).max(begin_ns)
                }
                _ => now,
            };
            let awake = match seat {
                Seat::Unseen => Awake::Since(since_ns),
                _ => Awake::FirstSeen,
            };
            self.begin_at(index, cpu, since_ns, awake);
            self.tasks[index as usize].began_unseen = true;
        }
        self.end(index, cpu, now, state);
    }

    /// A task's stay whose end was lost counts no time; nobody knows what it did since.
    fn lose(&mut self, index: u32, cpu: u32, since_ns: u64) {
        let asleep = State {
            bits: 1,
            preempted: false,
        };
        self.end(index, cpu, since_ns, asleep);
    }

    /// A task begins to run; `awake` is how it is known to be, if it was never seen before.
    fn begin_at(&mut self, index: u32, cpu: u32, at_ns: u64, awake: Awake) {
        if let Phase::Running { cpu: other, .. } = self.tasks[index as usize].phase {
            // It cannot run in two places: the switch away from the other was lost.
            self.notes.mismatches += 1;
            self.end(index, other, at_ns, State::default());
            if let Some(seen) = self.cpus.get_mut(&other) {
                seen.seat = Seat::Unknown;
                seen.since_ns = at_ns;
            }
        }
        let task = &mut self.tasks[index as usize];
        if !task.runnable() {
            match task.early.take() {
                Some((_, waker)) => self.link(index, waker),
                None => {
                    // Nobody was seen to wake it.
                    let first = task.piece.is_none();
                    self.notes.unexplained += u64::from(!first);
                    let before = task.wake(at_ns, None, if first { awake } else { Awake::Unexplained });
                    self.pieces.done(index, before);
                }
            }
        }
        self.tasks[index as usize].begin(cpu, at_ns, self.gap_ns);
    }

    /// A task stops to run.
    fn end(&mut self, index: u32, cpu: u32, at_ns: u64, state: State) {
        let task = &mut self.tasks[index as usize];
        let Some(stay) = task.end(index, cpu, at_ns, state) else {
            return;
        };
        self.stays.push(stay);
        let dead = state.bits & DEAD != 0 || task.exits_ns.is_some() && !state.is_runnable();
        if dead && self.pids.get(&task.id.pid) == Some(&index) {
            self.pids.remove(&task.id.pid);
        }
    }

    /// Who runs on a CPU: the waker of what is woken there. `None`: nobody, or an interrupt did it.
    fn waker(&mut self, cpu: u32, woken: u32, target_cpu: u32) -> Option<Waker> {
        let Seat::Taken(waker) = self.cpu(cpu).seat else {
            return None;
        };
        let (sleeper, runner) = (&self.tasks[woken as usize], &self.tasks[waker as usize]);
        let family = sleeper.parent == Some(waker) || runner.parent == Some(woken);
        if waker == woken || !family && sleeper.woken_from_outside(self.now_ns, cpu == target_cpu) {
            return None;
        }
        let offset_ns = runner.done_ns(self.now_ns);
        runner.piece.map(|_| (waker, runner.done, offset_ns))
    }

    fn waking(&mut self, cpu: u32, task: &Task, target_cpu: u32) {
        (self.wakeups, self.wakeups_of_sleepers) = (true, true);
        let index = self.find(task);
        let waker = self.waker(cpu, index, target_cpu);
        let now = self.now_ns;
        let woken = &mut self.tasks[index as usize];
        match woken.phase {
            Phase::Sleeping { .. } => self.link(index, waker),
            // It is on its way to sleep: whether this woke it shows when it has left its CPU.
            Phase::Running { .. } => woken.early = Some((now, waker)),
            Phase::Queued { .. } => {}
        }
    }

    fn wakeup(&mut self, cpu: u32, task: &Task, target_cpu: u32) {
        (self.wakeups, self.wakeups_of_sleepers) = (true, true);
        let index = self.find(task);
        if let Phase::Running { .. } = self.tasks[index as usize].phase {
            // It had not left the queue: nothing to wake.
            self.tasks[index as usize].early = None;
        }
        if let Phase::Sleeping { .. } = self.tasks[index as usize].phase {
            let waker = match self.tasks[index as usize].early.take() {
                Some((_, waker)) => waker,
                None => self.waker(cpu, index, target_cpu),
            };
            self.link(index, waker);
        }
        self.tasks[index as usize].queued_on(target_cpu);
    }

    /// A sleeping task is woken, by a task or by something outside.
    fn link(&mut self, index: u32, waker: Option<Waker>) {
        let now = self.now_ns;
        let uninterruptible = self.tasks[index as usize].sleeps_uninterruptibly();
        let before = self.tasks[index as usize].wake(now, waker.map(|_| WOKEN), Awake::Woken);
        self.pieces.done(index, before);
        if let Some((waker, waker_burst, offset_ns)) = waker {
            // Only a vfork has a parent sleep like that until its child wakes it.
            let child = &mut self.tasks[waker as usize];
            child.vforked |= uninterruptible && child.parent == Some(index);
            self.pieces.link(Link {
                waker,
                waker_burst,
                offset_ns,
                woken: index,
                burst: self.tasks[index as usize].done,
            });
        }
    }

    fn wakeup_new(&mut self, cpu: u32, task: &Task, target_cpu: u32) {
        self.wakeups = true;
        let known = self.pids.get(&task.pid).copied();
        let fresh = known.is_some_and(|index| self.tasks[index as usize].is_unborn());
        if !fresh {
            self.create(task, Origin::Forked);
        }
        let index = self.find(task);
        if self.tasks[index as usize].piece.is_none() {
            if let Seat::Taken(parent) = self.cpu(cpu).seat {
                self.tasks[index as usize].parent.get_or_insert(parent);
            }
            let waker = self.waker(cpu, index, target_cpu);
            self.tasks[index as usize].came_from.get_or_insert(cpu);
            self.link(index, waker);
        }
        self.tasks[index as usize].queued_on(target_cpu);
    }

    fn migrate(&mut self, task: &Task, orig_cpu: u32, dest_cpu: u32) {
        let index = self.find(task);
        let idle = matches!(self.cpus.get(&dest_cpu), Some(CpuSeen { seat: Seat::Idle, .. }));
        self.tasks[index as usize].migrated(orig_cpu, dest_cpu, self.now_ns, idle);
    }

    fn fork(&mut self, parent: &Task, child: &Task) {
        self.pids.remove(&child.pid);
        let index = self.create(child, Origin::Forked);
        // The child has its parent's priority, which its own events do not tell before it runs.
        if let Some(&parent) = self.pids.get(&parent.pid) {
            let (prio, cpu) = (self.tasks[parent as usize].prio, self.tasks[parent as usize].cpu);
            let forked = &mut self.tasks[index as usize];
            forked.prio = prio;
            forked.came_from = cpu;
            forked.parent = Some(parent);
        }
    }

    /// A thread that calls exec goes on under its leader's pid.
    fn exec(&mut self, task: &Task, old_pid: i32) {
        if old_pid != task.pid
            && old_pid != 0
            && let Some(index) = self.pids.remove(&old_pid)
        {
            self.pids.insert(task.pid, index);
            self.tasks[index as usize].id.pid = task.pid;
        }
        self.find(task);
    }
}
