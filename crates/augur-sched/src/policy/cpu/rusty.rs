// SPDX-License-Identifier: GPL-2.0-only
//! A model of scx_rusty's kernel half: one queue for each domain, ordered by weighted virtual time; a wakeup takes an
//! idle CPU, its own first; a CPU that runs dry takes from its domain's queue, then greedily from any other.

use super::load::NICE0_WEIGHT;
use super::{Cause, Discipline, Dispatch, Enqueue, Placement, Request, Wake, Why, World, before};

/// scx_rusty's slice while CPUs idle.
const SLICE_UNDERUSED_NS: u64 = 20_000_000;
/// And while none does.
const SLICE_OVERUSED_NS: u64 = 1_000_000;

/// `rusty`.
#[derive(Clone, Debug, Default)]
pub struct Rusty {
    vtime: Vec<u64>,
    charged_ns: Vec<u64>,
    /// Each domain's clock.
    clock: Vec<u64>,
    /// Each task's domain.
    domain: Vec<u32>,
}

impl Rusty {
    fn charge(&mut self, world: &World, task: u32) {
        let ran = world.now_ns - self.charged_ns[task as usize];
        let weight = u64::from(world.task(task).weight.max(1));
        let vtime = &mut self.vtime[task as usize];
        *vtime = vtime.wrapping_add(ran * u64::from(NICE0_WEIGHT) / weight);
        self.charged_ns[task as usize] = world.now_ns;
    }

    fn slice_ns(world: &World) -> u64 {
        match world.idle.iter().next() {
            Some(_) => SLICE_UNDERUSED_NS,
            None => SLICE_OVERUSED_NS,
        }
    }

    /// Puts the task's vtime on a domain's clock, at most a slice behind.
    fn place_vtime(&mut self, task: u32, domain: u32) {
        let now = self.clock[domain as usize];
        let own = self.domain[task as usize];
        let vtime = &mut self.vtime[task as usize];
        if own != domain {
            *vtime = now.wrapping_add(vtime.wrapping_sub(self.clock[own as usize]));
            self.domain[task as usize] = domain;
        }
        let floor = now.wrapping_sub(SLICE_UNDERUSED_NS);
        if before(*vtime, floor) {
            *vtime = floor;
        }
    }
}

impl Discipline for Rusty {
    fn name(&self) -> String {
        "rusty".to_owned()
    }

    fn prepare(&mut self, world: &World) -> usize {
        self.vtime = vec![0; world.tasks.len()];
        self.charged_ns = vec![0; world.tasks.len()];
        self.clock = vec![0; world.places.domains()];
        self.domain = world
            .tasks
            .iter()
            .map(|task| world.places.domain_of(task.cpu))
            .collect();
        world.places.domains()
    }

    fn place(&mut self, world: &World, task: u32, _wake: Wake) -> Placement {
        let own = world.some_allowed(task, world.task(task).cpu);
        let home = self.domain[task as usize];
        let members = &world.places.domain_mask[home as usize];
        let core = &world.places.core[own as usize];
        let idle = if world.idle.has(own) && (!world.places.smt || core.iter().all(|cpu| world.idle.has(cpu)))
        {
            Some(own)
        } else {
            // Its domain, then, greedily, wherever there is room.
            let idle = world
                .idle_in(task, members)
                .or_else(|| world.idle.has(own).then_some(own));
            idle.or_else(|| world.idle_near(task, home))
        };
        Placement::idle_or_home(world, task, idle)
    }

    fn enqueue(
        &mut self,
        world: &World,
        task: u32,
        cpu: u32,
        why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue {
        if world.task(task).per_cpu {
            return Enqueue::Local {
                preempt: matches!(why, Why::Wakeup | Why::Fork),
            };
        }
        let domain = match why {
            Why::Moved | Why::Sent => world.places.domain_of(cpu),
            // Its domain, unless its affinity excludes all of that.
            _ => match world.least_loaded_in(task, self.domain[task as usize]) {
                Some(_) => self.domain[task as usize],
                None => world.places.domain_of(cpu),
            },
        };
        self.place_vtime(task, domain);
        // Its domain's idle CPUs come for it, and, greedily, those of others.
        requests.extend(world.idle_near(task, domain).map(Request::Kick));
        Enqueue::Queue {
            queue: domain,
            key: self.vtime[task as usize],
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        let home = world.places.domain_of(cpu);
        let first_of = |queue: u32| {
            let mut waiting = world.queue(queue).iter();
            waiting.find(|waiting| world.allows(waiting.task, cpu))
        };
        if let Some(first) = first_of(home) {
            if let Some(task) = previous {
                self.charge(world, task);
                if before(self.vtime[task as usize], first.key) {
                    return Dispatch::Keep {
                        slice_ns: Self::slice_ns(world),
                    };
                }
            }
            return Dispatch::take(home, first);
        }
        if previous.is_some() {
            return Dispatch::Idle;
        }
        let near = world.places.near[home as usize].iter().skip(1);
        let stolen = near
            .copied()
            .find_map(|domain| first_of(domain).map(|first| (domain, first.task)));
        match stolen {
            Some((queue, task)) => Dispatch::Take {
                queue,
                task,
                cause: Some(Cause::Steal),
            },
            None => Dispatch::Idle,
        }
    }

    fn running(&mut self, world: &World, task: u32, _cpu: u32) -> u64 {
        let domain = self.domain[task as usize] as usize;
        let vtime = self.vtime[task as usize];
        if before(self.clock[domain], vtime) {
            self.clock[domain] = vtime;
        }
        self.charged_ns[task as usize] = world.now_ns;
        Self::slice_ns(world)
    }

    fn stopping(&mut self, world: &World, task: u32, _cpu: u32, _runnable: bool) {
        self.charge(world, task);
    }

    fn slices_end_at_ticks(&self) -> bool {
        true
    }
}
