// SPDX-License-Identifier: GPL-2.0-only
//! The kernel's half of scx_augur, as in `bpf/`: placement, stealing, virtual time. Its twin in Rust, so that a replay
//! shows what the live scheduler would do; what changes there changes here.
//!
//! Every CPU has a queue ordered by weighted virtual time. A task stays on the CPU whose cache it warmed, unless
//! waiting there is predicted to be long and another CPU idles; a task of short bursts interrupts instead of moving; a
//! CPU that runs dry takes what waits too long elsewhere, nearest domain first.
//!
//! Behind `bpf/` for now, which also tries bursts out (`trial_ns`), orders a queue by deadline, lets the first that waits
//! interrupt at a tick, moves a CPU's clock on beside a task that runs alone, and limits what is owed only after a sleep.

use super::load::{NICE0_WEIGHT, SHORT_RUN_NS};
use super::{Cause, Discipline, Dispatch, Enqueue, NONE, Placement, Request, Task, Wake, Why, World, before};
use crate::policy::Permissions;
use crate::policy::spelling::Spelling;
use anyhow::Result;

/// What the scheduler can be told; the defaults are those of `scx_augur run`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// How long a task runs before another that waits gets its turn.
    pub slice_ns: u64,
    /// No slice is shorter.
    pub slice_min_ns: u64,
    /// A task whose bursts are shorter than this interrupts instead of moving.
    pub short_run_ns: u64,
    /// A wait that is predicted to be shorter than this is not worth a migration.
    pub short_wait_ns: u64,
    /// An idle CPU takes a task of its domain after this wait, or where a longer one is predicted.
    pub steal_llc_ns: u64,
    /// The same, for a task of another domain.
    pub steal_far_ns: u64,
    /// How far a task may lag behind its CPU's clock.
    pub lag_ns: u64,
    /// How many times shorter a burst must be to interrupt.
    pub preempt_ratio: u64,
    /// How long the model's word on stealing holds.
    pub permission_ttl_ns: u64,
    /// Who has waited for so long gets a turn, whatever its virtual time.
    pub starving_ns: u64,
    /// How often each CPU looks for such a task.
    pub rescue_interval_ns: u64,
    /// Tasks with short bursts may interrupt at wakeup.
    pub wake_preempt: bool,
}

impl Default for Tuning {
    fn default() -> Tuning {
        Tuning {
            slice_ns: 20_000_000,
            slice_min_ns: 1_000_000,
            short_run_ns: SHORT_RUN_NS,
            short_wait_ns: 500_000,
            steal_llc_ns: 500_000,
            steal_far_ns: 1_000_000,
            lag_ns: 20_000_000,
            preempt_ratio: 2,
            permission_ttl_ns: 1_000_000_000,
            starving_ns: 5_000_000_000,
            rescue_interval_ns: 50_000_000,
            wake_preempt: true,
        }
    }
}

/// The keys of a spelling: name in µs, and where it goes.
type Key = (&'static str, fn(&mut Tuning) -> &mut u64);

const KEYS: [Key; 5] = [
    ("slice_us", |tuning| &mut tuning.slice_ns),
    ("short_run_us", |tuning| &mut tuning.short_run_ns),
    ("short_wait_us", |tuning| &mut tuning.short_wait_ns),
    ("steal_llc_us", |tuning| &mut tuning.steal_llc_ns),
    ("steal_far_us", |tuning| &mut tuning.steal_far_ns),
];

impl Tuning {
    /// The names of the arguments that [`Tuning::from_spelling`] takes.
    pub const NAMES: [&'static str; KEYS.len()] = [KEYS[0].0, KEYS[1].0, KEYS[2].0, KEYS[3].0, KEYS[4].0];

    /// The defaults with the arguments of `spelling` in their place; others are left alone.
    ///
    /// # Errors
    /// One sentence that names the argument that is wrong.
    pub fn from_spelling(spelling: &Spelling) -> Result<Tuning> {
        let mut tuning = Tuning::default();
        for (name, place) in KEYS {
            if let Some(us) = spelling.integer(name)? {
                *place(&mut tuning) = us.saturating_mul(1_000);
            }
        }
        Ok(tuning)
    }
}

/// What it keeps of a task.
#[derive(Clone, Debug)]
struct Own {
    vtime: u64,
    /// Whose clock `vtime` is on.
    vtime_cpu: u32,
    slice_granted_ns: u64,
    slice_left_ns: u64,
    /// Its vtime when the slice began.
    slice_vtime: u64,
    charged_at_ns: u64,
    /// Was interrupted within its slice.
    resumes: bool,
}

/// What it keeps of a CPU.
#[derive(Clone, Debug, Default)]
struct Clock {
    vtime_now: u64,
    /// Predicted burst of the one that runs.
    current_run_ns: u64,
    /// Its vtime when it started.
    current_vtime: u64,
    current_weight: u32,
    rescue_at_ns: u64,
}

/// The discipline.
#[derive(Clone, Debug)]
pub struct Augur {
    name: String,
    tuning: Tuning,
    permissions: Option<(Permissions, u64)>,
    tasks: Vec<Own>,
    clocks: Vec<Clock>,
    /// For each domain, tasks in the queues of its CPUs.
    waiting: Vec<u32>,
    waits_in: Vec<u32>,
}

impl Augur {
    /// A scheduler that calls itself `name`.
    pub fn new(name: String, tuning: Tuning) -> Augur {
        Augur {
            name,
            tuning,
            permissions: None,
            tasks: Vec::new(),
            clocks: Vec::new(),
            waiting: Vec::new(),
            waits_in: Vec::new(),
        }
    }

    fn wait_begin(&mut self, task: u32, domain: u32) {
        self.wait_end(task);
        self.waits_in[task as usize] = domain;
        self.waiting[domain as usize] += 1;
    }

    fn wait_end(&mut self, task: u32) {
        let domain = std::mem::replace(&mut self.waits_in[task as usize], NONE);
        if domain != NONE {
            self.waiting[domain as usize] -= 1;
        }
    }

    /// How long the task that runs on a CPU will go on. Within its predicted burst: the rest of it. Beyond: as long
    /// again as it has run. `u64::MAX` where something real time runs or nothing at all, because nothing is known
    /// then.
    fn remaining_ns(&self, world: &World, cpu: u32) -> u64 {
        let since_ns = world.cpu(cpu).since_ns;
        if since_ns == 0 {
            return u64::MAX;
        }
        let ran = world.now_ns.saturating_sub(since_ns);
        let predicted = self.clocks[cpu as usize].current_run_ns;
        if ran < predicted { predicted - ran } else { ran }
    }

    /// Charges what ran since the last charge.
    fn charge(&mut self, world: &World, task: u32) {
        let own = &mut self.tasks[task as usize];
        let ran = world.now_ns.saturating_sub(own.charged_at_ns);
        own.vtime = own.vtime.wrapping_add(vtime_delta(world.task(task).weight, ran));
        own.charged_at_ns = world.now_ns;
    }

    /// Puts the task's vtime on the clock of `cpu`, with a limited lag.
    fn place_vtime(&mut self, task: u32, cpu: u32) {
        let now = self.clocks[cpu as usize].vtime_now;
        let own = &mut self.tasks[task as usize];
        if own.vtime_cpu != cpu {
            let lag = match own.vtime_cpu {
                NONE => 0,
                from => own.vtime.wrapping_sub(self.clocks[from as usize].vtime_now),
            };
            own.vtime = now.wrapping_add(lag);
            own.vtime_cpu = cpu;
            own.slice_vtime = own.vtime;
            own.resumes = false;
        }
        let floor = now.wrapping_sub(self.tuning.lag_ns);
        if before(own.vtime, floor) {
            own.vtime = floor;
        }
    }

    /// The vtime, by now, of the task that runs on a CPU.
    fn vtime_running(&self, world: &World, cpu: u32) -> u64 {
        let clock = &self.clocks[cpu as usize];
        let ran = world.now_ns.saturating_sub(world.cpu(cpu).since_ns);
        clock
            .current_vtime
            .wrapping_add(vtime_delta(clock.current_weight, ran))
    }

    /// Would the task rather wait for the one that runs on its CPU than move?
    fn would_wait(&self, world: &World, task: u32, cpu: u32) -> bool {
        if world.cpu(cpu).since_ns == 0 {
            return false;
        }
        if self.tuning.wake_preempt && world.task(task).avg_run_ns <= self.tuning.short_run_ns {
            return true;
        }
        world.queue(cpu).is_empty() && self.remaining_ns(world, cpu) <= self.tuning.short_wait_ns
    }

    /// May a task that wakes up interrupt the one that runs? Where its burst is predicted to be far shorter than what
    /// is left of the other's, and only within its fair share.
    fn may_preempt(&self, world: &World, task: u32, cpu: u32) -> bool {
        let seat = world.cpu(cpu);
        if !self.tuning.wake_preempt || seat.since_ns == 0 || seat.local > 0 {
            return false;
        }
        self.tuning.preempt_ratio * world.task(task).avg_run_ns < self.remaining_ns(world, cpu)
            && before(self.tasks[task as usize].vtime, self.vtime_running(world, cpu))
    }

    /// Twice what is predicted: where that is wrong, the one that was interrupted goes on.
    fn interrupting_slice(&self, task: &Task) -> u64 {
        (2 * task.avg_run_ns).clamp(self.tuning.slice_min_ns, self.tuning.slice_ns)
    }

    fn grant(&mut self, task: u32, slice_ns: u64) {
        let own = &mut self.tasks[task as usize];
        own.slice_granted_ns = slice_ns;
        own.resumes = false;
    }

    /// A place in the queue of `cpu`: where it was interrupted, it goes on ahead of those that it was ahead of.
    fn queue_on(&mut self, world: &World, task: u32, cpu: u32) -> Enqueue {
        self.place_vtime(task, cpu);
        self.wait_begin(task, world.places.domain_of(cpu));
        let own = &mut self.tasks[task as usize];
        let (key, slice_ns) = match own.resumes {
            true => (own.slice_vtime, own.slice_left_ns),
            false => (own.vtime, self.tuning.slice_ns),
        };
        own.slice_granted_ns = slice_ns;
        Enqueue::Queue { queue: cpu, key }
    }

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

    fn steal(&self, world: &World, thief: u32) -> Dispatch {
        let home = world.places.domain_of(thief);
        for (step, &domain) in world.places.near[home as usize].iter().enumerate() {
            if self.waiting[domain as usize] == 0 || !self.permitted(world, domain, home) {
                continue;
            }
            let threshold_ns = if step > 0 {
                self.tuning.steal_far_ns
            } else {
                self.tuning.steal_llc_ns
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

    /// An idle CPU that may take what waits on `cpu` comes to look for it, nearest domain first.
    fn kick_thief(&self, world: &World, task: u32, cpu: u32, requests: &mut Vec<Request>) {
        let home = world.places.domain_of(cpu);
        for &domain in &world.places.near[home as usize] {
            if !self.permitted(world, home, domain) {
                continue;
            }
            let members = &world.places.domain_mask[domain as usize];
            if let Some(thief) = world.idle_in(task, members) {
                requests.push(Request::Kick(thief));
                return;
            }
        }
    }

    /// What virtual time alone would let wait too long gets a short turn.
    fn rescue(&mut self, world: &World, cpu: u32) -> Option<u32> {
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
        (world.now_ns - since(oldest.task) > self.tuning.starving_ns).then_some(oldest.task)
    }

    /// Does the task that runs go on? By vtime, so that weights are honoured to the slice.
    fn keeps_running(&mut self, world: &World, task: u32, cpu: u32) -> bool {
        let Some(first) = world.queue(cpu).first() else {
            return true;
        };
        self.charge(world, task);
        before(self.tasks[task as usize].vtime, first.key)
    }
}

fn vtime_delta(weight: u32, ran_ns: u64) -> u64 {
    match weight {
        NICE0_WEIGHT | 0 => ran_ns,
        _ => ran_ns * u64::from(NICE0_WEIGHT) / u64::from(weight),
    }
}

impl Discipline for Augur {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn prepare(&mut self, world: &World) -> usize {
        let own = Own {
            vtime: 0,
            vtime_cpu: NONE,
            slice_granted_ns: self.tuning.slice_ns,
            slice_left_ns: 0,
            slice_vtime: 0,
            charged_at_ns: 0,
            resumes: false,
        };
        self.tasks = vec![own; world.tasks.len()];
        self.waits_in = vec![NONE; world.tasks.len()];
        self.clocks = vec![Clock::default(); world.cpus.len()];
        self.waiting = vec![0; world.places.domains()];
        world.cpus.len()
    }

    fn place(&mut self, world: &World, task: u32, wake: Wake) -> Placement {
        self.tasks[task as usize].resumes = false;
        let idle = |cpu: u32, cause: Cause| Placement {
            cpu,
            idle: true,
            cause,
        };
        let waits = |cpu: u32| Placement {
            cpu,
            idle: false,
            cause: Cause::Other,
        };
        let previous = world.task(task).cpu;
        let home = world.places.domain_of(previous);
        let placement = if wake.fork {
            match world.idle_near(task, home) {
                Some(cpu) => idle(cpu, Cause::Other),
                None => waits(
                    world
                        .least_loaded_in(task, home)
                        .unwrap_or_else(|| world.some_allowed(task, previous)),
                ),
            }
        } else {
            let previous = world.some_allowed(task, previous);
            if world.idle.has(previous) {
                idle(previous, Cause::Other)
            } else if self.would_wait(world, task, previous) {
                waits(previous)
            } else {
                match world.idle_near(task, home) {
                    Some(cpu) => idle(cpu, Cause::Wakeup),
                    None => waits(previous),
                }
            }
        };
        if placement.idle {
            self.place_vtime(task, placement.cpu);
            self.grant(task, self.tuning.slice_ns);
        }
        placement
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
            self.grant(task, self.tuning.slice_ns);
            // One that was interrupted does not interrupt in turn.
            return Enqueue::Local {
                preempt: why == Why::Wakeup,
            };
        }
        if why == Why::Wakeup {
            self.place_vtime(task, cpu);
            if self.may_preempt(world, task, cpu) {
                let slice_ns = self.interrupting_slice(world.task(task));
                self.grant(task, slice_ns);
                return Enqueue::Local { preempt: true };
            }
        }
        let place = self.queue_on(world, task, cpu);
        // It used up its slice while others wait here: an idle CPU may well take it.
        if why == Why::Stopped && !self.tasks[task as usize].resumes && !world.task(task).pinned() {
            self.kick_thief(world, task, cpu, requests);
        }
        place
    }

    fn dispatch(&mut self, world: &World, cpu: u32, previous: Option<u32>) -> Dispatch {
        if world.queue(cpu).len() > 1
            && let Some(task) = self.rescue(world, cpu)
        {
            self.tasks[task as usize].slice_granted_ns = self.tuning.slice_min_ns;
            return Dispatch::Take {
                queue: cpu,
                task,
                cause: None,
            };
        }
        if let Some(task) = previous
            && self.keeps_running(world, task, cpu)
        {
            self.charge(world, task);
            let ran = world.now_ns - world.task(task).run_at_ns;
            let own = &mut self.tasks[task as usize];
            own.slice_vtime = own.vtime;
            own.slice_granted_ns = ran + self.tuning.slice_ns;
            return Dispatch::Keep {
                slice_ns: self.tuning.slice_ns,
            };
        }
        match world.queue(cpu).first() {
            Some(first) => Dispatch::Take {
                queue: cpu,
                task: first.task,
                cause: None,
            },
            None => self.steal(world, cpu),
        }
    }

    fn running(&mut self, world: &World, task: u32, cpu: u32) -> u64 {
        self.wait_end(task);
        self.place_vtime(task, cpu);
        let seen = world.task(task);
        let own = &mut self.tasks[task as usize];
        own.charged_at_ns = world.now_ns;
        if !own.resumes {
            own.slice_vtime = own.vtime;
        }
        let clock = &mut self.clocks[cpu as usize];
        if before(clock.vtime_now, own.vtime) {
            clock.vtime_now = own.vtime;
        }
        clock.current_run_ns = match seen.burst_ns < seen.avg_run_ns {
            true => seen.avg_run_ns - seen.burst_ns,
            false => seen.burst_ns,
        };
        clock.current_vtime = own.vtime;
        clock.current_weight = seen.weight;
        own.slice_granted_ns
    }

    fn stopping(&mut self, world: &World, task: u32, _cpu: u32, runnable: bool) {
        self.charge(world, task);
        if !runnable {
            return;
        }
        let ran = world.now_ns - world.task(task).run_at_ns;
        let own = &mut self.tasks[task as usize];
        own.slice_left_ns = own.slice_granted_ns.saturating_sub(ran);
        own.resumes = own.slice_left_ns > self.tuning.slice_min_ns;
    }

    fn tick(&mut self, world: &World, cpu: u32, requests: &mut Vec<Request>) {
        // A prediction was wrong where a task still waits after a tick: let an idle CPU have it.
        if let Some(first) = world.queue(cpu).first() {
            self.kick_thief(world, first.task, cpu, requests);
        }
    }

    fn wants_ticks(&self) -> bool {
        true
    }

    fn permit(&mut self, permissions: &Permissions, now_ns: u64) {
        self.permissions = Some((permissions.clone(), now_ns));
    }

    fn boxed_clone(&self) -> Box<dyn Discipline> {
        Box::new(self.clone())
    }
}
