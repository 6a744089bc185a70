// SPDX-License-Identifier: GPL-2.0-only
//! The power of d choices: a wakeup draws d CPUs and goes to the one of them that has the fewest tasks, where it waits in
//! order of arrival (Mitzenmacher, IEEE TPDS 12(10), 2001; Vvedenskaya, Dobrushin, Karpelevich, 1996). Nobody steals.

use super::{Discipline, Dispatch, Enqueue, NONE, Placement, Request, Wake, Why, World};
use augur_base::random::Generator;
use rand::RngExt;

/// `power_of_d[d=…]`.
#[derive(Clone, Debug)]
pub struct PowerOfD {
    d: usize,
    generator: Generator,
    arrivals: u64,
}

impl PowerOfD {
    /// Draws `d` CPUs, each among all, from a generator that the caller seeded.
    pub fn new(d: usize, generator: Generator) -> PowerOfD {
        PowerOfD {
            d: d.max(1),
            generator,
            arrivals: 0,
        }
    }
}

/// How many tasks a CPU has.
fn tasks(world: &World, cpu: u32) -> usize {
    let seen = world.cpu(cpu);
    world.queue(cpu).len() + usize::from(seen.current != NONE) + seen.local as usize
}

impl Discipline for PowerOfD {
    fn name(&self) -> String {
        format!("power_of_d[d={}]", self.d)
    }

    fn prepare(&mut self, world: &World) -> usize {
        world.cpus.len()
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let mask = world.mask(task);
        let count = (world.task(task).allowed as usize).clamp(1, world.cpus.len());
        let mut best: Option<(usize, u32)> = None;
        for _ in 0..self.d {
            let drawn = mask.iter().nth(self.generator.random_range(0..count));
            let found = drawn.map(|cpu| (tasks(world, cpu), cpu));
            if let Some(found) = found
                && best.is_none_or(|best| found.0 < best.0)
            {
                best = Some(found);
            }
        }
        let cpu = best.map_or_else(|| world.some_allowed(task, world.task(task).cpu), |(_, cpu)| cpu);
        Placement::on(world, cpu)
    }

    fn enqueue(
        &mut self,
        _world: &World,
        _task: u32,
        cpu: u32,
        _why: Why,
        _requests: &mut Vec<Request>,
    ) -> Enqueue {
        self.arrivals += 1;
        Enqueue::Queue {
            queue: cpu,
            key: self.arrivals,
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        Dispatch::first_come(world, cpu, previous)
    }
}
