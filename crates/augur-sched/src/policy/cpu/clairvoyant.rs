// SPDX-License-Identifier: GPL-2.0-only
//! Disciplines that know every burst's length: the textbook's SJF and SRTF, and list scheduling by critical path.
//! Never competitors; nor bounds, for each is a rule, and a rule can be beaten.

use super::{Cause, Discipline, Dispatch, Enqueue, Future, Placement, Request, Wake, Why, World};

/// What goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The shortest burst; who runs is not interrupted (SJF).
    Shortest,
    /// The least work left; it interrupts (SRTF).
    ShortestRemaining,
    /// The longest way to the end of all that depends on it; it interrupts. For bursts that depend on nothing this is
    /// longest first (LPT; Graham 1969).
    CriticalPath,
}

/// One queue for all CPUs, in an [`Order`] that only the future tells.
#[derive(Clone, Debug)]
pub struct Clairvoyant {
    order: Order,
    future: Future,
}

impl Clairvoyant {
    /// A discipline of this order.
    pub fn new(order: Order) -> Clairvoyant {
        Clairvoyant {
            order,
            future: Future::default(),
        }
    }

    /// Its place in the queue: least first.
    fn key(&self, world: &World, task: u32) -> u64 {
        const MIDDLE: u64 = 1 << 62;
        let seen = world.task(task);
        let burst = seen.burst as usize;
        let run_ns = self.future.run_ns.get(burst).copied().unwrap_or(0);
        let rank_ns = self.future.rank_ns.get(burst).copied().unwrap_or(0);
        match self.order {
            Order::Shortest => run_ns,
            Order::ShortestRemaining => run_ns.saturating_sub(seen.burst_ns),
            Order::CriticalPath => MIDDLE - rank_ns.saturating_sub(seen.burst_ns).min(MIDDLE),
        }
    }

    /// The CPU among those that the task may use whose task should rather give way, if any.
    fn victim(&self, world: &World, task: u32) -> Option<u32> {
        let key = self.key(world, task);
        let current = |cpu: u32| world.cpu(cpu).current;
        let taken = world.interruptible(task);
        let worst = taken.max_by_key(|&cpu| (self.key(world, current(cpu)), std::cmp::Reverse(cpu)))?;
        (self.key(world, current(worst)) > key).then_some(worst)
    }
}

impl Discipline for Clairvoyant {
    fn name(&self) -> String {
        match self.order {
            Order::Shortest => "sjf",
            Order::ShortestRemaining => "srtf",
            Order::CriticalPath => "critical-path",
        }
        .to_owned()
    }

    fn prepare(&mut self, _world: &World) -> usize {
        1
    }

    fn foresee(&mut self, future: &Future) {
        self.future = future.clone();
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let home = world.some_allowed(task, world.task(task).cpu);
        let near = || world.idle_near(task, world.places.domain_of(home));
        let idle = if world.idle.has(home) { Some(home) } else { near() };
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
            && self.order != Order::Shortest
            && let Some(cpu) = self.victim(world, task)
        {
            requests.push(Request::Resched(cpu));
        }
        // Who had to give way may go on elsewhere at once.
        requests.extend(world.idle_in(task, &world.places.all).map(Request::Kick));
        Enqueue::Queue {
            queue: 0,
            key: self.key(world, task),
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let first = world
            .queue(0)
            .iter()
            .find(|waiting| world.allows(waiting.task, cpu));
        match (first, previous) {
            (Some(first), Some(task)) if self.key(world, task) <= first.key => Dispatch::KEEP,
            (Some(first), _) => Dispatch::Take {
                queue: 0,
                task: first.task,
                cause: Some(Cause::Steal),
            },
            (None, _) => Dispatch::KEEP,
        }
    }
}
