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
//! turn       does the one that runs go on                    turn.bpf.h
//! mod        the callbacks                                      main.bpf.c
//! ```
//! Load averages, counters and decisions are the world's. Three things no trace tells, so replays are without them:
//! affinities other than to one CPU, which tasks are SCHED_IDLE (unless they have its weight), and which wakeups were
//! synchronous.

mod placement;
mod queue;
mod stealing;
#[cfg(test)]
mod tests;
mod tuning;
mod turn;
mod vtime;

pub use tuning::{SETTINGS, Setting, Tuning};
pub use vtime::{Clock, Own};

use super::load::{NICE0_WEIGHT, smooth};
use super::{Discipline, Dispatch, Enqueue, NONE, Placement, Request, Task, Wake, Why, World};
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

    /// Where a task goes back to that was taken out of its queue because its weight or affinity changed, and whose CPU the
    /// kernel says is `cpu`: where it waited. (As above.)
    pub fn back_to(&self, world: &World, task: u32, cpu: u32) -> u32 {
        let seat = self.tasks[task as usize].queue_cpu;
        match seat != NONE && world.allows(task, seat) {
            true => seat,
            false => cpu,
        }
    }

    /// What a CPU does next.
    fn next(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let take = |task: u32| Dispatch::Take {
            queue: cpu,
            task,
            cause: None,
        };
        if let Some(rescued) = self.rescue(world, cpu) {
            return rescued;
        }
        if let Some(helped) = self.help(world, cpu) {
            return helped;
        }
        let current = self.tasks.get(world.cpu(cpu).current as usize);
        self.clocks[cpu as usize].turn_ns = match current.is_some_and(|own| own.yielded) {
            true => self.tuning.yield_ns,
            false => 0,
        };
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
}

impl Discipline for Augur {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn prepare(&mut self, world: &World) -> usize {
        let own = Own {
            vtime: 0,
            vtime_cpu: NONE,
            queue_cpu: NONE,
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
            woken_sync: false,
            woken_here: false,
            yielded: false,
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
            false => self.place_wakeup(world, task, wake),
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
            self.tasks[task as usize].queue_cpu = cpu;
            let key = self.queue_key(world, task, self.tasks[task as usize].vtime);
            return Enqueue::Queue { queue: cpu, key };
        }
        if why == Why::Wakeup {
            self.vtime_wake(task, cpu);
            let interrupts = self.may_preempt(world, task, cpu);
            let own = &mut self.tasks[task as usize];
            (own.woken_sync, own.woken_here) = (false, false);
            if interrupts {
                self.run_on(task, self.interrupting_slice_ns(world, task, cpu));
                return Enqueue::Local { preempt: true };
            }
        }
        let place = self.queue_on(world, task, cpu);
        if why == Why::Last {
            requests.push(Request::Resched(cpu));
        }
        // Its CPU is not its policy's now, or it is new, or its slice is used up while others wait here: an idle CPU may well
        // take it.
        let looks = match why {
            Why::Displaced => true,
            Why::Fork | Why::Stopped => !self.tasks[task as usize].resumes,
            _ => false,
        };
        if looks && !world.task(task).pinned() {
            self.kick_thief(world, task, cpu, requests);
        }
        place
    }

    fn released(&mut self, world: &World, cpu: u32, requests: &mut Vec<Request>) {
        self.kick_thieves(world, cpu, requests);
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let next = self.next(world, cpu, previous);
        if let Dispatch::Take { task, queue, .. } = next
            && queue != cpu
        {
            self.tasks[task as usize].queue_cpu = cpu;
        }
        next
    }

    fn running(&mut self, world: &World, task: u32, cpu: u32) -> u64 {
        self.wait_end(task);
        self.vtime_place(task, cpu);
        let weight = world.task(task).weight;
        let mut longest_ns = self.slice_on_ns(world, cpu);
        if std::mem::take(&mut self.clocks[cpu as usize].evicts) {
            longest_ns = longest_ns.min(self.interrupting_slice_ns(world, task, cpu));
        }
        // A turn that was handed over is short: who yielded comes back when virtual time says, not a whole slice later.
        match std::mem::take(&mut self.clocks[cpu as usize].turn_ns) {
            0 => {}
            turn_ns => longest_ns = longest_ns.min(turn_ns),
        }
        let own = &mut self.tasks[task as usize];
        if longest_ns < own.slice_ns {
            (own.slice_ns, own.slice_granted_ns) = (longest_ns, longest_ns);
        }
        own.charged_at_ns = world.now_ns;
        own.queue_cpu = NONE;
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
        self.clocks[cpu as usize].stopped_at_ns = world.now_ns;
        let ran = world.now_ns - world.task(task).run_at_ns;
        let own = &mut self.tasks[task as usize];
        let rescued = std::mem::take(&mut own.rescued);
        let yielded = std::mem::take(&mut own.yielded);
        // The queue is empty as well where the one that comes next has just left it: then somebody did wait.
        if !runnable && !rescued && world.queue(cpu).is_empty() {
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
            own.resumes = !yielded && own.slice_left_ns > self.tuning.slice_min_ns;
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
            self.clocks[cpu as usize].evicts = true;
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
