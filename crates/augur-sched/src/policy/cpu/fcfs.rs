// SPDX-License-Identifier: GPL-2.0-only
//! First come, first served: one queue for all CPUs, and who runs is not interrupted. With a slice, it goes to the
//! back of the queue when that is used up: round robin.

use super::{Discipline, Dispatch, Enqueue, Placement, Request, Wake, Why, World};

/// `fcfs`, or `rr[slice_us=…]`.
#[derive(Clone, Debug)]
pub struct Fcfs {
    slice_ns: u64,
    arrivals: u64,
}

impl Fcfs {
    /// Without slices.
    pub fn new() -> Fcfs {
        Fcfs::round_robin(u64::MAX)
    }

    /// With slices of `slice_ns`.
    pub fn round_robin(slice_ns: u64) -> Fcfs {
        Fcfs {
            slice_ns,
            arrivals: 0,
        }
    }
}

impl Default for Fcfs {
    fn default() -> Self {
        Fcfs::new()
    }
}

impl Discipline for Fcfs {
    fn name(&self) -> String {
        match self.slice_ns {
            u64::MAX => "fcfs".to_owned(),
            slice_ns => format!("rr[slice_us={}]", slice_ns as f64 / 1e3),
        }
    }

    fn prepare(&mut self, _world: &World) -> usize {
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
        _why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue {
        // Who was interrupted by something real time may go on elsewhere at once.
        requests.extend(world.idle_in(task, &world.places.all).map(Request::Kick));
        self.arrivals += 1;
        Enqueue::Queue {
            queue: 0,
            key: self.arrivals,
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, _previous: Option<u32>) -> Dispatch {
        let mut waiting = world.queue(0).iter();
        match waiting.find(|waiting| world.allows(waiting.task, cpu)) {
            Some(first) => Dispatch::take(0, first),
            None => Dispatch::Keep {
                slice_ns: self.slice_ns,
            },
        }
    }

    fn running(&mut self, _world: &World, _task: u32, _cpu: u32) -> u64 {
        self.slice_ns
    }
}
