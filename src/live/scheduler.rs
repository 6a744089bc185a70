// SPDX-License-Identifier: GPL-2.0-only
//! The BPF scheduler from the outside: open, set up, load, attach; and the exit that the kernel reports.

use super::bpf::{BpfSkel, BpfSkelBuilder, OpenBpfSkel, intf};
use super::realtime::RealTime;
use super::window::Windows;
use anyhow::{Context, Result, anyhow, ensure};
use augur_base::topology::Machine;
use augur_sched::policy::cpu::augur::Tuning;
use libbpf_rs::{Link, OpenObject};
use scx_utils::{UserExitInfo, compat, scx_ops_attach, scx_ops_load, scx_ops_open, uei_exited, uei_report};
use std::mem::MaybeUninit;

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
    rodata.slice_ns = tuning.slice_ns;
    rodata.slice_min_ns = tuning.slice_min_ns;
    rodata.short_run_ns = tuning.short_run_ns;
    rodata.short_wait_ns = tuning.short_wait_ns;
    rodata.steal_llc_ns = tuning.steal_llc_ns;
    rodata.steal_far_ns = tuning.steal_far_ns;
    rodata.lag_ns = tuning.lag_ns;
    rodata.halflife_ns = tuning.halflife_ns;
    rodata.permission_ttl_ns = tuning.permission_ttl_ns;
    rodata.starving_ns = tuning.starving_ns;
    rodata.rescue_interval_ns = tuning.rescue_interval_ns;
    rodata.trial_ns = tuning.trial_ns;
    rodata.preempt_ratio = u32::try_from(tuning.preempt_ratio)?;
    rodata.vfork_stays = u32::try_from(tuning.vfork_stays)?;
    rodata.wake_preempt = tuning.wake_preempt;
    rodata.deadline_order = tuning.deadline_order;
    rodata.tick_preempt = tuning.tick_preempt;
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
