// SPDX-License-Identifier: GPL-2.0-only
//! Events as bytes, 5 to 15 each: times are differences, tasks are numbers after their first appearance.

use crate::event::COMM_BYTES;
use crate::{Comm, Event, EventKind, State, Task};
use std::collections::HashMap;

/// Encodes events, one block after the other. A block stands for itself.
#[derive(Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
    tasks: HashMap<Task, u64>,
    last_ns: u64,
}

impl Encoder {
    /// Adds an event to the block.
    pub(crate) fn push(&mut self, event: &Event) {
        self.bytes.push(tag(&event.kind));
        self.signed(event.time_ns.wrapping_sub(self.last_ns).cast_signed());
        self.last_ns = event.time_ns;
        self.unsigned(u64::from(event.cpu));
        self.kind(&event.kind);
    }

    /// Bytes of the block so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the block, gives it to `take`, and begins the next.
    pub(crate) fn take<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> T {
        let taken = take(&self.bytes);
        self.bytes.clear();
        self.tasks.clear();
        self.last_ns = 0;
        taken
    }

    fn kind(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => {
                self.task(prev);
                self.unsigned(u64::from(prev_state.bits) << 1 | u64::from(prev_state.preempted));
                self.task(next);
            }
            EventKind::Waking { task, target_cpu }
            | EventKind::Wakeup { task, target_cpu }
            | EventKind::WakeupNew { task, target_cpu } => {
                self.task(task);
                self.unsigned(u64::from(*target_cpu));
            }
            EventKind::Migrate {
                task,
                orig_cpu,
                dest_cpu,
            } => {
                self.task(task);
                self.unsigned(u64::from(*orig_cpu));
                self.unsigned(u64::from(*dest_cpu));
            }
            EventKind::Fork { parent, child } => {
                self.task(parent);
                self.task(child);
            }
            EventKind::Exec {
                task,
                old_pid,
                filename,
            } => {
                self.task(task);
                self.signed(i64::from(*old_pid));
                self.unsigned(filename.len() as u64);
                self.bytes.extend_from_slice(filename.as_bytes());
            }
            EventKind::Exit { task } => self.task(task),
            EventKind::Lost { count } => self.unsigned(*count),
        }
    }

    fn task(&mut self, task: &Task) {
        let next = self.tasks.len() as u64;
        let number = *self.tasks.entry(*task).or_insert(next);
        self.unsigned(number);
        if number == next {
            self.signed(i64::from(task.pid));
            self.signed(i64::from(task.prio));
            let comm = task.comm.as_bytes();
            self.unsigned(comm.len() as u64);
            self.bytes.extend_from_slice(comm);
        }
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    fn unsigned(&mut self, mut value: u64) {
        while value > 0x7f {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Small numbers of either sign stay small: 0, -1, 1, -2, …
    fn signed(&mut self, value: i64) {
        self.unsigned((value << 1 ^ value >> 63).cast_unsigned());
    }
}

fn tag(kind: &EventKind) -> u8 {
    match kind {
        EventKind::Switch { .. } => 0,
        EventKind::Waking { .. } => 1,
        EventKind::Wakeup { .. } => 2,
        EventKind::WakeupNew { .. } => 3,
        EventKind::Migrate { .. } => 4,
        EventKind::Fork { .. } => 5,
        EventKind::Exec { .. } => 6,
        EventKind::Exit { .. } => 7,
        EventKind::Lost { .. } => 8,
    }
}

/// Decodes a block, event by event.
#[derive(Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    tasks: Vec<Task>,
    last_ns: u64,
}

impl Decoder {
    /// Begins a block.
    pub(crate) fn start(&mut self, bytes: Vec<u8>) {
        *self = Decoder {
            bytes,
            ..Decoder::default()
        };
    }

    /// The next event; `None` at the block's end, `Some(None)` where the rest of it makes no sense.
    pub(crate) fn next(&mut self) -> Option<Option<Event>> {
        if self.at == self.bytes.len() {
            return None;
        }
        let event = self.event();
        if event.is_none() {
            self.at = self.bytes.len();
        }
        Some(event)
    }

    fn event(&mut self) -> Option<Event> {
        let tag = self.byte()?;
        let time_ns = self.last_ns.wrapping_add(self.signed()?.cast_unsigned());
        self.last_ns = time_ns;
        let cpu = self.cpu()?;
        let kind = self.kind(tag)?;
        Some(Event { time_ns, cpu, kind })
    }

    fn kind(&mut self, tag: u8) -> Option<EventKind> {
        Some(match tag {
            0 => EventKind::Switch {
                prev: self.task()?,
                prev_state: self.state()?,
                next: self.task()?,
            },
            1 => EventKind::Waking {
                task: self.task()?,
                target_cpu: self.cpu()?,
            },
            2 => EventKind::Wakeup {
                task: self.task()?,
                target_cpu: self.cpu()?,
            },
            3 => EventKind::WakeupNew {
                task: self.task()?,
                target_cpu: self.cpu()?,
            },
            4 => EventKind::Migrate {
                task: self.task()?,
                orig_cpu: self.cpu()?,
                dest_cpu: self.cpu()?,
            },
            5 => EventKind::Fork {
                parent: self.task()?,
                child: self.task()?,
            },
            6 => EventKind::Exec {
                task: self.task()?,
                old_pid: self.int()?,
                filename: self.text()?,
            },
            7 => EventKind::Exit { task: self.task()? },
            8 => EventKind::Lost {
                count: self.unsigned()?,
            },
            _ => return None,
        })
    }

    fn state(&mut self) -> Option<State> {
        let value = self.unsigned()?;
        Some(State {
            bits: u16::try_from(value >> 1).ok()?,
            preempted: value & 1 != 0,
        })
    }

    fn task(&mut self) -> Option<Task> {
        let number = usize::try_from(self.unsigned()?).ok()?;
        if let Some(task) = self.tasks.get(number) {
            return Some(*task);
        }
        if number > self.tasks.len() {
            return None;
        }
        let (pid, prio) = (self.int()?, self.int()?);
        let len = self.unsigned()?;
        if len > COMM_BYTES as u64 {
            return None;
        }
        let comm = Comm::new(self.slice(len)?);
        let task = Task { pid, comm, prio };
        self.tasks.push(task);
        Some(task)
    }

    fn text(&mut self) -> Option<Box<str>> {
        let len = self.unsigned()?;
        Some(std::str::from_utf8(self.slice(len)?).ok()?.into())
    }

    fn slice(&mut self, len: u64) -> Option<&[u8]> {
        let end = self.at.checked_add(usize::try_from(len).ok()?)?;
        let slice = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn int(&mut self) -> Option<i32> {
        i32::try_from(self.signed()?).ok()
    }

    fn cpu(&mut self) -> Option<u32> {
        u32::try_from(self.unsigned()?).ok()
    }
}
