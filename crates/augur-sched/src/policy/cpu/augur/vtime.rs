// SPDX-License-Identifier: GPL-2.0-only
//! Weighted virtual time, as in `bpf/vtime.bpf.h`: each CPU has its own clock, which is the largest vtime that started
//! to run there; a task that changes CPUs keeps its lag, not its absolute value.

use super::Augur;
use crate::policy::cpu::load::NICE0_WEIGHT;
use crate::policy::cpu::{NONE, World, before};

/// What it keeps of a task: `struct task_ctx`, as far as the world does not have it.
#[derive(Clone, Debug)]
pub struct Own {
    /// Its virtual time.
    pub vtime: u64,
    /// Whose clock `vtime` is on.
    pub vtime_cpu: u32,
    /// How long its slice was in all when it was granted.
    pub slice_granted_ns: u64,
    /// What was left of the slice when it was interrupted.
    pub slice_left_ns: u64,
    /// What the kernel counts down.
    pub slice_ns: u64,
    /// Its vtime when the slice began.
    pub slice_vtime: u64,
    /// Up to when virtual time was charged.
    pub charged_at_ns: u64,
    /// What it ran in this burst, without the stretch at hand.
    pub burst_ns: u64,
    /// The average of its bursts.
    pub avg_run_ns: u64,
    /// How many `avg_run_ns` is made of.
    pub bursts: u32,
    /// Was interrupted within its slice.
    pub resumes: bool,
    /// Has a turn that virtual time would not give it yet: it costs no virtual time.
    pub rescued: bool,
}

/// What it keeps of a CPU: `struct augur_cpu`, likewise.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The largest virtual time that started to run there.
    pub vtime_now: u64,
    /// Predicted burst of the one that runs.
    pub current_run_ns: u64,
    /// Its vtime when it started.
    pub current_vtime: u64,
    /// Its weight.
    pub current_weight: u32,
    /// Anything else may interrupt it.
    pub current_yields: bool,
    /// Before this moment it does not look for who starves.
    pub rescue_at_ns: u64,
}

impl Clock {
    /// The clock goes on to this vtime: that of a task which starts there, or which runs there while nobody waits.
    /// Without the latter it would stand still beside a task that runs alone for long, and who sleeps meanwhile would
    /// stay in debt.
    pub(super) fn advance(&mut self, vtime: u64) {
        if before(self.vtime_now, vtime) {
            self.vtime_now = vtime;
        }
    }
}

/// The vtime that passes for a task of this weight while it runs.
pub(super) fn vtime_delta(weight: u32, ran_ns: u64) -> u64 {
    let weight = if weight == 0 { NICE0_WEIGHT } else { weight };
    ran_ns.wrapping_mul(u64::from(NICE0_WEIGHT)) / u64::from(weight)
}

impl Augur {
    /// Charges what ran since the last charge. A rescued turn is free: charged, it would put the task into a debt that
    /// only grows where weights are far apart, and whoever comes later would stand behind a clock that nothing reaches.
    pub(super) fn charge(&mut self, world: &World, task: u32) {
        let own = &mut self.tasks[task as usize];
        let ran = world.now_ns.saturating_sub(own.charged_at_ns);
        if !own.rescued {
            own.vtime = own.vtime.wrapping_add(vtime_delta(world.task(task).weight, ran));
        }
        own.charged_at_ns = world.now_ns;
    }

    /// Puts the task's vtime on the clock of `cpu`.
    pub(super) fn vtime_place(&mut self, task: u32, cpu: u32) {
        let now = self.clocks[cpu as usize].vtime_now;
        let own = &mut self.tasks[task as usize];
        if own.vtime_cpu == cpu {
            return;
        }
        let lag = match own.vtime_cpu {
            NONE => 0,
            from => own.vtime.wrapping_sub(self.clocks[from as usize].vtime_now),
        };
        own.vtime = now.wrapping_add(lag);
        own.vtime_cpu = cpu;
        // The interrupted slice was on the old clock: its place in the old queue means nothing here.
        own.slice_vtime = own.vtime;
        own.resumes = false;
    }

    /// The same for a task that slept: it is owed `lag_ns` at most, or it would keep its CPU for as long as it slept.
    /// A task that waits keeps all that it is owed.
    pub(super) fn vtime_wake(&mut self, task: u32, cpu: u32) {
        self.vtime_place(task, cpu);
        let floor = self.clocks[cpu as usize]
            .vtime_now
            .wrapping_sub(self.tuning.lag_ns);
        let own = &mut self.tasks[task as usize];
        if before(own.vtime, floor) {
            own.vtime = floor;
        }
    }

    /// The vtime, by now, of the task that runs on a CPU.
    pub(super) fn vtime_running(&self, world: &World, cpu: u32) -> u64 {
        let clock = &self.clocks[cpu as usize];
        let ran = world.now_ns.saturating_sub(world.cpu(cpu).since_ns);
        clock
            .current_vtime
            .wrapping_add(vtime_delta(clock.current_weight, ran))
    }
}
