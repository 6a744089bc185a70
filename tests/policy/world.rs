// SPDX-License-Identifier: GPL-2.0-only
//! A machine and its tasks, as plain as it gets: who runs and who waits follows from who is where.

use augur_base::topology::{Machine, Shape};
use augur_sched::policy::{Candidate, DomainState, Phase, Policy, Snapshot, TaskId, TaskState};
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct World {
    pub machine: Arc<Machine>,
    pub tasks: Vec<TaskState>,
}

/// A task of `load` in `domain`: always runnable when it is not sleeping, allowed everywhere, long cooled down.
pub fn task(machine: &Machine, domain: usize, load: f32) -> TaskState {
    TaskState {
        id: TaskId { pid: 0, start_ns: 1 },
        domain,
        phase: Phase::Queued,
        load,
        weight: 1.0,
        avg_run_us: 1_000.0,
        avg_sleep_us: 500.0,
        since_run_us: 0.0,
        wakeups_hz: 10.0,
        last_migration_us: 3e6,
        last_domain_move_us: 3e6,
        waker_domain: None,
        allowed_capacity: machine.domains.iter().map(|domain| domain.capacity).collect(),
        pinned: false,
    }
}

impl World {
    /// Tasks as `(domain, load)`.
    pub fn new(spec: &str, tasks: &[(usize, f32)]) -> World {
        let machine = Arc::new(Machine::from_spec(spec).unwrap());
        let tasks = tasks
            .iter()
            .map(|&(domain, load)| task(&machine, domain, load))
            .collect();
        World::of(machine, tasks)
    }

    /// `count` always-running nice-0 tasks in each domain.
    pub fn full(spec: &str, counts: &[usize]) -> World {
        let tasks = counts
            .iter()
            .enumerate()
            .flat_map(|(domain, &count)| vec![(domain, 1.0); count]);
        World::new(spec, &tasks.collect::<Vec<_>>())
    }

    pub fn of(machine: Arc<Machine>, mut tasks: Vec<TaskState>) -> World {
        for (pid, task) in tasks.iter_mut().enumerate() {
            task.id.pid = pid as i32 + 1;
        }
        let mut world = World { machine, tasks };
        world.run();
        world
    }

    /// Lets the first runnable tasks of each domain run, and the others wait.
    fn run(&mut self) {
        for (domain, place) in self.machine.domains.iter().enumerate() {
            let here = self
                .tasks
                .iter_mut()
                .filter(|t| t.domain == domain && t.phase != Phase::Sleeping);
            for (nth, task) in here.enumerate() {
                task.phase = if nth < place.cpus.len() {
                    Phase::Running
                } else {
                    Phase::Queued
                };
            }
        }
    }

    fn domain_state(&self, domain: usize) -> DomainState {
        let place = &self.machine.domains[domain];
        let here = || self.tasks.iter().filter(|task| task.domain == domain);
        let count = |phase: Phase| here().filter(|task| task.phase == phase).count() as u32;
        let (active, cpus) = (count(Phase::Running), place.cpus.len() as u32);
        DomainState {
            load: here().map(|task| task.load).sum::<f32>() / place.capacity,
            queue: count(Phase::Queued),
            idle_cpus: cpus - active,
            active_cpus: active,
            capacity: place.capacity,
            util: active as f32 / cpus as f32,
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let domains = (0..self.machine.domains.len())
            .map(|domain| self.domain_state(domain))
            .collect();
        Snapshot {
            now_ns: 0,
            machine: self.machine.clone(),
            domains,
            tasks: self.tasks.clone(),
        }
    }

    /// Makes the moves, lets `us` pass, and says how many moves there were.
    pub fn round(&mut self, policy: &mut dyn Policy, us: f32) -> usize {
        let mut candidates = Vec::new();
        policy.decide(&self.snapshot(), &mut candidates);
        for candidate in &candidates {
            let task = &mut self.tasks[candidate.task_index];
            assert_eq!((task.id, task.domain), (candidate.task, candidate.from));
            task.domain = candidate.to;
            task.last_domain_move_us = 0.0;
        }
        self.run();
        self.tasks
            .iter_mut()
            .for_each(|task| task.last_domain_move_us += us);
        candidates.len()
    }

    /// Tasks in each domain.
    pub fn counts(&self) -> Vec<usize> {
        let count = |domain: usize| self.tasks.iter().filter(|task| task.domain == domain).count();
        (0..self.machine.domains.len()).map(count).collect()
    }

    /// The greatest difference between two domains' loads per capacity.
    pub fn gap(&self) -> f32 {
        let loads: Vec<f32> = self.snapshot().domains.iter().map(|domain| domain.load).collect();
        loads.iter().copied().fold(f32::MIN, f32::max) - loads.iter().copied().fold(f32::MAX, f32::min)
    }

    pub fn waiting(&self) -> u32 {
        self.snapshot().domains.iter().map(|domain| domain.queue).sum()
    }
}

/// The policy's moves as `(task_index, from, to)`.
pub fn decide(policy: &mut dyn Policy, snapshot: &Snapshot) -> Vec<(usize, usize, usize)> {
    let mut candidates: Vec<Candidate> = Vec::new();
    policy.decide(snapshot, &mut candidates);
    candidates.iter().map(|c| (c.task_index, c.from, c.to)).collect()
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![3 => Just(Phase::Queued), 1 => Just(Phase::Sleeping)]
}

fn any_task(machine: Arc<Machine>) -> impl Strategy<Value = TaskState> {
    let domains = machine.domains.len();
    let affinity = prop::collection::vec(prop::bool::weighted(0.9), domains);
    let load = prop_oneof![Just(1.0f32), 0.0f32..1.0, 0.0f32..4.0];
    (
        0..domains,
        phase(),
        load,
        0.0f32..1e5,
        affinity,
        prop::bool::weighted(0.1),
    )
        .prop_map(move |(domain, phase, load, since_run_us, affinity, pinned)| {
            let mut task = task(&machine, domain, load);
            for (to, allowed) in affinity.into_iter().enumerate() {
                task.allowed_capacity[to] *= f32::from(u8::from(allowed || to == domain));
            }
            TaskState {
                phase,
                since_run_us,
                pinned,
                ..task
            }
        })
}

/// Worlds whose domains and tasks agree.
pub fn worlds() -> impl Strategy<Value = World> {
    let specs = prop_oneof![
        Just("2x1"),
        Just("2x2"),
        Just("4x2"),
        Just("2x2x2"),
        Just("2x3x2x2")
    ];
    let slow = prop_oneof![Just(1.0f32), Just(0.4f32), Just(0.05f32)];
    (specs, slow).prop_flat_map(|(spec, slow)| {
        let mut cpus = spec.parse::<Shape>().unwrap().cpus();
        cpus.iter_mut()
            .filter(|cpu| cpu.llc % 2 == 1)
            .for_each(|cpu| cpu.capacity = slow);
        let machine = Arc::new(Machine::from_cpus(cpus, None).unwrap());
        let tasks = prop::collection::vec(any_task(machine.clone()), 0..24);
        tasks.prop_map(move |tasks| World::of(machine.clone(), tasks))
    })
}

fn figure() -> impl Strategy<Value = f32> {
    prop_oneof![3 => -1.0f32..10.0, 1 => any::<f32>(), 1 => Just(f32::INFINITY), 1 => Just(f32::NAN)]
}

fn hostile_domain() -> impl Strategy<Value = DomainState> {
    let count = || prop_oneof![0u32..4, any::<u32>()];
    (figure(), count(), count(), count(), figure(), figure()).prop_map(
        |(load, queue, idle_cpus, active_cpus, capacity, util)| DomainState {
            load,
            queue,
            idle_cpus,
            active_cpus,
            capacity,
            util,
        },
    )
}

fn hostile_task() -> impl Strategy<Value = TaskState> {
    let times = prop::array::uniform6(figure());
    let phases = prop_oneof![Just(Phase::Running), Just(Phase::Queued), Just(Phase::Sleeping)];
    let allowed = prop::collection::vec(figure(), 0..7);
    let waker = prop::option::of(0usize..7);
    (
        0usize..7,
        phases,
        figure(),
        figure(),
        times,
        allowed,
        waker,
        any::<bool>(),
    )
        .prop_map(
            |(domain, phase, load, weight, times, allowed_capacity, waker_domain, pinned)| TaskState {
                id: TaskId { pid: 1, start_ns: 1 },
                domain,
                phase,
                load,
                weight,
                avg_run_us: times[0],
                avg_sleep_us: times[1],
                since_run_us: times[2],
                wakeups_hz: times[3],
                last_migration_us: times[4],
                last_domain_move_us: times[5],
                waker_domain,
                allowed_capacity,
                pinned,
            },
        )
}

/// Snapshots that no honest world would give: nothing in them agrees with anything.
pub fn hostile_snapshots() -> impl Strategy<Value = Snapshot> {
    let domains = prop::collection::vec(hostile_domain(), 0..6);
    let tasks = prop::collection::vec(hostile_task(), 0..12);
    (domains, tasks).prop_map(|(domains, tasks)| {
        let machine = Arc::new(Machine::from_spec("2x2x2").unwrap());
        Snapshot {
            now_ns: 0,
            machine,
            domains,
            tasks,
        }
    })
}
