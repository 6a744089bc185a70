// SPDX-License-Identifier: GPL-2.0-only
//! What a CPU takes that runs dry, as in `bpf/stealing.bpf.h`: first from its own domain, then from others, nearest
//! first. It leaves alone what is about to run where its cache is warm.

use super::Augur;
use crate::policy::cpu::{Cause, Dispatch, Request, World};

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

    /// An idle CPU that may take what waits on `cpu` comes to look for it, nearest domain first; whether there is one.
    pub(super) fn kick_thief(&self, world: &World, task: u32, cpu: u32, requests: &mut Vec<Request>) -> bool {
        let home = world.places.domain_of(cpu);
        let near = world.places.near[home as usize].iter().copied();
        let mut thieves = near.filter_map(|domain| {
            self.permitted(world, home, domain)
                .then(|| world.idle_in(task, &world.places.domain_mask[domain as usize]))?
        });
        let thief = thieves.next();
        requests.extend(thief.map(Request::Kick));
        thief.is_some()
    }

    /// What virtual time alone would let wait too long gets a short turn. The slice that it was granted before stays
    /// noted, as it does in the kernel's half: what is left of it is left.
    pub(super) fn rescue(&mut self, world: &World, cpu: u32) -> Option<u32> {
        let clock = &mut self.clocks[cpu as usize];
        if world.now_ns < clock.rescue_at_ns {
            return None;
        }
        clock.rescue_at_ns = world.now_ns + self.tuning.rescue_interval_ns;
        let since = |task: u32| world.task(task).queued_at_ns;
        let oldest = world
            .queue(cpu)
            .iter()
            .min_by_key(|waiting| since(waiting.task))?;
        if world.now_ns - since(oldest.task) <= self.tuning.starving_ns {
            return None;
        }
        self.tasks[oldest.task as usize].slice_ns = self.tuning.slice_min_ns;
        Some(oldest.task)
    }
}
