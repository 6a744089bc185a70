// SPDX-License-Identifier: GPL-2.0-only
//! The BPF scheduler from the outside: open, set up, load, attach; and the exit that the kernel reports.

use super::bpf::{BpfSkel, BpfSkelBuilder, OpenBpfSkel, intf};
use super::realtime::RealTime;
use super::window::Windows;
use crate::topology::Machine;
use anyhow::{Context, Result, anyhow, ensure};
use libbpf_rs::{Link, OpenObject};
use scx_utils::{UserExitInfo, compat, scx_ops_attach, scx_ops_load, scx_ops_open, uei_exited, uei_report};
use std::mem::MaybeUninit;

/// What the BPF side can be told before it is loaded. Durations in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// How long a task runs before another that waits gets its turn.
    pub slice_us: u64,
    /// A task whose bursts are shorter than this interrupts instead of moving.
    pub short_run_us: u64,
    /// A wait that is predicted to be shorter than this is not worth a migration.
    pub short_wait_us: u64,
    /// An idle CPU takes a task of its domain after this wait, or where a longer one is predicted.
    pub steal_llc_us: u64,
    /// The same, for a task of another domain.
    pub steal_far_us: u64,
    /// Half-life of the load averages.
    pub halflife_us: u64,
    /// A task that slept is owed at most this much.
    pub lag_us: u64,
    /// Whatever its past, a burst may be as short as this: the task interrupts for so long. 0: by its past alone.
    pub trial_us: u64,
    /// Of two tasks that are owed the same, the one with the shorter burst goes first.
    pub deadline_order: bool,
    /// At a tick, the first in the queue may interrupt as it could have at its wakeup.
    pub tick_preempt: bool,
    /// Tasks with short bursts may interrupt at wakeup.
    pub wake_preempt: bool,
    /// A task that wakes up interrupts where its burst is predicted to be so many times shorter than the rest of the other's.
    pub preempt_ratio: u32,
    /// Whether the child of a vfork stays on its parent's CPU: 0 never, 1 where no CPU idles, 2 always.
    pub vfork_stays: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            slice_us: 20_000,
            short_run_us: 1_000,
            short_wait_us: 500,
            steal_llc_us: 500,
            steal_far_us: 1_000,
            halflife_us: 50_000,
            lag_us: 20_000,
            trial_us: 1_000,
            deadline_order: true,
            tick_preempt: true,
            wake_preempt: true,
            preempt_ratio: 2,
            vfork_stays: 1,
        }
    }
}

/// How to load the scheduler.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// See [`Tuning`].
    pub tuning: Tuning,
    /// Only tasks that ask for SCHED_EXT are scheduled.
    pub partial: bool,
    /// libbpf prints what it does.
    pub verbose: bool,
    /// Bytes of the exit dump; 0 is the kernel's default.
    pub exit_dump_len: u32,
}

/// A scheduler that is attached, until it is dropped or the kernel ends it.
pub struct Scheduler<'a> {
    pub(super) skel: BpfSkel<'a>,
    pub(super) windows: Windows,
    link: Option<Link>,
}

impl<'a> Scheduler<'a> {
    /// Opens, loads and attaches the BPF program for this machine.
    ///
    /// # Errors
    /// Where the kernel has no sched_ext, refuses the program, or another scheduler is attached.
    pub fn attach(
        object: &'a mut MaybeUninit<OpenObject>,
        machine: &Machine,
        options: &LoadOptions,
    ) -> Result<Scheduler<'a>> {
        let mut builder = BpfSkelBuilder::default();
        builder.obj_builder.debug(options.verbose);
        let mut open =
            scx_ops_open!(builder, object, augur_ops, None).context("cannot open the BPF program")?;
        set_tuning(&mut open, &options.tuning)?;
        set_topology(&mut open, machine)?;
        set_ops(&mut open, options);
        let mut skel = scx_ops_load!(open, augur_ops, uei).context("the kernel refused the BPF program")?;
        let windows = Windows::open(&skel)?;
        let link = {
            let _first = RealTime::begin().inspect_err(|err| {
                tracing::warn!(
                    "attaching without real-time priority ({err}): under full load it may take long"
                )
            });
            scx_ops_attach!(skel, augur_ops).context("cannot attach the scheduler")?
        };
        Ok(Scheduler {
            skel,
            windows,
            link: Some(link),
        })
    }

    /// Has the kernel ended the scheduler?
    pub fn exited(&self) -> bool {
        uei_exited!(&self.skel, uei)
    }

    /// Detaches, and says why the scheduler ended.
    ///
    /// # Errors
    /// Where the kernel ended it because of an error; its message and dump have been printed.
    pub fn detach(mut self) -> Result<UserExitInfo> {
        self.link.take();
        uei_report!(&self.skel, uei)
    }
}

fn set_tuning(open: &mut OpenBpfSkel, tuning: &Tuning) -> Result<()> {
    let rodata = open
        .maps
        .rodata_data
        .as_mut()
        .ok_or_else(|| anyhow!("the BPF program has no settings"))?;
    rodata.slice_ns = tuning.slice_us * 1000;
    rodata.short_run_ns = tuning.short_run_us * 1000;
    rodata.short_wait_ns = tuning.short_wait_us * 1000;
    rodata.steal_llc_ns = tuning.steal_llc_us * 1000;
    rodata.steal_far_ns = tuning.steal_far_us * 1000;
    rodata.halflife_ns = tuning.halflife_us * 1000;
    rodata.trial_ns = tuning.trial_us * 1000;
    rodata.deadline_order = tuning.deadline_order;
    rodata.tick_preempt = tuning.tick_preempt;
    rodata.lag_ns = tuning.lag_us * 1000;
    rodata.wake_preempt = tuning.wake_preempt;
    rodata.preempt_ratio = tuning.preempt_ratio;
    rodata.vfork_stays = tuning.vfork_stays;
    Ok(())
}

fn set_topology(open: &mut OpenBpfSkel, machine: &Machine) -> Result<()> {
    let max_cpus = intf::augur_limits_AUGUR_MAX_CPUS as usize;
    let max_doms = intf::augur_limits_AUGUR_MAX_DOMS as usize;
    let highest = machine.cpus.iter().map(|cpu| cpu.id).max().unwrap_or(0);
    ensure!(
        highest < max_cpus,
        "CPU {highest} is beyond the {max_cpus} that scx_augur is built for"
    );
    ensure!(
        machine.domains.len() <= max_doms,
        "{} domains are more than the {max_doms} that scx_augur is built for: raise --max-domain-cpus",
        machine.domains.len()
    );
    let rodata = open
        .maps
        .rodata_data
        .as_mut()
        .ok_or_else(|| anyhow!("the BPF program has no settings"))?;
    rodata.nr_cpus = machine.cpus.len() as u32;
    rodata.nr_doms = machine.domains.len() as u32;
    let mut cores = std::collections::BTreeMap::new();
    for cpu in &machine.cpus {
        rodata.cpu_dom[cpu.id] = cpu.domain as u32;
        let place = &mut rodata.places[cpu.id];
        (place.core, place.llc, place.node) = (cpu.core as u32, cpu.llc as u32, cpu.node as u32);
        *cores.entry(cpu.core).or_insert(0) += 1;
    }
    rodata.smt_enabled = cores.values().any(|&threads| threads > 1);
    for (index, domain) in machine.domains.iter().enumerate() {
        rodata.dom_nr_cpus[index] = domain.cpus.len() as u32;
        for (place, &cpu) in domain.cpus.iter().enumerate() {
            rodata.dom_cpus[index][place] = cpu as u16;
        }
        rodata.dom_order[index][0] = index as u8;
        for (place, other) in machine.nearest_domains(index).into_iter().enumerate() {
            rodata.dom_order[index][place + 1] = other as u8;
        }
    }
    Ok(())
}

fn set_ops(open: &mut OpenBpfSkel, options: &LoadOptions) {
    let partial = if options.partial {
        *compat::SCX_OPS_SWITCH_PARTIAL
    } else {
        0
    };
    let ops = open.struct_ops.augur_ops_mut();
    ops.exit_dump_len = options.exit_dump_len;
    // ENQ_LAST: without it the only task of a CPU never passes enqueue, so a decision about it could not act.
    ops.flags = *compat::SCX_OPS_ENQ_LAST
        | *compat::SCX_OPS_ENQ_EXITING
        | *compat::SCX_OPS_ENQ_MIGRATION_DISABLED
        | *compat::SCX_OPS_ALLOW_QUEUED_WAKEUP
        | partial;
}
