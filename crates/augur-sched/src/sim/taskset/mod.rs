// SPDX-License-Identifier: GPL-2.0-only
//! From what rt-app's threads do to a program of bursts: the threads are gone through in time, each on a CPU of its own, so
//! that it is known who wakes whom. The replay keeps that; when it happens is the scheduler's matter.
//!
//! ```text
//! run ─▶ a burst's work    sleep, timer ─▶ the next burst's sleep    wait, suspend, barrier, semaphore ─▶ woken by a burst
//! ```
//! A timer's ticks stay where they are without waiting for CPUs ([`RELEASE`]).

mod thread;
mod wakes;

use super::burst::{Rebuilt, Recording};
use super::program::{Action, Class, Program, TaskSpec, WOKEN};
use crate::policy::TaskId;
use crate::policy::cpu::load::{NICE0_WEIGHT, weight_of_prio};
use crate::rtapp::{MOST_THREADS, Policy, Step, Taskset, Thread};
use anyhow::{Result, bail, ensure};
use augur_trace::Comm;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use thread::{Running, Waits};
use wakes::Wakes;

/// The most bursts and steps of all threads: memory and time are bounded.
const MOST_BURSTS: usize = 4_000_000;
const MOST_STEPS: u64 = 50_000_000;
/// The most steps without any time going by.
const MOST_AT_ONCE: u64 = 1_000_000;
/// Of SCHED_IDLE, as the kernel has it.
const IDLE_WEIGHT: u32 = 3;
/// Pids of threads begin here.
const FIRST_PID: i32 = 1000;

/// The program of a workload.
///
/// # Errors
/// One sentence: it never ends, or is too large.
pub fn program(taskset: &Taskset) -> Result<Program> {
    let forever = |task: &&Thread| {
        task.instances > 0 && (task.loops.is_none() || task.phases.iter().any(|phase| phase.loops.is_none()))
    };
    if let Some(task) = taskset
        .tasks
        .iter()
        .find(forever)
        .filter(|_| taskset.duration_ns.is_none())
    {
        bail!(
            "task '{}' loops for ever, and global.duration does not say when it ends; set it, in seconds",
            task.name
        );
    }
    let mut course = Course {
        taskset,
        threads: Vec::new(),
        due: BinaryHeap::new(),
        wakes: Wakes::of(taskset),
        bursts: 0,
    };
    for (task, spec) in taskset.tasks.iter().enumerate() {
        for _ in 0..spec.instances {
            course.begin(task, None)?;
        }
    }
    course.run()?;
    Ok(course.finish())
}

/// The program as a replay wants it, without a recording, for a machine of so many CPUs.
///
/// # Errors
/// As [`program`].
pub fn rebuilt(taskset: &Taskset, cpus: u32) -> Result<Rebuilt> {
    Ok(Rebuilt {
        program: Arc::new(program(taskset)?),
        recording: Recording {
            cpus: (0..cpus).collect(),
            ..Recording::default()
        },
    })
}

/// All threads as they are at one moment.
struct Course<'a> {
    taskset: &'a Taskset,
    threads: Vec<Running>,
    /// Who does its next step when.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    wakes: Wakes,
    bursts: usize,
}

impl Course<'_> {
    /// A thread of a task comes, from the beginning or begun by another one at that time.
    fn begin(&mut self, task: usize, forked_ns: Option<u64>) -> Result<usize> {
        let number = self.threads.len();
        ensure!(
            (number as u64) < MOST_THREADS,
            "more than {MOST_THREADS} threads are begun"
        );
        let delay_ns = self.taskset.tasks[task].delay_ns;
        let mut thread = Running::new(task, delay_ns);
        thread.at_ns = forked_ns.map_or(delay_ns, |at_ns| at_ns.max(delay_ns));
        if forked_ns.is_some() {
            thread.bursts[0].0 = WOKEN;
        }
        self.due.push(Reverse((thread.at_ns, number)));
        self.threads.push(thread);
        self.bursts += 1;
        Ok(number)
    }

    fn run(&mut self) -> Result<()> {
        let end_ns = self.taskset.duration_ns.unwrap_or(u64::MAX);
        let (mut steps, mut at_once, mut now_ns) = (0u64, 0u64, 0u64);
        while let Some(Reverse((at_ns, number))) = self.due.pop() {
            if at_ns >= end_ns {
                continue;
            }
            let task = &self.taskset.tasks[self.threads[number].task];
            let Some(step) = self.threads[number].next_step(task) else {
                continue;
            };
            steps += 1;
            at_once = if at_ns > now_ns { 0 } else { at_once + 1 };
            now_ns = at_ns;
            if at_once > MOST_AT_ONCE {
                bail!(
                    "task '{}' loops without any time going by; have it run or sleep",
                    task.name
                );
            }
            if steps > MOST_STEPS || self.bursts > MOST_BURSTS {
                bail!(
                    "it is too long: after {} ms of it there are {} bursts and {steps} steps; give a shorter \
                     global.duration or fewer loops",
                    at_ns / 1_000_000,
                    self.bursts
                );
            }
            self.step(number, &step)?;
        }
        Ok(())
    }

    /// Who goes on does at its time.
    fn again(&mut self, number: usize) {
        self.due.push(Reverse((self.threads[number].at_ns, number)));
    }

    /// A thread sleeps, and its next burst begins as that says.
    fn sleep(&mut self, number: usize, waits: Waits) {
        self.bursts += usize::from(self.threads[number].sleep(waits));
    }

    fn step(&mut self, number: usize, step: &Step) -> Result<()> {
        match step {
            Step::Run(run_ns) => self.threads[number].work(*run_ns),
            Step::Sleep(0) => {}
            Step::Sleep(sleep_ns) => self.sleep(number, Waits::For(*sleep_ns)),
            Step::Timer(tick) => {
                if let Some(at_ns) = self.wakes.tick(number, &self.threads[number], tick) {
                    self.sleep(number, Waits::Until(at_ns));
                }
            }
            Step::Wait(name) => {
                self.wakes.wait(name, number);
                self.sleep(number, Waits::Woken);
                return Ok(());
            }
            Step::Signal(name) => {
                let woken = self.wakes.first(name);
                self.wake(number, woken);
            }
            Step::Sync(name) => {
                let woken = self.wakes.first(name);
                self.wake(number, woken);
                self.wakes.wait(name, number);
                self.sleep(number, Waits::Woken);
                return Ok(());
            }
            Step::Broadcast(name) => {
                let woken = self.wakes.all(name);
                self.wake(number, woken);
            }
            Step::Barrier(name) => match self.wakes.arrive(name, number) {
                Some(woken) => self.wake(number, woken),
                None => {
                    self.sleep(number, Waits::Woken);
                    return Ok(());
                }
            },
            Step::Post(name) => match self.wakes.post(name) {
                Some(woken) => self.wake(number, Some(woken)),
                None => {
                    let action = self.threads[number].acts(None);
                    self.wakes.keep_post(name, (number, action));
                }
            },
            Step::Take(name) => {
                self.sleep(number, Waits::Woken);
                match self.wakes.take(name, number) {
                    // It was posted before: whoever is slow to post is waited for all the same.
                    Some((poster, action)) => {
                        let burst = self.threads[number].burst();
                        self.threads[number].woken = true;
                        self.threads[poster].aim(action, (number, burst));
                    }
                    None => return Ok(()),
                }
            }
            Step::Fork(name) => {
                let found = self.taskset.tasks.iter().position(|task| task.name == *name);
                let Some(task) = found else {
                    bail!("'fork' names task '{name}', which is not there");
                };
                let child = self.begin(task, Some(self.threads[number].at_ns))?;
                self.threads[number].acts(Some((child, 0)));
            }
        }
        self.again(number);
        Ok(())
    }

    /// Wakes threads now.
    fn wake(&mut self, number: usize, woken: impl IntoIterator<Item = usize>) {
        let at_ns = self.threads[number].at_ns;
        for sleeper in woken {
            let burst = self.threads[sleeper].burst();
            self.threads[number].acts(Some((sleeper, burst)));
            self.threads[sleeper].at_ns = at_ns;
            self.threads[sleeper].woken = true;
            self.again(sleeper);
        }
    }

    fn finish(mut self) -> Program {
        self.threads.iter_mut().for_each(Running::trim);
        let mut firsts = Vec::with_capacity(self.threads.len());
        let mut first = 0u32;
        for thread in &self.threads {
            firsts.push(first);
            first += thread.bursts.len() as u32;
        }
        let mut program = Program::default();
        for (number, thread) in self.threads.iter().enumerate() {
            let there = |(task, burst): (usize, usize)| burst < self.threads[task].bursts.len();
            let lists: Vec<Vec<Action>> = thread
                .actions
                .iter()
                .map(|list| {
                    let aimed = list
                        .iter()
                        .filter_map(|&(at_ns, aim)| Some((at_ns, aim.filter(|&aim| there(aim))?)));
                    aimed
                        .map(|(at_ns, (task, burst))| Action {
                            at_ns,
                            task: task as u32,
                            burst: firsts[task] + burst as u32,
                        })
                        .collect()
                })
                .collect();
            let lists: Vec<&[Action]> = lists.iter().map(Vec::as_slice).collect();
            program.push(self.spec(number), &thread.bursts, &lists);
        }
        program
    }

    fn spec(&self, number: usize) -> TaskSpec {
        let task = &self.taskset.tasks[self.threads[number].task];
        let (prio, weight, class) = match task.policy {
            Policy::Fair { nice } => (120 + nice, weight_of_prio(120 + nice), Class::Fair),
            Policy::Idle => (120, IDLE_WEIGHT, Class::Fair),
            Policy::RealTime { priority } => (99 - priority, NICE0_WEIGHT, Class::RealTime),
            Policy::Deadline => (-1, NICE0_WEIGHT, Class::RealTime),
        };
        TaskSpec {
            id: TaskId {
                pid: FIRST_PID + number as i32,
                start_ns: 1,
            },
            comm: Comm::from(task.name.as_str()),
            prio,
            weight,
            class,
            allowed: task.cpus.clone(),
            ..TaskSpec::plain(number)
        }
    }
}
