// SPDX-License-Identifier: GPL-2.0-only
//! What a model is told about a move: one row of float32, in the order of [`crate::model::FEATURES`].
//!
//! | feature | unit | definition |
//! | --- | --- | --- |
//! | `cpu_util` | share, 0 to 1 | busy share of all domains, weighted by their capacity |
//! | `idle_cpus` | CPUs | idle CPUs of the machine |
//! | `active_cpus` | CPUs | CPUs of the machine that run something |
//! | `src_load`, `dst_load` | nice-0 tasks a CPU | the domain's load per capacity |
//! | `imbalance` | −1 to 1 | (src − dst) / (src + dst) of these loads; 0 when both are 0 |
//! | `src_queue`, `dst_queue` | tasks | tasks that wait in the domain's queues |
//! | `src_idle`, `dst_idle` | CPUs | idle CPUs of the domain |
//! | `task_load` | nice-0 tasks | decayed runnable share × weight |
//! | `task_weight` | nice 0 is 1 | weight |
//! | `avg_run_us` | µs | average CPU time between wakeup and sleep |
//! | `avg_sleep_us` | µs | average sleep |
//! | `since_run_us` | µs | time since it last ran; large is cache-cold |
//! | `wakeups_hz` | 1/s | decayed wakeup rate |
//! | `last_migration_us` | µs | time since its last migration to another CPU |
//! | `distance` | 0 to 4 | between the domains: same, core, LLC, node, remote; one domain with itself counts as LLC |
//! | `waker_in_dst` | 0 or 1 | the CPU that last woke it is in the destination |
//! | `capacity_ratio` | ratio, 0 to 16 | capacity that the task may use in dst ÷ the same in src |
//!
//! Times end at [`TIME_MAX_US`], other magnitudes at [`MAGNITUDE_MAX`]: beyond them nothing differs any more, and a
//! "never" that a world writes as infinity must not drown the rest. What is not a number counts as 0.

use super::snapshot::{Candidate, DomainState, Phase, Snapshot, TaskState};
use crate::model::FeatureRow;
use augur_base::topology::Distance;

/// Where times end: after ten seconds a cache is as cold, and a migration as forgotten, as it will ever be.
pub const TIME_MAX_US: f32 = 10_000_000.0;

/// Where loads, counts, weights and rates end.
pub const MAGNITUDE_MAX: f32 = 1_000_000.0;

/// Where `capacity_ratio` ends.
pub const CAPACITY_RATIO_MAX: f32 = 16.0;

/// The machine-wide features: the same for every row of a snapshot, so they are summed once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    cpu_util: f32,
    idle_cpus: f32,
    active_cpus: f32,
}

impl Totals {
    /// Sums a snapshot's domains.
    pub fn of(snapshot: &Snapshot) -> Totals {
        let sum = |of: fn(&DomainState) -> f32| bounded(snapshot.domains.iter().map(of).sum(), MAGNITUDE_MAX);
        let capacity = sum(|domain| magnitude(domain.capacity));
        let busy = sum(|domain| bounded(domain.util, 1.0) * magnitude(domain.capacity));
        Totals {
            cpu_util: if capacity > 0.0 {
                bounded(busy / capacity, 1.0)
            } else {
                0.0
            },
            idle_cpus: sum(|domain| domain.idle_cpus as f32),
            active_cpus: sum(|domain| domain.active_cpus as f32),
        }
    }
}

/// `value` within `0..=max`; 0 for what is not a number.
fn bounded(value: f32, max: f32) -> f32 {
    // `f32::max` gives the other operand for NaN, so the order of the two matters. Of −0 and 0 it may give either, as the
    // compiler likes; a sum of both is 0.
    value.max(0.0).min(max) + 0.0
}

/// A load, count, weight, rate or capacity within `0..=MAGNITUDE_MAX`; 0 for what is not a number.
pub(super) fn magnitude(value: f32) -> f32 {
    bounded(value, MAGNITUDE_MAX)
}

/// A time in µs within `0..=TIME_MAX_US`; 0 for what is not a number.
pub(super) fn time_us(value: f32) -> f32 {
    bounded(value, TIME_MAX_US)
}

/// The row of one candidate. A candidate whose task is not in the snapshot gets the averages of its domain.
pub fn row(snapshot: &Snapshot, candidate: &Candidate) -> FeatureRow {
    candidate_row(snapshot, &Totals::of(snapshot), candidate)
}

/// The rows of a batch of candidates, in their order.
pub fn rows(snapshot: &Snapshot, candidates: &[Candidate]) -> Vec<FeatureRow> {
    let totals = Totals::of(snapshot);
    candidates
        .iter()
        .map(|candidate| candidate_row(snapshot, &totals, candidate))
        .collect()
}

fn candidate_row(snapshot: &Snapshot, totals: &Totals, candidate: &Candidate) -> FeatureRow {
    match snapshot.tasks.get(candidate.task_index) {
        Some(task) => task_row(snapshot, totals, task, candidate.from, candidate.to),
        None => {
            let average = average_task(snapshot, candidate.from);
            task_row(snapshot, totals, &average, candidate.from, candidate.to)
        }
    }
}

/// The row of a task, or of an average of tasks, that would go from one domain to another.
pub fn task_row(
    snapshot: &Snapshot,
    totals: &Totals,
    task: &TaskState,
    from: usize,
    to: usize,
) -> FeatureRow {
    // Of one that is not there nothing is known.
    let [src, dst] = [from, to].map(|domain| snapshot.domains.get(domain).copied().unwrap_or_default());
    let src_load = magnitude(src.load);
    let dst_load = magnitude(dst.load);
    let distance = snapshot.machine.domain_distance(from, to).max(Distance::Llc);
    [
        totals.cpu_util,
        totals.idle_cpus,
        totals.active_cpus,
        src_load,
        dst_load,
        imbalance(src_load, dst_load),
        magnitude(src.queue as f32),
        magnitude(dst.queue as f32),
        magnitude(src.idle_cpus as f32),
        magnitude(dst.idle_cpus as f32),
        magnitude(task.load),
        magnitude(task.weight),
        time_us(task.avg_run_us),
        time_us(task.avg_sleep_us),
        time_us(task.since_run_us),
        magnitude(task.wakeups_hz),
        time_us(task.last_migration_us),
        f32::from(distance.ordinal()),
        f32::from(u8::from(task.waker_domain == Some(to))),
        capacity_ratio(task, from, to),
    ]
}

fn imbalance(src_load: f32, dst_load: f32) -> f32 {
    let sum = src_load + dst_load;
    // Two subnormal loads can sum to less than their quotient can be taken of.
    if sum > f32::MIN_POSITIVE {
        ((src_load - dst_load) / sum).clamp(-1.0, 1.0)
    } else {
        0.0
    }
}

fn capacity_ratio(task: &TaskState, from: usize, to: usize) -> f32 {
    let src = task.allowed(from);
    let dst = task.allowed(to);
    match (src > 0.0, dst > 0.0) {
        (_, false) => 0.0,
        // Nothing is left where it is (its affinity has just changed): anywhere else is as good as it gets.
        (false, true) => CAPACITY_RATIO_MAX,
        (true, true) => bounded(dst / src, CAPACITY_RATIO_MAX),
    }
}

/// A stand-in for the tasks of a domain, without identity: the mean of each figure over the domain's tasks that are
/// not pinned, free to run anywhere. A domain without such tasks gives zeros.
pub fn average_task(snapshot: &Snapshot, domain: usize) -> TaskState {
    let tasks: Vec<&TaskState> = snapshot
        .tasks
        .iter()
        .filter(|t| t.domain == domain && !t.pinned)
        .collect();
    let mean = |of: fn(&TaskState) -> f32| {
        let sum: f32 = tasks.iter().map(|task| of(task)).sum();
        sum / tasks.len().max(1) as f32
    };
    TaskState {
        domain,
        phase: Phase::Queued,
        load: mean(|task| magnitude(task.load)),
        weight: mean(|task| magnitude(task.weight)),
        avg_run_us: mean(|task| time_us(task.avg_run_us)),
        avg_sleep_us: mean(|task| time_us(task.avg_sleep_us)),
        since_run_us: mean(|task| time_us(task.since_run_us)),
        wakeups_hz: mean(|task| magnitude(task.wakeups_hz)),
        last_migration_us: mean(|task| time_us(task.last_migration_us)),
        last_domain_move_us: mean(|task| time_us(task.last_domain_move_us)),
        allowed_capacity: snapshot.domains.iter().map(|d| magnitude(d.capacity)).collect(),
        ..TaskState::default()
    }
}
