// SPDX-License-Identifier: GPL-2.0-only
//! From BPF maps to a [`Snapshot`]: runs the `collect` program and hands its rows to `policy::observed`.

use super::bpf::intf;
use super::{Scheduler, pod};
use anyhow::{Context, Result, bail};
use augur_base::topology::Machine;
use augur_sched::policy::cpu::{Mask, load};
use augur_sched::policy::decision::Totals;
use augur_sched::policy::observed::{CpuRow, Observed, TaskRow};
use augur_sched::policy::{Phase, Snapshot, TaskId};
use libbpf_rs::{MapCore, MapFlags, ProgramInput};
use std::sync::Arc;

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

impl Observation {
    /// What the domains of a pair have done since the load; of a domain and itself, once.
    pub fn pair_totals(&self, from: usize, to: usize) -> Totals {
        Totals::of_pair(from, to, |domain| {
            self.totals.get(domain).copied().unwrap_or_default()
        })
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
    let highest = machine.cpus.iter().map(|cpu| cpu.id).max().unwrap_or(0);
    let all = windows.cpus.first(highest as u32 + 1)?;
    let cpus: Vec<_> = machine
        .cpus
        .iter()
        .filter_map(|cpu| all.get(cpu.id).copied())
        .collect();
    let mut totals = vec![Totals::default(); machine.domains.len()];
    for (cpu, row) in machine.cpus.iter().zip(&cpus) {
        totals[cpu.domain] = totals[cpu.domain].plus(cpu_totals(row));
    }
    let observed = Observed {
        now_ns: head.now_ns,
        cpus: cpus.iter().map(cpu_row).collect(),
        tasks: rows.iter().map(|row| task_row(machine, row)).collect(),
    };
    Ok(Observation {
        snapshot: observed.snapshot(machine),
        rows,
        totals,
        dropped: head.dropped_rows,
    })
}

// The rows are in the units of `policy::observed`.
const _: () = assert!(intf::augur_limits_AUGUR_NICE0_WEIGHT == load::NICE0_WEIGHT);
const _: () = assert!(intf::augur_limits_AUGUR_DUTY_ONE as u64 == load::DUTY_ONE);

fn cpu_row(row: &intf::augur_cpu_row) -> CpuRow {
    CpuRow {
        load: row.load,
        busy: row.busy_duty,
        queued: row.queued,
        idle: row.idle != 0,
    }
}

fn cpu_totals(row: &intf::augur_cpu_row) -> Totals {
    Totals {
        wait_ns: row.wait_ns,
        run_ns: row.run_ns,
        migrations: row.arrivals,
        runs: row.runs,
        llc_changes: 0,
    }
}

/// What a task has gone through since the load.
pub(super) fn task_totals(row: &intf::augur_task_row) -> Totals {
    Totals {
        wait_ns: row.total_wait_ns,
        run_ns: row.total_run_ns,
        migrations: u64::from(row.migrations),
        runs: 0,
        llc_changes: u64::from(row.llc_changes),
    }
}

fn task_row(machine: &Machine, row: &intf::augur_task_row) -> TaskRow {
    let allowed = (0..).zip(&machine.cpus).filter(|(_, cpu)| allows(row, cpu.id));
    TaskRow {
        id: TaskId {
            pid: row.pid,
            start_ns: row.start_ns,
        },
        domain: row.dom,
        phase: match u32::from(row.phase) {
            intf::augur_phase_AUGUR_PHASE_RUNNING => Phase::Running,
            intf::augur_phase_AUGUR_PHASE_QUEUED => Phase::Queued,
            _ => Phase::Sleeping,
        },
        weight: row.weight,
        duty: row.load_duty,
        avg_run_ns: row.avg_run_ns,
        avg_sleep_ns: row.avg_sleep_ns,
        avg_wake_interval_ns: row.avg_wake_interval_ns,
        since_run_ns: row.since_run_ns,
        since_migration_ns: row.since_migration_ns,
        since_domain_move_ns: row.since_domain_move_ns,
        waker_domain: u32::try_from(row.waker_dom).ok(),
        allowed: Mask::of(machine.cpus.len(), allowed.map(|(place, _)| place)),
        pinned: row.pinned != 0,
    }
}

fn allows(row: &intf::augur_task_row, cpu: usize) -> bool {
    row.cpus_allowed
        .get(cpu / 64)
        .is_some_and(|word| word & (1 << (cpu % 64)) != 0)
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
pub(super) fn run<T: pod::Solid>(program: &libbpf_rs::ProgramMut, args: &mut T) -> Result<()> {
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
