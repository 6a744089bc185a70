// SPDX-License-Identifier: GPL-2.0-only
//! What a world sees at one moment, in the integers that kernels count in, and the one way from there to a [`Snapshot`].
//!
//! The daemon fills it from the rows of bpf/intf.h, the simulation from its own state. What a figure means is decided here,
//! so that a model that was trained on the one is told the same by the other.

use super::cpu::Mask;
use super::cpu::load::{DUTY_ONE, NICE0_WEIGHT};
use super::{DomainState, Phase, Snapshot, TaskId, TaskState};
use augur_base::topology::Machine;
use std::sync::Arc;

/// The time since what never was.
pub const NEVER_NS: u64 = u64::MAX;

/// Nothing in a snapshot is older than this; "never" reads as this.
const LONGEST_US: f32 = 1e8;

/// Loads count weight in steps of 1 / 2^10.
const LOAD_ONE: f32 = 1024.0;

/// One CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuRow {
    /// Decayed weight of its runnable tasks, shifted left by 10.
    pub load: u64,
    /// Decayed busy share; [`DUTY_ONE`] is always.
    pub busy: u64,
    /// Tasks in the queue that the scheduler keeps for it. What was handed to the kernel, and what other classes have waiting,
    /// is not among them: nothing that is decided here could move it.
    pub queued: u32,
    /// It runs nothing, of any class.
    pub idle: bool,
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    /// Who it is.
    pub id: TaskId,
    /// The domain that it runs, waits or last ran in.
    pub domain: u32,
    /// What it is doing.
    pub phase: Phase,
    /// Weight; [`NICE0_WEIGHT`] is nice 0.
    pub weight: u32,
    /// Decayed runnable share; [`DUTY_ONE`] is always.
    pub duty: u64,
    /// Average CPU time between wakeup and sleep.
    pub avg_run_ns: u64,
    /// Average sleep.
    pub avg_sleep_ns: u64,
    /// Average time between wakeups; 0 where it has not woken up twice.
    pub avg_wake_interval_ns: u64,
    /// Since it last ran; [`NEVER_NS`] before.
    pub since_run_ns: u64,
    /// Since it last began to run on another CPU than before; [`NEVER_NS`] before.
    pub since_migration_ns: u64,
    /// The same for domains.
    pub since_domain_move_ns: u64,
    /// The domain of the CPU that woke it last.
    pub waker_domain: Option<u32>,
    /// The CPUs that it may use, by their place in the machine.
    pub allowed: Mask,
    /// Bound to its CPU for now, or of a class that decisions do not reach.
    pub pinned: bool,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When.
    pub now_ns: u64,
    /// The machine's CPUs, in its order.
    pub cpus: Vec<CpuRow>,
    /// The tasks that were active of late.
    pub tasks: Vec<TaskRow>,
}

impl Observed {
    /// What policies see of it; tasks keep their order.
    pub fn snapshot(&self, machine: &Arc<Machine>) -> Snapshot {
        Snapshot {
            now_ns: self.now_ns,
            machine: machine.clone(),
            domains: domains(machine, &self.cpus),
            tasks: self.tasks.iter().map(|row| task_state(machine, row)).collect(),
        }
    }
}

/// The machine's domains, from its CPUs in its order.
pub fn domains(machine: &Machine, cpus: &[CpuRow]) -> Vec<DomainState> {
    let empty = machine.domains.iter().map(|domain| DomainState {
        capacity: domain.capacity,
        ..DomainState::default()
    });
    let mut domains: Vec<DomainState> = empty.collect();
    for (cpu, row) in machine.cpus.iter().zip(cpus) {
        let Some(domain) = domains.get_mut(cpu.domain) else {
            continue;
        };
        domain.load += row.load as f32 / LOAD_ONE / NICE0_WEIGHT as f32;
        domain.util += row.busy as f32 / DUTY_ONE as f32;
        domain.queue += row.queued;
        domain.idle_cpus += u32::from(row.idle);
        domain.active_cpus += u32::from(!row.idle);
    }
    for domain in &mut domains {
        domain.load /= domain.capacity.max(f32::MIN_POSITIVE);
        domain.util /= (domain.idle_cpus + domain.active_cpus).max(1) as f32;
    }
    domains
}

fn task_state(machine: &Machine, row: &TaskRow) -> TaskState {
    let weight = row.weight as f32 / NICE0_WEIGHT as f32;
    let mut allowed_capacity = vec![0.0; machine.domains.len()];
    let allowed = row.allowed.iter();
    for cpu in allowed.filter_map(|cpu| machine.cpus.get(cpu as usize)) {
        allowed_capacity[cpu.domain] += cpu.capacity;
    }
    TaskState {
        id: row.id,
        domain: row.domain as usize,
        phase: row.phase,
        load: weight * row.duty as f32 / DUTY_ONE as f32,
        weight,
        avg_run_us: micros(row.avg_run_ns),
        avg_sleep_us: micros(row.avg_sleep_ns),
        since_run_us: match row.phase {
            Phase::Running => 0.0,
            _ => micros(row.since_run_ns),
        },
        wakeups_hz: match row.avg_wake_interval_ns {
            0 => 0.0,
            interval_ns => 1e9 / interval_ns as f32,
        },
        last_migration_us: micros(row.since_migration_ns),
        last_domain_move_us: micros(row.since_domain_move_ns),
        waker_domain: row.waker_domain.map(|domain| domain as usize),
        allowed_capacity,
        pinned: row.pinned,
    }
}

fn micros(ns: u64) -> f32 {
    (ns as f32 / 1e3).min(LONGEST_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: CpuRow = CpuRow {
        load: 0,
        busy: 0,
        queued: 0,
        idle: true,
    };
    /// One task of nice 0, all the time.
    const BUSY: CpuRow = CpuRow {
        load: 1 << 20,
        busy: DUTY_ONE,
        queued: 0,
        idle: false,
    };
    /// Nothing of ours has run here for long, and nothing of ours counts: another class has the CPU.
    const REAL_TIME: CpuRow = CpuRow {
        load: 0,
        busy: DUTY_ONE,
        queued: 0,
        idle: false,
    };

    fn machine(spec: &str) -> Arc<Machine> {
        Arc::new(Machine::from_spec(spec).unwrap())
    }

    fn queue(row: CpuRow, queued: u32) -> CpuRow {
        CpuRow { queued, ..row }
    }

    #[test]
    fn domains_add_up_their_cpus() {
        // Two domains of two CPUs: rows, then load, util, queue, idle and active CPUs of the first.
        let cases = [
            ([IDLE, IDLE], (0.0, 0.0, 0, 2, 0)),
            ([BUSY, IDLE], (0.5, 0.5, 0, 1, 1)),
            ([queue(BUSY, 3), BUSY], (1.0, 1.0, 3, 0, 2)),
            // A CPU that runs a real-time task has no load that we could move, and is no place to move one to.
            ([REAL_TIME, IDLE], (0.0, 0.5, 0, 1, 1)),
            ([queue(REAL_TIME, 1), BUSY], (0.5, 1.0, 1, 0, 2)),
        ];
        for (rows, expected) in cases {
            let cpus = [rows[0], rows[1], IDLE, IDLE];
            let domains = domains(&machine("2x2"), &cpus);
            let of = |domain: &DomainState| {
                (
                    domain.load,
                    domain.util,
                    domain.queue,
                    domain.idle_cpus,
                    domain.active_cpus,
                )
            };
            assert_eq!(of(&domains[0]), expected, "{rows:?}");
            assert_eq!(of(&domains[1]), (0.0, 0.0, 0, 2, 0), "{rows:?}");
            assert_eq!(domains[0].capacity, 2.0);
        }
    }

    fn row() -> TaskRow {
        TaskRow {
            id: TaskId { pid: 7, start_ns: 5 },
            domain: 1,
            phase: Phase::Queued,
            weight: 2 * NICE0_WEIGHT,
            duty: DUTY_ONE / 2,
            avg_run_ns: 1_500,
            avg_sleep_ns: 0,
            avg_wake_interval_ns: 2_000_000,
            since_run_ns: 3_000_000,
            since_migration_ns: NEVER_NS,
            since_domain_move_ns: 4_000,
            waker_domain: Some(0),
            allowed: Mask::of(4, [0, 2, 3]),
            pinned: false,
        }
    }

    #[test]
    fn a_task_is_what_its_row_says() {
        let observed = Observed {
            now_ns: 9,
            cpus: vec![BUSY; 4],
            tasks: vec![row()],
        };
        let snapshot = observed.snapshot(&machine("2x2"));
        let expected = TaskState {
            id: TaskId { pid: 7, start_ns: 5 },
            domain: 1,
            phase: Phase::Queued,
            load: 1.0,
            weight: 2.0,
            avg_run_us: 1.5,
            avg_sleep_us: 0.0,
            since_run_us: 3_000.0,
            wakeups_hz: 500.0,
            last_migration_us: LONGEST_US,
            last_domain_move_us: 4.0,
            waker_domain: Some(0),
            allowed_capacity: vec![1.0, 2.0],
            pinned: false,
        };
        assert_eq!((snapshot.now_ns, snapshot.tasks), (9, vec![expected]));
    }

    #[test]
    fn what_is_not_known_is_told_apart() {
        let state = |change: fn(&mut TaskRow)| {
            let mut row = row();
            change(&mut row);
            task_state(&machine("2x2"), &row)
        };
        // Whoever runs has a warm cache, whatever the last stop was.
        assert_eq!(state(|row| row.phase = Phase::Running).since_run_us, 0.0);
        assert_eq!(state(|row| row.since_run_ns = NEVER_NS).since_run_us, LONGEST_US);
        assert_eq!(state(|row| row.avg_wake_interval_ns = 0).wakeups_hz, 0.0);
        assert_eq!(state(|row| row.waker_domain = None).waker_domain, None);
    }
}
