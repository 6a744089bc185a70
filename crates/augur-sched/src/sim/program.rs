// SPDX-License-Identifier: GPL-2.0-only
//! What tasks do, whoever schedules them: bursts of CPU work, the sleeps between them, and who wakes whom.
//!
//! A program is closed loop. A burst that another task wakes begins when that task gets there, however long it takes
//! it; only what came from outside (timers, devices) comes at a fixed time after the sleep began.

use crate::policy::TaskId;
use crate::policy::cpu::load::NICE0_WEIGHT;
use augur_base::spool::Spool;
use augur_trace::Comm;

/// [`Burst::after_ns`] of a burst that another task wakes.
pub const WOKEN: u64 = u64::MAX;

/// Set in [`Burst::after_ns`] of a burst that begins at a time, not so long after the one before it: the other bits are that
/// time, at which a timer ticks whatever came before. A burst that is late begins at once.
pub const RELEASE: u64 = 1 << 63;

/// One piece of CPU work between a wakeup and the next sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// The sleep before it: it begins so long after the burst before it ended (the first: after the start of time), or,
    /// where this is [`WOKEN`], once another task's [`Action`] wakes it, or, with [`RELEASE`], at a time.
    pub after_ns: u64,
    /// CPU work, in ns of a CPU of capacity 1.0.
    pub run_ns: u64,
    /// Its first action, an index into [`Program::actions`]; they end where the next burst's begin.
    pub first_action: u32,
}

impl Burst {
    /// When it begins, where the burst before it ended at `now_ns` and nobody wakes it.
    pub fn begins_ns(&self, now_ns: u64) -> u64 {
        match self.after_ns {
            after_ns if after_ns < RELEASE => now_ns.saturating_add(after_ns),
            release => (release & !RELEASE).max(now_ns),
        }
    }

    /// How long it sleeps before at least, whenever the burst before it ended.
    pub fn sleep_ns(&self) -> u64 {
        if self.after_ns < RELEASE { self.after_ns } else { 0 }
    }

    /// It does not begin before this.
    pub fn release_ns(&self) -> u64 {
        match self.after_ns {
            after_ns if after_ns < RELEASE || after_ns == WOKEN => 0,
            release => release & !RELEASE,
        }
    }
}

/// Something that a task does within a burst: it wakes, or forks, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// How much of the burst's work is done by then.
    pub at_ns: u64,
    /// Whose burst.
    pub task: u32,
    /// Which burst, by number over all tasks.
    pub burst: u32,
}

/// How a task is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// By the policy.
    #[default]
    Fair,
    /// Ahead of all policies.
    RealTime,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskSpec {
    /// Who it is.
    pub id: TaskId,
    /// Its name.
    pub comm: Comm,
    /// The kernel's priority.
    pub prio: i32,
    /// Weight; 1024 is nice 0.
    pub weight: u32,
    /// Real time or not.
    pub class: Class,
    /// Its parent sleeps until it has called exec or has ended.
    pub vforked: bool,
    /// It ends itself once so much of its last burst is done; whom it wakes from there on, it wakes on its way out. `None`: it is
    /// not seen to end.
    pub exits_ns: Option<u64>,
    /// The only CPU that it may use (a number of the recorded machine), where it is bound to one.
    pub pinned: Option<u32>,
    /// The only CPUs that it may use (likewise), where it is not a thread of the kernel's that is bound to one; empty: all.
    pub allowed: Vec<u32>,
    /// The CPU that it comes from (likewise): where it ran before, or its parent did.
    pub cpu: Option<u32>,
    /// Its first burst.
    pub first_burst: u32,
    /// How many bursts it has.
    pub bursts: u32,
}

/// All tasks and what they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Tasks, by index.
    pub tasks: Vec<TaskSpec>,
    /// Their bursts, task by task.
    pub bursts: Spool<Burst>,
    /// The bursts' actions, burst by burst, within each in order of `at_ns`.
    pub actions: Spool<Action>,
}

impl Program {
    /// Bursts that depend on nothing: task i begins at `at_ns`, works for `run_ns`, and ends.
    pub fn independent(bursts: impl IntoIterator<Item = (u64, u64)>) -> Program {
        let mut program = Program::default();
        for (at_ns, run_ns) in bursts {
            program.push(TaskSpec::plain(program.tasks.len()), &[(at_ns, run_ns)], &[]);
        }
        program
    }

    /// Adds a task with its bursts (sleep before, work) and, for each burst in turn, its actions.
    pub fn push(&mut self, mut spec: TaskSpec, bursts: &[(u64, u64)], actions: &[&[Action]]) -> u32 {
        let index = self.tasks.len() as u32;
        spec.first_burst = self.bursts.len() as u32;
        spec.bursts = bursts.len() as u32;
        for (number, &(after_ns, run_ns)) in bursts.iter().enumerate() {
            self.bursts.push(Burst {
                after_ns,
                run_ns,
                first_action: self.actions.len() as u32,
            });
            self.actions
                .extend(actions.get(number).copied().unwrap_or_default().iter().copied());
        }
        self.tasks.push(spec);
        index
    }

    /// The actions of a burst.
    pub fn actions_of(&self, burst: u32) -> &[Action] {
        let first = self.bursts[burst as usize].first_action as usize;
        let next = self.bursts.get(burst as usize + 1);
        let end = next.map_or(self.actions.len(), |next| next.first_action as usize);
        &self.actions[first..end]
    }

    /// The bursts of a task, as numbers.
    pub fn bursts_of(&self, task: u32) -> std::ops::Range<u32> {
        let spec = &self.tasks[task as usize];
        spec.first_burst..spec.first_burst + spec.bursts
    }

    /// All work, in ns.
    pub fn work_ns(&self) -> u64 {
        self.bursts.iter().map(|burst| burst.run_ns).sum()
    }
}

impl TaskSpec {
    /// A task of nice 0 that may run anywhere; its pid is its number plus one.
    pub fn plain(number: usize) -> TaskSpec {
        TaskSpec {
            id: TaskId {
                pid: number as i32 + 1,
                start_ns: 1,
            },
            comm: Comm::default(),
            prio: 120,
            weight: NICE0_WEIGHT,
            class: Class::Fair,
            vforked: false,
            exits_ns: None,
            pinned: None,
            allowed: Vec::new(),
            cpu: None,
            first_burst: 0,
            bursts: 0,
        }
    }
}
