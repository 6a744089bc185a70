// SPDX-License-Identifier: GPL-2.0-only
//! One event, out of Perfetto's messages, and into them.

use super::field;
use super::wire::{Fields as Walk, Value, put_bytes, put_int, put_number};
use crate::event::{Field, Fields, Named, Role};
use crate::{Comm, EventKind, State, Task};

/// Why an event is none.
type Why = &'static str;

const DAMAGED: Why = "an event that is damaged";

/// Who ran before the first compact switch is not said. The idle task is a guess that gives nobody time.
pub(super) fn idle(cpu: u32) -> Task {
    Task {
        pid: 0,
        comm: Comm::new(format!("swapper/{cpu}").as_bytes()),
        prio: 120,
    }
}

/// 0x100 is the kernel's `+`.
pub(super) fn state(raw: i64) -> State {
    State {
        bits: (raw & 0xff) as u16,
        preempted: raw & 0x100 != 0,
    }
}

/// An event's time and what happened; `None` inside where it is none of the scheduler's events.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(bytes: &[u8]) -> Result<(u64, Option<EventKind>), Why> {
    let (mut time_ns, mut found) = (None, None);
    for part in Walk(bytes) {
        match part.ok_or(DAMAGED)? {
            (field::TIMESTAMP, Value::Number(value)) => time_ns = Some(value),
            (number, Value::Bytes(inside)) => {
                let event = (0..).zip(field::EVENTS).find(|(_, event)| *event == number);
                found = event.map(|(number, _)| (number, inside)).or(found);
            }
            _ => {}
        }
    }
    let time_ns = time_ns.ok_or("an event without a time")?;
    let Some((number, inside)) = found else {
        return Ok((time_ns, None));
    };
    let mut message = Message::of(number, inside).ok_or(DAMAGED)?;
    if (1..=3).contains(&number) && message.int(field::SUCCESS) == Some(0) {
        return Err("a wakeup that did not succeed (success=0)");
    }
    Ok((time_ns, EventKind::read(number, &mut message)?))
}

/// The fields of an event's own message, by number.
struct Message<'a> {
    event: u8,
    numbers: [Option<u64>; 8],
    texts: [&'a [u8]; 8],
}

impl<'a> Message<'a> {
    fn of(event: u8, bytes: &'a [u8]) -> Option<Message<'a>> {
        let mut message = Message {
            event,
            numbers: [None; 8],
            texts: [&[]; 8],
        };
        for part in Walk(bytes) {
            let (number, value) = part?;
            match (message.numbers.get_mut(number as usize), value) {
                (Some(place), Value::Number(value)) => *place = Some(value),
                (Some(_), Value::Bytes(text)) => message.texts[number as usize] = text,
                _ => {}
            }
        }
        Some(message)
    }

    /// Protobuf writes a negative one as 64 bits.
    fn int(&self, field: u32) -> Option<i32> {
        self.numbers[field as usize].map(|value| value as i32)
    }
}

impl Fields for Message<'_> {
    type Error = Why;

    fn task(&mut self, role: Role) -> Result<Task, Why> {
        let (comm, pid, prio) = field::of_task(self.event, role);
        // The task has the name of the program, as the kernel gives it.
        let program = || {
            self.texts[field::FILENAME as usize]
                .rsplit(|&byte| byte == b'/')
                .next()
        };
        let comm = comm.map_or_else(|| program().unwrap_or_default(), |comm| self.texts[comm as usize]);
        Ok(Task {
            pid: self.int(pid).unwrap_or(0),
            comm: Comm::new(comm),
            prio: prio.and_then(|prio| self.int(prio)).unwrap_or(0),
        })
    }

    fn state(&mut self) -> Result<State, Why> {
        Ok(state(
            self.numbers[field::STATE as usize].unwrap_or(0).cast_signed(),
        ))
    }

    fn cpu(&mut self, which: Named) -> Result<u32, Why> {
        let cpu = self.int(field::of_cpu(which)).unwrap_or(0);
        u32::try_from(cpu).map_err(|_| "an event with a negative CPU")
    }

    fn old_pid(&mut self) -> Result<i32, Why> {
        Ok(self.int(field::OLD_PID).unwrap_or(0))
    }

    fn filename(&mut self) -> Result<Box<str>, Why> {
        Ok(String::from_utf8_lossy(self.texts[field::FILENAME as usize]).into())
    }

    fn count(&mut self) -> Result<u64, Why> {
        Err(DAMAGED)
    }
}

/// An `FtraceEvent`; `None` of lost events, which are a field of the bundle.
pub(super) fn message(time_ns: u64, runner: i32, kind: &EventKind) -> Option<Vec<u8>> {
    let place = *field::EVENTS.get(usize::from(kind.number()))?;
    let (mut inside, mut exec) = (Vec::new(), Vec::new());
    for field in kind.fields() {
        match field {
            Field::Task(role, task) => {
                put_task(&mut inside, &mut exec, field::of_task(kind.number(), role), task)
            }
            Field::State(state) => {
                let raw = u64::from(state.bits & 0xff) | u64::from(state.preempted) << 8;
                put_number(&mut inside, field::STATE, raw);
            }
            Field::Cpu(which, cpu) => put_int(&mut inside, field::of_cpu(which), cpu.cast_signed()),
            Field::OldPid(pid) => put_int(&mut exec, field::OLD_PID, pid),
            Field::Filename(filename) => put_bytes(&mut inside, field::FILENAME, filename.as_bytes()),
            Field::Count(_) => {}
        }
    }
    inside.extend(exec);
    let mut out = Vec::new();
    put_number(&mut out, field::TIMESTAMP, time_ns);
    put_number(&mut out, field::RUNNER, u64::from(runner.cast_unsigned()));
    put_bytes(&mut out, place, &inside);
    Some(out)
}

/// A task with its name, or the pid of one that has none: of an exec, whose program comes first.
fn put_task(inside: &mut Vec<u8>, exec: &mut Vec<u8>, place: field::OfTask, task: &Task) {
    let (comm, pid, prio) = place;
    let Some(comm) = comm else {
        return put_int(exec, pid, task.pid);
    };
    put_bytes(inside, comm, &name(task.comm));
    put_int(inside, pid, task.pid);
    if let Some(prio) = prio {
        put_int(inside, prio, task.prio);
    }
}

/// Perfetto's own readers want UTF-8.
pub(super) fn name(comm: Comm) -> Vec<u8> {
    String::from_utf8_lossy(comm.as_bytes()).into_owned().into_bytes()
}
