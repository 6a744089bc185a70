// SPDX-License-Identifier: GPL-2.0-only
//! What the simulated machine shows of itself: the same rows as the kernel's half writes.

use super::state::State;
use crate::policy::cpu::{NONE, Task};
use crate::policy::observed::{self, CpuRow, NEVER_NS, Observed, TaskRow};
use crate::policy::{DomainState, Phase};

impl State {
    /// All CPUs and the tasks that ran since the last time or are awake, and who they are by index.
    pub(super) fn observe(&mut self) -> (Observed, Vec<u32>) {
        let now = self.world.now_ns;
        for cpu in 0..self.cores.len() as u32 {
            self.charge(cpu);
            self.world.cpus[cpu as usize].update(now);
        }
        let mut seen = std::mem::take(&mut self.active);
        self.round += 1;
        // Who is gone by now is nobody's candidate.
        seen.retain(|&task| !self.is_gone(task));
        seen.sort_unstable();
        // The awake are active next time too, as the daemon watches them.
        for &task in &seen {
            if self.world.task(task).phase != Phase::Sleeping {
                self.mark_active(task);
            }
        }
        let observed = Observed {
            now_ns: now,
            cpus: self.cpu_rows(),
            tasks: seen.iter().map(|&task| self.task_row(task)).collect(),
        };
        (observed, seen)
    }

    /// Whether a task's last burst has ended.
    pub(super) fn is_gone(&self, task: u32) -> bool {
        self.world.task(task).bursts >= self.program.tasks[task as usize].bursts
    }

    /// The domains as they are.
    pub(super) fn domains(&self) -> Vec<DomainState> {
        observed::domains(&self.world.places.machine, &self.cpu_rows())
    }

    fn cpu_rows(&self) -> Vec<CpuRow> {
        (0..self.cores.len() as u32)
            .map(|cpu| self.cpu_row(cpu))
            .collect()
    }

    fn cpu_row(&self, cpu: u32) -> CpuRow {
        let seat = self.world.cpu(cpu);
        let core = &self.cores[cpu as usize];
        // Of the runnable tasks that the CPU counts, those that are in none of the policy's queues.
        let elsewhere = usize::from(seat.current != NONE) + core.local.len() + core.real_time.len();
        CpuRow {
            load: seat.load,
            busy: seat.busy,
            queued: core.tasks.saturating_sub(elsewhere as u32),
            idle: self.world.idle.has(cpu),
        }
    }

    fn task_row(&self, index: u32) -> TaskRow {
        let now = self.world.now_ns;
        let mut task: Task = self.world.task(index).clone();
        task.update_duty(now);
        let since = |then_ns: u64| match then_ns {
            0 => NEVER_NS,
            _ => now - then_ns,
        };
        TaskRow {
            id: task.id,
            domain: self.world.places.domain_of(task.cpu),
            phase: task.phase,
            weight: task.weight,
            duty: task.duty,
            avg_run_ns: task.avg_run_ns,
            avg_sleep_ns: task.avg_sleep_ns,
            avg_wake_interval_ns: task.avg_wake_interval_ns,
            since_run_ns: since(task.stopped_at_ns),
            since_migration_ns: since(task.migrated_at_ns),
            since_domain_move_ns: since(task.domain_moved_at_ns),
            waker_domain: (task.waker_domain != NONE).then_some(task.waker_domain),
            allowed: self.world.mask(index).clone(),
            pinned: task.pinned() || task.real_time,
        }
    }
}
