// SPDX-License-Identifier: GPL-2.0-only
//! A model of the kernel's fair class: earliest eligible virtual deadline first on every CPU, wake affinity, balancing
//! of idle CPUs and at ticks. It is named `eevdf-like` because it claims no more: delayed dequeue, bandwidth control,
//! misfit and NUMA balancing, and the exact load tracking are left out.
//!
//! Fairness follows Stoica and Abdel-Wahab, "Earliest Eligible Virtual Deadline First" (1995): a task is eligible
//! while it has not had more than its share (its virtual runtime is at most the weighted mean V of all that are
//! runnable), and of the eligible the one with the earliest deadline, virtual runtime + request / weight, runs. A task
//! that sleeps keeps its lag, within bounds.

use super::load::{DUTY_ONE, NICE0_WEIGHT};
use super::{Cause, Discipline, Dispatch, Enqueue, Mask, NONE, Placement, Request, Wake, Why, World};

/// The kernel's base slice for one CPU; it grows with the logarithm of the machine's size, up to eight CPUs.
const BASE_SLICE_NS: u64 = 700_000;
/// A task that ran more recently is cache-hot, and is not pulled away (`sysctl_sched_migration_cost`).
const HOT_NS: u64 = 500_000;
/// Load above which a group of CPUs counts as busier than another, in per cent (`imbalance_pct`).
const IMBALANCE_PERCENT: u64 = 117;
/// Busy CPUs balance so many times less often than idle ones (`busy_factor`).
const BUSY_FACTOR: u64 = 16;
/// Least time between two balancings of a CPU, for each CPU of the group.
const INTERVAL_NS_PER_CPU: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
struct Entity {
    vruntime: i64,
    deadline: i64,
    /// V − vruntime when it last left a queue.
    lag: i64,
    charged_ns: u64,
    /// The run queue that counts it, [`NONE`] for none.
    queue: u32,
    /// It has not used up its request since it was picked.
    protected: bool,
}

/// One CPU's run queue: V is `base + moment / weight`.
#[derive(Clone, Debug, Default)]
struct Timeline {
    base: i64,
    /// Σ (vruntime − base) × weight over all that are runnable here.
    moment: i128,
    weight: i64,
    next_balance_ns: u64,
}

impl Timeline {
    fn mean(&self) -> i64 {
        match self.weight {
            0 => self.base,
            weight => self.base + self.moment.div_euclid(i128::from(weight)) as i64,
        }
    }
}

/// `eevdf-like`.
#[derive(Clone, Debug, Default)]
pub struct EevdfLike {
    entities: Vec<Entity>,
    queues: Vec<Timeline>,
    slice_ns: u64,
}

impl EevdfLike {
    /// Virtual time that `ns` of running is.
    fn scaled(world: &World, task: u32, ns: u64) -> i64 {
        match world.task(task).weight {
            NICE0_WEIGHT | 0 => ns as i64,
            weight => (u128::from(ns) * u128::from(NICE0_WEIGHT) / u128::from(weight)) as i64,
        }
    }

    fn weight(world: &World, task: u32) -> i64 {
        i64::from(world.task(task).weight.max(1))
    }

    /// Adds a task to a queue's sums.
    fn join(&mut self, world: &World, task: u32, cpu: u32) {
        let weight = Self::weight(world, task);
        let entity = &mut self.entities[task as usize];
        let queue = &mut self.queues[cpu as usize];
        entity.queue = cpu;
        if queue.weight == 0 {
            queue.base = entity.vruntime;
            queue.moment = 0;
        }
        queue.weight += weight;
        queue.moment += i128::from(entity.vruntime - queue.base) * i128::from(weight);
    }

    /// Takes it out, and remembers its lag: at most two requests either way.
    fn depart(&mut self, world: &World, task: u32) {
        let at = self.entities[task as usize].queue;
        if at == NONE {
            return;
        }
        let weight = Self::weight(world, task);
        let limit = Self::scaled(world, task, 2 * self.slice_ns);
        let queue = &mut self.queues[at as usize];
        let entity = &mut self.entities[task as usize];
        let mean = queue.mean();
        entity.lag = (mean - entity.vruntime).clamp(-limit, limit);
        queue.moment -= i128::from(entity.vruntime - queue.base) * i128::from(weight);
        queue.weight -= weight;
        if queue.weight == 0 {
            queue.base = mean;
            queue.moment = 0;
        }
        entity.queue = NONE;
    }

    /// Places a task on a queue so that it has its lag there. Its own weight pulls V towards it, so the lag is
    /// inflated first.
    fn place_entity(&mut self, world: &World, task: u32, cpu: u32) {
        let weight = Self::weight(world, task);
        let request = Self::scaled(world, task, self.slice_ns);
        let queue = &self.queues[cpu as usize];
        let entity = &mut self.entities[task as usize];
        let lag = match queue.weight {
            0 => 0,
            load => (i128::from(entity.lag) * i128::from(load + weight) / i128::from(load)) as i64,
        };
        entity.vruntime = queue.mean() - lag;
        entity.deadline = entity.vruntime + request;
        self.join(world, task, cpu);
    }

    /// Charges the one that runs; a request that is used up gives a new deadline.
    fn charge(&mut self, world: &World, task: u32) {
        let entity = &mut self.entities[task as usize];
        let ran = world.now_ns - entity.charged_ns;
        entity.charged_ns = world.now_ns;
        if ran == 0 {
            return;
        }
        let delta = Self::scaled(world, task, ran);
        let request = Self::scaled(world, task, self.slice_ns);
        entity.vruntime += delta;
        let (at, weight) = (entity.queue, Self::weight(world, task));
        if entity.vruntime >= entity.deadline {
            entity.deadline = entity.vruntime + request;
            entity.protected = false;
        }
        if at != NONE {
            self.queues[at as usize].moment += i128::from(delta) * i128::from(weight);
        }
    }

    fn eligible(&self, task: u32) -> bool {
        let entity = &self.entities[task as usize];
        entity.queue != NONE && entity.vruntime <= self.queues[entity.queue as usize].mean()
    }

    /// Who should run on a CPU: the eligible task of the earliest deadline. The one that runs stays until its request
    /// is used up.
    fn pick(&self, world: &World, cpu: u32, current: Option<u32>) -> Option<u32> {
        let current = current.filter(|&task| self.eligible(task));
        if let Some(task) = current
            && self.entities[task as usize].protected
        {
            return current;
        }
        let mut waiting = world.queue(cpu).iter();
        let best = waiting
            .find(|waiting| self.eligible(waiting.task))
            .map(|waiting| waiting.task);
        let deadline = |task: u32| self.entities[task as usize].deadline;
        match (best, current) {
            (Some(best), Some(task)) if deadline(task) <= deadline(best) => Some(task),
            (Some(best), _) => Some(best),
            // Somebody is always eligible; rounding may hide it.
            (None, Some(task)) => Some(task),
            (None, None) => world.queue(cpu).first().map(|first| first.task),
        }
    }

    /// The waker's CPU or the task's own: the former where they share a cache and it is the less loaded.
    fn wake_affine(&self, world: &World, task: u32, own: u32, waker: Option<u32>) -> u32 {
        let Some(waker) = waker.filter(|&cpu| world.allows(task, cpu) && cpu != own) else {
            return own;
        };
        if world.idle.has(own) && world.places.share_cache(own, waker) {
            return own;
        }
        // The waker is likely to sleep soon where it is alone (a synchronous wakeup), so its own weight is left out.
        let current = world.cpu(waker).current;
        let waker_weight = if current == NONE {
            0
        } else {
            u64::from(world.task(current).weight)
        };
        let here = world.cpu(waker).weight.saturating_sub(waker_weight) + u64::from(world.task(task).weight);
        let there = match world.task(task).load_cpu == own {
            true => world.cpu(own).weight,
            false => world.cpu(own).weight + u64::from(world.task(task).weight),
        };
        if here < there { waker } else { own }
    }

    /// An idle CPU behind the target's cache: the target, the task's own, an idle core, any.
    fn idle_sibling(&self, world: &World, task: u32, own: u32, target: u32) -> u32 {
        if world.idle.has(target) {
            return target;
        }
        if world.idle.has(own) && world.places.share_cache(own, target) && world.allows(task, own) {
            return own;
        }
        let cache = &world.places.llc[target as usize];
        match worth_a_search(world, cache) {
            true => world.idle_in(task, cache).unwrap_or(target),
            false => target,
        }
    }

    /// For a new task: an idle CPU, nearest first, else the least loaded of all.
    fn idlest(&self, world: &World, task: u32, home: u32) -> u32 {
        let near = [
            &world.places.llc[home as usize],
            &world.places.node[home as usize],
            &world.places.all,
        ];
        if let Some(cpu) = near.into_iter().find_map(|group| world.idle_in(task, group)) {
            return cpu;
        }
        let least = world
            .mask(task)
            .iter()
            .min_by_key(|&cpu| (world.cpu(cpu).weight, cpu != home));
        least.unwrap_or(home)
    }

    /// A task for a CPU that has fewer: of the busiest CPU, nearest group first. One that is cache-hot stays, where
    /// `patient`.
    fn pull(&self, world: &World, cpu: u32, patient: bool) -> Option<(u32, u32)> {
        let index = cpu as usize;
        let groups = [
            &world.places.core[index],
            &world.places.llc[index],
            &world.places.node[index],
            &world.places.all,
        ];
        groups.into_iter().find_map(|group| {
            let others = group
                .iter()
                .filter(|&other| other != cpu && !world.queue(other).is_empty());
            let busiest = others.max_by_key(|&other| (world.cpu(other).weight, std::cmp::Reverse(other)))?;
            let mine = world.cpu(cpu).weight;
            if mine > 0 && world.cpu(busiest).weight * 100 <= mine * IMBALANCE_PERCENT {
                return None;
            }
            let cold = |task: u32| {
                let stopped_ns = world.task(task).stopped_at_ns;
                stopped_ns == 0 || world.now_ns - stopped_ns >= HOT_NS
            };
            // What goes must leave the other no less loaded than this one gets.
            let fits = |task: u32| mine + u64::from(world.task(task).weight) <= world.cpu(busiest).weight;
            let mut waiting = world.queue(busiest).iter().map(|waiting| waiting.task);
            let task =
                waiting.find(|&task| world.allows(task, cpu) && fits(task) && (!patient || cold(task)))?;
            Some((busiest, task))
        })
    }
}

/// Whether an idle CPU is looked for at all behind a cache (`SIS_UTIL`): the busier its CPUs have been, the fewer of them
/// are looked at, and from some point on none; of two CPUs, none from 61 % on.
fn worth_a_search(world: &World, cache: &Mask) -> bool {
    let (mut busy, mut cpus) = (0, 0);
    for cpu in cache.iter() {
        let mut seen = world.cpu(cpu).clone();
        seen.update(world.now_ns);
        busy += seen.busy;
        cpus += 1;
    }
    // In shares of 1,024, as the kernel's update_idle_cpu_scan() has them.
    let share = busy * 1024 / DUTY_ONE / cpus.max(1);
    let taken = share * share * IMBALANCE_PERCENT * IMBALANCE_PERCENT / (10_000 * 1024);
    (1024 - taken.min(1024)) * cpus / 1024 > 0
}

impl Discipline for EevdfLike {
    fn name(&self) -> String {
        "eevdf-like".to_owned()
    }

    fn prepare(&mut self, world: &World) -> usize {
        let entity = Entity {
            queue: NONE,
            ..Entity::default()
        };
        self.entities = vec![entity; world.tasks.len()];
        self.queues = vec![Timeline::default(); world.cpus.len()];
        self.slice_ns = BASE_SLICE_NS * u64::from(1 + (world.cpus.len().min(8) as u32).ilog2());
        world.cpus.len()
    }

    fn place(&mut self, world: &World, task: u32, wake: Wake) -> Placement {
        let own = world.some_allowed(task, world.task(task).cpu);
        let cpu = if wake.fork {
            self.idlest(world, task, own)
        } else {
            let target = self.wake_affine(world, task, own, wake.waker);
            self.idle_sibling(world, task, own, target)
        };
        Placement {
            cpu,
            idle: false,
            cause: Cause::Wakeup,
        }
    }

    fn enqueue(
        &mut self,
        world: &World,
        task: u32,
        cpu: u32,
        why: Why,
        requests: &mut Vec<Request>,
    ) -> Enqueue {
        if !matches!(why, Why::Stopped | Why::Last | Why::Displaced)
            || self.entities[task as usize].queue != cpu
        {
            self.depart(world, task);
            self.place_entity(world, task, cpu);
        }
        let current = world.cpu(cpu).current;
        if !matches!(why, Why::Stopped | Why::Last | Why::Displaced)
            && current != NONE
            && !world.task(current).real_time
        {
            self.charge(world, current);
            let keeps = self.eligible(current)
                && (self.entities[current as usize].protected
                    || self.entities[current as usize].deadline <= self.entities[task as usize].deadline);
            if !keeps && self.eligible(task) {
                requests.push(Request::Resched(cpu));
            }
        }
        Enqueue::Queue {
            queue: cpu,
            key: self.entities[task as usize].deadline as u64,
        }
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        if let Some(task) = previous {
            self.charge(world, task);
        }
        match self.pick(world, cpu, previous) {
            Some(task) if previous == Some(task) => {
                self.entities[task as usize].protected = true;
                Dispatch::Keep { slice_ns: u64::MAX }
            }
            Some(task) => Dispatch::Take {
                queue: cpu,
                task,
                cause: None,
            },
            None if previous.is_some() => Dispatch::Idle,
            // Newly idle: pull at once.
            None => match self.pull(world, cpu, true) {
                Some((queue, task)) => Dispatch::Take {
                    queue,
                    task,
                    cause: Some(Cause::Steal),
                },
                None => Dispatch::Idle,
            },
        }
    }

    fn running(&mut self, world: &World, task: u32, cpu: u32) -> u64 {
        if self.entities[task as usize].queue != cpu {
            self.depart(world, task);
            self.place_entity(world, task, cpu);
        }
        let entity = &mut self.entities[task as usize];
        entity.charged_ns = world.now_ns;
        entity.protected = true;
        // Without HRTICK, the default, only ticks look at whether a request is used up.
        u64::MAX
    }

    fn stopping(&mut self, world: &World, task: u32, _cpu: u32, runnable: bool) {
        self.charge(world, task);
        if !runnable {
            self.depart(world, task);
        }
    }

    fn tick(&mut self, world: &World, cpu: u32, requests: &mut Vec<Request>) {
        let current = world.cpu(cpu).current;
        self.charge(world, current);
        if self.pick(world, cpu, Some(current)) != Some(current) {
            requests.push(Request::Resched(cpu));
        }
        // An idle CPU balances on behalf of all that idle; here it comes for what waits longest ago.
        if let Some(waiting) = world.queue(cpu).first() {
            let idle = world.idle_near(waiting.task, world.places.domain_of(cpu));
            if let Some(idle) = idle.filter(|&idle| self.pull(world, idle, false).is_some()) {
                requests.push(Request::Kick(idle));
            }
        }
        self.periodic(world, cpu, requests);
    }

    fn wants_ticks(&self) -> bool {
        true
    }
}

impl EevdfLike {
    /// A busy CPU balances now and then.
    fn periodic(&mut self, world: &World, cpu: u32, requests: &mut Vec<Request>) {
        if world.now_ns < self.queues[cpu as usize].next_balance_ns {
            return;
        }
        let interval_ns = INTERVAL_NS_PER_CPU * world.cpus.len() as u64 * BUSY_FACTOR;
        self.queues[cpu as usize].next_balance_ns = world.now_ns + interval_ns;
        if let Some((_, task)) = self.pull(world, cpu, true) {
            requests.push(Request::Migrate { task, cpu });
        }
    }
}

/// Deadlines are compared as differences, as keys are.
#[cfg(test)]
mod tests {
    use super::super::before;

    #[test]
    fn keys_order_negative_deadlines() {
        assert!(before(-5i64 as u64, 3));
    }
}
