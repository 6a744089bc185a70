// SPDX-License-Identifier: GPL-2.0-only
//! One task of a trace, while the trace is read.

use super::recording::Occupancy;
use crate::policy::TaskId;
use crate::policy::cpu::load::weight_of_prio;
use crate::policy::cpu::{Cause, NONE};
use crate::sim::program::{Class, TaskSpec};
use augur_trace::{Comm, State, Task};

/// Below this, the kernel's priorities are real time.
const REAL_TIME_PRIO: i32 = 100;
/// `TASK_UNINTERRUPTIBLE` and `TASK_REPORT_IDLE`: sleeps that devices end, or the kernel's own timers.
const OUTSIDE: u16 = UNINTERRUPTIBLE | 0x80;
const UNINTERRUPTIBLE: u16 = 0x02;
/// Sleeps that differ by no more are the same timer's; for long ones, by half a per cent.
const TIMER_TOLERANCE_NS: u64 = 100_000;
/// Shorter sleeps are alike by chance.
const TIMER_MIN_NS: u64 = 1_000_000;

/// Where a task comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was there when the trace began.
    #[default]
    Before,
    /// It was forked within the trace.
    Forked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Sleeping { since_ns: u64 },
    Queued { since_ns: u64 },
    Running { cpu: u32, since_ns: u64 },
}

impl Default for Phase {
    fn default() -> Phase {
        Phase::Sleeping { since_ns: 0 }
    }
}

/// How it is known that a task is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awake {
    /// It was woken.
    Woken,
    /// Seen for the first time, and not woken since that time: it has been waiting.
    Since(u64),
    /// Seen for the first time: who knows since when.
    FirstSeen,
    /// It slept, and nobody was seen to wake it.
    Unexplained,
}

/// One burst so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// As in the program.
    pub after_ns: u64,
    /// Nobody was seen to wake it before its first burst: when it was first seen to run.
    pub assumed_ns: Option<u64>,
    pub run_ns: u64,
    /// It ran at all.
    pub ran: bool,
}

/// Waker, its burst, how far it was in it.
pub(super) type Waker = (u32, u32, u64);

#[derive(Clone, Debug, Default)]
pub(super) struct Tracked {
    pub id: TaskId,
    pub comm: Comm,
    pub prio: i32,
    pub phase: Phase,
    /// The burst at hand.
    pub piece: Option<Piece>,
    /// How many came before it.
    pub done: u32,
    /// A wakeup that came while it was still running.
    pub early: Option<(u64, Option<Waker>)>,
    /// How much of its burst was done when it ended itself.
    pub exits_ns: Option<u64>,
    /// The stay at hand was not seen to begin.
    pub began_unseen: bool,
    /// The CPU from which it was moved before it was seen to run.
    moved_from: Option<u32>,
    /// Since when it has been waiting is known.
    wait_known: bool,
    /// Its CPU: where it ran last, or waits.
    pub cpu: Option<u32>,
    pub came_from: Option<u32>,
    /// Who forked it, where the trace shows that.
    pub parent: Option<u32>,
    /// By a vfork.
    pub vforked: bool,
    /// The state in which it went to sleep, as the kernel's tracepoint encodes it.
    sleep_bits: u16,
    /// How long its last sleep was.
    slept_ns: u64,
    origin: Origin,
    last_cpu: Option<u32>,
    only_cpu: Option<u32>,
    several_cpus: bool,
    fresh: bool,
    cause: Cause,
    queued_ns: u64,
}

impl Tracked {
    pub(super) fn new(task: &Task, born_ns: u64, origin: Origin) -> Tracked {
        Tracked {
            id: TaskId {
                pid: task.pid,
                start_ns: born_ns,
            },
            comm: task.comm,
            prio: if task.prio == 0 { 120 } else { task.prio },
            origin,
            ..Tracked::default()
        }
    }

    /// Forked, and not on any queue yet.
    pub(super) fn is_unborn(&self) -> bool {
        self.origin == Origin::Forked && self.piece.is_none()
    }

    /// Since when it cannot have run, where it runs now and nobody saw it begin.
    pub(super) fn idle_since(&self, now_ns: u64) -> u64 {
        match self.phase {
            Phase::Sleeping { since_ns } | Phase::Queued { since_ns } => since_ns,
            Phase::Running { .. } => now_ns,
        }
    }

    /// It was seen to run before.
    pub(super) fn has_run(&self) -> bool {
        self.last_cpu.is_some() || matches!(self.phase, Phase::Running { .. })
    }

    pub(super) fn runnable(&self) -> bool {
        !matches!(self.phase, Phase::Sleeping { .. })
    }

    /// Whether what wakes it now is rather a device or a timer than the task that happens to run there. `at_home`: the
    /// event came on the CPU that it ran on last, where its own timer would fire.
    pub(super) fn woken_from_outside(&self, now_ns: u64, at_home: bool) -> bool {
        let name = self.comm.as_bytes();
        let slept_ns = match self.phase {
            Phase::Sleeping { since_ns } => now_ns - since_ns,
            _ => return false,
        };
        // It slept before the trace began: nobody saw in which state.
        let unknown = self.piece.is_none() && self.origin == Origin::Before;
        let tolerance_ns = TIMER_TOLERANCE_NS.max(slept_ns / 200);
        let periodic =
            at_home && slept_ns >= TIMER_MIN_NS && slept_ns.abs_diff(self.slept_ns) <= tolerance_ns;
        unknown
            || self.sleep_bits & OUTSIDE != 0
            || name.starts_with(b"ksoftirqd/")
            || name.starts_with(b"rcu_")
            || periodic
    }

    pub(super) fn sleeps_uninterruptibly(&self) -> bool {
        !self.runnable() && self.sleep_bits & UNINTERRUPTIBLE != 0
    }

    /// What it has done of its current burst.
    pub(super) fn done_ns(&self, now_ns: u64) -> u64 {
        let before = self.piece.map_or(0, |piece| piece.run_ns);
        match self.phase {
            Phase::Running { since_ns, .. } => before + (now_ns - since_ns),
            _ => before,
        }
    }

    /// It becomes runnable, by whatever `after_ns` says (`None`: by something outside, now). Returns the burst before, which
    /// is done.
    pub(super) fn wake(&mut self, now_ns: u64, after_ns: Option<u64>, how: Awake) -> Option<Piece> {
        let since_ns = match self.phase {
            Phase::Sleeping { since_ns } => since_ns,
            _ => now_ns,
        };
        self.slept_ns = now_ns - since_ns;
        // It slept on its way out: all that it does after that belongs to its end.
        self.exits_ns = self.exits_ns.map(|_| 0);
        // Before its first burst, time is counted from the beginning, not from the birth.
        let slept_ns = now_ns - if self.piece.is_none() { 0 } else { since_ns };
        let assumed_ns = match how {
            Awake::Since(since_ns) => Some(since_ns),
            Awake::FirstSeen => Some(now_ns),
            Awake::Woken | Awake::Unexplained => None,
        };
        let before = self.piece.replace(Piece {
            after_ns: after_ns.or(assumed_ns).unwrap_or(slept_ns),
            assumed_ns: assumed_ns.map(|_| now_ns),
            run_ns: 0,
            ran: false,
        });
        self.queued_ns = assumed_ns.unwrap_or(now_ns);
        self.wait_known = matches!(how, Awake::Since(_) | Awake::Woken);
        self.phase = Phase::Queued {
            since_ns: self.queued_ns,
        };
        self.fresh = assumed_ns.is_none();
        self.early = None;
        self.done += u32::from(before.is_some());
        before
    }

    /// It begins to run. `gap_ns`: when events were last lost, whoever waited then may have run unseen.
    pub(super) fn begin(&mut self, cpu: u32, at_ns: u64, gap_ns: u64) {
        if let Phase::Queued { since_ns } = self.phase {
            self.wait_known &= since_ns >= gap_ns;
            self.queued_ns = if self.wait_known {
                since_ns.min(at_ns)
            } else {
                at_ns
            };
        }
        if let Some(piece) = &mut self.piece {
            piece.ran = true;
        }
        self.several_cpus |= self.only_cpu.is_some_and(|only| only != cpu);
        self.only_cpu = Some(cpu);
        self.came_from.get_or_insert(cpu);
        self.cpu = Some(cpu);
        self.phase = Phase::Running { cpu, since_ns: at_ns };
    }

    /// It stops; its stay, where it did run on that CPU.
    pub(super) fn end(&mut self, index: u32, cpu: u32, at_ns: u64, state: State) -> Option<Occupancy> {
        let Phase::Running { cpu: on, since_ns } = self.phase else {
            return None;
        };
        if on != cpu {
            return None;
        }
        if let Some(piece) = &mut self.piece {
            piece.run_ns += at_ns - since_ns;
        }
        let stay = Occupancy {
            task: index,
            cpu,
            queued_ns: self.queued_ns,
            start_ns: since_ns,
            end_ns: at_ns,
            woken: std::mem::take(&mut self.fresh),
            seen: !std::mem::take(&mut self.began_unseen),
            waited: self.wait_known,
            from: self.moved_from.take().unwrap_or(NONE),
            cause: std::mem::take(&mut self.cause),
        };
        self.last_cpu = Some(cpu);
        self.sleep_bits = state.bits;
        if state.is_runnable() {
            // A wakeup that came before it slept was for nothing.
            self.early = None;
            self.wait_known = true;
            self.phase = Phase::Queued { since_ns: at_ns };
        } else {
            self.phase = Phase::Sleeping { since_ns: at_ns };
        }
        Some(stay)
    }

    pub(super) fn queued_on(&mut self, cpu: u32) {
        if let Phase::Queued { .. } = self.phase {
            if self.fresh && self.last_cpu.is_some_and(|last| last != cpu) && self.cause == Cause::Other {
                self.cause = Cause::Wakeup;
            }
            self.cpu = Some(cpu);
        }
    }

    /// It is on the queue of `cpu` from now on. A wakeup's own move comes at the time of the wakeup.
    pub(super) fn migrated(&mut self, from: u32, cpu: u32, now_ns: u64, idle: bool) {
        // Who was there before the trace ran there, as far as anybody can tell.
        if self.origin == Origin::Before && !self.has_run() {
            self.moved_from.get_or_insert(from);
        }
        self.cpu = Some(cpu);
        match self.phase {
            Phase::Running { .. } => {}
            Phase::Sleeping { .. } => self.cause = cause_of(true, idle),
            Phase::Queued { since_ns } => {
                let waking = self.fresh && self.cause == Cause::Other && now_ns - since_ns < WAKING_NS;
                self.cause = cause_of(waking, idle);
            }
        }
    }

    /// Its last burst; one that was woken and never ran is no burst.
    pub(super) fn last(&self) -> Option<Piece> {
        self.piece.filter(|piece| piece.ran)
    }

    pub(super) fn spec(&self) -> TaskSpec {
        let only_cpu = self.only_cpu.filter(|_| !self.several_cpus);
        TaskSpec {
            vforked: self.vforked,
            exits_ns: self.exits_ns,
            ..spec_of(self.id, self.comm, self.prio, only_cpu, self.came_from)
        }
    }
}

/// A move so shortly after the wakeup is part of it.
const WAKING_NS: u64 = 20_000;

/// The CPU that a kernel thread is bound to, going by its name (`ksoftirqd/3`, `kworker/3:1H`) and by where it ran.
fn bound_to(comm: &Comm, only_cpu: Option<u32>) -> Option<u32> {
    let name = comm.to_string();
    let digits: String = name
        .split_once('/')?
        .1
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let cpu: u32 = digits.parse().ok()?;
    (only_cpu == Some(cpu)).then_some(cpu)
}

fn class_of(prio: i32) -> Class {
    if prio < REAL_TIME_PRIO {
        Class::RealTime
    } else {
        Class::Fair
    }
}

fn spec_of(id: TaskId, comm: Comm, prio: i32, only_cpu: Option<u32>, cpu: Option<u32>) -> TaskSpec {
    TaskSpec {
        id,
        comm,
        prio,
        weight: weight_of_prio(prio),
        class: class_of(prio),
        vforked: false,
        exits_ns: None,
        pinned: bound_to(&comm, only_cpu),
        allowed: Vec::new(),
        cpu,
        first_burst: 0,
        bursts: 0,
    }
}

/// What a migration that the trace shows is counted under.
fn cause_of(sleeping: bool, idle: bool) -> Cause {
    match (sleeping, idle) {
        (true, _) => Cause::Wakeup,
        (false, true) => Cause::Steal,
        (false, false) => Cause::Balance,
    }
}
