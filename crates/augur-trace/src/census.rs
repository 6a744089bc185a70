// SPDX-License-Identifier: GPL-2.0-only
//! Which task a pid means: pids are used again, and exec can change one.

use super::State;
use std::collections::HashMap;

/// `EXIT_DEAD` and `EXIT_ZOMBIE`: the task does not come back.
const DEAD: u16 = 0x10 | 0x20;

/// Numbers tasks from 0, in the order of their appearance.
///
/// A pid is another task after its task was switched away from in a dead state, when it is forked, and when it
/// wakes up as new without having been forked just before.
#[derive(Default)]
pub(crate) struct Census {
    by_pid: HashMap<i32, Entry>,
    count: usize,
}

struct Entry {
    task: usize,
    /// Forked, and not seen to run or wait yet.
    fresh: bool,
}

impl Census {
    /// How many tasks there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The pid's task.
    pub(crate) fn task(&mut self, pid: i32) -> usize {
        match self.by_pid.get(&pid) {
            Some(entry) => entry.task,
            None => self.enter(pid, false),
        }
    }

    /// The pid's task, which runs.
    pub(crate) fn runs(&mut self, pid: i32) -> usize {
        let task = self.task(pid);
        if let Some(entry) = self.by_pid.get_mut(&pid) {
            entry.fresh = false;
        }
        task
    }

    /// The pid was forked: a new task.
    pub(crate) fn forked(&mut self, pid: i32) -> usize {
        self.enter(pid, true)
    }

    /// The pid's task wakes up for the first time.
    pub(crate) fn wakes_new(&mut self, pid: i32) -> usize {
        match self.by_pid.get_mut(&pid) {
            Some(entry) if entry.fresh => {
                entry.fresh = false;
                entry.task
            }
            _ => self.enter(pid, false),
        }
    }

    /// The pid's task was switched away from in that state.
    pub(crate) fn leaves(&mut self, pid: i32, state: State) {
        if state.bits & DEAD != 0 {
            self.by_pid.remove(&pid);
        }
    }

    /// The task with pid `old` goes on as `new`.
    pub(crate) fn renumbered(&mut self, old: i32, new: i32) -> usize {
        if old != new
            && let Some(entry) = self.by_pid.remove(&old)
        {
            self.by_pid.insert(new, entry);
        }
        self.task(new)
    }

    fn enter(&mut self, pid: i32, fresh: bool) -> usize {
        let task = self.count;
        self.count += 1;
        self.by_pid.insert(pid, Entry { task, fresh });
        task
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_is_another_task_after_its_task_died() {
        let mut census = Census::default();
        let zombie = State {
            bits: 0x20,
            preempted: false,
        };
        assert_eq!(census.task(7), 0);
        census.leaves(7, State::default());
        assert_eq!(census.task(7), 0);
        census.leaves(7, zombie);
        assert_eq!(census.task(7), 1);
        assert_eq!(census.forked(7), 2);
        assert_eq!(census.wakes_new(7), 2);
        assert_eq!(census.runs(7), 2);
        assert_eq!(census.wakes_new(7), 3);
        assert_eq!(census.renumbered(7, 8), 3);
        assert_eq!(census.task(8), 3);
        assert_eq!((census.task(7), census.count()), (4, 5));
    }
}
