// SPDX-License-Identifier: GPL-2.0-only
//! Bursts: the work that a task has to do between two sleeps, whom it wakes on the way, and what comes after it.

use super::event::Kind;
use super::state::State;
use crate::policy::Phase;
use crate::policy::cpu::load::smooth;
use crate::sim::program::WOKEN;
use augur_base::invariant::Violation;
use rand::RngExt;

impl State {
    /// Sets up the work of a burst.
    pub(super) fn load_burst(&mut self, task: u32, burst: u32) {
        let program = &self.program;
        let next = program.bursts.get(burst as usize + 1);
        let progress = &mut self.progress[task as usize];
        progress.left_ns = program.bursts[burst as usize].run_ns;
        progress.done_ns = 0;
        progress.action = program.bursts[burst as usize].first_action;
        progress.actions_end = next.map_or(program.actions.len() as u32, |next| next.first_action);
    }

    /// Whom it wakes by now.
    pub(super) fn act(&mut self, task: u32, cpu: u32) -> Result<(), Violation> {
        loop {
            let progress = &mut self.progress[task as usize];
            if progress.action >= progress.actions_end || progress.overhead_ns > 0 {
                return Ok(());
            }
            let action = self.program.actions[progress.action as usize];
            if action.at_ns > progress.done_ns && progress.left_ns > 0 {
                return Ok(());
            }
            progress.action += 1;
            self.world.tasks[task as usize].leaving = self.leaves_by(task, action.at_ns);
            self.post(action.task, action.burst, cpu)?;
        }
    }

    /// Whether the task has ended itself when so much of its burst is done.
    fn leaves_by(&self, task: u32, done_ns: u64) -> bool {
        let last = self.world.task(task).burst + 1 == self.program.bursts_of(task).end;
        let exits_ns = self.program.tasks[task as usize].exits_ns;
        last && exits_ns.is_some_and(|exits_ns| exits_ns <= done_ns)
    }

    /// A burst's wakeup: wakes who waits for it, or is remembered until it is waited for.
    pub(super) fn post(&mut self, task: u32, burst: u32, waker: u32) -> Result<(), Violation> {
        let sleeper = &self.world.tasks[task as usize];
        let awaited = self.program.bursts[burst as usize].after_ns == WOKEN;
        if awaited && sleeper.phase == Phase::Sleeping && sleeper.burst == burst {
            return self.wake(task, Some(waker));
        }
        self.posted[burst as usize / 64] |= 1 << (burst % 64);
        Ok(())
    }

    fn was_posted(&self, burst: u32) -> bool {
        self.posted[burst as usize / 64] & (1 << (burst % 64)) != 0
    }

    /// A burst's end. Whether the task goes on without a sleep, because what it would wait for has come already.
    pub(super) fn end_burst(&mut self, task: u32) -> bool {
        let now = self.world.now_ns;
        self.ledger.bursts += 1;
        self.ledger.makespan_ns = now;
        self.progress[task as usize].done_at_ns = now;
        let last = self.program.bursts_of(task).end;
        let running = &mut self.world.tasks[task as usize];
        running.avg_run_ns = match running.bursts {
            0 => running.burst_ns,
            _ => smooth(running.avg_run_ns, running.burst_ns),
        };
        running.bursts += 1;
        let next = running.burst + 1;
        if next >= last || self.program.bursts[next as usize].after_ns != WOKEN || !self.was_posted(next) {
            return false;
        }
        self.world.tasks[task as usize].burst = next;
        self.world.tasks[task as usize].burst_ns = 0;
        self.load_burst(task, next);
        true
    }

    /// A task whose burst ended sleeps, or is gone.
    pub(super) fn sleep(&mut self, task: u32) {
        let next = self.world.task(task).burst + 1;
        if next >= self.program.bursts_of(task).end {
            self.alive -= 1;
            return;
        }
        self.world.tasks[task as usize].burst = next;
        let burst = self.program.bursts[next as usize];
        if burst.after_ns != WOKEN {
            let late_ns = self.jitter_ns();
            self.timers += 1;
            let at_ns = burst.begins_ns(self.world.now_ns).saturating_add(late_ns);
            self.schedule(at_ns, Kind::Timer { task });
        }
    }

    fn jitter_ns(&mut self) -> u64 {
        match self.options.jitter_ns {
            0 => 0,
            most => self.generator.random_range(0..=most),
        }
    }
}
