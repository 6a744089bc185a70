// SPDX-License-Identifier: GPL-2.0-only
//! Reading Perfetto traces.
//!
//! Packets come in any order of time, one CPU's events after another's. So all events are sorted before the first is
//! given out; what does not fit into memory waits in a temporary file.

use super::event::{self, idle, state};
use super::field;
use super::machines::Machines;
use super::stream::{Top, skip, top};
use super::wire::{Fields, Value, number, parts};
use crate::reader::Source;
use crate::sort::{Sorted, Sorter};
use crate::unpack::is_damage;
use crate::{Comm, Event, EventKind, Header, Notes, Task, varint};
use anyhow::{Context, Result, bail};
use augur_base::file::Frames;
use augur_base::topology::MAX_CPUS;
use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};

/// Whose events are known from so much later on than another CPU's began late.
const LATE_NS: u64 = 10_000_000;

/// Reads packets.
pub(crate) struct PerfettoSource<R> {
    input: BufReader<R>,
    packets: Packets,
    sorted: Option<Sorted>,
}

impl<R: Read> PerfettoSource<R> {
    /// Starts with the first packet; of several machines, only that one is read.
    pub(crate) fn new(input: R, machine: Option<String>) -> PerfettoSource<R> {
        PerfettoSource {
            input: BufReader::with_capacity(1 << 16, input),
            packets: Packets {
                machines: Machines::new(machine),
                ..Packets::default()
            },
            sorted: None,
        }
    }

    fn read_all(&mut self, notes: &mut Notes) -> Result<Sorted> {
        if !self.packets.packets(&mut self.input, true, notes)? {
            let number = self.packets.number;
            notes.tear(format!(
                "the file is torn: what came after packet {number} is lost"
            ));
        }
        for cpu in self.packets.lost.drain() {
            notes.skip(
                self.packets.number,
                format!("CPU {cpu} lost events, and has none after them"),
            );
        }
        if let Some(why) = self.packets.machines.mixed() {
            bail!(why);
        }
        let start_ns = self.packets.known_from.values().min().copied().unwrap_or(0);
        for (&cpu, &time_ns) in &self.packets.known_from {
            if time_ns - start_ns > LATE_NS {
                notes.buffer_started(cpu, time_ns);
            }
        }
        let overwritten: u64 = self
            .packets
            .overruns
            .values()
            .map(|(start, end)| end.saturating_sub(*start))
            .sum();
        if !self.packets.overruns.is_empty() {
            notes.overwrite(overwritten);
        }
        std::mem::take(&mut self.packets.sorter).finish()
    }
}

impl<R: Read + Send> Source for PerfettoSource<R> {
    fn header(&self) -> &Header {
        &self.packets.header
    }

    fn position(&self) -> u64 {
        self.packets.number
    }

    fn next(&mut self, notes: &mut Notes) -> Result<Option<Event>> {
        if self.sorted.is_none() {
            self.sorted = Some(self.read_all(notes)?);
        }
        self.sorted.as_mut().map_or(Ok(None), Sorted::next)
    }
}

/// What packets add up to.
#[derive(Default)]
pub(super) struct Packets {
    sorter: Sorter,
    header: Header,
    pub(super) machines: Machines,
    /// The packet's number, from 1.
    pub(super) number: u64,
    /// Who runs on each CPU, for compact switches.
    running: HashMap<u32, Task>,
    /// CPUs that lost events before the next that is read.
    lost: HashSet<u32>,
    /// From when on each CPU's events are known.
    known_from: HashMap<u32, u64>,
    /// The CPU and the first time of the bundle that is read.
    pub(super) begin: Option<(u32, u64)>,
    /// How many events each CPU had overwritten, at the start and at the end.
    overruns: HashMap<u64, (u64, u64)>,
}

impl Packets {
    /// Packets, one behind the other; `outer` ones are the file's own, which may hold others. False where they are torn.
    fn packets(&mut self, input: &mut dyn Read, outer: bool, notes: &mut Notes) -> Result<bool> {
        let mut packet = Vec::new();
        loop {
            match top(input, &mut packet).context("cannot read the trace")? {
                Top::Bytes(field::PACKET) => {
                    self.number += u64::from(outer);
                    self.packet(&packet, outer, notes)?;
                }
                Top::Large(field::PACKET, len) => {
                    self.number += u64::from(outer);
                    if !self.large(&mut input.take(len), len, outer, notes)? {
                        return Ok(false);
                    }
                }
                Top::Large(_, len) => {
                    if !skip(input, len).context("cannot read the trace")? {
                        return Ok(false);
                    }
                }
                Top::Bytes(_) | Top::Number(..) | Top::Other => {}
                Top::Torn => return Ok(false),
                Top::End => return Ok(true),
            }
        }
    }

    pub(super) fn packet(&mut self, packet: &[u8], outer: bool, notes: &mut Notes) -> Result<()> {
        let mut known = false;
        // The machine and the sequence may be named behind the events.
        let number = |wanted| number(packet, wanted).unwrap_or(0);
        let (machine, sequence) = (number(field::MACHINE), number(field::SEQUENCE));
        for found in Fields(packet) {
            match found {
                Some((field::FTRACE_EVENTS, Value::Bytes(bundle))) => {
                    known = true;
                    if self.machines.wants(machine) {
                        self.bundle(bundle, notes)?;
                        let begin = std::mem::take(&mut self.begin);
                        self.machines.bundle(sequence, begin);
                    } else {
                        notes.aside("packets of other machines");
                    }
                }
                Some((field::SYSTEM_INFO, Value::Bytes(info))) => {
                    known = true;
                    self.system(info);
                }
                Some((field::PROCESS_TREE, Value::Bytes(tree))) => {
                    known = true;
                    processes(tree, notes);
                }
                Some((field::FTRACE_STATS, Value::Bytes(stats))) => {
                    known = true;
                    self.stats(stats);
                }
                Some((field::UUID, Value::Bytes(uuid))) => {
                    known = true;
                    self.machines.recording(uuid);
                }
                Some((field::COMPRESSED, Value::Bytes(packed))) if outer => {
                    known = true;
                    self.unpack(flate2::read::ZlibDecoder::new(packed), notes)?;
                }
                Some((field::ZSTD, Value::Bytes(packed))) if outer => {
                    known = true;
                    self.unpack(Frames::new(packed), notes)?;
                }
                Some((field::COMPRESSED | field::ZSTD, Value::Bytes(_))) => {
                    notes.skip(self.number, "compressed packets inside compressed packets");
                }
                Some(_) => {}
                None => notes.skip(self.number, "a packet that is damaged"),
            }
        }
        if !known {
            notes.aside("packets without scheduler events");
        }
        Ok(())
    }

    pub(super) fn unpack(&mut self, packed: impl Read, notes: &mut Notes) -> Result<()> {
        let mut packed = BufReader::new(packed);
        match self.packets(&mut packed, false, notes) {
            Ok(true) => {}
            Ok(false) => notes.skip(self.number, "compressed packets that are damaged"),
            Err(err) => {
                let mut causes = err.chain().filter_map(|err| err.downcast_ref());
                if !causes.any(is_damage) {
                    return Err(err);
                }
                notes.skip(self.number, "compressed packets that are damaged");
            }
        }
        Ok(())
    }

    fn stats(&mut self, stats: &[u8]) {
        let begins = number(stats, field::PHASE) == Some(1);
        for cpu in parts(stats, field::CPU_STATS) {
            let overrun = number(cpu, field::OVERRUN).unwrap_or(0);
            let counts = self.overruns.entry(number(cpu, field::STATS_CPU).unwrap_or(0));
            let counts = counts.or_default();
            *counts = (if begins { overrun } else { counts.0 }, overrun);
        }
    }

    fn system(&mut self, info: &[u8]) {
        let cpus = number(info, field::NUM_CPUS).and_then(|cpus| u32::try_from(cpus).ok());
        self.header.cpus = cpus.unwrap_or(self.header.cpus);
        let release = parts(info, field::UTSNAME).find_map(|names| parts(names, field::RELEASE).next());
        if let Some(release) = release {
            self.header.kernel = String::from_utf8_lossy(release).into();
        }
    }

    fn bundle(&mut self, bundle: &[u8], notes: &mut Notes) -> Result<()> {
        let number = |wanted| number(bundle, wanted);
        let Some(cpu) = number(field::CPU).and_then(|cpu| u32::try_from(cpu).ok()) else {
            notes.skip(self.number, "a bundle of events without a CPU");
            return Ok(());
        };
        if number(field::LOST).unwrap_or(0) != 0 {
            self.lost.insert(cpu);
            self.running.remove(&cpu);
        }
        if cpu as usize >= MAX_CPUS {
            notes.skip(
                self.number,
                format!(
                    "a bundle of events of CPU {cpu}; the last one can be {}",
                    MAX_CPUS - 1
                ),
            );
            return Ok(());
        }
        for found in Fields(bundle) {
            match found {
                Some((number, value)) => self.part(cpu, number, &value, notes)?,
                None => notes.skip(self.number, "a bundle of events that is damaged"),
            }
        }
        Ok(())
    }

    pub(super) fn part(&mut self, cpu: u32, number: u32, value: &Value<'_>, notes: &mut Notes) -> Result<()> {
        let result = match (number, value) {
            (field::EVENT, Value::Bytes(event)) => self.event(cpu, event, notes)?,
            (field::COMPACT, Value::Bytes(compact)) => self.compact(cpu, compact)?,
            (field::KNOWN_FROM, &Value::Number(time_ns)) if time_ns > 0 => {
                self.known_from.entry(cpu).or_insert(time_ns);
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(why) = result {
            notes.skip(self.number, why);
        }
        Ok(())
    }

    fn push(&mut self, event: Event) -> Result<()> {
        let (cpu, time_ns) = self.begin.unwrap_or((event.cpu, event.time_ns));
        self.begin = Some((cpu, time_ns.min(event.time_ns)));
        if self.lost.remove(&event.cpu) {
            let kind = EventKind::Lost { count: 0 };
            self.sorter.push(Event { kind, ..event })?;
        }
        self.sorter.push(event)
    }

    fn event(&mut self, cpu: u32, bytes: &[u8], notes: &mut Notes) -> Result<Result<(), &'static str>> {
        let (time_ns, kind) = match event::read(bytes) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let Some(kind) = kind else {
            notes.foreign(b"other ftrace events");
            return Ok(Ok(()));
        };
        if let EventKind::Switch { next, .. } = &kind {
            self.running.insert(cpu, *next);
        }
        self.push(Event { time_ns, cpu, kind })?;
        Ok(Ok(()))
    }

    /// Switches and wakings as columns, each in its own order of time. Times are differences; the task that leaves is the one that
    /// came before.
    fn compact(&mut self, cpu: u32, bytes: &[u8]) -> Result<Result<(), &'static str>> {
        let Some(Columns { names, columns }) = Columns::of(bytes) else {
            return Ok(Err("compact events that are damaged"));
        };
        let [
            _,
            switched,
            states,
            next_pids,
            next_prios,
            _,
            next_comms,
            woken,
            pids,
            targets,
            prios,
            comms,
        ] = &columns;
        let task = |pid: u64, prio: u64, comm: Option<&u64>| Task {
            pid: pid as i32,
            comm: Comm::new(
                comm.and_then(|&index| names.get(index as usize))
                    .copied()
                    .unwrap_or_default(),
            ),
            prio: prio as i32,
        };
        let mut time_ns = 0u64;
        for (index, delta) in switched.iter().enumerate() {
            time_ns = time_ns.wrapping_add(*delta);
            let next = next_pids.get(index).zip(next_prios.get(index));
            let (Some((&pid, &prio)), Some(&raw)) = (next, states.get(index)) else {
                return Ok(Err("compact switches whose columns differ in length"));
            };
            let next = task(pid, prio, next_comms.get(index));
            let kind = EventKind::Switch {
                prev: self.running.insert(cpu, next).unwrap_or_else(|| idle(cpu)),
                prev_state: state(raw.cast_signed()),
                next,
            };
            self.push(Event { time_ns, cpu, kind })?;
        }
        time_ns = 0;
        for (index, delta) in woken.iter().enumerate() {
            time_ns = time_ns.wrapping_add(*delta);
            let who = pids.get(index).zip(prios.get(index));
            let target = targets.get(index).and_then(|&cpu| u32::try_from(cpu as i32).ok());
            let (Some((&pid, &prio)), Some(target_cpu)) = (who, target) else {
                return Ok(Err("compact wakings whose columns differ in length"));
            };
            let task = task(pid, prio, comms.get(index));
            let kind = EventKind::Waking { task, target_cpu };
            self.push(Event { time_ns, cpu, kind })?;
        }
        Ok(Ok(()))
    }
}

/// A `CompactSched`: its names, which are interned, and its columns of numbers by their fields.
struct Columns<'a> {
    names: Vec<&'a [u8]>,
    columns: [Vec<u64>; 12],
}

impl<'a> Columns<'a> {
    fn of(message: &'a [u8]) -> Option<Columns<'a>> {
        let mut found = Columns {
            names: Vec::new(),
            columns: Default::default(),
        };
        for part in Fields(message) {
            let (number, value) = part?;
            let column = found.columns.get_mut(number as usize);
            match (column, value) {
                (_, Value::Bytes(name)) if number == field::INTERN_TABLE => found.names.push(name),
                (Some(column), Value::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        column.push(varint::take(&mut packed)?);
                    }
                }
                (Some(column), Value::Number(value)) => column.push(value),
                _ => {}
            }
        }
        Some(found)
    }
}

/// Which threads belong to which process.
fn processes(tree: &[u8], notes: &mut Notes) {
    let int = |message: &[u8], field| number(message, field).map(|value| value as i32);
    for pid in parts(tree, field::PROCESSES).filter_map(|process| int(process, field::PROCESS_PID)) {
        notes.belongs(pid, pid);
    }
    for thread in parts(tree, field::THREADS) {
        if let (Some(tid), Some(tgid)) = (int(thread, field::THREAD_TID), int(thread, field::THREAD_TGID)) {
            notes.belongs(tid, tgid);
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
