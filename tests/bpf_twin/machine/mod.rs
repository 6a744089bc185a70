// SPDX-License-Identifier: GPL-2.0-only
//! One machine, twice: as the rules in `bpf/` see it through the kernel's callbacks, and as their Rust twin sees it as a
//! [`Discipline`]. What happens to one happens to the other, in the kernel's order; each answer is compared at once, and
//! all that either keeps after each event.
//!
//! ```text
//! wakeup    forks and wakeups
//! queue     who waits where, which CPUs are called
//! running   who is next, ticks, a class that ranks higher
//! decision  the daemon's decisions and permissions
//! change    weights and affinities that change
//! compare   whether both are the same
//! ```
//!
//! The world that the twin sees is kept as `augur_sched::sim::cpu` keeps it, with the kernel's claims besides: an idle CPU that was
//! called does not idle any more until it has looked for work.

mod change;
mod compare;
mod decision;
mod queue;
mod running;
mod wakeup;

use crate::event::{Event, Setup, Spec};
use crate::kernel::{CPUS_MAX, CpuPlace, DOMAINS_MAX, Kernel, Kick, Settings, TaskSpec};
use augur_base::topology::Machine as Topology;
use augur_sched::policy::cpu::augur::{Augur, Tuning};
use augur_sched::policy::cpu::load::weight_of_prio;
use augur_sched::policy::cpu::{Cpu, Discipline, Mask, NONE, Places, Queue, Task, World};
use augur_sched::policy::{Phase, TaskId};
use change::Change;
use std::fmt::Debug;
use std::sync::Arc;

/// What differs, where something does.
pub type Checked = Result<(), String>;

/// SCHED_IDLE's weight.
const IDLE_WEIGHT: u32 = 3;

/// Both sides.
pub struct Machine<'a> {
    kernel: &'a Kernel,
    twin: Augur,
    world: World,
    /// Who was sent to each CPU directly.
    local: Vec<Vec<u32>>,
    /// CPUs that another class runs on.
    taken: Vec<bool>,
    /// Tasks that there are.
    born: u32,
    specs: Vec<TaskSpec>,
    /// The CPU that the kernel calls each task's: not the one in whose queue it waits, until it is taken out of there.
    seats: Vec<u32>,
    /// What each task counts in its CPU's weight.
    counted: Vec<u32>,
    decisions: u32,
    /// Whether the one that the twin sent to a CPU last interrupts there.
    interrupts: Option<bool>,
    /// The CPUs that the twin asks to be called, and what should be told of decisions, in this event.
    kicks: Vec<Kick>,
    told: Vec<(u64, u32)>,
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
