// SPDX-License-Identifier: GPL-2.0-only
//! The machine at one moment: the world that policies see, and what they must not see; what happens next.

use super::event::{Event, Kind};
use super::ledger::Ledger;
use super::tasks::{arrivals, tasks};
use super::timeline::Timeline;
use super::{Latencies, Options};
use crate::policy::cpu::{Cpu, Discipline, Future, NONE, Places, Queue, Request, World};
use crate::sim::program::Program;
use crate::sim::rank;
use augur_base::engine::Engine;
use augur_base::invariant::Violation;
use augur_base::random::Generator;
use rand::SeedableRng;
use std::collections::VecDeque;
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
    /// From its wakeups to its runs.
    pub latencies: Latencies,
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
        if options.clairvoyant {
            discipline.foresee(&Future {
                run_ns: program.bursts.iter().map(|burst| burst.run_ns).collect(),
                rank_ns: rank::ranks(&program).to_vec(),
            });
        }
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
            ledger: Ledger::new(cpus),
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

    /// When the next event is.
    pub(super) fn next_event_ns(&self) -> Option<u64> {
        let arrival = self.arrivals.get(self.next_arrival).map(|&(at_ns, _)| at_ns);
        arrival.into_iter().chain(self.engine.next_ns()).min()
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
