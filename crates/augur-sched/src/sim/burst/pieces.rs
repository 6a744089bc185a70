// SPDX-License-Identifier: GPL-2.0-only
//! What was seen of all tasks, in the trace's order, and how it is put into a program's: task by task, burst by burst.

use super::task::Piece;
use crate::sim::program::{Action, Burst, Program, TaskSpec};
use augur_base::spool::Spool;

/// A task that woke another: in which of its bursts, how far in it, whom, and which of their bursts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub waker: u32,
    pub waker_burst: u32,
    pub offset_ns: u64,
    pub woken: u32,
    pub burst: u32,
}

/// Bursts that are done, with their tasks, and who woke whom.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    done: Spool<(u32, Piece)>,
    links: Spool<Link>,
}

impl Pieces {
    /// A task's burst is done.
    pub(super) fn done(&mut self, task: u32, piece: Option<Piece>) {
        self.done.extend(piece.map(|piece| (task, piece)));
    }

    /// A task woke another.
    pub(super) fn link(&mut self, link: Link) {
        self.links.push(link);
    }

    pub(super) fn len(&self) -> usize {
        self.done.len()
    }

    /// The program of these tasks. `sleep_ns` says how long the sleep before a burst was.
    pub(super) fn program(self, mut tasks: Vec<TaskSpec>, sleep_ns: impl Fn(&Piece) -> u64) -> Program {
        let Pieces { done, links } = self;
        for &(task, _) in done.iter() {
            tasks[task as usize].bursts += 1;
        }
        let mut first = 0;
        for task in &mut tasks {
            task.first_burst = first;
            first += task.bursts;
        }
        let mut bursts = place(&tasks, &done, sleep_ns);
        drop(done);
        let actions = attach(&tasks, &mut bursts, &links);
        Program {
            tasks,
            bursts,
            actions,
        }
    }
}

/// Every burst in its place.
fn place(tasks: &[TaskSpec], done: &[(u32, Piece)], sleep_ns: impl Fn(&Piece) -> u64) -> Spool<Burst> {
    let nothing = Burst {
        after_ns: 0,
        run_ns: 0,
        first_action: 0,
    };
    let mut bursts = Spool::filled(done.len(), nothing);
    let mut next: Vec<u32> = tasks.iter().map(|task| task.first_burst).collect();
    for (task, piece) in done {
        let number = &mut next[*task as usize];
        bursts[*number as usize] = Burst {
            after_ns: sleep_ns(piece),
            run_ns: piece.run_ns,
            first_action: 0,
        };
        *number += 1;
    }
    bursts
}

/// Who wakes whom, burst by burst; within one in the trace's order, which is that of time except where a wakeup that came too early
/// took effect later than others that its waker made since.
fn attach(tasks: &[TaskSpec], bursts: &mut [Burst], links: &[Link]) -> Spool<Action> {
    let action_of = |bursts: &[Burst], link: &Link| {
        let (waker, woken) = (&tasks[link.waker as usize], &tasks[link.woken as usize]);
        // A burst that never ran is none, and wakes nobody.
        let both = link.waker_burst < waker.bursts && link.burst < woken.bursts;
        let by = waker.first_burst + link.waker_burst;
        both.then(|| {
            let action = Action {
                at_ns: link.offset_ns.min(bursts[by as usize].run_ns),
                task: link.woken,
                burst: woken.first_burst + link.burst,
            };
            (by as usize, action)
        })
    };
    // First the number of each burst's actions, then where they begin, which moves on as each finds its place.
    let mut count = 0;
    for link in links {
        if let Some((by, _)) = action_of(bursts, link) {
            bursts[by].first_action += 1;
            count += 1;
        }
    }
    let mut first = 0;
    for burst in bursts.iter_mut() {
        first += std::mem::replace(&mut burst.first_action, first);
    }
    let nothing = Action {
        at_ns: 0,
        task: 0,
        burst: 0,
    };
    let mut actions = Spool::filled(count, nothing);
    for link in links {
        if let Some((by, action)) = action_of(bursts, link) {
            actions[bursts[by].first_action as usize] = action;
            bursts[by].first_action += 1;
        }
    }
    // Each has moved on to where the next begins.
    let mut first = 0;
    for burst in bursts.iter_mut() {
        first = std::mem::replace(&mut burst.first_action, first);
    }
    actions
}
