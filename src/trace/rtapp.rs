// SPDX-License-Identifier: GPL-2.0-only
//! A workload for rt-app: every task of the trace as its runs and sleeps, one after the other.
//!
//! A run is what a task ran between two sleeps, however often it was preempted; waiting for a CPU is left out, as
//! that is what the next scheduler shall decide. Times are in microseconds, as rt-app wants them.

use super::census::Census;
use super::{Comm, Event, EventKind, Sink, State, Task};
use crate::file::Output;
use anyhow::{Result, ensure};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, Write};

/// Most phases of all tasks together: 8 MB here, and more than rt-app can do anything with.
const PHASES: usize = 1 << 20;
/// Most tasks; rt-app makes a thread of each.
const TASKS: usize = 1 << 15;

/// A run, and the sleep behind it.
struct Phase {
    run_us: u32,
    sleep_us: u32,
}

struct Workload {
    pid: i32,
    comm: Comm,
    prio: i32,
    first_ns: u64,
    phases: Vec<Phase>,
    /// Ran since it slept.
    burst_ns: u64,
    asleep_since: Option<u64>,
}

impl Workload {
    fn new(task: &Task, now_ns: u64) -> Workload {
        Workload {
            pid: task.pid,
            comm: task.comm,
            prio: task.prio,
            first_ns: now_ns,
            phases: Vec::new(),
            burst_ns: 0,
            asleep_since: None,
        }
    }

    fn sleeps(&mut self, now_ns: u64) {
        let run_us = micros(std::mem::take(&mut self.burst_ns));
        self.phases.push(Phase { run_us, sleep_us: 0 });
        self.asleep_since = Some(now_ns);
    }

    fn wakes(&mut self, now_ns: u64) {
        if let (Some(since), Some(phase)) = (self.asleep_since.take(), self.phases.last_mut()) {
            phase.sleep_us = micros(now_ns.saturating_sub(since));
        }
    }
}

fn micros(ns: u64) -> u32 {
    u32::try_from(ns / 1000).unwrap_or(u32::MAX)
}

/// Collects runs and sleeps, and writes them at the end.
pub struct RtAppWriter {
    out: BufWriter<Output>,
    census: Census,
    tasks: Vec<Workload>,
    /// On each CPU: who runs, since when.
    running: HashMap<u32, (usize, u64)>,
    /// CPUs of which it is known who ran at the trace's start.
    seen: HashSet<u32>,
    start_ns: Option<u64>,
    end_ns: u64,
    phases: usize,
}

impl RtAppWriter {
    /// Starts without tasks.
    pub fn new(out: Output) -> RtAppWriter {
        RtAppWriter {
            out: BufWriter::new(out),
            census: Census::default(),
            tasks: Vec::new(),
            running: HashMap::new(),
            seen: HashSet::new(),
            start_ns: None,
            end_ns: 0,
            phases: 0,
        }
    }

    /// The workload of the task with that number.
    fn task(&mut self, index: usize, task: &Task) -> &mut Workload {
        let now_ns = self.end_ns;
        while self.tasks.len() <= index {
            self.tasks.push(Workload::new(task, now_ns));
        }
        let workload = &mut self.tasks[index];
        workload.comm = task.comm;
        workload
    }

    fn leave(&mut self, cpu: u32, task: &Task, state: State) {
        let now_ns = self.end_ns;
        let index = self.census.runs(task.pid);
        self.task(index, task).prio = task.prio;
        // Who leaves first ran when the trace began.
        let first = self
            .seen
            .insert(cpu)
            .then(|| (index, self.start_ns.unwrap_or(now_ns)));
        let ran = self.running.remove(&cpu).or(first);
        if let Some((_, since)) = ran.filter(|(running, _)| *running == index) {
            self.tasks[index].burst_ns += now_ns.saturating_sub(since);
        }
        if !state.is_runnable() {
            self.tasks[index].sleeps(now_ns);
            self.phases += 1;
        }
        self.census.leaves(task.pid, state);
    }

    fn enter(&mut self, cpu: u32, task: &Task) {
        let now_ns = self.end_ns;
        let index = self.census.runs(task.pid);
        self.task(index, task).wakes(now_ns);
        self.tasks[index].prio = task.prio;
        self.running.insert(cpu, (index, now_ns));
    }

    fn close(&mut self) {
        for (index, since) in std::mem::take(&mut self.running).into_values() {
            self.tasks[index].burst_ns += self.end_ns.saturating_sub(since);
        }
        for task in &mut self.tasks {
            task.wakes(self.end_ns);
            if task.burst_ns >= 1000 {
                task.sleeps(self.end_ns);
            }
        }
        self.tasks
            .retain(|task| task.phases.iter().any(|phase| phase.run_us > 0));
    }

    fn print(&mut self) -> io::Result<()> {
        let start_ns = self.start_ns.unwrap_or(0);
        let out = &mut self.out;
        out.write_all(GLOBAL.as_bytes())?;
        writeln!(out, "  \"tasks\": {{")?;
        for (index, task) in self.tasks.iter().enumerate() {
            let end = if index + 1 < self.tasks.len() { "," } else { "" };
            print_task(out, index, task, start_ns)?;
            writeln!(out, "    }}{end}")?;
        }
        writeln!(out, "  }}\n}}")
    }
}

const GLOBAL: &str = r#"{
  "global": {
    "duration": -1,
    "calibration": "CPU0",
    "default_policy": "SCHED_OTHER",
    "pi_enabled": false,
    "lock_pages": false,
    "logdir": "./",
    "log_basename": "rt-app",
    "gnuplot": false
  },
"#;

fn print_task(out: &mut impl Write, index: usize, task: &Workload, start_ns: u64) -> io::Result<()> {
    // The number keeps names apart where a pid was used again.
    let name = serde_json::to_string(&format!("{index}-{}-{}", task.comm.text(), task.pid))?;
    let (policy, priority) = policy(task.prio);
    writeln!(out, "    {name}: {{")?;
    writeln!(
        out,
        "      \"policy\": \"{policy}\", \"priority\": {priority}, \"loop\": 1,"
    )?;
    writeln!(
        out,
        "      \"delay\": {},",
        task.first_ns.saturating_sub(start_ns) / 1000
    )?;
    writeln!(out, "      \"phases\": {{")?;
    let phases = task
        .phases
        .iter()
        .filter(|phase| phase.run_us > 0 || phase.sleep_us > 0);
    for (number, phase) in phases.enumerate() {
        let comma = if number > 0 { ",\n" } else { "" };
        write!(out, "{comma}        \"p{number}\": {{ ")?;
        match (phase.run_us, phase.sleep_us) {
            (run, 0) => write!(out, "\"run\": {run} }}")?,
            (0, sleep) => write!(out, "\"sleep\": {sleep} }}")?,
            (run, sleep) => write!(out, "\"run\": {run}, \"sleep\": {sleep} }}")?,
        }
    }
    writeln!(out, "\n      }}")
}

/// rt-app's priority is the nice value, or the real-time priority.
fn policy(prio: i32) -> (&'static str, i32) {
    match prio {
        0..=99 => ("SCHED_FIFO", 99 - prio),
        100..=139 => ("SCHED_OTHER", prio - 120),
        _ => ("SCHED_OTHER", 0),
    }
}

impl Sink for RtAppWriter {
    fn write(&mut self, event: &Event) -> Result<()> {
        self.start_ns.get_or_insert(event.time_ns);
        self.end_ns = event.time_ns;
        match &event.kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => {
                if prev.pid != 0 {
                    self.leave(event.cpu, prev, *prev_state);
                }
                self.running.remove(&event.cpu);
                self.seen.insert(event.cpu);
                if next.pid != 0 {
                    self.enter(event.cpu, next);
                }
            }
            EventKind::Waking { task, .. } | EventKind::Wakeup { task, .. } if task.pid != 0 => {
                let index = self.census.task(task.pid);
                self.task(index, task).wakes(event.time_ns);
            }
            EventKind::WakeupNew { task, .. } => {
                let index = self.census.wakes_new(task.pid);
                self.task(index, task);
            }
            EventKind::Fork { child, .. } => {
                let index = self.census.forked(child.pid);
                self.task(index, child).prio = 120;
            }
            EventKind::Exec { task, old_pid, .. } => {
                let index = self.census.renumbered(*old_pid, task.pid);
                self.task(index, task).pid = task.pid;
            }
            EventKind::Lost { .. } => {
                self.running.remove(&event.cpu);
                self.seen.insert(event.cpu);
            }
            _ => {}
        }
        ensure!(
            self.phases <= PHASES && self.tasks.len() <= TASKS,
            "this trace has more than {PHASES} sleeps or {TASKS} tasks, too many for rt-app; export a shorter one"
        );
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.close();
        self.print()?;
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .finish()
    }
}
