// SPDX-License-Identifier: GPL-2.0-only
//! Whether both machines are the same: all that the rules keep of tasks, CPUs, queues and domains, and what they asked for.

use super::{Checked, Machine, same};
use crate::kernel::{CpuState, Row, TaskState};
use augur_sched::policy::Phase;
use augur_sched::policy::cpu::NONE;

/// -1 in C, [`NONE`] in Rust.
fn signed(number: u32) -> i64 {
    if number == NONE { -1 } else { number.into() }
}

fn same_fields(what: impl FnOnce() -> String, differences: &[(&str, i128, i128)]) -> Checked {
    let said = differences
        .iter()
        .map(|(name, kernel, twin)| format!("{name} {kernel} in bpf/, {twin} in the twin"));
    match differences {
        [] => Ok(()),
        _ => Err(format!("{}: {}", what(), said.collect::<Vec<_>>().join("; "))),
    }
}

impl Machine<'_> {
    /// What differs between the two, where anything does.
    pub fn compare(&self) -> Checked {
        let cpus = self.world.cpus.len() as u32;
        same(
            || "which CPUs are called".to_owned(),
            &self.kernel.kicked(),
            &self.kicks,
        )?;
        let told = self
            .kernel
            .told()
            .iter()
            .map(|told| (told.seq, told.status))
            .collect();
        same(|| "what is told of decisions".to_owned(), &told, &self.told)?;
        same(
            || "placements outside of affinities".to_owned(),
            self.kernel.faults(),
            0,
        )?;
        let idle = self.world.idle.iter().fold(0, |bits, cpu| bits | 1 << cpu);
        same(|| "which CPUs idle".to_owned(), self.kernel.idle(), idle)?;
        (0..self.world.places.domains() as u32).try_for_each(|domain| {
            let waiting = u64::from(self.twin.waiting(domain));
            same(
                || format!("how many wait in domain {domain}"),
                self.kernel.dom_waiting(domain),
                waiting,
            )
        })?;
        (0..cpus).try_for_each(|cpu| self.compare_cpu(cpu))?;
        (0..self.born).try_for_each(|task| self.compare_task(task))
    }

    fn compare_cpu(&self, cpu: u32) -> Checked {
        let local = &self.local[cpu as usize];
        same(
            || format!("who was sent to CPU {cpu}"),
            &self.kernel.waiting(cpu, true),
            local,
        )?;
        let queue: Vec<(u32, u64)> = self
            .world
            .queue(cpu)
            .iter()
            .map(|waiting| (waiting.task, waiting.key))
            .collect();
        let in_kernel = self.kernel.waiting(cpu, false).into_iter();
        let in_kernel: Vec<(u32, u64)> = in_kernel.map(|task| (task, self.kernel.task(task).key)).collect();
        same(
            || format!("the queue of CPU {cpu}, (task, key)"),
            &in_kernel,
            &queue,
        )?;
        let (clock, seat, state) = (self.twin.clock(cpu), self.world.cpu(cpu), self.kernel.cpu(cpu));
        let twin = CpuState {
            vtime_now: clock.vtime_now,
            curr_since_ns: seat.since_ns,
            curr_run_ns: clock.current_run_ns,
            curr_vtime: clock.current_vtime,
            curr_weight: clock.current_weight.into(),
            curr_yields: clock.current_yields.into(),
            rescue_at_ns: clock.rescue_at_ns,
            weight_runnable: seat.weight as i64,
            // The twin counts nothing.
            rescued: state.rescued,
            denied: state.denied,
        };
        same_fields(|| format!("CPU {cpu}"), &state.differences(&twin))
    }

    fn compare_task(&self, task: u32) -> Checked {
        let (own, seen, state) = (self.twin.own(task), self.world.task(task), self.kernel.task(task));
        let twin = TaskState {
            vtime: own.vtime,
            vtime_cpu: signed(own.vtime_cpu),
            slice_granted_ns: own.slice_granted_ns,
            slice_left_ns: own.slice_left_ns,
            slice_vtime: own.slice_vtime,
            charged_at_ns: own.charged_at_ns,
            burst_ns: own.burst_ns,
            avg_run_ns: own.avg_run_ns,
            bursts: own.bursts.into(),
            resumes: own.resumes.into(),
            rescued: own.rescued.into(),
            queued_at_ns: seen.queued_at_ns,
            run_at_ns: seen.run_at_ns,
            weight: seen.weight.into(),
            cause: seen.cause as u64,
            // Where a decision sends it that is pending; what an old one said means nothing.
            move_to: seen.order.map_or(state.move_to, |order| order.to.into()),
            moving: seen.order.map_or(0, |order| order.number.into()),
            phase: match seen.phase {
                Phase::Sleeping => 0,
                Phase::Queued => 1,
                Phase::Running => 2,
            },
            // The slice of one that runs was compared when it was granted.
            slice_ns: match seen.phase {
                Phase::Queued => own.slice_ns,
                _ => state.slice_ns,
            },
            key: state.key,
            load_cpu: signed(seen.load_cpu),
            waiting_dom: signed(self.twin.waits_in(task)),
            last_cpu: signed(seen.last_cpu),
        };
        same_fields(|| format!("task {task}"), &state.differences(&twin))
    }
}
