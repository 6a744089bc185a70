// SPDX-License-Identifier: GPL-2.0-only
//! A thread on its way through its phases, and the bursts that it leaves.

use crate::rtapp::{Step, Thread};
use crate::sim::program::{RELEASE, WOKEN};

/// A burst of a thread: the thread, and the burst's number among its own.
pub(super) type Aim = (usize, usize);

/// How a burst begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// So long after the burst before it.
    For(u64),
    /// At this time.
    Until(u64),
    /// When it is woken.
    Woken,
}

/// A thread.
pub(super) struct Running {
    /// Which of the tasks it is of.
    pub task: usize,
    /// Where it is in time.
    pub at_ns: u64,
    /// What its own timers count from.
    pub first_ns: u64,
    /// Sleep before it, and work, of each burst so far; the last one is under way.
    pub bursts: Vec<(u64, u64)>,
    /// Of each burst: after how much of its work whose burst is woken.
    pub actions: Vec<Vec<(u64, Option<Aim>)>>,
    /// The burst under way has begun.
    pub woken: bool,
    loops: u64,
    phase: usize,
    phase_loops: u64,
    step: usize,
}

impl Running {
    /// A thread that begins.
    pub(super) fn new(task: usize, delay_ns: u64) -> Running {
        Running {
            task,
            at_ns: delay_ns,
            first_ns: delay_ns,
            bursts: vec![(delay_ns, 0)],
            actions: vec![Vec::new()],
            woken: true,
            loops: 0,
            phase: 0,
            phase_loops: 0,
            step: 0,
        }
    }

    /// Its next step; `None`: it is done. A phase whose steps are all left out goes by.
    pub(super) fn next_step(&mut self, task: &Thread) -> Option<Step> {
        // Were all phases empty, it would go round without end.
        let mut empty = 0;
        loop {
            if task.loops == Some(self.loops) || empty > task.phases.len() {
                return None;
            }
            let phase = task.phases.get(self.phase)?;
            if let Some(step) = phase.steps.get(self.step) {
                self.step += 1;
                return Some(step.clone());
            }
            self.step = 0;
            self.phase_loops += 1;
            let nothing = phase.steps.is_empty();
            empty += usize::from(nothing);
            if nothing || phase.loops == Some(self.phase_loops) {
                self.phase_loops = 0;
                self.phase += 1;
                if self.phase == task.phases.len() {
                    self.phase = 0;
                    self.loops += 1;
                }
            }
        }
    }

    /// The number of the burst under way.
    pub(super) fn burst(&self) -> usize {
        self.bursts.len() - 1
    }

    /// It works.
    pub(super) fn work(&mut self, run_ns: u64) {
        self.at_ns = self.at_ns.saturating_add(run_ns);
        if let Some(burst) = self.bursts.last_mut() {
            burst.1 = burst.1.saturating_add(run_ns);
        }
    }

    /// It sleeps. Whether that began another burst: two sleeps with nothing between are one.
    pub(super) fn sleep(&mut self, waits: Waits) -> bool {
        let idle = self.actions.last().is_some_and(Vec::is_empty);
        let last = self.bursts.last_mut().filter(|burst| burst.1 == 0 && idle);
        let after_ns = match waits {
            Waits::For(sleep_ns) => {
                self.at_ns = self.at_ns.saturating_add(sleep_ns).min(RELEASE - 1);
                sleep_ns.min(RELEASE - 1)
            }
            Waits::Until(at_ns) => {
                self.at_ns = at_ns.min(RELEASE - 2);
                RELEASE | at_ns.min(RELEASE - 2)
            }
            Waits::Woken => WOKEN,
        };
        self.woken = waits != Waits::Woken;
        match (last, waits) {
            (Some(last), Waits::For(_)) if last.0 < RELEASE => {
                last.0 = last.0.saturating_add(after_ns).min(RELEASE - 1);
                return false;
            }
            (Some(last), Waits::For(_)) if last.0 != WOKEN => {
                last.0 = RELEASE | self.at_ns.min(RELEASE - 2);
                return false;
            }
            (Some(last), Waits::Until(_)) if last.0 != WOKEN => {
                last.0 = after_ns;
                return false;
            }
            _ => {}
        }
        self.bursts.push((after_ns, 0));
        self.actions.push(Vec::new());
        true
    }

    /// It wakes somebody now, or somebody who is not known yet; the number of that.
    pub(super) fn acts(&mut self, aim: Option<Aim>) -> (usize, usize) {
        let burst = self.burst();
        let done_ns = self.bursts[burst].1;
        self.actions[burst].push((done_ns, aim));
        (burst, self.actions[burst].len() - 1)
    }

    /// Now it is known who was woken.
    pub(super) fn aim(&mut self, (burst, action): (usize, usize), aim: Aim) {
        self.actions[burst][action].1 = Some(aim);
    }

    /// What it never came to is not there: a burst that nobody woke, or without any work, at the end.
    pub(super) fn trim(&mut self) {
        let idle = self.actions.last().is_some_and(Vec::is_empty);
        let (after_ns, run_ns) = self.bursts.last().copied().unwrap_or_default();
        let nothing = run_ns == 0 && idle && after_ns != WOKEN;
        if self.bursts.len() > 1 && (nothing || !self.woken) {
            self.bursts.pop();
            self.actions.pop();
        }
    }
}
