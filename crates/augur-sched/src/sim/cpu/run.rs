// SPDX-License-Identifier: GPL-2.0-only
//! CPUs at work: who runs, and for how long.

use super::event::Kind;
use super::state::State;
use crate::policy::Phase;
use crate::policy::cpu::places::FULL_SPEED;
use crate::policy::cpu::{Cause, Dispatch, NONE, Why};
use augur_base::invariant::Violation;

/// A task that goes on because there is nothing else to do is looked at again after so long.
const ALONE_SLICE_NS: u64 = 20_000_000;

impl State {
    /// Decides what a CPU does next.
    pub(super) fn dispatch(&mut self, cpu: u32) -> Result<(), Violation> {
        self.charge(cpu);
        let previous = self.world.cpu(cpu).current;
        if let Some(&urgent) = self.cores[cpu as usize].real_time.front() {
            if previous == NONE || self.outranks(urgent, previous) {
                self.cores[cpu as usize].real_time.pop_front();
                return self.switch(cpu, urgent);
            }
            return Ok(());
        }
        if previous != NONE && self.world.task(previous).real_time {
            return Ok(());
        }
        if let Some(next) = self.cores[cpu as usize].local.pop_front() {
            self.world.cpus[cpu as usize].local -= 1;
            return self.switch(cpu, next);
        }
        // One that a decision sends away does not go on here.
        let leaves = previous != NONE && self.leaves(previous, cpu);
        let kept = (previous != NONE && !leaves).then_some(previous);
        match (self.discipline.dispatch(&self.world, cpu, kept), kept) {
            (Dispatch::Take { queue, task, cause }, _) => {
                if self.world.task(task).queue != queue {
                    self.world.tasks[task as usize].queue = NONE;
                }
                self.unqueue(task)?;
                if let Some(cause) = cause {
                    self.world.tasks[task as usize].cause = cause;
                }
                self.switch(cpu, task)
            }
            (Dispatch::Keep { slice_ns }, Some(task)) => {
                self.mark_active(task);
                self.grant(cpu, slice_ns);
                Ok(())
            }
            (_, Some(_)) => {
                self.grant(cpu, ALONE_SLICE_NS);
                Ok(())
            }
            (_, None) => self.go_idle(cpu),
        }
    }

    fn outranks(&self, urgent: u32, other: u32) -> bool {
        let prio = |task: u32| self.program.tasks[task as usize].prio;
        !self.world.task(other).real_time || prio(urgent) < prio(other)
    }

    fn leaves(&self, task: u32, cpu: u32) -> bool {
        self.live_order(task)
            .is_some_and(|order| order.to != self.world.places.domain_of(cpu))
    }

    /// Runs `next` on a CPU; who ran there goes on to wait.
    fn switch(&mut self, cpu: u32, next: u32) -> Result<(), Violation> {
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            let why = match self.world.task(next).real_time {
                true => Why::Displaced,
                false => Why::Stopped,
            };
            self.requeue(previous, cpu, why)?;
        }
        self.start(cpu, next)
    }

    /// A task that was stopped waits for its next turn.
    fn requeue(&mut self, task: u32, cpu: u32, why: Why) -> Result<(), Violation> {
        if self.world.task(task).real_time {
            self.queue_real_time(task, cpu, true);
            return Ok(());
        }
        match self.pending_order(task) {
            Some(target) => {
                self.assign(task, target, Cause::Balance);
                self.enqueue(task, target, Why::Sent)
            }
            None => self.enqueue(task, cpu, why),
        }
    }

    fn go_idle(&mut self, cpu: u32) -> Result<(), Violation> {
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            self.set_idle(cpu);
            return self.requeue(previous, cpu, Why::Last);
        }
        self.set_idle(cpu);
        Ok(())
    }

    fn set_idle(&mut self, cpu: u32) {
        if self.world.idle.has(cpu) {
            return;
        }
        let now = self.world.now_ns;
        self.world.idle.set(cpu);
        self.ledger.busy(now, false);
        if let Some(timeline) = &mut self.timeline {
            timeline.runs(now, cpu, NONE);
        }
    }

    /// A task begins to run.
    fn start(&mut self, cpu: u32, task: u32) -> Result<(), Violation> {
        let now = self.world.now_ns;
        self.check_affinity(task, cpu)?;
        if self.world.task(task).queue != NONE || self.world.task(task).phase != Phase::Queued {
            return Err(Violation::Queues {
                task,
                queues: 1,
                at_ns: now,
            });
        }
        if self.world.idle.has(cpu) {
            self.world.idle.clear(cpu);
            self.ledger.busy(now, true);
        }
        self.count_run(task, cpu);
        self.end_wait(task);
        self.world.cpus[cpu as usize].update(now);
        self.count_migration(task, cpu);
        self.settle_order(task, cpu);
        self.load_on(task, cpu);
        let starting = &mut self.world.tasks[task as usize];
        starting.phase = Phase::Running;
        starting.cpu = cpu;
        starting.last_cpu = cpu;
        starting.cause = Cause::Other;
        starting.run_at_ns = now;
        let real_time = starting.real_time;
        self.mark_active(task);
        let seat = &mut self.world.cpus[cpu as usize];
        seat.current = task;
        // 0 means that nothing is known, so a start at the very first moment counts as one ns later.
        seat.since_ns = if real_time { 0 } else { now.max(1) };
        let core = &mut self.cores[cpu as usize];
        core.charged_ns = now;
        if self.options.tick_ns > 0 && !core.ticks && self.discipline.wants_ticks() {
            core.ticks = true;
            let next = (now / self.options.tick_ns + 1) * self.options.tick_ns;
            self.schedule(next, Kind::Tick { cpu });
        }
        self.engine.note(u64::from(cpu) << 32 | u64::from(task));
        if let Some(timeline) = &mut self.timeline {
            timeline.runs(now, cpu, task);
        }
        let slice_ns = match real_time {
            true => u64::MAX,
            false => self.discipline.running(&self.world, task, cpu),
        };
        self.grant(cpu, slice_ns);
        Ok(())
    }

    /// What the CPU itself counts of a task that starts there.
    fn count_run(&mut self, task: u32, cpu: u32) {
        let starting = self.world.task(task);
        let (waited, last) = (self.world.now_ns - starting.queued_at_ns, starting.last_cpu);
        let core = &mut self.cores[cpu as usize];
        core.waited_ns += waited;
        core.runs += 1;
        core.arrivals += u64::from(last != NONE && last != cpu);
    }

    fn end_wait(&mut self, task: u32) {
        let now = self.world.now_ns;
        let starting = &mut self.world.tasks[task as usize];
        let waited = now - starting.queued_at_ns;
        starting.total_wait_ns += waited;
        if !starting.pinned() {
            self.ledger.waits(now, false);
        }
        self.ledger.waits_ns.push(waited);
        let progress = &mut self.progress[task as usize];
        if std::mem::take(&mut progress.fresh) {
            self.ledger.latencies_ns.push(waited);
            progress.latencies.add(waited);
        }
        progress.overhead_ns += self.options.costs.switch_ns;
        progress.paid_ns += self.options.costs.switch_ns;
        self.ledger.overhead_ns += self.options.costs.switch_ns;
    }

    /// A task starts on another CPU than before: it is counted, and pays.
    fn count_migration(&mut self, task: u32, cpu: u32) {
        let now = self.world.now_ns;
        let places = &self.world.places;
        let starting = &mut self.world.tasks[task as usize];
        let from = starting.last_cpu;
        if from == NONE || from == cpu {
            return;
        }
        let distance = places.distance(from, cpu);
        let since_ns = now - starting.stopped_at_ns;
        let cost =
            self.options
                .costs
                .refill_ns(distance, since_ns, starting.avg_run_ns.max(starting.burst_ns));
        self.ledger.migrated(distance, starting.cause);
        self.ledger.ping_pongs += u64::from(starting.came_from == cpu);
        self.ledger.overhead_ns += cost;
        self.progress[task as usize].overhead_ns += cost;
        self.progress[task as usize].paid_ns += cost;
        starting.came_from = from;
        starting.migrations += 1;
        starting.migrated_at_ns = now;
        starting.llc_changes += u32::from(!places.share_cache(from, cpu));
        if places.domain_of(from) != places.domain_of(cpu) {
            starting.domain_moved_at_ns = now;
        }
    }

    /// Names the task to the next snapshot.
    pub(super) fn mark_active(&mut self, task: u32) {
        let running = &mut self.world.tasks[task as usize];
        if running.active_round != self.round {
            running.active_round = self.round;
            self.active.push(task);
        }
    }

    /// A task stops; charge its CPU first. Where it goes on to wait, the caller puts it into a queue.
    fn stop(&mut self, cpu: u32, runnable: bool) {
        let now = self.world.now_ns;
        let task = self.world.cpu(cpu).current;
        if !self.world.task(task).real_time {
            self.discipline.stopping(&self.world, task, cpu, runnable);
        }
        let seat = &mut self.world.cpus[cpu as usize];
        seat.update(now);
        seat.current = NONE;
        seat.since_ns = 0;
        let core = &mut self.cores[cpu as usize];
        core.token = core.token.wrapping_add(1);
        let stopped = &mut self.world.tasks[task as usize];
        stopped.stopped_at_ns = now;
        if runnable {
            stopped.phase = Phase::Queued;
            stopped.queued_at_ns = now;
            if !stopped.pinned() {
                self.ledger.waits(now, true);
            }
        } else {
            stopped.update_duty(now);
            stopped.phase = Phase::Sleeping;
            self.runnable -= 1;
            self.load_off(task);
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.stops(cpu, task, runnable);
        }
    }

    /// The one that runs may go on for so long.
    fn grant(&mut self, cpu: u32, slice_ns: u64) {
        let now = self.world.now_ns;
        let end_ns = now.saturating_add(slice_ns.max(1));
        let tick_ns = self.options.tick_ns;
        self.cores[cpu as usize].slice_end_ns = match tick_ns > 0 && self.discipline.slices_end_at_ticks() {
            true => end_ns.div_ceil(tick_ns).saturating_mul(tick_ns),
            false => end_ns,
        };
        self.arm(cpu);
    }

    /// Schedules the moment at which the one that runs reaches something.
    fn arm(&mut self, cpu: u32) {
        let task = self.world.cpu(cpu).current;
        let progress = &self.progress[task as usize];
        let mut work_ns = progress.left_ns;
        if progress.action < progress.actions_end {
            let at_ns = self.program.actions[progress.action as usize].at_ns;
            work_ns = work_ns.min(at_ns.saturating_sub(progress.done_ns));
        }
        let speed = self.world.places.speed[cpu as usize];
        let time_ns = match speed {
            FULL_SPEED => work_ns,
            _ => (work_ns * FULL_SPEED).div_ceil(speed),
        };
        let core = &mut self.cores[cpu as usize];
        core.token = core.token.wrapping_add(1);
        let end_ns = self.world.now_ns + progress.overhead_ns + time_ns;
        let (at_ns, token) = (end_ns.min(core.slice_end_ns), core.token);
        self.schedule(at_ns, Kind::Stop { cpu, token });
    }

    /// Charges the one that runs for the time since the last charge.
    pub(super) fn charge(&mut self, cpu: u32) {
        let now = self.world.now_ns;
        let task = self.world.cpu(cpu).current;
        let core = &mut self.cores[cpu as usize];
        let passed = now - core.charged_ns;
        core.charged_ns = now;
        if task == NONE || passed == 0 {
            return;
        }
        core.busy_ns += passed;
        let running = &mut self.world.tasks[task as usize];
        running.burst_ns += passed;
        running.total_run_ns += passed;
        let progress = &mut self.progress[task as usize];
        let overhead = passed.min(progress.overhead_ns);
        progress.overhead_ns -= overhead;
        let speed = self.world.places.speed[cpu as usize];
        let work = ((passed - overhead) * speed / FULL_SPEED).min(progress.left_ns);
        progress.left_ns -= work;
        progress.done_ns += work;
    }

    /// The one that runs reached something.
    pub(super) fn reached(&mut self, cpu: u32) -> Result<(), Violation> {
        self.charge(cpu);
        let task = self.world.cpu(cpu).current;
        loop {
            self.act(task, cpu)?;
            let progress = &self.progress[task as usize];
            if progress.left_ns > 0 || progress.overhead_ns > 0 {
                break;
            }
            if !self.end_burst(task) {
                self.stop(cpu, false);
                self.sleep(task);
                self.pend(cpu);
                return Ok(());
            }
        }
        if self.cores[cpu as usize].slice_end_ns <= self.world.now_ns {
            self.pend(cpu);
        } else {
            self.arm(cpu);
        }
        Ok(())
    }
}
