// SPDX-License-Identifier: GPL-2.0-only
//! Writing Perfetto traces, such as ui.perfetto.dev opens.

use super::proto::{self, field};
use super::wire::{put_bytes, put_number};
use crate::{Comm, Event, EventKind, Header, Sink, State, Task};
use anyhow::Result;
use augur_base::file::Output;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

/// Bytes of events of one CPU that make a packet.
const BUNDLE: usize = 1 << 16;

/// Writes a packet for each CPU's events.
pub(crate) struct PerfettoWriter {
    out: BufWriter<Output>,
    bundles: BTreeMap<u32, Vec<u8>>,
    /// Who runs on each CPU.
    running: BTreeMap<u32, i32>,
    last: Option<(u64, u32)>,
    scratch: Vec<u8>,
    /// The last name of each thread,
    names: BTreeMap<i32, Comm>,
    /// and its process, where that is known.
    groups: BTreeMap<i32, i32>,
}

impl PerfettoWriter {
    /// Starts with what is known of the machine.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn new(out: Output, header: &Header) -> Result<PerfettoWriter> {
        let mut writer = PerfettoWriter {
            out: BufWriter::with_capacity(1 << 16, out),
            bundles: BTreeMap::new(),
            running: BTreeMap::new(),
            last: None,
            scratch: Vec::new(),
            names: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        let known = !header.kernel.is_empty();
        let info = proto::SystemInfo {
            utsname: known.then(|| proto::Utsname {
                sysname: Some(b"Linux".to_vec()),
                release: Some(header.kernel.clone().into_bytes()),
            }),
            num_cpus: (header.cpus > 0).then_some(header.cpus),
        };
        writer.packet(field::SYSTEM_INFO, &info.encode_to_vec())?;
        Ok(writer)
    }

    fn packet(&mut self, field: u32, content: &[u8]) -> io::Result<()> {
        let (mut packet, mut framed) = (Vec::new(), Vec::new());
        put_bytes(&mut packet, field, content);
        put_number(&mut packet, field::SEQUENCE, 1);
        put_bytes(&mut framed, field::PACKET, &packet);
        self.out.write_all(&framed)
    }

    fn flush_cpu(&mut self, cpu: u32) -> io::Result<()> {
        match self.bundles.remove(&cpu) {
            Some(bundle) => self.packet(field::FTRACE_EVENTS, &bundle),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let cpus: Vec<u32> = self.bundles.keys().copied().collect();
        cpus.into_iter().try_for_each(|cpu| self.flush_cpu(cpu))
    }

    fn bundle(&mut self, cpu: u32) -> &mut Vec<u8> {
        self.bundles.entry(cpu).or_insert_with(|| {
            let mut bundle = Vec::new();
            put_number(&mut bundle, field::CPU, u64::from(cpu));
            bundle
        })
    }

    fn name(&mut self, task: &Task) {
        const NAMES: usize = 1 << 20;
        if task.pid > 0 && (self.names.len() < NAMES || self.names.contains_key(&task.pid)) {
            self.names.insert(task.pid, task.comm);
        }
    }

    /// Who is who: a viewer shows the threads of a process together, by its name.
    fn processes(&mut self) -> io::Result<()> {
        let of = |pid: &i32| self.names.get(pid).copied().and_then(name);
        let leaders: BTreeSet<i32> = self.groups.values().copied().collect();
        let tree = proto::ProcessTree {
            processes: leaders
                .iter()
                .map(|pid| proto::Process {
                    pid: Some(*pid),
                    cmdline: of(pid).into_iter().collect(),
                })
                .collect(),
            threads: (self.groups.iter())
                .map(|(pid, tgid)| proto::Thread {
                    tid: Some(*pid),
                    name: of(pid),
                    tgid: Some(*tgid),
                })
                .collect(),
        };
        if tree.threads.is_empty() {
            return Ok(());
        }
        self.packet(field::PROCESS_TREE, &tree.encode_to_vec())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let cpu = event.cpu;
        match &event.kind {
            EventKind::Switch { prev, next, .. } => {
                self.name(prev);
                self.name(next);
            }
            EventKind::Exec { task, .. } => {
                // Whoever calls exec leads its process from then on.
                self.groups.insert(task.pid, task.pid);
                self.name(task);
            }
            _ => {}
        }
        // Which of two CPUs came first at one time, only the order of their packets can say.
        let tie = self
            .last
            .is_some_and(|(time_ns, other)| time_ns == event.time_ns && other != cpu);
        self.last = Some((event.time_ns, cpu));
        if tie {
            self.flush()?;
        }
        let Some(message) = self.message(event) else {
            self.flush_cpu(cpu)?;
            put_number(self.bundle(cpu), field::LOST, 1);
            return Ok(());
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend(message.encode_to_vec());
        let bundle = self.bundle(cpu);
        put_bytes(bundle, field::EVENT, &scratch);
        let full = bundle.len() >= BUNDLE;
        self.scratch = scratch;
        if full { self.flush_cpu(cpu) } else { Ok(()) }
    }

    /// `None` of lost events, which are a field of the bundle.
    fn message(&mut self, event: &Event) -> Option<proto::FtraceEvent> {
        let runner = match &event.kind {
            EventKind::Switch { prev, next, .. } => {
                self.running.insert(event.cpu, next.pid);
                prev.pid
            }
            EventKind::Fork { parent: task, .. }
            | EventKind::Exec { task, .. }
            | EventKind::Exit { task } => task.pid,
            _ => self.running.get(&event.cpu).copied().unwrap_or(0),
        };
        let mut message = proto::FtraceEvent {
            timestamp: Some(event.time_ns),
            pid: Some(runner.cast_unsigned()),
            ..proto::FtraceEvent::default()
        };
        match &event.kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => message.sched_switch = Some(switch(prev, *prev_state, next)),
            EventKind::Waking { task, target_cpu } => message.sched_waking = Some(wake(task, *target_cpu)),
            EventKind::Wakeup { task, target_cpu } => message.sched_wakeup = Some(wake(task, *target_cpu)),
            EventKind::WakeupNew { task, target_cpu } => {
                message.sched_wakeup_new = Some(wake(task, *target_cpu));
            }
            EventKind::Migrate {
                task,
                orig_cpu,
                dest_cpu,
            } => {
                message.sched_migrate_task = Some(proto::Migrate {
                    comm: name(task.comm),
                    pid: Some(task.pid),
                    prio: Some(task.prio),
                    orig_cpu: Some(orig_cpu.cast_signed()),
                    dest_cpu: Some(dest_cpu.cast_signed()),
                });
            }
            EventKind::Fork { parent, child } => {
                message.sched_process_fork = Some(proto::Fork {
                    parent_comm: name(parent.comm),
                    parent_pid: Some(parent.pid),
                    child_comm: name(child.comm),
                    child_pid: Some(child.pid),
                });
            }
            EventKind::Exec {
                task,
                old_pid,
                filename,
            } => {
                message.sched_process_exec = Some(proto::Exec {
                    filename: Some(filename.as_bytes().to_vec()),
                    pid: Some(task.pid),
                    old_pid: Some(*old_pid),
                });
            }
            EventKind::Exit { task } => {
                message.sched_process_exit = Some(proto::Exit {
                    comm: name(task.comm),
                    pid: Some(task.pid),
                    prio: Some(task.prio),
                });
            }
            EventKind::Lost { .. } => return None,
        }
        Some(message)
    }
}

/// Perfetto's own readers want UTF-8.
fn name(comm: Comm) -> Option<Vec<u8>> {
    Some(String::from_utf8_lossy(comm.as_bytes()).into_owned().into_bytes())
}

fn switch(prev: &Task, state: State, next: &Task) -> proto::Switch {
    proto::Switch {
        prev_comm: name(prev.comm),
        prev_pid: Some(prev.pid),
        prev_prio: Some(prev.prio),
        prev_state: Some(i64::from(state.bits & 0xff) | i64::from(state.preempted) << 8),
        next_comm: name(next.comm),
        next_pid: Some(next.pid),
        next_prio: Some(next.prio),
    }
}

fn wake(task: &Task, target_cpu: u32) -> proto::Wake {
    proto::Wake {
        comm: name(task.comm),
        pid: Some(task.pid),
        prio: Some(task.prio),
        success: None,
        target_cpu: Some(target_cpu.cast_signed()),
    }
}

impl Sink for PerfettoWriter {
    fn write(&mut self, event: &Event) -> Result<()> {
        Ok(self.event(event)?)
    }

    fn set_groups(&mut self, groups: &BTreeMap<i32, i32>) {
        self.groups.extend(groups);
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush()?;
        self.processes()?;
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .finish()
    }
}
