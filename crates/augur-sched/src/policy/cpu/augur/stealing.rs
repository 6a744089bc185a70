// SPDX-License-Identifier: GPL-2.0-only
//! What a CPU takes that runs dry, as in `bpf/stealing.bpf.h`: first from its own domain, then from others, nearest
//! first. It leaves alone what is about to run where its cache is warm.

use super::Augur;
use crate::policy::cpu::{Cause, Dispatch, Mask, Request, World};

impl Augur {
    /// The model's word holds while it is fresh.
    fn permitted(&self, world: &World, from: u32, to: u32) -> bool {
        match &self.permissions {
            Some((permissions, at_ns))
                if world.now_ns <= at_ns.saturating_add(self.tuning.permission_ttl_ns) =>
            {
                permissions.allows(from as usize, to as usize)
            }
            _ => true,
        }
    }

    /// The first suitable task of one CPU's queue.
    fn steal_from(&self, world: &World, victim: u32, thief: u32, threshold_ns: u64) -> Option<u32> {
        let ahead_ns = self.remaining_ns(world, victim);
        let first = world
            .queue(victim)
            .iter()
            .find(|waiting| world.allows(waiting.task, thief))?;
        let waited = world.now_ns - world.task(first.task).queued_at_ns;
        (ahead_ns >= threshold_ns || waited >= threshold_ns).then_some(first.task)
    }

    pub(super) fn steal(&self, world: &World, thief: u32) -> Dispatch {
        let home = world.places.domain_of(thief);
        for (step, &domain) in world.places.near[home as usize].iter().enumerate() {
            if self.waiting[domain as usize] == 0 || !self.permitted(world, domain, home) {
                continue;
            }
            let threshold_ns = match step {
                0 => self.tuning.steal_llc_ns,
                _ => self.tuning.steal_far_ns,
            };
            for &victim in &world.places.members[domain as usize] {
                if victim == thief || world.queue(victim).is_empty() {
                    continue;
                }
                if let Some(task) = self.steal_from(world, victim, thief, threshold_ns) {
                    return Dispatch::Take {
                        queue: victim,
                        task,
                        cause: Some(Cause::Steal),
                    };
                }
            }
        }
        Dispatch::Idle
    }

    /// The CPU, of those in `idle`, that may take what waits on `cpu`, nearest domain first.
    fn thief(&self, world: &World, idle: &Mask, task: u32, cpu: u32) -> Option<u32> {
        let home = world.places.domain_of(cpu);
        let near = world.places.near[home as usize].iter().copied();
        let mut open = near.filter(|&domain| self.permitted(world, home, domain));
        open.find_map(|domain| world.claimable_in(idle, task, domain))
    }

    /// An idle CPU that may take what waits on `cpu` comes to look for it; whether there is one.
    pub(super) fn kick_thief(&self, world: &World, task: u32, cpu: u32, requests: &mut Vec<Request>) -> bool {
        let thief = self.thief(world, &world.idle, task, cpu);
        requests.extend(thief.map(Request::Kick));
        thief.is_some()
    }

    /// Something real time took the CPU: as many idle CPUs as tasks wait there come to take them.
    pub(super) fn kick_thieves(&self, world: &World, task: u32, cpu: u32, requests: &mut Vec<Request>) {
        let mut idle = world.idle.clone();
        // The one that was interrupted is not in the queue yet.
        for _ in 0..=world.queue(cpu).len() {
            let Some(thief) = self.thief(world, &idle, task, cpu) else {
                return;
            };
            idle.clear(thief);
            requests.push(Request::Kick(thief));
        }
    }

    /// What virtual time alone would let wait too long gets a short turn, which costs it nothing: from the CPU's own
    /// queue, or from that of a CPU where only something real time runs, for there nobody looks.
    pub(super) fn rescue(&mut self, world: &World, cpu: u32) -> Option<Dispatch> {
        let clock = &mut self.clocks[cpu as usize];
        if world.now_ns < clock.rescue_at_ns {
            return None;
        }
        clock.rescue_at_ns = world.now_ns + self.tuning.rescue_interval_ns;
        let others =
            (0..world.cpus.len() as u32).filter(|&other| other != cpu && world.cpu(other).since_ns == 0);
        let mut found = [cpu]
            .into_iter()
            .chain(others)
            .filter_map(|queue| Some((queue, self.starving(world, queue, cpu)?)));
        let (queue, task) = found.next()?;
        let own = &mut self.tasks[task as usize];
        own.slice_ns = self.tuning.slice_min_ns;
        own.rescued = true;
        Some(Dispatch::Take {
            queue,
            task,
            cause: (queue != cpu).then_some(Cause::Steal),
        })
    }

    /// The one that has waited longest in a queue, of those that may run on `cpu`, where that is too long.
    fn starving(&self, world: &World, queue: u32, cpu: u32) -> Option<u32> {
        let since = |task: u32| world.task(task).queued_at_ns;
        let waiting = world.queue(queue).iter().map(|waiting| waiting.task);
        let oldest = waiting
            .filter(|&task| queue == cpu || world.allows(task, cpu))
            .min_by_key(|&task| since(task))?;
        (world.now_ns - since(oldest) > self.tuning.starving_ns).then_some(oldest)
    }
}
