// SPDX-License-Identifier: GPL-2.0-only
//! What happened in a trace, task by task and CPU by CPU.
//!
//! * A task *runs* when a switch to it was seen. Its time is counted where its CPU is known ([`Coverage`]): from there
//!   where it was on its CPU already when the first switch came, to there where it never left. Where events of a CPU
//!   were lost, a run whose end or begin was not seen counts no time; nor does one whose switches contradict each other.
//! * A *migration* is seen, not asked for: a task starts to run on another CPU than it last ran on, or, the first time,
//!   than the one from which it was moved. One that is only moved from queue to queue has none.
//! * A *latency* is the time from a wakeup to the first switch to the task: from `sched_waking` where the trace has
//!   it, else from `sched_wakeup`. The two of one wakeup are counted once. Being woken while running is a wakeup
//!   without latency.
//! * Between two runs a task waits after it was *preempted* (it left runnable), *sleeps*, or is *blocked*
//!   (uninterruptible), the last two until it is woken. What lasts while events are lost is not counted.

use super::census::Census;
use super::{Comm, Coverage, Event, EventKind, Scope, State, Task};
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// How long it waited after it was interrupted.
    pub preempted_ns: u64,
    /// How long it slept.
    pub sleep_ns: u64,
    /// How long it slept in a way that no signal ends, as for a disk.
    pub blocked_ns: u64,
}

/// One CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuSummary {
    /// Its number.
    pub cpu: u32,
    /// Time that it ran tasks,
    pub busy_ns: u64,
    /// and that it idled. What is neither is unknown.
    pub idle_ns: u64,
    /// Its switches.
    pub switches: u64,
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
    /// When and how it left its CPU, if it was neither woken nor ran since.
    left: Option<(u64, State)>,
    /// It was forked within the trace.
    born: bool,
    /// It was seen to run.
    ran: bool,
}

/// `TASK_UNINTERRUPTIBLE`.
const UNINTERRUPTIBLE: u16 = 0x02;

/// Who runs on a CPU.
#[derive(Clone, Copy, Default)]
enum Running {
    /// No switch was seen yet.
    #[default]
    Unseen,
    /// Events were lost since the last switch.
    Unknown,
    Idle,
    Task(usize),
}

/// A CPU: who runs there, and since when.
#[derive(Clone, Copy, Default)]
struct Seat {
    running: Running,
    since_ns: u64,
    busy_ns: u64,
    idle_ns: u64,
    switches: u64,
}

/// Adds up events, which come in the order of time.
#[derive(Default)]
pub struct Summary {
    events: BTreeMap<&'static str, u64>,
    seats: BTreeMap<u32, Seat>,
    coverage: Coverage,
    scope: Scope,
    census: Census,
    tasks: Vec<TaskSummary>,
    doing: Vec<Doing>,
    latencies: usize,
    /// Runs after a sleep that nobody was seen to end.
    unexplained: u64,
    dropped: bool,
}

impl Summary {
    /// Adds up that part only.
    pub fn of(scope: Scope) -> Summary {
        Summary {
            scope,
            ..Summary::default()
        }
    }

    /// The trace begins at that time, whatever its first event is.
    pub fn begins(&mut self, time_ns: u64) {
        self.coverage.begins(time_ns);
        self.scope.starts(self.coverage.start_ns());
    }

    /// Takes an event in.
    pub fn add(&mut self, event: &Event) {
        if self.coverage.add(event) {
            self.seats
                .values_mut()
                .for_each(|seat| seat.running = Running::Unknown);
        }
        if self.scope.holds(event.cpu, event.time_ns) {
            *self.events.entry(event.kind.name()).or_default() += 1;
        }
        self.seats.entry(event.cpu).or_default();
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
                self.waking(index, task, event.cpu, now_ns);
            }
            EventKind::Wakeup { task, .. } if task.pid != 0 => {
                let index = self.census.task(task.pid);
                self.wakeup(index, task, event.cpu, now_ns);
            }
            EventKind::WakeupNew { task, .. } => {
                let index = self.census.wakes_new(task.pid);
                self.wakeup(index, task, event.cpu, now_ns);
                self.doing[index].born = true;
            }
            EventKind::Migrate { task, orig_cpu, .. } => {
                let index = self.census.task(task.pid);
                self.task(index, task);
                let doing = &mut self.doing[index];
                // Who was there before the trace ran there, as far as anybody can tell.
                if doing.last_cpu.is_none() && !doing.born {
                    doing.last_cpu = Some(*orig_cpu);
                }
            }
            EventKind::Exit { task } => {
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
                self.doing[index].born = true;
            }
            EventKind::Exec { task, old_pid, .. } => {
                let index = self.census.renumbered(*old_pid, task.pid);
                self.task(index, task).pid = task.pid;
            }
            EventKind::Lost { .. } => self.seat(event.cpu).running = Running::Unknown,
            _ => {}
        }
    }

    fn seat(&mut self, cpu: u32) -> &mut Seat {
        self.seats.entry(cpu).or_default()
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
        let index = (prev.pid != 0).then(|| self.census.runs(prev.pid));
        let ran_before = index.is_some_and(|index| {
            self.task(index, prev);
            std::mem::replace(&mut self.doing[index].ran, true)
        });
        let seat = *self.seat(cpu);
        let since_ns = match (seat.running, index) {
            // Who was here all the time has not run elsewhere.
            (Running::Unseen, _) if !ran_before => Some(self.coverage.begin_ns(cpu)),
            (Running::Unknown, _) => None,
            (Running::Idle, None) => Some(seat.since_ns),
            (Running::Task(before), Some(index)) if before == index => Some(seat.since_ns),
            _ => {
                self.coverage.check(cpu, false);
                None
            }
        };
        if since_ns.is_some() && !matches!(seat.running, Running::Unseen) {
            self.coverage.check(cpu, true);
        }
        let ran_ns = since_ns.map_or(0, |since_ns| self.scope.share_ns(cpu, since_ns, now_ns));
        let inside = self.scope.holds(cpu, now_ns);
        let seat = self.seat(cpu);
        *(if index.is_some() {
            &mut seat.busy_ns
        } else {
            &mut seat.idle_ns
        }) += ran_ns;
        seat.switches += u64::from(inside);
        (seat.running, seat.since_ns) = (Running::Idle, now_ns);
        let Some(index) = index else { return };
        self.tasks[index].run_ns += ran_ns;
        let doing = &mut self.doing[index];
        (doing.last_cpu, doing.on_cpu) = (Some(cpu), false);
        // Woken before it slept: it goes on, and that is no wakeup that has to wait.
        if state.is_runnable() {
            doing.woken_ns = None;
        }
        doing.left = doing.woken_ns.is_none().then_some((now_ns, state));
        self.census.leaves(prev.pid, state);
    }

    fn enter(&mut self, cpu: u32, next: &Task, now_ns: u64) {
        if next.pid == 0 {
            return;
        }
        let index = self.census.runs(next.pid);
        self.task(index, next);
        let inside = u64::from(self.scope.holds(cpu, now_ns));
        let doing = &mut self.doing[index];
        let summary = &mut self.tasks[index];
        summary.runs += inside;
        if doing.last_cpu.is_some_and(|last| last != cpu) {
            summary.migrations += inside;
        }
        (doing.last_cpu, doing.on_cpu, doing.ran) = (Some(cpu), true, true);
        let woken_ns = doing.woken_ns.take();
        if let Some((left_ns, state)) = doing.left.take() {
            let whole = self.coverage.is_whole_since(left_ns);
            if state.is_runnable() && whole {
                summary.preempted_ns += self.scope.share_ns(cpu, left_ns, now_ns);
            }
            self.unexplained += u64::from(!state.is_runnable() && woken_ns.is_none());
        }
        if let Some(woken_ns) =
            woken_ns.filter(|&woken_ns| inside > 0 && self.coverage.is_whole_since(woken_ns))
        {
            if self.latencies < LATENCIES {
                summary.latencies_ns.push(now_ns.saturating_sub(woken_ns));
                self.latencies += 1;
            } else {
                self.dropped = true;
            }
        }
        let seat = self.seat(cpu);
        (seat.running, seat.since_ns) = (Running::Task(index), now_ns);
    }

    /// A task that still runs may be about to leave: whether it must wait is seen when it does.
    fn waking(&mut self, index: usize, task: &Task, cpu: u32, now_ns: u64) {
        self.task(index, task).wakeups += u64::from(self.scope.holds(cpu, now_ns));
        self.ends_sleep(index, cpu, now_ns);
        let doing = &mut self.doing[index];
        (doing.woken_ns, doing.waking) = (Some(now_ns), true);
    }

    fn wakeup(&mut self, index: usize, task: &Task, cpu: u32, now_ns: u64) {
        self.task(index, task);
        if !std::mem::take(&mut self.doing[index].waking) {
            self.tasks[index].wakeups += u64::from(self.scope.holds(cpu, now_ns));
            self.ends_sleep(index, cpu, now_ns);
            self.doing[index].woken_ns = Some(now_ns);
        }
        let doing = &mut self.doing[index];
        if doing.on_cpu {
            doing.woken_ns = None;
        }
    }

    fn ends_sleep(&mut self, index: usize, cpu: u32, now_ns: u64) {
        let Some((left_ns, state)) = self.doing[index].left.take_if(|(_, state)| !state.is_runnable()) else {
            return;
        };
        if self.coverage.is_whole_since(left_ns) {
            let slept_ns = self.scope.share_ns(cpu, left_ns, now_ns);
            let task = &mut self.tasks[index];
            let blocked = state.bits & UNINTERRUPTIBLE != 0;
            *(if blocked {
                &mut task.blocked_ns
            } else {
                &mut task.sleep_ns
            }) += slept_ns;
        }
    }

    /// Ends the summary: who still runs has run until the last moment that is known of the CPU. `end_ns` is that of the
    /// trace where something else than its events tells it; `torn`: CPUs end at different times.
    pub fn finish_at(mut self, end_ns: Option<u64>, torn: bool) -> Finished {
        if let Some(end_ns) = end_ns {
            self.coverage.ends(end_ns);
        }
        self.coverage.close(torn);
        let mut cpus = Vec::with_capacity(self.seats.len());
        for (&cpu, seat) in &mut self.seats {
            let doubted = self
                .coverage
                .cpus()
                .get(&cpu)
                .is_some_and(|known| known.is_inconsistent());
            let end_ns = self.coverage.end_of(cpu);
            let tail_ns = self.scope.share_ns(cpu, seat.since_ns, end_ns);
            match seat.running {
                Running::Task(task) if !doubted => {
                    self.tasks[task].run_ns += tail_ns;
                    seat.busy_ns += tail_ns;
                }
                Running::Idle if !doubted => seat.idle_ns += tail_ns,
                _ => {}
            }
            if self.scope.has_cpu(cpu) {
                cpus.push(CpuSummary {
                    cpu,
                    busy_ns: seat.busy_ns,
                    idle_ns: seat.idle_ns,
                    switches: seat.switches,
                });
            }
        }
        let woken = ["sched_waking", "sched_wakeup"]
            .iter()
            .any(|name| self.events.contains_key(name));
        let born = self.events.contains_key("sched_wakeup_new");
        Finished {
            cpus,
            start_ns: self.coverage.start_ns(),
            end_ns: self.coverage.end_ns(),
            events: self.events,
            lost: self.coverage.lost(),
            tasks: self.tasks,
            tells_wakeups: woken || born && self.unexplained == 0,
            coverage: self.coverage,
            dropped: self.dropped,
        }
    }

    /// Ends the summary of events that are all there is.
    pub fn finish(self) -> Finished {
        self.finish_at(None, false)
    }
}

/// What a trace adds up to.
pub struct Finished {
    /// CPUs with events, by number.
    pub cpus: Vec<CpuSummary>,
    /// Its first moment.
    pub start_ns: u64,
    /// Its last moment.
    pub end_ns: u64,
    /// Events by name.
    pub events: BTreeMap<&'static str, u64>,
    /// Events that were lost, at least one for each note of such.
    pub lost: u64,
    /// Tasks, in the order of their appearance.
    pub tasks: Vec<TaskSummary>,
    /// Whether it shows wakeups. Where it does not, latencies, sleeps and how often tasks were woken are unknown.
    pub tells_wakeups: bool,
    /// What is known of each CPU.
    pub coverage: Coverage,
    /// There was more than is kept: 16,777,216 latencies, or 1,048,576 tasks.
    pub dropped: bool,
}
