// SPDX-License-Identifier: GPL-2.0-only
//! The machine at one moment: the world that policies see, and what they must not see.

use super::Options;
use super::event::{Event, Kind};
use super::ledger::Ledger;
use super::timeline::Timeline;
use crate::policy::cpu::load::smooth;
use crate::policy::cpu::{
    Cause, Cpu, Discipline, Enqueue, Future, Mask, NONE, Order, Placement, Places, Queue, Request, Task,
    Wake, Why, World,
};
use crate::policy::{Generator, Phase};
use crate::sim::program::{Class, Program, TaskSpec, WOKEN};
use crate::sim::rank;
use crate::sim::{Engine, Violation};
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// More dispatches than this at one moment, and 64 for each task, are a circle.
const DISPATCHES_MAX: u64 = 100_000;

/// What only the simulation knows of a task.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Work of the current burst that is left.
    pub left_ns: u64,
    /// Work of it that is done.
    pub done_ns: u64,
    /// Time to be spent before any work is done: caches to fill.
    pub overhead_ns: u64,
    /// The next action, an index into the program's.
    pub action: u32,
    /// Where its actions end.
    pub actions_end: u32,
    /// It has not run since it woke up.
    pub fresh: bool,
    /// When its last burst ended.
    pub done_at_ns: u64,
    /// All that it paid for migrations and switches so far.
    pub paid_ns: u64,
}

/// What only the simulation knows of a CPU.
#[derive(Clone, Debug, Default)]
pub(super) struct Core {
    /// Tasks that were sent here directly.
    pub local: VecDeque<u32>,
    /// Real-time tasks that wait, the most urgent first.
    pub real_time: VecDeque<u32>,
    /// The stop event that holds.
    pub token: u32,
    /// When its work was last charged.
    pub charged_ns: u64,
    /// When the slice ends.
    pub slice_end_ns: u64,
    /// A tick is scheduled.
    pub ticks: bool,
    /// It is to dispatch once the event at hand is done with.
    pub pending: bool,
    /// Runnable tasks that it counts.
    pub tasks: u32,
    /// Time that it ran anything.
    pub busy_ns: u64,
    /// What the tasks that started to run here had waited.
    pub waited_ns: u64,
    /// How often a task started to run here,
    pub runs: u64,
    /// having run elsewhere before.
    pub arrivals: u64,
}

/// Everything that a run changes, but for the balancer.
#[derive(Clone)]
pub(super) struct State {
    pub program: Arc<Program>,
    pub options: Options,
    pub engine: Engine<Event>,
    /// First bursts that begin at a fixed time, in order of time.
    pub arrivals: Arc<Vec<(u64, u32)>>,
    pub next_arrival: usize,
    pub world: World,
    pub discipline: Box<dyn Discipline>,
    pub progress: Vec<Progress>,
    pub cores: Vec<Core>,
    /// For each burst, whether its wakeup came before it was waited for.
    pub posted: Vec<u64>,
    pub pending: VecDeque<u32>,
    pub requests: Vec<Request>,
    pub ledger: Ledger,
    pub timeline: Option<Timeline>,
    pub generator: Generator,
    /// Tasks that have not ended.
    pub alive: usize,
    /// Sleeps that a timer will end.
    pub timers: usize,
    /// Tasks that wait or run.
    pub runnable: usize,
    /// Decisions that were seen to come true, and that were not in time.
    pub applied: u64,
    pub expired: u64,
    /// Tasks that ran since the last round, for the snapshot.
    pub round: u32,
    pub active: Vec<u32>,
    /// The outcome of decisions, by number: whether each was applied. Kept only where decisions are logged.
    pub settled: Vec<(u32, bool)>,
    /// Dispatches since time last went on.
    pub dispatches: u64,
}

impl State {
    pub(super) fn new(
        program: Arc<Program>,
        places: Arc<Places>,
        mut discipline: Box<dyn Discipline>,
        options: &Options,
    ) -> State {
        let cpus = places.cpus();
        let mut generator = Generator::seed_from_u64(options.seed);
        let (masks, tasks) = tasks(&program, &places);
        let mut world = World {
            now_ns: 0,
            cpus: vec![Cpu::default(); cpus],
            idle: places.all.clone(),
            queues: Vec::new(),
            tasks,
            masks: Arc::new(masks),
            places,
        };
        let queues = discipline.prepare(&world);
        world.queues = vec![Queue::default(); queues];
        if options.oracle {
            discipline.foresee(&Future {
                run_ns: program.bursts.iter().map(|burst| burst.run_ns).collect(),
                rank_ns: rank::ranks(&program),
            });
        }
        let wakeups = program.bursts.len();
        let mut ledger = Ledger::new(cpus);
        ledger.latencies_ns.reserve(wakeups);
        ledger.waits_ns.reserve(wakeups);
        State {
            arrivals: Arc::new(arrivals(&program, options.jitter_ns, &mut generator)),
            next_arrival: 0,
            engine: Engine::new(),
            discipline,
            progress: vec![Progress::default(); program.tasks.len()],
            cores: vec![Core::default(); cpus],
            posted: vec![0; program.bursts.len().div_ceil(64)],
            pending: VecDeque::new(),
            requests: Vec::new(),
            ledger,
            timeline: options.timeline.then(Timeline::default),
            generator,
            alive: program.tasks.iter().filter(|task| task.bursts > 0).count(),
            timers: 0,
            runnable: 0,
            applied: 0,
            expired: 0,
            round: 1,
            active: Vec::new(),
            settled: Vec::new(),
            dispatches: 0,
            options: options.clone(),
            world,
            program,
        }
    }

    /// Takes the next event and applies it; `None` when there is none. Stale events are taken and not applied.
    pub(super) fn step(&mut self) -> Result<Option<Kind>, Violation> {
        let arrival = self.arrivals.get(self.next_arrival).copied();
        let kind = match (arrival, self.engine.next_ns()) {
            (Some((at_ns, task)), next) if next.is_none_or(|next| at_ns <= next) => {
                self.next_arrival += 1;
                self.engine.advance(at_ns)?;
                Kind::Timer { task }
            }
            (_, None) => return Ok(None),
            _ => {
                let Some(event) = self.engine.take() else {
                    return Ok(None);
                };
                if let Kind::Timer { .. } = event.kind() {
                    self.timers -= 1;
                }
                event.kind()
            }
        };
        if self.world.now_ns != self.engine.now_ns() {
            self.world.now_ns = self.engine.now_ns();
            self.dispatches = 0;
        }
        if let Kind::Stop { cpu, token } = kind
            && self.cores[cpu as usize].token != token
        {
            return Ok(Some(kind));
        }
        self.engine.apply(Event::new(kind));
        match kind {
            Kind::Stop { cpu, .. } => self.reached(cpu)?,
            Kind::Timer { task } => self.wake(task, None)?,
            Kind::Tick { cpu } => self.tick(cpu)?,
            Kind::Round => {}
        }
        self.dispatch_pending()?;
        Ok(Some(kind))
    }

    /// Whether anything can still happen to a task.
    pub(super) fn is_over(&self) -> bool {
        self.alive == 0 || self.runnable == 0 && self.timers == 0 && self.next_arrival >= self.arrivals.len()
    }

    pub(super) fn schedule(&mut self, at_ns: u64, kind: Kind) {
        self.engine.schedule(at_ns, Event::new(kind));
    }

    /// Lets a CPU dispatch after the event at hand.
    pub(super) fn pend(&mut self, cpu: u32) {
        let core = &mut self.cores[cpu as usize];
        if !core.pending {
            core.pending = true;
            self.pending.push_back(cpu);
        }
    }

    pub(super) fn dispatch_pending(&mut self) -> Result<(), Violation> {
        while let Some(cpu) = self.pending.pop_front() {
            self.cores[cpu as usize].pending = false;
            self.dispatch(cpu)?;
            self.dispatches += 1;
            if self.dispatches > DISPATCHES_MAX + 64 * self.runnable as u64 {
                return Err(Violation::Standstill {
                    policy: self.discipline.name(),
                    dispatches: self.dispatches,
                    at_ns: self.world.now_ns,
                });
            }
        }
        Ok(())
    }

    /// A task becomes runnable.
    pub(super) fn wake(&mut self, task: u32, waker: Option<u32>) -> Result<(), Violation> {
        let now = self.world.now_ns;
        let fork = self.begin_burst(task, waker);
        self.runnable += 1;
        let sleeper = &self.world.tasks[task as usize];
        let (from, real_time, pinned) = (sleeper.cpu, sleeper.real_time, sleeper.pinned());
        if !pinned {
            self.ledger.waits(now, true);
        }
        self.load_on(task, from);
        if real_time {
            return self.wake_real_time(task, from);
        }
        self.discipline.runnable(&self.world, task);
        let placement = match self.pending_order(task) {
            Some(cpu) => self.place_ordered(task, cpu),
            None => self.discipline.place(&self.world, task, Wake { fork, waker }),
        };
        let cpu = placement.cpu;
        self.check_affinity(task, cpu)?;
        self.assign(task, cpu, placement.cause);
        if let Some(timeline) = &mut self.timeline {
            timeline.woken(now, waker.unwrap_or(cpu), task, cpu, fork);
        }
        if placement.idle && self.world.idle.has(cpu) {
            self.send_local(task, cpu, false);
            self.pend(cpu);
            Ok(())
        } else {
            self.enqueue(task, cpu, if fork { Why::Fork } else { Why::Wakeup })
        }
    }

    /// A decision says where a task goes that became runnable.
    fn place_ordered(&mut self, task: u32, cpu: u32) -> Placement {
        let idle = self.world.idle.has(cpu);
        if idle {
            self.discipline.sent(&self.world, task, cpu);
        }
        Placement {
            cpu,
            idle,
            cause: Cause::Balance,
        }
    }

    /// The task's own figures at a wakeup; whether it is new.
    fn begin_burst(&mut self, task: u32, waker: Option<u32>) -> bool {
        let now = self.world.now_ns;
        let waker_domain = waker.map_or(NONE, |cpu| self.world.places.domain_of(cpu));
        let sleeper = &mut self.world.tasks[task as usize];
        let fork = sleeper.bursts == 0;
        sleeper.update_duty(now);
        if fork {
            if let Some(cpu) = waker {
                sleeper.cpu = cpu;
            }
        } else {
            sleeper.avg_sleep_ns = smooth(sleeper.avg_sleep_ns, now - sleeper.stopped_at_ns);
            sleeper.avg_wake_interval_ns = smooth(sleeper.avg_wake_interval_ns, now - sleeper.woke_at_ns);
        }
        sleeper.woke_at_ns = now;
        sleeper.queued_at_ns = now;
        sleeper.phase = Phase::Queued;
        sleeper.burst_ns = 0;
        sleeper.cause = Cause::Other;
        sleeper.waker_domain = waker_domain;
        let burst = sleeper.burst;
        self.load_burst(task, burst);
        self.progress[task as usize].fresh = true;
        fork
    }

    /// Sets up the work of a burst.
    pub(super) fn load_burst(&mut self, task: u32, burst: u32) {
        let program = &self.program;
        let next = program.bursts.get(burst as usize + 1);
        let progress = &mut self.progress[task as usize];
        progress.left_ns = program.bursts[burst as usize].run_ns;
        progress.done_ns = 0;
        progress.action = program.bursts[burst as usize].first_action;
        progress.actions_end = next.map_or(program.actions.len() as u32, |next| next.first_action);
    }

    /// A real-time task goes where it was, unless something as urgent runs there and another CPU is free of that.
    fn wake_real_time(&mut self, task: u32, from: u32) -> Result<(), Violation> {
        let world = &self.world;
        let urgent = |cpu: u32| {
            let current = world.cpu(cpu).current;
            current != NONE && world.task(current).real_time
        };
        let mut cpu = world.some_allowed(task, from);
        if urgent(cpu) {
            let idle = world.idle_in(task, &world.places.all);
            cpu = idle
                .or_else(|| world.mask(task).iter().find(|&cpu| !urgent(cpu)))
                .unwrap_or(cpu);
        }
        let now = world.now_ns;
        self.check_affinity(task, cpu)?;
        self.assign(task, cpu, Cause::Wakeup);
        if let Some(timeline) = &mut self.timeline {
            timeline.woken(now, cpu, task, cpu, false);
        }
        self.queue_real_time(task, cpu, false);
        self.pend(cpu);
        Ok(())
    }

    pub(super) fn queue_real_time(&mut self, task: u32, cpu: u32, resumes: bool) {
        let prio = |task: u32| self.program.tasks[task as usize].prio;
        let urgency = prio(task);
        let queue = &self.cores[cpu as usize].real_time;
        let at = queue.partition_point(|&other| {
            let other = prio(other);
            other < urgency || (other == urgency && !resumes)
        });
        self.cores[cpu as usize].real_time.insert(at, task);
    }

    /// The task's CPU is `cpu` from now on.
    pub(super) fn assign(&mut self, task: u32, cpu: u32, cause: Cause) {
        let waiting = &mut self.world.tasks[task as usize];
        waiting.cpu = cpu;
        waiting.cause = cause;
        self.load_on(task, cpu);
    }

    pub(super) fn send_local(&mut self, task: u32, cpu: u32, first: bool) {
        self.world.cpus[cpu as usize].local += 1;
        let local = &mut self.cores[cpu as usize].local;
        if first {
            local.push_front(task);
        } else {
            local.push_back(task);
        }
    }

    /// Puts a runnable task where its policy wants it to wait.
    pub(super) fn enqueue(&mut self, task: u32, cpu: u32, why: Why) -> Result<(), Violation> {
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        let place = self
            .discipline
            .enqueue(&self.world, task, cpu, why, &mut requests);
        match place {
            Enqueue::Local { preempt } => {
                self.send_local(task, cpu, preempt);
                if preempt || self.world.idle.has(cpu) {
                    self.pend(cpu);
                }
            }
            Enqueue::Queue { queue, key } => {
                let waiting = &mut self.world.tasks[task as usize];
                if waiting.queue != NONE {
                    return Err(self.wrong_queues(task));
                }
                waiting.queue = queue;
                self.world.queues[queue as usize].insert(key, task);
                if self.world.idle.has(cpu) {
                    self.pend(cpu);
                }
            }
        }
        self.carry_out(&requests)?;
        self.requests = requests;
        Ok(())
    }

    pub(super) fn carry_out(&mut self, requests: &[Request]) -> Result<(), Violation> {
        for &request in requests {
            match request {
                Request::Kick(cpu) if self.world.idle.has(cpu) => self.pend(cpu),
                Request::Kick(_) => {}
                Request::Resched(cpu) => self.pend(cpu),
                Request::Migrate { task, cpu } => {
                    self.move_waiting(task, cpu)?;
                }
            }
        }
        Ok(())
    }

    /// Moves a task that waits in a queue to another CPU; whether it did wait.
    pub(super) fn move_waiting(&mut self, task: u32, cpu: u32) -> Result<bool, Violation> {
        if self.world.task(task).queue == NONE {
            return Ok(false);
        }
        self.check_affinity(task, cpu)?;
        self.unqueue(task)?;
        self.assign(task, cpu, Cause::Balance);
        self.enqueue(task, cpu, Why::Moved)?;
        Ok(true)
    }

    pub(super) fn unqueue(&mut self, task: u32) -> Result<(), Violation> {
        let queue = std::mem::replace(&mut self.world.tasks[task as usize].queue, NONE);
        let queue = self.world.queues.get_mut(queue as usize);
        if queue.is_some_and(|queue| queue.remove(task)) {
            Ok(())
        } else {
            Err(self.wrong_queues(task))
        }
    }

    fn wrong_queues(&self, task: u32) -> Violation {
        let inside = |queue: &&Queue| queue.iter().any(|waiting| waiting.task == task);
        Violation::Queues {
            task,
            queues: self.world.queues.iter().filter(inside).count(),
            at_ns: self.world.now_ns,
        }
    }

    pub(super) fn check_affinity(&self, task: u32, cpu: u32) -> Result<(), Violation> {
        if (cpu as usize) < self.cores.len() && self.world.allows(task, cpu) {
            return Ok(());
        }
        Err(Violation::Affinity {
            policy: self.discipline.name(),
            task,
            cpu,
            at_ns: self.world.now_ns,
        })
    }

    /// The CPU that a pending decision sends the task to, if there is one in time.
    pub(super) fn pending_order(&self, task: u32) -> Option<u32> {
        let order = self.live_order(task)?;
        self.world.cpu_in_domain(task, order.to)
    }

    pub(super) fn live_order(&self, task: u32) -> Option<Order> {
        let task = self.world.task(task);
        task.order
            .filter(|order| order.deadline_ns >= self.world.now_ns && !task.pinned())
    }

    /// The task's weight counts on `cpu` from now on.
    pub(super) fn load_on(&mut self, task: u32, cpu: u32) {
        if self.world.tasks[task as usize].load_cpu == cpu {
            return;
        }
        self.load_off(task);
        let now = self.world.now_ns;
        let weight = self.discipline.load_weight(self.world.task(task));
        self.world.tasks[task as usize].load_cpu = cpu;
        let load = &mut self.world.cpus[cpu as usize];
        load.update(now);
        load.weight += u64::from(weight);
        let core = &mut self.cores[cpu as usize];
        core.tasks += 1;
        self.ledger.counts(now, core.tasks - 1, core.tasks);
    }

    /// The task's weight leaves the CPU that counts it.
    pub(super) fn load_off(&mut self, task: u32) {
        let now = self.world.now_ns;
        let weight = self.discipline.load_weight(self.world.task(task));
        let cpu = std::mem::replace(&mut self.world.tasks[task as usize].load_cpu, NONE);
        if cpu == NONE {
            return;
        }
        let load = &mut self.world.cpus[cpu as usize];
        load.update(now);
        load.weight -= u64::from(weight);
        let core = &mut self.cores[cpu as usize];
        core.tasks -= 1;
        self.ledger.counts(now, core.tasks + 1, core.tasks);
    }

    /// A burst's wakeup: wakes who waits for it, or is remembered until it is waited for.
    pub(super) fn post(&mut self, task: u32, burst: u32, waker: u32) -> Result<(), Violation> {
        let sleeper = &self.world.tasks[task as usize];
        let awaited = self.program.bursts[burst as usize].after_ns == WOKEN;
        if awaited && sleeper.phase == Phase::Sleeping && sleeper.burst == burst {
            return self.wake(task, Some(waker));
        }
        self.posted[burst as usize / 64] |= 1 << (burst % 64);
        Ok(())
    }

    pub(super) fn was_posted(&self, burst: u32) -> bool {
        self.posted[burst as usize / 64] & (1 << (burst % 64)) != 0
    }

    pub(super) fn jitter_ns(&mut self) -> u64 {
        match self.options.jitter_ns {
            0 => 0,
            most => self.generator.random_range(0..=most),
        }
    }

    fn tick(&mut self, cpu: u32) -> Result<(), Violation> {
        let current = self.world.cpu(cpu).current;
        if current == NONE {
            self.cores[cpu as usize].ticks = false;
            return Ok(());
        }
        let at_ns = self.world.now_ns + self.options.tick_ns;
        self.schedule(at_ns, Kind::Tick { cpu });
        if self.world.task(current).real_time {
            return Ok(());
        }
        self.charge(cpu);
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        self.discipline.tick(&self.world, cpu, &mut requests);
        self.carry_out(&requests)?;
        self.requests = requests;
        Ok(())
    }
}

/// First bursts that begin by themselves, in order of time.
fn arrivals(program: &Program, jitter_ns: u64, generator: &mut Generator) -> Vec<(u64, u32)> {
    let mut arrivals = Vec::new();
    for (task, spec) in program.tasks.iter().enumerate() {
        let Some(first) = program.bursts.get(spec.first_burst as usize) else {
            continue;
        };
        if spec.bursts > 0 && first.after_ns != WOKEN {
            let late = if jitter_ns > 0 {
                generator.random_range(0..=jitter_ns)
            } else {
                0
            };
            arrivals.push((first.after_ns + late, task as u32));
        }
    }
    arrivals.sort();
    arrivals
}

/// Affinities and tasks as they are before anything happened.
fn tasks(program: &Program, places: &Places) -> (Vec<Mask>, Vec<Task>) {
    let cpus = places.cpus();
    let mut masks = vec![places.all.clone()];
    let mut of_cpu: BTreeMap<u32, u32> = BTreeMap::new();
    let index_of = |id: u32| {
        let found = places
            .machine
            .cpus
            .binary_search_by_key(&(id as usize), |cpu| cpu.id);
        found.map_or(id % cpus as u32, |index| index as u32)
    };
    let mut task_of = |spec: &TaskSpec| {
        let mut task = Task::new(spec.id, spec.weight, spec.cpu.map_or(0, index_of));
        task.allowed = cpus as u32;
        task.burst = spec.first_burst;
        task.real_time = spec.class == Class::RealTime;
        task.vforked = spec.vforked;
        if let Some(id) = spec.pinned {
            let cpu = index_of(id);
            task.mask = *of_cpu.entry(cpu).or_insert_with(|| {
                masks.push(Mask::of(cpus, [cpu]));
                masks.len() as u32 - 1
            });
            task.allowed = 1;
            task.per_cpu = true;
            task.cpu = cpu;
        }
        task
    };
    let tasks = program.tasks.iter().map(&mut task_of).collect();
    (masks, tasks)
}
