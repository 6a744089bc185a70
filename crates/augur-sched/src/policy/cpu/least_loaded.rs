// SPDX-License-Identifier: GPL-2.0-only
//! Every wakeup goes to the CPU with the least runnable weight that the task may use, its own where it is among them;
//! then it stays. A yardstick for spreading load with no thought for caches.

use super::load::NICE0_WEIGHT;
use super::{Discipline, Dispatch, Enqueue, Placement, Request, Wake, Why, World, before};

/// How long a task runs before another that waits gets its turn.
const SLICE_NS: u64 = 3_000_000;

/// `least-loaded`: weighted virtual time on each CPU, placement by load.
#[derive(Clone, Debug, Default)]
pub struct LeastLoaded {
    vtime: Vec<u64>,
    clock: Vec<u64>,
    charged_ns: Vec<u64>,
}

impl LeastLoaded {
    fn charge(&mut self, world: &World, task: u32) {
        let ran = world.now_ns - self.charged_ns[task as usize];
        let weight = u64::from(world.task(task).weight.max(1));
        self.vtime[task as usize] += ran * u64::from(NICE0_WEIGHT) / weight;
        self.charged_ns[task as usize] = world.now_ns;
    }
}

impl Discipline for LeastLoaded {
    fn name(&self) -> String {
        "least-loaded".to_owned()
    }

    fn prepare(&mut self, world: &World) -> usize {
        self.vtime = vec![0; world.tasks.len()];
        self.charged_ns = vec![0; world.tasks.len()];
        self.clock = vec![0; world.cpus.len()];
        world.cpus.len()
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let seen = world.task(task);
        // Its own weight counts on its CPU already.
        let load = |cpu: u32| match seen.load_cpu == cpu {
            true => world.cpu(cpu).weight - u64::from(seen.weight),
            false => world.cpu(cpu).weight,
        };
        let least = world
            .mask(task)
            .iter()
            .min_by_key(|&cpu| (load(cpu), cpu != seen.cpu, cpu));
        let cpu = least.unwrap_or(seen.cpu);
        Placement::on(world, cpu)
    }

    fn enqueue(
        &mut self,
        _world: &World,
        task: u32,
        cpu: u32,
        _why: Why,
        _requests: &mut Vec<Request>,
    ) -> Enqueue {
        let vtime = &mut self.vtime[task as usize];
        *vtime = (*vtime).max(self.clock[cpu as usize]);
        Enqueue::Queue {
            queue: cpu,
            key: *vtime,
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let Some(first) = world.queue(cpu).first() else {
            return Dispatch::Idle;
        };
        if let Some(task) = previous {
            self.charge(world, task);
            if before(self.vtime[task as usize], first.key) {
                return Dispatch::Keep { slice_ns: SLICE_NS };
            }
        }
        Dispatch::take(cpu, first)
    }

    fn running(&mut self, world: &World, task: u32, cpu: u32) -> u64 {
        let clock = &mut self.clock[cpu as usize];
        let vtime = &mut self.vtime[task as usize];
        *vtime = (*vtime).max(*clock);
        *clock = *vtime;
        self.charged_ns[task as usize] = world.now_ns;
        SLICE_NS
    }

    fn stopping(&mut self, world: &World, task: u32, _cpu: u32, _runnable: bool) {
        self.charge(world, task);
    }
}
