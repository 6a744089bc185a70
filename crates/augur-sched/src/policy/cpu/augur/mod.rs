// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's half of scx_augur, as in `bpf/`: its twin in Rust, so that a replay shows what the live scheduler would
//! do. What changes there changes here: `tests/bpf_twin` drives both alike and fails where they differ. The same chapters
//! under the same names:
//!
//! ```text
//! tuning     settings                                          state.bpf.h
//! vtime      fairness: weighted virtual time, one clock a CPU   vtime.bpf.h
//! queue      one queue a CPU; who waits where                   queue.bpf.h
//! placement  where a task goes when it becomes runnable         placement.bpf.h
//! stealing   what a CPU takes when it runs dry                  stealing.bpf.h
//! mod        the callbacks                                      main.bpf.c
//! ```
//! Load averages, counters and decisions are the world's. Two things no trace tells, so they are not here: affinities
//! other than to one CPU, and which tasks are SCHED_IDLE (unless they have its weight).

mod placement;
mod queue;
mod stealing;
#[cfg(test)]
mod tests;
mod tuning;
mod vtime;

pub use tuning::{SETTINGS, Setting, Tuning};
pub use vtime::{Clock, Own};

use super::load::{NICE0_WEIGHT, smooth};
use super::{Discipline, Dispatch, Enqueue, NONE, Placement, Request, Task, Wake, Why, World, before};
use crate::policy::Permissions;
use placement::waits;
use queue::predicted_run_ns;

/// What the kernel's half gives SCHED_IDLE, and no nice value has.
pub(super) const SCHED_IDLE_WEIGHT: u32 = 3;

/// The discipline.
#[derive(Clone, Debug)]
pub struct Augur {
    name: String,
    tuning: Tuning,
    permissions: Option<(Permissions, u64)>,
    tasks: Vec<Own>,
    clocks: Vec<Clock>,
    /// For each domain, tasks in the queues of its CPUs.
    waiting: Vec<u32>,
    waits_in: Vec<u32>,
}

impl Augur {
    /// A scheduler that calls itself `name`.
    pub fn new(name: String, tuning: Tuning) -> Augur {
        Augur {
            name,
            tuning,
            permissions: None,
            tasks: Vec::new(),
            clocks: Vec::new(),
            waiting: Vec::new(),
            waits_in: Vec::new(),
        }
    }

    /// What it keeps of a task.
    pub fn own(&self, task: u32) -> &Own {
        &self.tasks[task as usize]
    }

    /// What it keeps of a CPU.
    pub fn clock(&self, cpu: u32) -> &Clock {
        &self.clocks[cpu as usize]
    }

    /// The domain in whose queues a task waits, [`NONE`] for none.
    pub fn waits_in(&self, task: u32) -> u32 {
        self.waits_in[task as usize]
    }

    /// How many tasks wait in the queues of a domain's CPUs.
    pub fn waiting(&self, domain: u32) -> u32 {
        self.waiting[domain as usize]
    }

    /// A task may run elsewhere than before: it may wait behind others on its CPU while one of those idles. (No machine
    /// of this crate changes affinities, but the rule is one of the kernel's half.)
    pub fn affinity_changed(&self, world: &World, task: u32, requests: &mut Vec<Request>) {
        let cpu = world.task(task).cpu;
        if !world.task(task).pinned() && !world.queue(cpu).is_empty() {
            self.kick_thief(world, task, cpu, requests);
        }
    }

    /// Does the task that runs go on? By vtime, so that weights are honoured to the slice.
    fn keeps_running(&mut self, world: &World, task: u32, cpu: u32) -> bool {
        if !world.allows(task, cpu) {
            return false;
        }
        let Some(first) = world.queue(cpu).first() else {
            return true;
        };
        self.charge(world, task);
        let key = self.queue_key(world, task, self.tasks[task as usize].vtime);
        before(key, first.key)
    }

    fn grant_again(&mut self, world: &World, task: u32) -> Dispatch {
        self.charge(world, task);
        let ran = world.now_ns - world.task(task).run_at_ns;
        let slice_ns = self.slice_on_ns(world, world.task(task).cpu);
        let own = &mut self.tasks[task as usize];
        own.rescued = false;
        own.slice_vtime = own.vtime;
        own.slice_granted_ns = ran + slice_ns;
        Dispatch::Keep { slice_ns }
    }
}

impl Discipline for Augur {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn prepare(&mut self, world: &World) -> usize {
        let own = Own {
            vtime: 0,
            vtime_cpu: NONE,
            slice_granted_ns: 0,
            slice_left_ns: 0,
            slice_ns: self.tuning.slice_ns,
            slice_vtime: 0,
            charged_at_ns: 0,
            burst_ns: 0,
            // Nothing is known of it: long enough not to interrupt anybody.
            avg_run_ns: 8 * self.tuning.short_run_ns,
            bursts: 0,
            resumes: false,
            rescued: false,
        };
        self.tasks = vec![own; world.tasks.len()];
        self.waits_in = vec![NONE; world.tasks.len()];
        self.clocks = vec![Clock::default(); world.cpus.len()];
        self.waiting = vec![0; world.places.domains()];
        world.cpus.len()
    }

    fn runnable(&mut self, _world: &World, task: u32) {
        let own = &mut self.tasks[task as usize];
        own.burst_ns = 0;
        own.resumes = false;
    }

    fn place(&mut self, world: &World, task: u32, wake: Wake) -> Placement {
        let previous = world.task(task).cpu;
        let placement = match wake.fork {
            // The kernel asks nobody where a task goes that can run on one CPU alone.
            _ if world.task(task).pinned() => waits(world.some_allowed(task, previous)),
            true => self.place_fork(world, task),
            false => self.place_wakeup(world, task, wake.waker),
        };
        if placement.idle {
            self.sent(world, task, placement.cpu);
        }
        placement
    }

    fn sent(&mut self, _world: &World, task: u32, cpu: u32) {
        self.vtime_wake(task, cpu);
        self.run_on(task, self.tuning.slice_ns);
    }

    fn enqueue(
        &mut self,
        world: &World,
        task: u32,
        cpu: u32,
        why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue {
        if world.task(task).per_cpu {
            self.run_on(task, self.tuning.slice_ns);
            // Where another class has just come, there is nothing to interrupt.
            return Enqueue::Local {
                preempt: why != Why::Displaced,
            };
        }
        if why == Why::Moved {
            // It keeps its slice.
            self.vtime_place(task, cpu);
            self.wait_begin(task, world.places.domain_of(cpu));
            let key = self.queue_key(world, task, self.tasks[task as usize].vtime);
            return Enqueue::Queue { queue: cpu, key };
        }
        if why == Why::Wakeup {
            self.vtime_wake(task, cpu);
            if self.may_preempt(world, task, cpu) {
                self.run_on(task, self.interrupting_slice_ns(task));
                return Enqueue::Local { preempt: true };
            }
        }
        let place = self.queue_on(world, task, cpu);
        if why == Why::Last {
            requests.push(Request::Resched(cpu));
        }
        if why == Why::Displaced {
            if !world.task(task).pinned() {
                self.kick_thieves(world, task, cpu, requests);
            }
            return place;
        }
        // New, or its slice is used up, and others wait here: an idle CPU may well take it.
        let looks = matches!(why, Why::Fork | Why::Stopped);
        if looks && !self.tasks[task as usize].resumes && !world.task(task).pinned() {
            self.kick_thief(world, task, cpu, requests);
        }
        place
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let take = |task: u32| Dispatch::Take {
            queue: cpu,
            task,
            cause: None,
        };
        if let Some(rescued) = self.rescue(world, cpu) {
            return rescued;
        }
        if let Some(task) = previous
            && self.keeps_running(world, task, cpu)
        {
            return self.grant_again(world, task);
        }
        match world.queue(cpu).first() {
            Some(first) => take(first.task),
            None => self.steal(world, cpu),
        }
    }

    fn running(&mut self, world: &World, task: u32, cpu: u32) -> u64 {
        self.wait_end(task);
        self.vtime_place(task, cpu);
        let weight = world.task(task).weight;
        let longest_ns = self.slice_on_ns(world, cpu);
        let own = &mut self.tasks[task as usize];
        if longest_ns < own.slice_ns {
            (own.slice_ns, own.slice_granted_ns) = (longest_ns, longest_ns);
        }
        own.charged_at_ns = world.now_ns;
        if !own.resumes {
            own.slice_vtime = own.vtime;
        }
        let clock = &mut self.clocks[cpu as usize];
        if !own.rescued {
            clock.advance(own.vtime);
        }
        clock.current_run_ns = predicted_run_ns(own);
        clock.current_vtime = own.vtime;
        clock.current_weight = weight;
        clock.current_yields = weight == SCHED_IDLE_WEIGHT;
        own.slice_ns
    }

    fn stopping(&mut self, world: &World, task: u32, cpu: u32, runnable: bool) {
        self.charge(world, task);
        let ran = world.now_ns - world.task(task).run_at_ns;
        let own = &mut self.tasks[task as usize];
        let rescued = std::mem::take(&mut own.rescued);
        if !rescued && world.queue(cpu).is_empty() {
            self.clocks[cpu as usize].advance(own.vtime);
        }
        own.burst_ns += ran;
        if !runnable {
            own.avg_run_ns = match own.bursts {
                0 => own.burst_ns,
                _ => smooth(own.avg_run_ns, own.burst_ns),
            };
            own.bursts += 1;
            return;
        }
        // After a rescued turn its place, and what is left of its slice, are what they were.
        if !rescued {
            own.slice_left_ns = own.slice_granted_ns.saturating_sub(ran);
            own.resumes = own.slice_left_ns > self.tuning.slice_min_ns;
        }
    }

    fn tick(&mut self, world: &World, cpu: u32, requests: &mut Vec<Request>) {
        let Some(head) = world.queue(cpu).first() else {
            let running = self.tasks.get(world.cpu(cpu).current as usize);
            if world.cpu(cpu).since_ns > 0 && running.is_some_and(|own| !own.rescued) {
                let vtime = self.vtime_running(world, cpu);
                self.clocks[cpu as usize].advance(vtime);
            }
            return;
        };
        // A prediction was wrong where a task still waits after a tick: let an idle CPU have it.
        if self.kick_thief(world, head.task, cpu, requests) {
            return;
        }
        if self.tuning.tick_preempt && self.sooner_done(world, head.task, cpu) {
            requests.push(Request::Resched(cpu));
        }
    }

    fn wants_ticks(&self) -> bool {
        true
    }

    fn slices_end_at_ticks(&self) -> bool {
        true
    }

    fn load_weight(&self, task: &Task) -> u32 {
        match task.per_cpu {
            true => task.weight.min(NICE0_WEIGHT),
            false => task.weight,
        }
    }

    fn permit(&mut self, permissions: &Permissions, now_ns: u64) {
        self.permissions = Some((permissions.clone(), now_ns));
    }
}
