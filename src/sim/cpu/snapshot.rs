// SPDX-License-Identifier: GPL-2.0-only
//! The simulated machine as policies see it: the same [`Snapshot`] as the live collector's.

use super::state::State;
use crate::policy::cpu::load::{DUTY_ONE, NICE0_WEIGHT};
use crate::policy::cpu::{NONE, Task};
use crate::policy::{DomainState, Phase, Snapshot, TaskState};

/// Nothing in a snapshot is older than this; "never" reads as this.
const LONGEST_US: f32 = 1e8;

impl State {
    /// A snapshot of all domains and of the tasks that ran since the last one or are awake, and who they are by index.
    pub(super) fn snapshot(&mut self) -> (Snapshot, Vec<u32>) {
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
        let domains = 0..self.world.places.domains();
        let snapshot = Snapshot {
            now_ns: now,
            machine: self.world.places.machine.clone(),
            domains: domains.map(|domain| self.domain_state(domain)).collect(),
            tasks: seen.iter().map(|&task| self.task_state(task)).collect(),
        };
        (snapshot, seen)
    }

    /// Whether a task's last burst has ended.
    pub(super) fn is_gone(&self, task: u32) -> bool {
        self.world.task(task).bursts >= self.program.tasks[task as usize].bursts
    }

    pub(super) fn domain_state(&self, domain: usize) -> DomainState {
        let members = &self.world.places.members[domain];
        let cpus = || members.iter().map(|&cpu| self.world.cpu(cpu));
        let capacity = self.world.places.machine.domains[domain].capacity;
        let idle_cpus = members.iter().filter(|&&cpu| self.world.idle.has(cpu)).count() as u32;
        let runnable: u32 = members.iter().map(|&cpu| self.cores[cpu as usize].tasks).sum();
        let active_cpus = members.len() as u32 - idle_cpus;
        DomainState {
            load: cpus().map(|cpu| cpu.load_nice0()).sum::<f32>() / capacity.max(f32::MIN_POSITIVE),
            queue: runnable.saturating_sub(active_cpus),
            idle_cpus,
            active_cpus,
            capacity,
            util: cpus().map(|cpu| cpu.busy as f32 / DUTY_ONE as f32).sum::<f32>()
                / members.len().max(1) as f32,
        }
    }

    fn task_state(&self, index: u32) -> TaskState {
        let now = self.world.now_ns;
        let mut task: Task = self.world.task(index).clone();
        task.update_duty(now);
        let weight = task.weight as f32 / NICE0_WEIGHT as f32;
        let places = &self.world.places;
        let mut allowed_capacity = vec![0.0; places.domains()];
        for cpu in self.world.mask(index).iter() {
            allowed_capacity[places.domain_of(cpu) as usize] += places.machine.cpus[cpu as usize].capacity;
        }
        let since = |then_ns: u64| match then_ns {
            0 => LONGEST_US,
            _ => micros(now - then_ns),
        };
        TaskState {
            id: task.id,
            domain: places.domain_of(task.cpu) as usize,
            phase: task.phase,
            load: weight * task.duty as f32 / DUTY_ONE as f32,
            weight,
            avg_run_us: micros(task.avg_run_ns),
            avg_sleep_us: micros(task.avg_sleep_ns),
            since_run_us: match task.phase {
                Phase::Running => 0.0,
                _ => since(task.stopped_at_ns),
            },
            wakeups_hz: match task.avg_wake_interval_ns {
                0 => 0.0,
                interval_ns => 1e9 / interval_ns as f32,
            },
            last_migration_us: since(task.migrated_at_ns),
            last_domain_move_us: since(task.domain_moved_at_ns),
            waker_domain: (task.waker_domain != NONE).then_some(task.waker_domain as usize),
            allowed_capacity,
            pinned: task.pinned() || task.real_time,
        }
    }
}

fn micros(ns: u64) -> f32 {
    (ns as f32 / 1e3).min(LONGEST_US)
}
