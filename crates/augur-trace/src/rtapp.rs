// SPDX-License-Identifier: GPL-2.0-only
//! A workload for rt-app: every task of the trace as its runs and sleeps, one after the other.
//!
//! A run is what a task ran between two sleeps, however often it was preempted; waiting for a CPU is left out, as
//! that is what the next scheduler shall decide. Times are in microseconds, as rt-app wants them.

use super::census::Census;
use super::{Comm, Event, EventKind, Sink, State, Task};
use anyhow::{Result, ensure};
use augur_base::file::Output;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, BufWriter, Write};

/// Most phases of all tasks together: 8 MB here, and more than rt-app can do anything with.
const PHASES: usize = 1 << 20;
/// Most tasks.
const TASKS: usize = 1 << 15;
/// Threads, beyond which tasks follow each other in one. rt-app 1.0 compares CPU sets of 128 bytes where it has made room for
/// few: with hundreds of threads, one of these lies at the end of a heap now and then, and rt-app dies.
const THREADS: usize = 128;
/// rt-app's times have 31 bits.
const LONGEST_US: u64 = 2_000_000_000;

/// A run, and the sleep behind it.
struct Phase {
    run_us: u64,
    sleep_us: u64,
}

struct Workload {
    pid: i32,
    comm: Comm,
    prio: i32,
    first_ns: u64,
    /// When its last run ended.
    last_ns: u64,
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
            last_ns: now_ns,
            phases: Vec::new(),
            burst_ns: 0,
            asleep_since: None,
        }
    }

    fn sleeps(&mut self, now_ns: u64) {
        let run_us = micros(std::mem::take(&mut self.burst_ns));
        self.phases.push(Phase { run_us, sleep_us: 0 });
        (self.asleep_since, self.last_ns) = (Some(now_ns), now_ns);
    }

    fn wakes(&mut self, now_ns: u64) {
        if let (Some(since), Some(phase)) = (self.asleep_since.take(), self.phases.last_mut()) {
            phase.sleep_us = micros(now_ns.saturating_sub(since));
        }
    }
}

fn micros(ns: u64) -> u64 {
    ns / 1000
}

/// Collects runs and sleeps, and writes them at the end.
pub(crate) struct RtAppWriter {
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
    pub(crate) fn new(out: Output) -> RtAppWriter {
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
        let few = self.tasks.len() <= THREADS;
        for task in &mut self.tasks {
            // A sleep at the end is nothing that others could not be played in.
            if !few && task.asleep_since.take().is_some() {
                continue;
            }
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
        let threads = threads(&self.tasks);
        let out = &mut self.out;
        out.write_all(GLOBAL.as_bytes())?;
        writeln!(out, "  \"tasks\": {{")?;
        for (index, members) in threads.iter().enumerate() {
            let end = if index + 1 < threads.len() { "," } else { "" };
            let members: Vec<&Workload> = members
                .iter()
                .filter_map(|&member| self.tasks.get(member))
                .collect();
            print_thread(out, index, &members, start_ns)?;
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

/// Which tasks a thread plays one after the other, by index. As long as there are few, each has its own; beyond that a
/// task goes on in the thread of one that is over.
fn threads(tasks: &[Workload]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|&index| tasks[index].first_ns);
    let mut threads: Vec<Vec<usize>> = Vec::new();
    // For each class, the threads with the end of their last task.
    let mut over: BTreeMap<Class, BTreeSet<(u64, usize)>> = BTreeMap::new();
    for index in order {
        let task = &tasks[index];
        let ends = over.entry(task.class()).or_default();
        let free = ends.first().copied().filter(|_| threads.len() >= THREADS);
        let thread = match free.filter(|&(end_ns, _)| end_ns <= task.first_ns) {
            Some(first) => {
                ends.remove(&first);
                first.1
            }
            None => {
                threads.push(Vec::new());
                threads.len() - 1
            }
        };
        threads[thread].push(index);
        ends.insert((task.last_ns, thread));
    }
    threads
}

fn print_thread(out: &mut impl Write, index: usize, members: &[&Workload], start_ns: u64) -> io::Result<()> {
    let Some(first) = members.first() else {
        return Ok(());
    };
    // The number keeps names apart where a pid was used again.
    let name = format!("{index}-{}-{}", file_name(&first.comm), first.pid);
    writeln!(out, "    {}: {{", serde_json::to_string(&name)?)?;
    writeln!(out, "      {}, \"loop\": 1,", first.class().json(first))?;
    let delay_us = first.first_ns.saturating_sub(start_ns) / 1000;
    writeln!(out, "      \"delay\": {},", delay_us.min(LONGEST_US))?;
    writeln!(out, "      \"phases\": {{")?;
    let mut number = 0;
    let mut phase = |out: &mut dyn Write, run_us: u64, sleep_us: u64| {
        let comma = if number > 0 { ",\n" } else { "" };
        write!(out, "{comma}        \"p{number}\": {{ ")?;
        number += 1;
        match (run_us, sleep_us) {
            (run, 0) => write!(out, "\"run\": {run} }}"),
            (0, sleep) => write!(out, "\"sleep\": {sleep} }}"),
            (run, sleep) => write!(out, "\"run\": {run}, \"sleep\": {sleep} }}"),
        }
    };
    let mut now_us = delay_us.min(LONGEST_US);
    for task in members {
        let phases = task.phases.iter().map(|phase| (phase.run_us, phase.sleep_us));
        let begins_us = task.first_ns.saturating_sub(start_ns) / 1000;
        for (run_us, sleep_us) in [(0, begins_us.saturating_sub(now_us))].into_iter().chain(phases) {
            let mut run_us = run_us;
            let mut sleep_us = sleep_us;
            while run_us > 0 || sleep_us > 0 {
                let (run, sleep) = (run_us.min(LONGEST_US), sleep_us.min(LONGEST_US));
                phase(out, run, sleep)?;
                (run_us, sleep_us) = (run_us - run, sleep_us - sleep);
            }
        }
        now_us = task.last_ns.saturating_sub(start_ns) / 1000;
    }
    writeln!(out, "\n      }}")
}

/// rt-app names a file after each task: what stands there must not lead elsewhere.
fn file_name(comm: &Comm) -> String {
    let safe = |sign: char| match sign {
        '/' => '_',
        _ if sign.is_control() => '_',
        _ => sign,
    };
    comm.text().chars().map(safe).collect()
}

/// How the kernel schedules a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// SCHED_DEADLINE, below all priorities. Each has its own budget: the task's number.
    Deadline(i32),
    /// SCHED_FIFO or SCHED_RR, which a trace does not tell apart, and the real-time priority.
    RealTime(i32),
    /// By the nice value.
    Fair(i32),
}

impl Workload {
    fn class(&self) -> Class {
        match self.prio {
            ..0 => Class::Deadline(self.pid),
            0..=99 => Class::RealTime((99 - self.prio).max(1)),
            100..=139 => Class::Fair(self.prio - 120),
            _ => Class::Fair(0),
        }
    }
}

impl Class {
    /// rt-app's priority is the nice value, or the real-time priority. The budget of a deadline task is not in a trace:
    /// it gets what it used, and a period of which that is a part that all such tasks together can have.
    fn json(self, task: &Workload) -> String {
        match self {
            Class::Fair(nice) => format!("\"policy\": \"SCHED_OTHER\", \"priority\": {nice}"),
            Class::RealTime(priority) => format!("\"policy\": \"SCHED_FIFO\", \"priority\": {priority}"),
            Class::Deadline(_) => {
                let used_us = task.phases.iter().map(|phase| phase.run_us).max().unwrap_or(0);
                let runtime_us = used_us.clamp(10, 1_000_000);
                let span_us = task.last_ns.saturating_sub(task.first_ns) / 1000;
                let period_us = (span_us / task.phases.len().max(1) as u64)
                    .clamp(20 * runtime_us.min(200_000), 4_000_000);
                format!(
                    "\"policy\": \"SCHED_DEADLINE\", \"dl-runtime\": {runtime_us}, \"dl-deadline\": {period_us}, \
                     \"dl-period\": {period_us}"
                )
            }
        }
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
        ensure!(
            !self.tasks.is_empty(),
            "nobody is seen to run for a microsecond, so there is no workload; record sched_switch for longer"
        );
        self.print()?;
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .finish()
    }
}
