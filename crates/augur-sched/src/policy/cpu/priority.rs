// SPDX-License-Identifier: GPL-2.0-only
//! Strict priority: one queue for all CPUs, who has the greater weight goes first, of equals who came first. A yardstick for
//! what priorities can do; it starves whoever stands last.

use super::{Discipline, Dispatch, Enqueue, Placement, Request, Wake, Why, World};

/// Bits of a key for the order of arrival; the rest is for weights, of which the greatest has 17.
const ARRIVAL_BITS: u32 = 46;
const WEIGHT_MOST: u64 = (1 << (64 - ARRIVAL_BITS)) - 1;

/// `priority`, or `priority[preempt=0]`.
#[derive(Clone, Debug)]
pub struct Priority {
    preempt: bool,
    arrivals: u64,
    /// Each task's key since it woke up: who is interrupted goes on before its equals.
    keys: Vec<u64>,
}

impl Priority {
    /// Who comes interrupts who has less weight, or waits for it.
    pub fn new(preempt: bool) -> Priority {
        Priority {
            preempt,
            arrivals: 0,
            keys: Vec::new(),
        }
    }

    /// The CPU among those that the task may use whose task should give way most, if any.
    fn victim(&self, world: &World, task: u32) -> Option<u32> {
        let weight = world.task(task).weight;
        let least = world
            .interruptible(task)
            .min_by_key(|&cpu| (world.task(world.cpu(cpu).current).weight, cpu))?;
        (world.task(world.cpu(least).current).weight < weight).then_some(least)
    }
}

impl Discipline for Priority {
    fn name(&self) -> String {
        match self.preempt {
            true => "priority".to_owned(),
            false => "priority[preempt=0]".to_owned(),
        }
    }

    fn prepare(&mut self, world: &World) -> usize {
        self.keys = vec![0; world.tasks.len()];
        1
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let idle = world.idle_in(task, &world.places.all);
        Placement::idle_or_home(world, task, idle)
    }

    fn enqueue(
        &mut self,
        world: &World,
        task: u32,
        _cpu: u32,
        why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue {
        if matches!(why, Why::Wakeup | Why::Fork)
            && self.preempt
            && let Some(cpu) = self.victim(world, task)
        {
            requests.push(Request::Resched(cpu));
        }
        // Who had to give way may go on elsewhere at once.
        requests.extend(world.idle_in(task, &world.places.all).map(Request::Kick));
        Enqueue::Queue {
            queue: 0,
            key: self.keys[task as usize],
        }
    }

    fn runnable(&mut self, world: &World, task: u32) {
        self.arrivals += 1;
        let weight = u64::from(world.task(task).weight).min(WEIGHT_MOST);
        self.keys[task as usize] = (WEIGHT_MOST - weight) << ARRIVAL_BITS | self.arrivals;
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let mut waiting = world.queue(0).iter();
        let first = waiting.find(|waiting| world.allows(waiting.task, cpu));
        match (first, previous) {
            (Some(first), Some(task)) if !self.preempt || self.keys[task as usize] <= first.key => {
                Dispatch::KEEP
            }
            (Some(first), _) => Dispatch::take(0, first),
            (None, _) => Dispatch::KEEP,
        }
    }
}
