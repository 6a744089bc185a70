// SPDX-License-Identifier: GPL-2.0-only
//! Who sleeps under which name, and what timers, barriers and semaphores stand at.

use super::thread::Running;
use crate::rtapp::{Step, Taskset, Tick};
use std::collections::{HashMap, VecDeque};

/// A post that nobody took yet: the thread, and where its action stands.
type Post = (usize, (usize, usize));

/// All of that.
#[derive(Default)]
pub(super) struct Wakes {
    sleepers: HashMap<String, VecDeque<usize>>,
    ticks: HashMap<(Option<usize>, Option<String>), u64>,
    /// How many come to each barrier, and who is there.
    barriers: HashMap<String, (u64, Vec<usize>)>,
    posts: HashMap<String, VecDeque<Post>>,
    takers: HashMap<String, VecDeque<usize>>,
}

impl Wakes {
    /// At the beginning: each event of a task that names a barrier is one of those who come there, for each instance.
    pub(super) fn of(taskset: &Taskset) -> Wakes {
        let mut wakes = Wakes::default();
        for task in &taskset.tasks {
            for step in task.phases.iter().flat_map(|phase| &phase.steps) {
                if let Step::Barrier(name) = step {
                    wakes.barriers.entry(name.clone()).or_default().0 += task.instances;
                }
            }
        }
        wakes
    }

    /// The time until which a thread sleeps; `None`: the tick is past, and it goes on.
    pub(super) fn tick(&mut self, number: usize, thread: &Running, tick: &Tick) -> Option<u64> {
        let own = tick.name.is_none().then_some(number);
        let next = self
            .ticks
            .entry((own, tick.name.clone()))
            .or_insert(thread.first_ns);
        *next = next.saturating_add(tick.period_ns);
        if *next > thread.at_ns {
            return Some(*next);
        }
        if tick.relative {
            *next = thread.at_ns;
        }
        None
    }

    /// A thread sleeps under a name.
    pub(super) fn wait(&mut self, name: &str, number: usize) {
        self.sleepers
            .entry(name.to_owned())
            .or_default()
            .push_back(number);
    }

    /// The first that sleeps there, who does no more.
    pub(super) fn first(&mut self, name: &str) -> Option<usize> {
        self.sleepers.get_mut(name)?.pop_front()
    }

    /// All that sleep there.
    pub(super) fn all(&mut self, name: &str) -> Vec<usize> {
        self.sleepers
            .get_mut(name)
            .map(|all| all.drain(..).collect())
            .unwrap_or_default()
    }

    /// A thread comes to a barrier: who is let go, or nothing where it sleeps there.
    pub(super) fn arrive(&mut self, name: &str, number: usize) -> Option<Vec<usize>> {
        let (count, there) = self.barriers.entry(name.to_owned()).or_default();
        if there.len() as u64 + 1 >= *count {
            return Some(std::mem::take(there));
        }
        there.push(number);
        None
    }

    /// Who takes what is posted now.
    pub(super) fn post(&mut self, name: &str) -> Option<usize> {
        self.takers.get_mut(name)?.pop_front()
    }

    /// Nobody takes it yet.
    pub(super) fn keep_post(&mut self, name: &str, post: Post) {
        self.posts.entry(name.to_owned()).or_default().push_back(post);
    }

    /// A post that is there already; else the thread takes the next one.
    pub(super) fn take(&mut self, name: &str, number: usize) -> Option<Post> {
        let post = self.posts.get_mut(name).and_then(VecDeque::pop_front);
        if post.is_none() {
            self.takers.entry(name.to_owned()).or_default().push_back(number);
        }
        post
    }
}
