// SPDX-License-Identifier: GPL-2.0-only
//! A run queue: tasks that wait, in order of a key, first come first served within a key.

use std::collections::VecDeque;

/// One task that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What the queue is ordered by: least first. A policy that counts around zero compares by wrapping difference.
    pub key: u64,
    /// Who.
    pub task: u32,
}

/// Tasks that wait, least key first. Keys are compared as differences, as the kernel compares times, so that a virtual
/// clock may pass zero.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Waiting>,
}

impl Queue {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first.
    pub fn first(&self) -> Option<Waiting> {
        self.waiting.front().copied()
    }

    /// All, first to last.
    pub fn iter(&self) -> impl Iterator<Item = Waiting> + '_ {
        self.waiting.iter().copied()
    }

    /// Puts a task in, behind all of the same key.
    pub fn insert(&mut self, key: u64, task: u32) {
        let entry = Waiting { key, task };
        if self.waiting.back().is_none_or(|last| !before(key, last.key)) {
            return self.waiting.push_back(entry);
        }
        let at = self.waiting.partition_point(|other| !before(key, other.key));
        self.waiting.insert(at, entry);
    }

    /// Takes a task out; whether it was there.
    pub fn remove(&mut self, task: u32) -> bool {
        if self.waiting.front().is_some_and(|first| first.task == task) {
            self.waiting.pop_front();
            return true;
        }
        let found = self.waiting.iter().position(|other| other.task == task);
        found.and_then(|at| self.waiting.remove(at)).is_some()
    }
}

/// Whether key `a` comes before key `b`, also where the keys passed zero between them.
pub fn before(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_key_then_by_arrival() {
        let mut queue = Queue::default();
        for (key, task) in [(5, 0), (3, 1), (5, 2), (4, 3), (3, 4), (u64::MAX, 5)] {
            queue.insert(key, task);
        }
        // u64::MAX is one before zero.
        assert_eq!(
            queue.iter().map(|w| w.task).collect::<Vec<_>>(),
            [5, 1, 4, 3, 0, 2]
        );
        assert!(queue.remove(3) && !queue.remove(3));
        assert_eq!(queue.len(), 5);
    }
}
