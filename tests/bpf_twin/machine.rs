// SPDX-License-Identifier: GPL-2.0-only
//! One machine, twice: as the rules in `bpf/` see it through the kernel's callbacks, and as their Rust twin sees it as a
//! [`Discipline`]. What happens to one happens to the other, in the kernel's order; each answer is compared at once, and
//! all that either keeps after each event (`compare.rs`).
//!
//! The world that the twin sees is kept as `src/sim/cpu` keeps it, with the kernel's claims besides: an idle CPU that was
//! called does not idle any more until it has looked for work.

use super::event::{Event, Setup, Spec};
use super::kernel::{
    CPUS_MAX, CpuPlace, DOMAINS_MAX, ENQ_LAST, ENQ_PREEMPT, ENQ_WAKEUP, KICK_IDLE, KICK_PREEMPT, Kernel,
    Kick, Settings, TaskSpec,
};
use scx_augur::policy::cpu::augur::{Augur, Tuning};
use scx_augur::policy::cpu::load::weight_of_prio;
use scx_augur::policy::cpu::{
    Cause, Cpu, Discipline, Dispatch, Enqueue, Mask, NONE, Order, Placement, Places, Queue, Request, Task,
    Wake, Why, World,
};
use scx_augur::policy::{Permissions, Phase, TaskId};
use scx_augur::topology::Machine as Topology;
use std::fmt::Debug;
use std::sync::Arc;

/// What differs, where something does.
pub type Checked = Result<(), String>;

/// Statuses of `enum augur_status`.
pub const APPLIED: u32 = 0;
const REFUSED_MOVED: u32 = 2;
const REFUSED_AFFINITY: u32 = 3;
const REFUSED_PINNED: u32 = 4;
pub const EXPIRED: u32 = 5;

/// SCHED_IDLE's weight.
const IDLE_WEIGHT: u32 = 3;

/// What changes of a task.
#[derive(Clone, Copy)]
enum Change {
    Weight(Option<i32>),
    Affinity(u64),
}

pub struct Machine<'a> {
    pub kernel: &'a Kernel,
    pub twin: Augur,
    pub world: World,
    /// Who was sent to each CPU directly.
    pub local: Vec<Vec<u32>>,
    /// CPUs that another class runs on.
    pub taken: Vec<bool>,
    /// Tasks that there are.
    pub born: u32,
    pub specs: Vec<TaskSpec>,
    /// The CPU that the kernel calls each task's: not the one in whose queue it waits, until it is taken out of there.
    seats: Vec<u32>,
    /// What each task counts in its CPU's weight.
    counted: Vec<u32>,
    decisions: u32,
    /// Whether the one that the twin sent to a CPU last interrupts there.
    interrupts: Option<bool>,
    /// The CPUs that the twin asks to be called, and what should be told of decisions, in this event.
    pub kicks: Vec<Kick>,
    pub told: Vec<(u64, u32)>,
}

/// Whether both say the same.
pub fn same<T: PartialEq + Debug>(what: impl FnOnce() -> String, kernel: T, twin: T) -> Checked {
    match kernel == twin {
        true => Ok(()),
        false => Err(format!("{}: {kernel:?} in bpf/, {twin:?} in the twin", what())),
    }
}

fn settings(tuning: &Tuning) -> Settings {
    Settings {
        slice_ns: tuning.slice_ns,
        slice_min_ns: tuning.slice_min_ns,
        short_run_ns: tuning.short_run_ns,
        short_wait_ns: tuning.short_wait_ns,
        steal_llc_ns: tuning.steal_llc_ns,
        steal_far_ns: tuning.steal_far_ns,
        lag_ns: tuning.lag_ns,
        permission_ttl_ns: tuning.permission_ttl_ns,
        starving_ns: tuning.starving_ns,
        rescue_interval_ns: tuning.rescue_interval_ns,
        trial_ns: tuning.trial_ns,
        preempt_ratio: tuning.preempt_ratio,
        vfork_stays: tuning.vfork_stays,
        wake_preempt: tuning.wake_preempt.into(),
        deadline_order: tuning.deadline_order.into(),
        tick_preempt: tuning.tick_preempt.into(),
    }
}

fn bits(mask: &Mask) -> u64 {
    mask.iter().fold(0, |bits, cpu| bits | 1 << cpu)
}

fn task_spec(spec: &Spec, cpus: usize) -> TaskSpec {
    let all = (1u64 << cpus) - 1;
    let bound = spec.bound_to.map(|cpu| 1 << (usize::from(cpu) % cpus));
    let some = Some(u64::from(spec.cpus) & all).filter(|&cpus| cpus != 0);
    let mask = bound.or(some).unwrap_or(all);
    TaskSpec {
        static_prio: (120 + spec.nice.unwrap_or(0)) as u64,
        sched_idle: spec.nice.is_none().into(),
        kthread: bound.is_some().into(),
        cpus: mask,
        allowed: u64::from(mask.count_ones()),
        cpu: 0,
    }
}

fn weight(spec: &TaskSpec) -> u32 {
    match spec.sched_idle {
        0 => weight_of_prio(spec.static_prio as i32),
        _ => IDLE_WEIGHT,
    }
}

fn reset(kernel: &Kernel, places: &Places, tuning: &Tuning) {
    let (count, domains) = (places.cpus(), places.domains());
    let mut cpus = [CpuPlace::default(); CPUS_MAX];
    for (index, cpu) in places.machine.cpus.iter().enumerate() {
        cpus[index] = CpuPlace {
            dom: cpu.domain as u64,
            core: cpu.core as u64,
            llc: cpu.llc as u64,
            node: cpu.node as u64,
            siblings: bits(&places.core[index]),
        };
    }
    let mut order = [0; DOMAINS_MAX * DOMAINS_MAX];
    for (place, &domain) in order.iter_mut().zip(places.near.iter().flatten()) {
        *place = domain as u8;
    }
    let failed = kernel.reset(
        &settings(tuning),
        &cpus,
        count as u32,
        &order,
        domains as u32,
        places.smt,
    );
    assert_eq!(failed, 0, "augur_init");
}

impl<'a> Machine<'a> {
    /// All CPUs idle, and no task is there yet.
    pub fn new(kernel: &'a Kernel, setup: &Setup) -> Machine<'a> {
        let places = Arc::new(Places::new(Arc::new(Topology::from_spec(setup.shape).unwrap())));
        let cpus = places.cpus();
        reset(kernel, &places, &setup.tuning);
        let specs: Vec<TaskSpec> = setup.tasks.iter().map(|spec| task_spec(spec, cpus)).collect();
        let mut masks = vec![places.all.clone()];
        let mut tasks = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            assert_eq!(kernel.add_task(spec), 0, "augur_init_task");
            let id = TaskId {
                pid: index as i32 + 1,
                start_ns: 1,
            };
            let mut task = Task::new(id, weight(spec), 0);
            task.per_cpu = spec.kthread != 0;
            task.allowed = spec.allowed as u32;
            task.mask = masks.len() as u32;
            masks.push(Mask::of(
                cpus,
                (0..cpus as u32).filter(|cpu| spec.cpus & 1 << cpu != 0),
            ));
            tasks.push(task);
        }
        let mut twin = Augur::new("augur".to_owned(), setup.tuning.clone());
        let mut world = World {
            now_ns: 10_000_000_000,
            cpus: vec![Cpu::default(); cpus],
            idle: places.all.clone(),
            queues: Vec::new(),
            tasks,
            masks: Arc::new(masks),
            places,
        };
        world.queues = vec![Queue::default(); twin.prepare(&world)];
        Machine {
            kernel,
            twin,
            local: vec![Vec::new(); cpus],
            taken: vec![false; cpus],
            born: 0,
            seats: vec![0; specs.len()],
            counted: vec![0; specs.len()],
            decisions: 0,
            interrupts: None,
            kicks: Vec::new(),
            told: Vec::new(),
            specs,
            world,
        }
    }

    /// One event, and whether both machines are the same after it.
    pub fn step(&mut self, event: &Event) -> Checked {
        if let Event::Pass { ns } = event {
            self.world.now_ns += ns;
        }
        self.kernel.begin(self.world.now_ns);
        self.interrupts = None;
        self.kicks.clear();
        self.told.clear();
        self.happen(event)?;
        self.compare()
    }

    fn happen(&mut self, event: &Event) -> Checked {
        let cpus = self.world.cpus.len() as u32;
        let cpu_of = |cpu: u8| u32::from(cpu) % cpus;
        match *event {
            Event::Pass { .. } => Ok(()),
            Event::Fork { parent, vfork } => self.fork(cpu_of(parent), vfork),
            Event::Wake { task, waker, ends } => match self.one_that(task, Phase::Sleeping) {
                Some(task) => self.woken(task, waker.map(cpu_of), ends),
                None => Ok(()),
            },
            Event::Schedule { cpu } => self.schedule(cpu_of(cpu), None),
            Event::Sleep { task } => match self.one_that(task, Phase::Running) {
                Some(task) => self.sleep(task),
                None => Ok(()),
            },
            Event::Tick { task } => match self.one_that(task, Phase::Running) {
                Some(task) => self.tick(task),
                None => Ok(()),
            },
            Event::HigherClass { cpu } if self.taken[cpu_of(cpu) as usize] => {
                self.taken[cpu_of(cpu) as usize] = false;
                self.schedule(cpu_of(cpu), None)
            }
            Event::HigherClass { cpu } => self.take_cpu(cpu_of(cpu)),
            Event::Decide {
                task,
                to,
                ttl_ns,
                stale,
            } => match self.any_task(task) {
                Some(task) => self.decide(task, to, ttl_ns, stale),
                None => Ok(()),
            },
            Event::Permit { denied } => {
                self.permit(denied);
                Ok(())
            }
            Event::SetWeight { task, nice } => self.change_any(task, Change::Weight(nice)),
            Event::SetAffinity { task, cpus: mask } => {
                let all = (1u64 << cpus) - 1;
                let mask = Some(u64::from(mask) & all).filter(|&mask| mask != 0);
                self.change_any(task, Change::Affinity(mask.unwrap_or(all)))
            }
            Event::Forbid { task } => self.forbid(task),
        }
    }

    fn any_task(&self, number: u8) -> Option<u32> {
        (self.born > 0).then(|| u32::from(number) % self.born)
    }

    fn one_that(&self, number: u8, phase: Phase) -> Option<u32> {
        let some: Vec<u32> = (0..self.born)
            .filter(|&task| self.world.task(task).phase == phase)
            .collect();
        (!some.is_empty()).then(|| some[usize::from(number) % some.len()])
    }

    /// The rules' code runs on this CPU from now on.
    fn on(&self, cpu: u32) {
        let current = self.world.cpu(cpu).current;
        self.kernel
            .on(cpu, if current == NONE { -1 } else { current as i32 });
    }
}

/// Becoming runnable.
impl Machine<'_> {
    fn fork(&mut self, parent: u32, vfork: bool) -> Checked {
        let task = self.born;
        if task as usize == self.specs.len() {
            return Ok(());
        }
        self.born += 1;
        self.world.tasks[task as usize].cpu = parent;
        self.world.tasks[task as usize].vforked = vfork;
        self.wake(task, parent, true)
    }

    fn woken(&mut self, task: u32, waker: Option<u32>, ends: bool) -> Checked {
        let own = self.world.task(task).cpu;
        let current = self.world.cpu(own).current;
        let leaver = (ends && current != NONE).then_some(current);
        self.set_leaving(leaver, true);
        self.wake(task, waker.unwrap_or(own), false)?;
        self.set_leaving(leaver, false);
        Ok(())
    }

    fn set_leaving(&mut self, task: Option<u32>, leaving: bool) {
        if let Some(task) = task {
            self.world.tasks[task as usize].leaving = leaving;
            self.kernel.set_exiting(task, leaving);
        }
    }

    fn wake(&mut self, task: u32, waker: u32, fork: bool) -> Checked {
        let from = self.world.task(task).cpu;
        self.begin_burst(task);
        self.world.tasks[task as usize].cause = Cause::Other;
        self.load_on(task, from);
        self.twin.runnable(&self.world, task);
        let placement = self.placement(task, waker, fork);
        self.on(waker);
        let cpu = self
            .kernel
            .select_cpu(task, from as i32, fork, self.world.task(task).vforked);
        same(|| format!("where task {task} goes"), cpu, placement.cpu as i32)?;
        let direct = self.kernel.is_direct(task);
        same(
            || format!("whether task {task} goes to an idle CPU"),
            direct,
            placement.idle,
        )?;
        let cpu = placement.cpu;
        self.seats[task as usize] = cpu;
        self.assign(task, cpu, placement.cause);
        let (flags, why) = match fork {
            true => (0, Why::Fork),
            false => (ENQ_WAKEUP, Why::Wakeup),
        };
        // A wakeup from elsewhere is queued: the CPU that it is for carries it out.
        self.on(cpu);
        self.kernel.runnable(task, flags);
        if placement.idle {
            self.world.idle.clear(cpu);
            self.send_local(task, cpu, false);
            self.kernel.enqueue(task, flags);
            return Ok(());
        }
        self.queue(task, cpu, why)?;
        self.kernel.enqueue(task, flags);
        self.same_flags(task)
    }

    fn placement(&mut self, task: u32, waker: u32, fork: bool) -> Placement {
        let Some(cpu) = self.pending_order(task) else {
            let waker = Some(waker);
            return self.twin.place(&self.world, task, Wake { fork, waker });
        };
        let idle = self.world.idle.has(cpu);
        if idle {
            self.twin.sent(&self.world, task, cpu);
        }
        Placement {
            cpu,
            idle,
            cause: Cause::Balance,
        }
    }

    fn begin_burst(&mut self, task: u32) {
        let now = self.world.now_ns;
        let task = &mut self.world.tasks[task as usize];
        task.woke_at_ns = now;
        task.queued_at_ns = now;
        task.phase = Phase::Queued;
        task.burst_ns = 0;
    }
}

/// Waiting.
impl Machine<'_> {
    /// What the twin does with a runnable task.
    fn queue(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        let mut requests = Vec::new();
        match self.twin.enqueue(&self.world, task, cpu, why, &mut requests) {
            Enqueue::Local { preempt } => {
                self.interrupts = Some(preempt);
                self.send_local(task, cpu, preempt);
            }
            Enqueue::Queue { queue, key } => {
                self.world.tasks[task as usize].queue = queue;
                self.world.queues[queue as usize].insert(key, task);
            }
        }
        for request in requests {
            match request {
                Request::Kick(cpu) => self.kick(cpu, KICK_IDLE),
                Request::Resched(cpu) => self.kick(cpu, 0),
                Request::Migrate { .. } => return Err("the twin asks for a migration".to_owned()),
            }
        }
        Ok(())
    }

    fn kick(&mut self, cpu: u32, flags: u64) {
        if flags == KICK_IDLE {
            self.world.idle.clear(cpu);
        }
        self.kicks.push(Kick {
            cpu: cpu.into(),
            flags,
        });
    }

    fn send_local(&mut self, task: u32, cpu: u32, first: bool) {
        let local = &mut self.local[cpu as usize];
        let at = if first { 0 } else { local.len() };
        local.insert(at, task);
        self.world.cpus[cpu as usize].local += 1;
    }

    /// Whether who was sent to a CPU directly interrupts there in both.
    fn same_flags(&mut self, task: u32) -> Checked {
        let interrupts = self.kernel.insert_flags() & ENQ_PREEMPT != 0;
        match self.interrupts.take() {
            Some(twin) => same(|| format!("whether task {task} interrupts"), interrupts, twin),
            None => Ok(()),
        }
    }

    /// A task that was stopped, or whose affinity changed, waits for its next turn: what the twin does.
    fn requeue_twin(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        let cause = self.world.task(task).cause;
        let Some(target) = self.pending_order(task) else {
            self.assign(task, cpu, cause);
            return self.queue(task, cpu, why);
        };
        let idle = self.world.idle.has(target);
        self.assign(task, target, Cause::Balance);
        self.queue(task, target, Why::Sent)?;
        self.kick(target, if idle { KICK_IDLE } else { 0 });
        Ok(())
    }

    fn requeue(&mut self, task: u32, cpu: u32, why: Why) -> Checked {
        self.requeue_twin(task, cpu, why)?;
        self.kernel
            .enqueue(task, if why == Why::Last { ENQ_LAST } else { 0 });
        self.same_flags(task)
    }

    /// Out of the queue that it waits in, in the twin's world.
    fn unqueue(&mut self, task: u32) {
        let queue = std::mem::replace(&mut self.world.tasks[task as usize].queue, NONE);
        if queue != NONE {
            self.world.queues[queue as usize].remove(task);
        }
        for (cpu, local) in self.local.iter_mut().enumerate() {
            if let Some(at) = local.iter().position(|&other| other == task) {
                local.remove(at);
                self.world.cpus[cpu].local -= 1;
            }
        }
    }

    fn assign(&mut self, task: u32, cpu: u32, cause: Cause) {
        self.world.tasks[task as usize].cpu = cpu;
        self.world.tasks[task as usize].cause = cause;
        self.load_on(task, cpu);
    }

    fn load_on(&mut self, task: u32, cpu: u32) {
        let weight = self.twin.load_weight(self.world.task(task));
        if self.world.task(task).load_cpu == cpu && self.counted[task as usize] == weight {
            return;
        }
        self.load_off(task);
        self.counted[task as usize] = weight;
        self.world.tasks[task as usize].load_cpu = cpu;
        self.world.cpus[cpu as usize].weight += u64::from(weight);
    }

    fn load_off(&mut self, task: u32) {
        let cpu = std::mem::replace(&mut self.world.tasks[task as usize].load_cpu, NONE);
        if cpu != NONE {
            self.world.cpus[cpu as usize].weight -= u64::from(self.counted[task as usize]);
        }
    }
}

/// Running.
impl Machine<'_> {
    /// A CPU looks for something to run; `asleep` ran there until now.
    fn schedule(&mut self, cpu: u32, asleep: Option<u32>) -> Checked {
        if self.taken[cpu as usize] {
            return Ok(());
        }
        self.on(cpu);
        if !self.local[cpu as usize].is_empty() {
            return self.run_local(cpu);
        }
        let current = self.world.cpu(cpu).current;
        let previous = (current != NONE).then_some(current);
        let kept = previous.filter(|&task| self.live_order(task).is_none());
        let answer = self.twin.dispatch(&self.world, cpu, kept);
        let shown = previous.or(asleep);
        self.kernel
            .dispatch(cpu as i32, shown.map_or(-1, |task| task as i32));
        let next = self.kernel.waiting(cpu, true).first().copied();
        let again_ns = previous
            .map(|task| self.kernel.task(task).slice_ns)
            .filter(|&slice_ns| slice_ns > 0);
        let (wanted, wanted_ns) = match answer {
            Dispatch::Keep { slice_ns } => (None, Some(slice_ns)),
            Dispatch::Take { task, .. } => (Some(task), None),
            Dispatch::Idle => (None, None),
        };
        same(|| format!("whom CPU {cpu} takes"), next, wanted)?;
        same(|| format!("how long CPU {cpu} goes on"), again_ns, wanted_ns)?;
        match answer {
            Dispatch::Keep { .. } => Ok(()),
            Dispatch::Take { task, cause, .. } => {
                self.unqueue(task);
                let cause = cause.unwrap_or(self.world.task(task).cause);
                self.world.tasks[task as usize].cause = cause;
                self.send_local(task, cpu, false);
                self.run_local(cpu)
            }
            Dispatch::Idle => self.go_idle(cpu),
        }
    }

    /// The first in the local queue runs; who ran waits.
    fn run_local(&mut self, cpu: u32) -> Checked {
        let next = self.local[cpu as usize][0];
        let cause = self.kernel.task(next).cause;
        same(
            || format!("why task {next} is where it is"),
            cause,
            self.world.task(next).cause as u64,
        )?;
        same(
            || format!("who is next on CPU {cpu}"),
            self.kernel.pick(cpu),
            next as i32,
        )?;
        self.unqueue(next);
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            self.requeue(previous, cpu, Why::Stopped)?;
        }
        self.start(cpu, next)
    }

    fn go_idle(&mut self, cpu: u32) -> Checked {
        let previous = self.world.cpu(cpu).current;
        if previous != NONE {
            self.stop(cpu, true);
            self.requeue(previous, cpu, Why::Last)?;
        }
        self.world.idle.set(cpu);
        self.kernel.set_idle(cpu, true);
        Ok(())
    }

    fn start(&mut self, cpu: u32, task: u32) -> Checked {
        let now = self.world.now_ns;
        self.world.idle.clear(cpu);
        self.kernel.set_idle(cpu, false);
        self.kernel.set_cpu(task, cpu as i32);
        self.seats[task as usize] = cpu;
        self.settle_order(task, cpu);
        self.load_on(task, cpu);
        let starting = &mut self.world.tasks[task as usize];
        starting.phase = Phase::Running;
        starting.cpu = cpu;
        starting.last_cpu = cpu;
        starting.cause = Cause::Other;
        starting.run_at_ns = now;
        self.world.cpus[cpu as usize].current = task;
        self.world.cpus[cpu as usize].since_ns = now;
        let slice_ns = self.twin.running(&self.world, task, cpu);
        self.on(cpu);
        self.kernel.running(task);
        same(
            || format!("the slice of task {task}"),
            self.kernel.task(task).slice_ns,
            slice_ns,
        )
    }

    fn stop(&mut self, cpu: u32, runnable: bool) {
        let now = self.world.now_ns;
        let task = self.world.cpu(cpu).current;
        self.twin.stopping(&self.world, task, cpu, runnable);
        self.kernel.stopping(task, runnable);
        self.world.cpus[cpu as usize].current = NONE;
        self.world.cpus[cpu as usize].since_ns = 0;
        let stopped = &mut self.world.tasks[task as usize];
        stopped.stopped_at_ns = now;
        if runnable {
            stopped.phase = Phase::Queued;
            stopped.queued_at_ns = now;
        } else {
            self.quiet(task);
        }
    }

    fn quiet(&mut self, task: u32) {
        self.world.tasks[task as usize].phase = Phase::Sleeping;
        self.load_off(task);
        self.kernel.quiescent(task);
    }

    fn sleep(&mut self, task: u32) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        self.stop(cpu, false);
        self.schedule(cpu, Some(task))
    }

    fn tick(&mut self, task: u32) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        let mut requests = Vec::new();
        self.twin.tick(&self.world, cpu, &mut requests);
        self.kernel.tick(task);
        let ends = self.kernel.task(task).slice_ns == 0;
        same(
            || format!("whether a tick ends the slice on CPU {cpu}"),
            ends,
            requests.contains(&Request::Resched(cpu)),
        )?;
        for request in requests {
            if let Request::Kick(thief) = request {
                self.kick(thief, KICK_IDLE);
            }
        }
        match ends {
            true => self.schedule(cpu, None),
            false => Ok(()),
        }
    }

    /// A class that ranks higher takes a CPU: whoever ran there or was sent there waits again.
    fn take_cpu(&mut self, cpu: u32) -> Checked {
        self.on(cpu);
        let current = self.world.cpu(cpu).current;
        self.world.idle.clear(cpu);
        self.kernel.set_idle(cpu, false);
        self.taken[cpu as usize] = true;
        if current == NONE {
            return Ok(());
        }
        self.stop(cpu, true);
        let sent = std::mem::take(&mut self.local[cpu as usize]);
        self.world.cpus[cpu as usize].local = 0;
        self.kernel.cpu_release(cpu, current as i32);
        for task in std::iter::once(current).chain(sent) {
            self.requeue_twin(task, cpu, Why::Displaced)?;
        }
        Ok(())
    }
}

/// The daemon's decisions.
impl Machine<'_> {
    fn live_order(&self, task: u32) -> Option<Order> {
        let task = self.world.task(task);
        task.order
            .filter(|order| order.deadline_ns >= self.world.now_ns && !task.pinned())
    }

    fn pending_order(&self, task: u32) -> Option<u32> {
        self.world.cpu_in_domain(task, self.live_order(task)?.to)
    }

    fn settle_order(&mut self, task: u32, cpu: u32) {
        let Some(order) = self.world.task(task).order else {
            return;
        };
        let applied = order.to == self.world.places.domain_of(cpu);
        if applied || order.deadline_ns < self.world.now_ns {
            self.world.tasks[task as usize].order = None;
            let status = if applied { APPLIED } else { EXPIRED };
            self.told.push((order.number.into(), status));
        }
    }

    fn decide(&mut self, task: u32, to: u8, ttl_ns: u64, stale: bool) -> Checked {
        let domains = self.world.places.domains() as u32;
        if domains == 1 {
            return Ok(());
        }
        let home = self.world.places.domain_of(self.world.task(task).cpu);
        let to = (home + 1 + u32::from(to) % (domains - 1)) % domains;
        let from = if stale { to } else { home };
        self.decisions += 1;
        let number = self.decisions;
        self.on(0);
        self.kernel.decide(task, from, to, number.into(), ttl_ns);
        let members = &self.world.places.domain_mask[to as usize];
        let refusal = match self.world.task(task).pinned() {
            _ if stale => Some(REFUSED_MOVED),
            true => Some(REFUSED_PINNED),
            false if self.world.mask(task).common(members, members).next().is_none() => {
                Some(REFUSED_AFFINITY)
            }
            false => None,
        };
        if let Some(status) = refusal {
            self.told.push((number.into(), status));
            return Ok(());
        }
        let order = Order {
            number,
            to,
            deadline_ns: self.world.now_ns + ttl_ns,
        };
        if let Some(before) = self.world.tasks[task as usize].order.replace(order) {
            self.told.push((before.number.into(), EXPIRED));
        }
        match self.world.task(task).phase {
            Phase::Running => self.kick(self.world.task(task).cpu, KICK_PREEMPT),
            Phase::Queued => self.move_waiting(task, to)?,
            Phase::Sleeping => {}
        }
        Ok(())
    }

    fn move_waiting(&mut self, task: u32, to: u32) -> Checked {
        let Some(target) = self.world.cpu_in_domain(task, to) else {
            return Ok(());
        };
        let idle = self.world.idle.has(target);
        let waits = self.world.task(task).queue != NONE;
        if waits {
            self.unqueue(task);
            self.assign(task, target, Cause::Balance);
            self.queue(task, target, Why::Moved)?;
        }
        if idle || waits {
            self.kick(target, if idle { KICK_IDLE } else { 0 });
        }
        Ok(())
    }

    fn permit(&mut self, denied: u16) {
        let domains = self.world.places.domains();
        let mut rows = [0; DOMAINS_MAX * DOMAINS_MAX];
        let mut permissions = Permissions::all(domains);
        for (index, row) in rows.iter_mut().enumerate().take(domains * domains) {
            *row = (denied >> index & 1) as u8;
            permissions = permissions.with(index / domains, index % domains, *row == 0);
        }
        self.kernel.permit(&rows);
        self.twin.permit(&permissions, self.world.now_ns);
    }
}

/// What changes of a task. The kernel takes one that is runnable out of everything, changes it, and puts it back.
impl Machine<'_> {
    fn change_any(&mut self, number: u8, change: Change) -> Checked {
        match self.any_task(number) {
            Some(task) => self.change_task(task, change),
            None => Ok(()),
        }
    }

    /// The domain that a decision sends a task to is taken out of its affinity.
    fn forbid(&mut self, number: u8) -> Checked {
        let sent: Vec<u32> = (0..self.born)
            .filter(|&task| self.live_order(task).is_some())
            .collect();
        let Some(&task) = sent.get(usize::from(number) % sent.len().max(1)) else {
            return Ok(());
        };
        let to = self.live_order(task).map_or(0, |order| order.to);
        let others = self.specs[task as usize].cpus & !bits(&self.world.places.domain_mask[to as usize]);
        match others {
            0 => Ok(()),
            _ => self.change_task(task, Change::Affinity(others)),
        }
    }

    fn change_task(&mut self, task: u32, change: Change) -> Checked {
        let running = self.world.task(task).phase == Phase::Running;
        let spec = &self.specs[task as usize];
        let change = match change {
            Change::Affinity(_) if spec.kthread != 0 => return Ok(()),
            // One that runs where it must not would be moved by the kernel, past all rules.
            Change::Affinity(cpus) if running => Change::Affinity(cpus | 1 << self.world.task(task).cpu),
            change => change,
        };
        match self.world.task(task).phase {
            Phase::Sleeping => self.change(task, change),
            Phase::Queued => self.change_waiting(task, change),
            Phase::Running => self.change_running(task, change),
        }
    }

    fn change(&mut self, task: u32, change: Change) -> Checked {
        let spec = &mut self.specs[task as usize];
        self.world.tasks[task as usize].cpu = self.seats[task as usize];
        match change {
            Change::Weight(nice) => {
                spec.static_prio = (120 + nice.unwrap_or(0)) as u64;
                spec.sched_idle = nice.is_none().into();
                self.kernel.set_weight(task, spec);
                self.world.tasks[task as usize].weight = weight(spec);
            }
            Change::Affinity(cpus) => {
                (spec.cpus, spec.allowed) = (cpus, u64::from(cpus.count_ones()));
                let count = self.world.cpus.len();
                let mask = Mask::of(count, (0..count as u32).filter(|cpu| cpus & 1 << cpu != 0));
                let changed = &mut self.world.tasks[task as usize];
                changed.allowed = cpus.count_ones();
                changed.mask = self.world.masks.len() as u32;
                Arc::make_mut(&mut self.world.masks).push(mask);
                let mut requests = Vec::new();
                self.twin.affinity_changed(&self.world, task, &mut requests);
                self.kernel.set_cpumask(task, &self.specs[task as usize]);
                for request in requests {
                    if let Request::Kick(cpu) = request {
                        self.kick(cpu, KICK_IDLE);
                    }
                }
            }
        }
        Ok(())
    }

    fn change_waiting(&mut self, task: u32, change: Change) -> Checked {
        self.on(self.seats[task as usize]);
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.quiet(task);
        self.change(task, change)?;
        self.put_back(task)?;
        let seat = self.seats[task as usize];
        if self.world.allows(task, seat) {
            return Ok(());
        }
        // Its CPU is none of its CPUs any more: the kernel moves it to one that is, and it is put into a queue there.
        let cpu = self.world.some_allowed(task, seat);
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.kernel.set_cpu(task, cpu as i32);
        self.seats[task as usize] = cpu;
        self.requeue(task, cpu, Why::Stopped)
    }

    fn change_running(&mut self, task: u32, change: Change) -> Checked {
        let cpu = self.world.task(task).cpu;
        self.on(cpu);
        self.stop(cpu, false);
        self.change(task, change)?;
        self.put_back(task)?;
        self.unqueue(task);
        self.kernel.dequeue(task);
        self.start(cpu, task)
    }

    fn put_back(&mut self, task: u32) -> Checked {
        let cpu = self.seats[task as usize];
        self.begin_burst(task);
        self.load_on(task, cpu);
        self.twin.runnable(&self.world, task);
        self.kernel.runnable(task, 0);
        self.requeue(task, cpu, Why::Stopped)
    }
}
