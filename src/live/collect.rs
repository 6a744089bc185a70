// SPDX-License-Identifier: GPL-2.0-only
//! From BPF maps to a [`Snapshot`]: runs the `collect` program and turns its rows into what policies know.

use super::bpf::intf;
use super::{Scheduler, pod};
use crate::policy::{DomainState, Phase, Snapshot, TaskId, TaskState};
use crate::topology::Machine;
use anyhow::{Context, Result, bail};
use libbpf_rs::{MapCore, MapFlags, ProgramInput};
use std::sync::Arc;

/// Nothing in a snapshot is older than this; "never" reads as this.
const LONGEST_US: f32 = 1e8;

/// The rows of one snapshot, as the kernel's half wrote them.
#[derive(Clone)]
pub struct Observation {
    /// What policies see.
    pub snapshot: Snapshot,
    /// The raw row of each task of the snapshot, in its order.
    pub rows: Vec<intf::augur_task_row>,
    /// What each domain's CPUs have done since the load, by index.
    pub totals: Vec<Totals>,
    /// Tasks that had no place in the tables.
    pub dropped: u32,
}

/// What some CPUs have done since the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How long the tasks that started to run there had waited.
    pub wait_ns: u64,
    /// How long tasks ran there.
    pub run_ns: u64,
    /// How often a task started to run there.
    pub runs: u64,
    /// How often that was a task that had run on another CPU before.
    pub arrivals: u64,
}

impl Totals {
    fn add(&mut self, row: &intf::augur_cpu_row) {
        self.wait_ns += row.wait_ns;
        self.run_ns += row.run_ns;
        self.runs += row.runs;
        self.arrivals += row.arrivals;
    }

    /// Both together.
    pub fn plus(self, other: Totals) -> Totals {
        Totals {
            wait_ns: self.wait_ns + other.wait_ns,
            run_ns: self.run_ns + other.run_ns,
            runs: self.runs + other.runs,
            arrivals: self.arrivals + other.arrivals,
        }
    }

    /// What has come since `earlier`.
    pub fn since(self, earlier: Totals) -> Totals {
        Totals {
            wait_ns: self.wait_ns.saturating_sub(earlier.wait_ns),
            run_ns: self.run_ns.saturating_sub(earlier.run_ns),
            runs: self.runs.saturating_sub(earlier.runs),
            arrivals: self.arrivals.saturating_sub(earlier.arrivals),
        }
    }
}

impl Observation {
    /// What the domains of a pair have done since the load; of a domain and itself, once.
    pub fn pair_totals(&self, from: usize, to: usize) -> Totals {
        let of = |domain: usize| self.totals.get(domain).copied().unwrap_or_default();
        if from == to {
            of(from)
        } else {
            of(from).plus(of(to))
        }
    }

    /// The row of a task, where it is in the snapshot.
    pub fn row(&self, id: TaskId) -> Option<&intf::augur_task_row> {
        self.rows
            .iter()
            .find(|row| row.pid == id.pid && row.start_ns == id.start_ns)
    }
}

/// Takes a snapshot. `watched` are tasks to report whether they were active or not.
///
/// # Errors
/// Where a BPF map or program cannot be used.
pub fn collect(scheduler: &Scheduler, machine: &Arc<Machine>, watched: &[i32]) -> Result<Observation> {
    let windows = &scheduler.windows;
    let most = intf::augur_limits_AUGUR_MAX_ROWS as usize;
    let watched = &watched[..watched.len().min(most)];
    for (index, &pid) in watched.iter().enumerate() {
        windows.watched.set(index as u32, pid)?;
    }
    let mut args = intf::augur_collect_args {
        nr_watched: watched.len() as u32,
        pad: 0,
    };
    run(&scheduler.skel.progs.collect, &mut args).context("cannot take a snapshot")?;
    let head = windows.head.get(0)?;
    let rows = windows.tasks.first(head.nr_rows)?;
    let (domains, totals) = domains(scheduler, machine)?;
    let tasks = rows.iter().map(|row| task_state(machine, row)).collect();
    let snapshot = Snapshot {
        now_ns: head.now_ns,
        machine: machine.clone(),
        domains,
        tasks,
    };
    Ok(Observation {
        snapshot,
        rows,
        totals,
        dropped: head.dropped_rows,
    })
}

fn domains(scheduler: &Scheduler, machine: &Machine) -> Result<(Vec<DomainState>, Vec<Totals>)> {
    let highest = machine.cpus.iter().map(|cpu| cpu.id).max().unwrap_or(0);
    let all = scheduler.windows.cpus.first(highest as u32 + 1)?;
    machine
        .domains
        .iter()
        .map(|domain| {
            let rows: Vec<_> = domain
                .cpus
                .iter()
                .filter_map(|&cpu| all.get(cpu).copied())
                .collect();
            let mut totals = Totals::default();
            rows.iter().for_each(|row| totals.add(row));
            Ok((domain_state(domain.capacity, &rows), totals))
        })
        .collect()
}

fn domain_state(capacity: f32, rows: &[intf::augur_cpu_row]) -> DomainState {
    let idle_cpus = rows.iter().filter(|row| row.idle != 0).count() as u32;
    let weight: f32 = rows.iter().map(|row| row.load as f32 / 1024.0).sum();
    let busy: f32 = rows.iter().map(|row| duty(row.busy_duty)).sum();
    DomainState {
        load: weight / intf::augur_limits_AUGUR_NICE0_WEIGHT as f32 / capacity.max(f32::MIN_POSITIVE),
        queue: rows.iter().map(|row| row.queued).sum(),
        idle_cpus,
        active_cpus: rows.len() as u32 - idle_cpus,
        capacity,
        util: busy / rows.len().max(1) as f32,
    }
}

fn task_state(machine: &Machine, row: &intf::augur_task_row) -> TaskState {
    let weight = row.weight as f32 / intf::augur_limits_AUGUR_NICE0_WEIGHT as f32;
    let mut allowed_capacity = vec![0.0; machine.domains.len()];
    for cpu in machine.cpus.iter().filter(|cpu| allows(row, cpu.id)) {
        allowed_capacity[cpu.domain] += cpu.capacity;
    }
    TaskState {
        id: TaskId {
            pid: row.pid,
            start_ns: row.start_ns,
        },
        domain: row.dom as usize,
        phase: match u32::from(row.phase) {
            intf::augur_phase_AUGUR_PHASE_RUNNING => Phase::Running,
            intf::augur_phase_AUGUR_PHASE_QUEUED => Phase::Queued,
            _ => Phase::Sleeping,
        },
        load: weight * duty(row.load_duty),
        weight,
        avg_run_us: micros(row.avg_run_ns),
        avg_sleep_us: micros(row.avg_sleep_ns),
        since_run_us: micros(row.since_run_ns),
        wakeups_hz: if row.avg_wake_interval_ns == 0 {
            0.0
        } else {
            1e9 / row.avg_wake_interval_ns as f32
        },
        last_migration_us: micros(row.since_migration_ns),
        last_domain_move_us: micros(row.since_domain_move_ns),
        waker_domain: usize::try_from(row.waker_dom).ok(),
        allowed_capacity,
        pinned: row.pinned != 0,
    }
}

fn allows(row: &intf::augur_task_row, cpu: usize) -> bool {
    row.cpus_allowed
        .get(cpu / 64)
        .is_some_and(|word| word & (1 << (cpu % 64)) != 0)
}

fn micros(ns: u64) -> f32 {
    (ns as f32 / 1e3).min(LONGEST_US)
}

fn duty(fixed: u64) -> f32 {
    fixed as f32 / intf::augur_limits_AUGUR_DUTY_ONE as f32
}

/// Reads one entry of an array map.
pub(super) fn lookup<T: pod::Pod>(map: &impl MapCore, index: u32) -> Result<T> {
    let name = || map.name().to_string_lossy().into_owned();
    let bytes = map
        .lookup(&index.to_ne_bytes(), MapFlags::ANY)
        .with_context(|| format!("cannot read entry {index} of BPF map {}", name()))?
        .with_context(|| format!("BPF map {} has no entry {index}", name()))?;
    pod::read(&bytes)
}

/// Writes one entry of an array map.
pub(super) fn update(map: &impl MapCore, index: u32, value: &[u8]) -> Result<()> {
    map.update(&index.to_ne_bytes(), value, MapFlags::ANY)
        .with_context(|| {
            format!(
                "cannot write entry {index} of BPF map {}",
                map.name().to_string_lossy()
            )
        })
}

/// Runs a BPF program of type syscall.
pub(super) fn run<T: pod::Pod>(program: &libbpf_rs::ProgramMut, args: &mut T) -> Result<()> {
    let mut context = pod::bytes(args).to_vec();
    let input = ProgramInput {
        context_in: Some(&mut context),
        ..ProgramInput::default()
    };
    let name = program.name().to_string_lossy();
    let output = program
        .test_run(input)
        .with_context(|| format!("BPF program {name} did not run"))?;
    if output.return_value != 0 {
        bail!("BPF program {name} failed with {}", output.return_value as i32);
    }
    Ok(())
}
