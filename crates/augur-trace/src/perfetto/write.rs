// SPDX-License-Identifier: GPL-2.0-only
//! Writing Perfetto traces, such as ui.perfetto.dev opens.

use super::event::{message, name};
use super::field;
use super::wire::{put_bytes, put_int, put_number};
use crate::{Comm, Event, EventKind, Header, Sink, Task};
use anyhow::Result;
use augur_base::file::Output;
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
            names: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        let (mut info, mut names) = (Vec::new(), Vec::new());
        if !header.kernel.is_empty() {
            put_bytes(&mut names, field::SYSNAME, b"Linux");
            put_bytes(&mut names, field::RELEASE, header.kernel.as_bytes());
            put_bytes(&mut info, field::UTSNAME, &names);
        }
        if header.cpus > 0 {
            put_number(&mut info, field::NUM_CPUS, header.cpus.into());
        }
        writer.packet(field::SYSTEM_INFO, &info)?;
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
        let of = |pid: &i32| self.names.get(pid).map(|comm| name(*comm));
        let leaders: BTreeSet<i32> = self.groups.values().copied().collect();
        let mut tree = Vec::new();
        for pid in &leaders {
            let mut process = Vec::new();
            put_int(&mut process, field::PROCESS_PID, *pid);
            if let Some(name) = of(pid) {
                put_bytes(&mut process, field::PROCESS_CMDLINE, &name);
            }
            put_bytes(&mut tree, field::PROCESSES, &process);
        }
        for (pid, tgid) in &self.groups {
            let mut thread = Vec::new();
            put_int(&mut thread, field::THREAD_TID, *pid);
            if let Some(name) = of(pid) {
                put_bytes(&mut thread, field::THREAD_NAME, &name);
            }
            put_int(&mut thread, field::THREAD_TGID, *tgid);
            put_bytes(&mut tree, field::THREADS, &thread);
        }
        match self.groups.is_empty() {
            true => Ok(()),
            false => self.packet(field::PROCESS_TREE, &tree),
        }
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
        let running = self.running.get(&cpu).copied();
        let runner = event.kind.runner().map(|task| task.pid).or(running);
        if let EventKind::Switch { next, .. } = &event.kind {
            self.running.insert(cpu, next.pid);
        }
        let Some(message) = message(event.time_ns, runner.unwrap_or(0), &event.kind) else {
            self.flush_cpu(cpu)?;
            put_number(self.bundle(cpu), field::LOST, 1);
            return Ok(());
        };
        let bundle = self.bundle(cpu);
        put_bytes(bundle, field::EVENT, &message);
        let full = bundle.len() >= BUNDLE;
        if full { self.flush_cpu(cpu) } else { Ok(()) }
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
