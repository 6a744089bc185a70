// SPDX-License-Identifier: GPL-2.0-only
//! Running: who is next, ticks, and a class that ranks higher.

use super::{Checked, Machine, same};
use crate::kernel::KICK_IDLE;
use augur_sched::policy::Phase;
use augur_sched::policy::cpu::{Cause, Discipline, Dispatch, NONE, Request, Why};

impl Machine<'_> {
    /// A CPU looks for something to run; `asleep` ran there until now.
    pub(super) fn schedule(&mut self, cpu: u32, asleep: Option<u32>) -> Checked {
        if self.taken[cpu as usize] {
            return Ok(());
        }
        self.on(cpu);
        if !self.local[cpu as usize].is_empty() {
            return self.run_local(cpu);
        }
        let current = self.world.cpu(cpu).current;
        let previous = (current != NONE).then_some(current);
        let kept = previous.filter(|&task| self.live_order(task).is_none());
        let answer = self.twin.dispatch(&self.world, cpu, kept);
        let shown = previous.or(asleep);
        self.kernel
            .dispatch(cpu as i32, shown.map_or(-1, |task| task as i32));
        let next = self.kernel.waiting(cpu, true).first().copied();
        let again_ns = previous
            .map(|task| self.kernel.task(task).slice_ns)
            .filter(|&slice_ns| slice_ns > 0);
        let (wanted, wanted_ns) = match answer {
            Dispatch::Keep { slice_ns } => (None, Some(slice_ns)),
            Dispatch::Take { task, .. } => (Some(task), None),
            Dispatch::Idle => (None, None),
        };
        same(|| format!("whom CPU {cpu} takes"), next, wanted)?;
        same(|| format!("how long CPU {cpu} goes on"), again_ns, wanted_ns)?;
        match answer {
            Dispatch::Keep { .. } => Ok(()),
            Dispatch::Take { task, cause, .. } => {
                self.unqueue(task);
                let cause = cause.unwrap_or(self.world.task(task).cause);
                self.world.tasks[task as usize].cause = cause;
                self.send_local(task, cpu, false);
                self.run_local(cpu)
            }
            Dispatch::Idle => self.go_idle(cpu),
        }
    }

    /// The first in the local queue runs; who ran waits.
    pub(super) fn run_local(&mut self, cpu: u32) -> Checked {
        let next = self.local[cpu as usize][0];
        let cause = self.kernel.task(next).cause;
        same(
            || format!("why task {next} is where it is"),
            cause,
            self.world.task(next).cause as u64,
        )?;
        same(
            || format!("who is next on CPU {cpu}"),
            self.kernel.pick(cpu),
            next as i32,
        )?;
        self.unqueue(next);
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            self.requeue(previous, cpu, Why::Stopped)?;
        }
        self.start(cpu, next)
    }

    pub(super) fn go_idle(&mut self, cpu: u32) -> Checked {
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            self.requeue(previous, cpu, Why::Last)?;
        }
        self.world.idle.set(cpu);
        self.kernel.set_idle(cpu, true);
        Ok(())
    }

    pub(super) fn start(&mut self, cpu: u32, task: u32) -> Checked {
        let now = self.world.now_ns;
        self.world.idle.clear(cpu);
        self.kernel.set_idle(cpu, false);
        self.kernel.set_cpu(task, cpu as i32);
        self.seats[task as usize] = cpu;
        self.settle_order(task, cpu);
        self.load_on(task, cpu);
        let starting = &mut self.world.tasks[task as usize];
        starting.phase = Phase::Running;
        starting.cpu = cpu;
        starting.last_cpu = cpu;
        starting.cause = Cause::Other;
        starting.run_at_ns = now;
        self.world.cpus[cpu as usize].current = task;
        self.world.cpus[cpu as usize].since_ns = now;
        let slice_ns = self.twin.running(&self.world, task, cpu);
        self.on(cpu);
        self.kernel.running(task);
        same(
            || format!("the slice of task {task}"),
            self.kernel.task(task).slice_ns,
            slice_ns,
        )
    }

    pub(super) fn stop(&mut self, cpu: u32, runnable: bool) {
        let now = self.world.now_ns;
        let task = self.world.cpu(cpu).current;
        self.twin.stopping(&self.world, task, cpu, runnable);
        self.kernel.stopping(task, runnable);
        self.world.cpus[cpu as usize].current = NONE;
        self.world.cpus[cpu as usize].since_ns = 0;
        let stopped = &mut self.world.tasks[task as usize];
        stopped.stopped_at_ns = now;
        if runnable {
            stopped.phase = Phase::Queued;
            stopped.queued_at_ns = now;
        } else {
            self.quiet(task);
        }
    }

    pub(super) fn quiet(&mut self, task: u32) {
        self.world.tasks[task as usize].phase = Phase::Sleeping;
        self.load_off(task);
        self.kernel.quiescent(task);
    }

    pub(super) fn sleep(&mut self, task: u32) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        self.stop(cpu, false);
        self.schedule(cpu, Some(task))
    }

    pub(super) fn tick(&mut self, task: u32) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        let mut requests = Vec::new();
        self.twin.tick(&self.world, cpu, &mut requests);
        self.kernel.tick(task);
        let ends = self.kernel.task(task).slice_ns == 0;
        same(
            || format!("whether a tick ends the slice on CPU {cpu}"),
            ends,
            requests.contains(&Request::Resched(cpu)),
        )?;
        for request in requests {
            if let Request::Kick(thief) = request {
                self.kick(thief, KICK_IDLE);
            }
        }
        match ends {
            true => self.schedule(cpu, None),
            false => Ok(()),
        }
    }

    /// A class that ranks higher takes a CPU: whoever ran there or was sent there waits again.
    pub(super) fn take_cpu(&mut self, cpu: u32) -> Checked {
        self.on(cpu);
        let current = self.world.cpu(cpu).current;
        self.world.idle.clear(cpu);
        self.kernel.set_idle(cpu, false);
        self.taken[cpu as usize] = true;
        if current == NONE {
            return Ok(());
        }
        self.stop(cpu, true);
        let sent = std::mem::take(&mut self.local[cpu as usize]);
        self.world.cpus[cpu as usize].local = 0;
        self.kernel.cpu_release(cpu, current as i32);
        for task in std::iter::once(current).chain(sent) {
            self.requeue_twin(task, cpu, Why::Displaced)?;
        }
        Ok(())
    }
}
