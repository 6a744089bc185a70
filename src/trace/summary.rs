// SPDX-License-Identifier: GPL-2.0-only
//! What happened in a trace, task by task.
//!
//! * A task *runs* when a switch to it was seen. Its time is counted within the trace: from the first event where it
//!   was on its CPU already when the first switch came, to the last one where it never left. Where events of a CPU
//!   were lost, a run whose end or begin was not seen counts no time.
//! * A *migration* is seen, not asked for: a task starts to run on another CPU than it last ran on. One that is only
//!   moved from queue to queue has none.
//! * A *latency* is the time from a wakeup to the first switch to the task: from `sched_waking` where the trace has
//!   it, else from `sched_wakeup`. The two of one wakeup are counted once. Being woken while running is a wakeup
//!   without latency.

use super::census::Census;
use super::{Comm, Event, EventKind, State, Task};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Most latencies that are kept, of all tasks together: 128 MB.
const LATENCIES: usize = 1 << 24;
/// Most tasks that are told apart; events of others are only counted by name.
const TASKS: usize = 1 << 20;

/// One task. CPUs' idle tasks are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskSummary {
    /// Its pid, the last one where exec changed it.
    pub pid: i32,
    /// Its last name.
    #[serde(serialize_with = "as_text")]
    pub comm: Comm,
    /// Time on CPUs.
    pub run_ns: u64,
    /// How often it started to run.
    pub runs: u64,
    /// How often it was woken.
    pub wakeups: u64,
    /// From each wakeup to the run that followed, in the order of the runs.
    pub latencies_ns: Vec<u64>,
    /// How often it started to run on another CPU than before.
    pub migrations: u64,
}

fn as_text<S: serde::Serializer>(comm: &Comm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&comm.text())
}

/// What a task is doing.
#[derive(Clone, Copy, Default)]
struct Doing {
    last_cpu: Option<u32>,
    on_cpu: bool,
    /// When it was woken, if it did not run since.
    woken_ns: Option<u64>,
    /// `sched_waking` came, and the `sched_wakeup` that belongs to it did not yet.
    waking: bool,
}

/// Who runs on a CPU.
#[derive(Clone, Copy, Default)]
enum Running {
    /// No switch was seen yet.
    #[default]
    Unseen,
    /// Events were lost since the last switch.
    Unknown,
    Idle,
    Task {
        task: usize,
        since_ns: u64,
    },
}

/// Adds up events, which come in the order of time.
#[derive(Default)]
pub struct Summary {
    events: BTreeMap<&'static str, u64>,
    cpus: HashMap<u32, Running>,
    span: Option<(u64, u64)>,
    lost: u64,
    census: Census,
    tasks: Vec<TaskSummary>,
    doing: Vec<Doing>,
    latencies: usize,
    dropped: bool,
}

impl Summary {
    /// Takes an event in.
    pub fn add(&mut self, event: &Event) {
        *self.events.entry(event.kind.name()).or_default() += 1;
        let (start_ns, end_ns) = self.span.unwrap_or((event.time_ns, event.time_ns));
        self.span = Some((start_ns, end_ns.max(event.time_ns)));
        self.cpus.entry(event.cpu).or_default();
        if self.census.count() >= TASKS {
            self.dropped = true;
            return;
        }
        self.note(event);
    }

    fn note(&mut self, event: &Event) {
        let now_ns = event.time_ns;
        match &event.kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => {
                self.leave(event.cpu, prev, *prev_state, now_ns);
                self.enter(event.cpu, next, now_ns);
            }
            EventKind::Waking { task, .. } if task.pid != 0 => {
                let index = self.census.task(task.pid);
                self.waking(index, task, now_ns);
            }
            EventKind::Wakeup { task, .. } if task.pid != 0 => {
                let index = self.census.task(task.pid);
                self.wakeup(index, task, now_ns);
            }
            EventKind::WakeupNew { task, .. } => {
                let index = self.census.wakes_new(task.pid);
                self.wakeup(index, task, now_ns);
            }
            EventKind::Migrate { task, .. } | EventKind::Exit { task } => {
                let index = self.census.task(task.pid);
                self.task(index, task);
            }
            EventKind::Fork { parent, child } => {
                if parent.pid != 0 {
                    let index = self.census.task(parent.pid);
                    self.task(index, parent);
                }
                let index = self.census.forked(child.pid);
                self.task(index, child);
            }
            EventKind::Exec { task, old_pid, .. } => {
                let index = self.census.renumbered(*old_pid, task.pid);
                self.task(index, task).pid = task.pid;
            }
            EventKind::Lost { count } => {
                self.lost = self.lost.saturating_add((*count).max(1));
                self.cpus.insert(event.cpu, Running::Unknown);
            }
            _ => {}
        }
    }

    /// The summary of the task with that number, under its present name.
    fn task(&mut self, index: usize, task: &Task) -> &mut TaskSummary {
        while self.tasks.len() <= index {
            self.tasks.push(TaskSummary {
                pid: task.pid,
                ..TaskSummary::default()
            });
            self.doing.push(Doing::default());
        }
        let summary = &mut self.tasks[index];
        summary.comm = task.comm;
        summary
    }

    fn leave(&mut self, cpu: u32, prev: &Task, state: State, now_ns: u64) {
        let before = self.cpus.insert(cpu, Running::Idle).unwrap_or_default();
        if prev.pid == 0 {
            return;
        }
        let index = self.census.runs(prev.pid);
        self.task(index, prev);
        let since_ns = match before {
            Running::Task { task, since_ns } if task == index => since_ns,
            Running::Unseen => self.span.map_or(now_ns, |(start_ns, _)| start_ns),
            _ => now_ns,
        };
        self.tasks[index].run_ns += now_ns.saturating_sub(since_ns);
        let doing = &mut self.doing[index];
        (doing.last_cpu, doing.on_cpu) = (Some(cpu), false);
        // Woken before it slept: it goes on, and that is no wakeup that has to wait.
        if state.is_runnable() {
            doing.woken_ns = None;
        }
        self.census.leaves(prev.pid, state);
    }

    fn enter(&mut self, cpu: u32, next: &Task, now_ns: u64) {
        if next.pid == 0 {
            return;
        }
        let index = self.census.runs(next.pid);
        self.task(index, next).runs += 1;
        let doing = &mut self.doing[index];
        let summary = &mut self.tasks[index];
        if doing.last_cpu.is_some_and(|last| last != cpu) {
            summary.migrations += 1;
        }
        if let Some(woken_ns) = doing.woken_ns.take() {
            if self.latencies < LATENCIES {
                summary.latencies_ns.push(now_ns.saturating_sub(woken_ns));
                self.latencies += 1;
            } else {
                self.dropped = true;
            }
        }
        (doing.last_cpu, doing.on_cpu) = (Some(cpu), true);
        self.cpus.insert(
            cpu,
            Running::Task {
                task: index,
                since_ns: now_ns,
            },
        );
    }

    /// A task that still runs may be about to leave: whether it must wait is seen when it does.
    fn waking(&mut self, index: usize, task: &Task, now_ns: u64) {
        self.task(index, task).wakeups += 1;
        let doing = &mut self.doing[index];
        (doing.woken_ns, doing.waking) = (Some(now_ns), true);
    }

    fn wakeup(&mut self, index: usize, task: &Task, now_ns: u64) {
        self.task(index, task);
        let doing = &mut self.doing[index];
        if !std::mem::take(&mut doing.waking) {
            self.tasks[index].wakeups += 1;
            doing.woken_ns = Some(now_ns);
        }
        if doing.on_cpu {
            doing.woken_ns = None;
        }
    }

    /// Ends the summary: who still runs has run until the last event.
    pub fn finish(mut self) -> Finished {
        let (start_ns, end_ns) = self.span.unwrap_or_default();
        for running in self.cpus.values() {
            if let Running::Task { task, since_ns } = *running {
                self.tasks[task].run_ns += end_ns.saturating_sub(since_ns);
            }
        }
        Finished {
            cpus: self.cpus.len(),
            start_ns,
            end_ns,
            events: self.events,
            lost: self.lost,
            tasks: self.tasks,
            dropped: self.dropped,
        }
    }
}

/// What a trace adds up to.
pub struct Finished {
    /// CPUs with events.
    pub cpus: usize,
    /// Time of the first event.
    pub start_ns: u64,
    /// Time of the last event.
    pub end_ns: u64,
    /// Events by name.
    pub events: BTreeMap<&'static str, u64>,
    /// Events that were lost, at least one for each note of such.
    pub lost: u64,
    /// Tasks, in the order of their appearance.
    pub tasks: Vec<TaskSummary>,
    /// There was more than is kept: 16,777,216 latencies, or 1,048,576 tasks.
    pub dropped: bool,
}
