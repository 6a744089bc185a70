// SPDX-License-Identifier: GPL-2.0-only
//! Events as bytes, 5 to 15 each: times are differences, tasks are numbers after their first appearance.

use crate::event::{COMM_BYTES, Field, Fields, Named, Role};
use crate::{Comm, Event, EventKind, State, Task, varint};
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
        self.bytes.push(event.kind.number());
        self.signed(event.time_ns.wrapping_sub(self.last_ns).cast_signed());
        self.last_ns = event.time_ns;
        self.unsigned(u64::from(event.cpu));
        for field in event.kind.fields() {
            match field {
                Field::Task(_, task) => self.task(task),
                Field::State(state) => {
                    self.unsigned(u64::from(state.bits) << 1 | u64::from(state.preempted));
                }
                Field::Cpu(_, cpu) => self.unsigned(u64::from(cpu)),
                Field::OldPid(pid) => self.signed(i64::from(pid)),
                Field::Filename(filename) => self.text(filename.as_bytes()),
                Field::Count(count) => self.unsigned(count),
            }
        }
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

    fn unsigned(&mut self, value: u64) {
        varint::put(&mut self.bytes, value);
    }

    /// Small numbers of either sign stay small: 0, -1, 1, -2, …
    fn signed(&mut self, value: i64) {
        self.unsigned((value << 1 ^ value >> 63).cast_unsigned());
    }

    fn text(&mut self, text: &[u8]) {
        self.unsigned(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    fn task(&mut self, task: &Task) {
        let next = self.tasks.len() as u64;
        let number = *self.tasks.entry(*task).or_insert(next);
        self.unsigned(number);
        if number == next {
            self.signed(i64::from(task.pid));
            self.signed(i64::from(task.prio));
            self.text(task.comm.as_bytes());
        }
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
        let &tag = self.bytes.get(self.at)?;
        self.at += 1;
        let time_ns = self.last_ns.wrapping_add(self.signed()?.cast_unsigned());
        self.last_ns = time_ns;
        let cpu = u32::try_from(self.unsigned()?).ok()?;
        let kind = EventKind::read(tag, self).ok()??;
        Some(Event { time_ns, cpu, kind })
    }

    fn known_or_new(&mut self) -> Option<Task> {
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

    fn unsigned(&mut self) -> Option<u64> {
        let mut rest = &self.bytes[self.at..];
        let value = varint::take(&mut rest);
        self.at = self.bytes.len() - rest.len();
        value
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn int(&mut self) -> Option<i32> {
        i32::try_from(self.signed()?).ok()
    }
}

/// The rest of a block in which one is missing makes no sense, whichever it is.
impl Fields for Decoder {
    type Error = ();

    fn task(&mut self, _role: Role) -> Result<Task, ()> {
        self.known_or_new().ok_or(())
    }

    fn state(&mut self) -> Result<State, ()> {
        let value = self.unsigned().ok_or(())?;
        Ok(State {
            bits: u16::try_from(value >> 1).map_err(drop)?,
            preempted: value & 1 != 0,
        })
    }

    fn cpu(&mut self, _which: Named) -> Result<u32, ()> {
        u32::try_from(self.unsigned().ok_or(())?).map_err(drop)
    }

    fn old_pid(&mut self) -> Result<i32, ()> {
        self.int().ok_or(())
    }

    fn filename(&mut self) -> Result<Box<str>, ()> {
        self.text().ok_or(())
    }

    fn count(&mut self) -> Result<u64, ()> {
        self.unsigned().ok_or(())
    }
}
