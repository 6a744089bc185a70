// SPDX-License-Identifier: GPL-2.0-only
//! Random machines, tasks, settings, and what happens to them.

use augur_sched::policy::cpu::augur::Tuning;
use proptest::prelude::*;
use proptest::sample::select;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// A task that may come.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// `None`: SCHED_IDLE.
    pub nice: Option<i32>,
    /// A kernel thread that belongs to this CPU.
    pub bound_to: Option<u8>,
    /// Where it may run; of CPUs that the machine has.
    pub cpus: u16,
}

/// What happens next. Numbers of CPUs, tasks and domains are taken modulo those that will do; where none does, nothing
/// happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// Time passes.
    Pass { ns: u64 },
    /// The next task comes; its parent runs on this CPU.
    Fork { parent: u8, vfork: bool },
    /// A task that sleeps is woken by this CPU, or by its own; the one that runs on its own has ended.
    Wake { task: u8, waker: Option<u8>, ends: bool },
    /// A CPU looks for something else to run: a slice has ended, or somebody interrupts.
    Schedule { cpu: u8 },
    /// One that runs sleeps.
    Sleep { task: u8 },
    /// A tick of a CPU that runs something.
    Tick { task: u8 },
    /// A class that ranks higher takes a CPU, or gives it back.
    HigherClass { cpu: u8 },
    /// The daemon decides that a task goes to another domain; a stale one took it for being elsewhere.
    Decide {
        task: u8,
        to: u8,
        ttl_ns: u64,
        stale: bool,
    },
    /// The daemon says who may not steal from whom, a bit for each pair of domains.
    Permit { denied: u16 },
    /// A task's nice value changes; `None`: to SCHED_IDLE.
    SetWeight { task: u8, nice: Option<i32> },
    /// A task's affinity changes.
    SetAffinity { task: u8, cpus: u16 },
    /// A task that a decision sends to a domain may not run there any more.
    Forbid { task: u8 },
}

/// A machine and its settings.
#[derive(Clone, Debug)]
pub struct Setup {
    /// As [`augur_base::topology::Machine::from_spec`] reads it.
    pub shape: &'static str,
    pub tuning: Tuning,
    pub tasks: Vec<Spec>,
}

fn nice() -> impl Strategy<Value = Option<i32>> {
    prop_oneof![4 => Just(Some(0)), 4 => (-20..20).prop_map(Some), 1 => Just(None)]
}

/// All CPUs, or some.
fn cpus() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(u16::MAX), 1 => any::<u16>(), 1 => (0u16..16).prop_map(|cpu| 1 << cpu)]
}

fn spec() -> impl Strategy<Value = Spec> {
    let bound_to = prop_oneof![6 => Just(None), 1 => any::<u8>().prop_map(Some)];
    (nice(), bound_to, cpus()).prop_map(|(nice, bound_to, cpus)| Spec { nice, bound_to, cpus })
}

/// The defaults, or anything.
fn tuning() -> impl Strategy<Value = Tuning> {
    let times = (
        select(vec![100 * US, MS, 5 * MS, 20 * MS]),
        select(vec![0, 300 * US, MS, 3 * MS]),
        select(vec![0, 500 * US, 4 * MS]),
        select(vec![0, 500 * US, 2 * MS]),
        select(vec![0, MS, 3 * MS]),
        select(vec![0, 3 * MS, 20 * MS]),
        select(vec![0, 200 * US, MS]),
    );
    let counts = (1u64..4, 0u64..3, any::<[bool; 3]>());
    let limits = (
        select(vec![10 * MS, 100 * MS, 5_000 * MS]),
        select(vec![MS, 50 * MS]),
        select(vec![0, 40 * MS]),
    );
    let any = (times, counts, limits).prop_map(|(times, counts, limits)| Tuning {
        slice_ns: times.0,
        short_run_ns: times.1,
        short_wait_ns: times.2,
        steal_llc_ns: times.3,
        steal_far_ns: times.4,
        lag_ns: times.5,
        trial_ns: times.6,
        preempt_ratio: counts.0,
        vfork_stays: counts.1,
        deadline_order: counts.2[0],
        tick_preempt: counts.2[1],
        wake_preempt: counts.2[2],
        starving_ns: limits.0,
        rescue_interval_ns: limits.1,
        permission_ttl_ns: limits.2,
        ..Tuning::default()
    });
    let defaults = select(vec![10 * MS, 5_000 * MS]).prop_map(|starving_ns| Tuning {
        starving_ns,
        ..Tuning::default()
    });
    prop_oneof![2 => defaults, 1 => any]
}

/// One to 16 CPUs in one to four domains, with and without siblings.
pub fn setup() -> impl Strategy<Value = Setup> {
    let shapes = [
        "1", "2", "4", "2x1", "2x2", "3x2", "2x4", "4x4", "2x2x1", "2x2x2", "1x1x2x2", "1x2x2x2", "2x2x2x2",
        "1x1x4x4",
    ];
    (
        select(shapes.to_vec()),
        tuning(),
        prop::collection::vec(spec(), 4..24),
    )
        .prop_map(|(shape, tuning, tasks)| Setup { shape, tuning, tasks })
}

fn passing_ns() -> impl Strategy<Value = u64> {
    prop_oneof![
        32 => 1..100 * US,
        16 => 100 * US..MS,
        8 => MS..5 * MS,
        4 => 5 * MS..30 * MS,
        1 => 30 * MS..300 * MS,
        1 => 300 * MS..6_000 * MS,
    ]
}

/// What happens next.
pub fn event() -> impl Strategy<Value = Event> {
    let byte = any::<u8>;
    let waker = prop_oneof![2 => byte().prop_map(Some), 1 => Just(None)];
    prop_oneof![
        24 => passing_ns().prop_map(|ns| Event::Pass { ns }),
        6 => (byte(), prop::bool::weighted(0.3)).prop_map(|(parent, vfork)| Event::Fork { parent, vfork }),
        20 => (byte(), waker, prop::bool::weighted(0.4)).prop_map(|(task, waker, ends)| Event::Wake { task, waker, ends }),
        18 => byte().prop_map(|cpu| Event::Schedule { cpu }),
        12 => byte().prop_map(|task| Event::Sleep { task }),
        8 => byte().prop_map(|task| Event::Tick { task }),
        3 => byte().prop_map(|cpu| Event::HigherClass { cpu }),
        3 => (byte(), byte(), select(vec![0, MS, 100 * MS]), prop::bool::weighted(0.1))
            .prop_map(|(task, to, ttl_ns, stale)| Event::Decide { task, to, ttl_ns, stale }),
        1 => any::<u16>().prop_map(|denied| Event::Permit { denied }),
        2 => (byte(), nice()).prop_map(|(task, nice)| Event::SetWeight { task, nice }),
        2 => (byte(), cpus()).prop_map(|(task, cpus)| Event::SetAffinity { task, cpus }),
        1 => byte().prop_map(|task| Event::Forbid { task }),
    ]
}
