// SPDX-License-Identifier: GPL-2.0-only
//! The recorder: what the kernel's scheduler does, whichever it is, as events or as counts.
//!
//! ```text
//! tracepoints ─▶ bpf/record.bpf.c ─▶ ring ─▶ decode ─▶ order ─▶ Event, Event, …
//!                               └──▶ counts (no ring, no events)
//! command  a program that is held until the recording is attached
//! ```
//! The ring wakes nobody: it is looked at every [`POLL`], so that the recorder itself hardly shows in what it records.
//! Nothing outlives the process: the kernel detaches what it leaves behind.

pub mod command;
mod cost;
mod counter;
mod decode;
mod order;

pub use cost::Cost;
pub use counter::{Counter, Counts, LatencyBucket, Migrations};

use super::bpf::{OpenRecordSkel, RecordSkel, RecordSkelBuilder, intf};
use super::{doctor, machine, pod};
use anyhow::{Context, Result};
use augur_base::topology::Machine;
use augur_trace::{Event, EventKind, Header};
use libbpf_rs::btf::{self, Btf};
use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{Link, MapCore, MapFlags, OpenObject, RingBufferBuilder};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use order::Order;
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::time::Duration;

/// How often the ring is emptied.
pub const POLL: Duration = Duration::from_millis(50);
/// A program that was interrupted while it wrote its record ends within this after it was detached.
const SETTLE: Duration = Duration::from_millis(5);

/// What became of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Events that were handed on, those about losses not among them.
    pub events: u64,
    /// Events that had no room in the ring, on all CPUs together.
    pub lost: u64,
    /// Events that came so late that they were given the time of a later one.
    pub retimed: u64,
    /// Records that could not be read: a bug, or a ring of another version.
    pub unreadable: u64,
    /// From the first event to the last.
    pub span_ns: u64,
    /// What it cost.
    pub cost: Cost,
}

/// What is known of this machine before anything is recorded.
///
/// # Errors
/// One sentence: where BPF programs cannot be loaded here, or the topology cannot be read.
pub fn header(command: &[String]) -> Result<(Header, Machine)> {
    let facts = doctor::Facts::probe(None);
    doctor::recordable(&facts)?;
    let machine = machine::read(None)?;
    let mut header = Header {
        scheduler: facts.scheduler(),
        kernel: facts.release,
        clock: "mono".into(),
        command: command.to_vec(),
        ..Header::default()
    };
    header.set_machine(&machine);
    Ok((header, machine))
}

/// A recording that is attached, until it is dropped.
pub struct Recorder<'a> {
    skel: RecordSkel<'a>,
    links: Vec<Link>,
    begin_cpu_ns: u64,
}

impl<'a> Recorder<'a> {
    /// Loads and attaches the BPF programs, with a ring of `buffer_mb` MiB (rounded up to a power of two). Every CPU
    /// is visited once, so that whoever runs there shows from the beginning.
    ///
    /// # Errors
    /// Where the kernel refuses the programs or has no memory for the ring.
    pub fn attach(object: &'a mut MaybeUninit<OpenObject>, buffer_mb: u32) -> Result<Recorder<'a>> {
        let mut open = open(object)?;
        open.maps
            .ring
            .set_max_entries(buffer_mb.next_power_of_two() << 20)
            .context("cannot size the ring")?;
        open.maps.counts.set_autocreate(false)?;
        open.maps.woken.set_autocreate(false)?;
        let progs = &mut open.progs;
        for unused in [
            &mut progs.count_switch,
            &mut progs.count_waking,
            &mut progs.count_wakeup_new,
            &mut progs.count_migrate,
            &mut progs.count_fork,
            &mut progs.count_exec,
            &mut progs.count_exit,
        ] {
            unused.set_autoload(false);
        }
        let skel = open.load().with_context(|| {
            format!(
                "the kernel refused the recorder with a ring of {buffer_mb} MiB; choose a smaller --buffer-mb, or look \
                 for the cause with `scx_augur doctor`"
            )
        })?;
        let progs = &skel.progs;
        let links = [
            progs.record_migrate.attach(),
            progs.record_fork.attach(),
            progs.record_exec.attach(),
            progs.record_exit.attach(),
            progs.record_wakeup_new.attach(),
            progs.record_waking.attach(),
            progs.record_switch.attach(),
        ];
        let links = links.into_iter().collect::<Result<Vec<Link>, _>>();
        let links = links.context(ATTACH)?;
        let begin_cpu_ns = cost::cpu_ns();
        visit_cpus();
        Ok(Recorder {
            skel,
            links,
            begin_cpu_ns,
        })
    }

    /// Hands on all events, in the order of time, until `go_on` says no; that is asked after every [`POLL`], which it
    /// waits. Then every CPU is visited once more, so that whoever runs there shows to the end.
    ///
    /// # Errors
    /// Where the ring cannot be read, or `sink` fails.
    pub fn follow(
        mut self,
        mut go_on: impl FnMut(Duration) -> bool,
        mut sink: impl FnMut(&Event) -> Result<()>,
    ) -> Result<Recorded> {
        let inbox: RefCell<(Vec<Event>, u64)> = RefCell::default();
        let mut builder = RingBufferBuilder::new();
        builder.add(&self.skel.maps.ring, |bytes| {
            let (events, unreadable) = &mut *inbox.borrow_mut();
            match decode::event(bytes) {
                Some(event) => events.push(event),
                None => *unreadable += 1,
            }
            0
        })?;
        let ring = builder.build().context("cannot open the ring")?;
        let mut order = Order::default();
        let mut recorded = Recorded::default();
        let mut begin_ns = None;
        let mut sink = |event: &Event| {
            recorded.events += u64::from(!matches!(event.kind, EventKind::Lost { .. }));
            recorded.span_ns = event.time_ns - *begin_ns.get_or_insert(event.time_ns);
            sink(event)
        };
        let drain = |order: &mut Order| -> Result<()> {
            ring.consume().context("cannot read the ring")?;
            order.extend(inbox.borrow_mut().0.drain(..));
            Ok(())
        };
        loop {
            let more = go_on(POLL);
            drain(&mut order)?;
            order.release(&mut sink)?;
            if !more {
                break;
            }
        }
        visit_cpus();
        self.links.clear();
        std::thread::sleep(SETTLE);
        drain(&mut order)?;
        let end_ns = order.newest_ns();
        let losses = losses(&self.skel)?;
        for (cpu, loss) in (0..).zip(&losses).filter(|(_, loss)| loss.pending > 0) {
            order.extend([Event {
                time_ns: end_ns,
                cpu,
                kind: EventKind::Lost { count: loss.pending },
            }]);
        }
        order.finish(&mut sink)?;
        recorded.lost = losses.iter().map(|loss| loss.total).sum();
        recorded.retimed = order.retimed();
        recorded.unreadable = inbox.borrow().1;
        recorded.cost = Cost::since(self.begin_cpu_ns);
        Ok(recorded)
    }
}

const ATTACH: &str =
    "cannot attach to the scheduler's tracepoints; `scx_augur doctor` looks for what is in the way";

fn open<'a>(object: &'a mut MaybeUninit<OpenObject>) -> Result<OpenRecordSkel<'a>> {
    // What libbpf prints is many lines that say less than the error that follows.
    libbpf_rs::set_print(None);
    let mut open = RecordSkelBuilder::default()
        .open(object)
        .context("cannot open the recorder's BPF program")?;
    let rodata = open
        .maps
        .rodata_data
        .as_mut()
        .context("the recorder's BPF program has no settings")?;
    rodata.switch_has_state = switch_has_state();
    Ok(open)
}

/// Whether the tracepoint sched_switch has the state of who leaves: since 5.18. Where the kernel does not say, it is
/// taken for a newer one.
fn switch_has_state() -> bool {
    let Ok(kernel) = Btf::from_vmlinux() else {
        return true;
    };
    let function = kernel
        .type_by_name::<btf::types::Typedef>("btf_trace_sched_switch")
        .and_then(|typedef| typedef.next_type())
        .and_then(|pointer| pointer.next_type());
    let arguments = function
        .and_then(|function| btf::types::FuncProto::try_from(function).ok())
        .map(|function| function.len());
    // The first one is the tracepoint's own.
    arguments.is_none_or(|arguments| arguments >= 5)
}

fn losses(skel: &RecordSkel) -> Result<Vec<intf::record_losses>> {
    let cpus = skel
        .maps
        .losses
        .lookup_percpu(&0u32.to_ne_bytes(), MapFlags::ANY)
        .context("cannot read how many events were lost")?;
    cpus.unwrap_or_default()
        .iter()
        .map(|bytes| pod::read(bytes))
        .collect()
}

/// Runs on every CPU once: that makes a switch there, which shows who runs. Someone who runs alone for the whole
/// recording would else not be in it. CPUs that this process may not use are left out.
fn visit_cpus() {
    let me = Pid::from_raw(0);
    let Ok(allowed) = sched_getaffinity(me) else {
        return;
    };
    for cpu in (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false)) {
        let mut one = CpuSet::new();
        if one.set(cpu).is_ok() {
            let _ = sched_setaffinity(me, &one);
        }
    }
    let _ = sched_setaffinity(me, &allowed);
}
