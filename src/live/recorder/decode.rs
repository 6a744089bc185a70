// SPDX-License-Identifier: GPL-2.0-only
//! From a record of the ring to an event.

use super::super::bpf::intf::{self, record_head, record_task};
use super::super::pod;
use augur_trace::{Comm, Event, EventKind, State, Task};

/// The kernel's `TASK_REPORT`: the states that the tracepoint tells apart.
const REPORTED: u32 = 0x7f;
/// `TASK_IDLE`, which the tracepoint tells as a state of its own.
const IDLE: u32 = 0x402;
const IDLE_REPORTED: u16 = 0x80;
/// `TASK_RTLOCK_WAIT` and `TASK_FROZEN`, which it tells as uninterruptible sleep.
const AS_UNINTERRUPTIBLE: u32 = 0x1000 | 0x8000;
const UNINTERRUPTIBLE: u16 = 2;

/// The event of a record; `None` where the bytes are none.
pub fn event(bytes: &[u8]) -> Option<Event> {
    let head: record_head = pod::read(bytes).ok()?;
    let kind = match u32::from(head.kind) {
        intf::record_kind_RECORD_SWITCH => {
            let (prev, next) = two(bytes)?;
            EventKind::Switch {
                prev: task(&prev),
                prev_state: state(head.extra),
                next: task(&next),
            }
        }
        intf::record_kind_RECORD_WAKING => EventKind::Waking {
            task: one(bytes)?,
            target_cpu: head.extra,
        },
        intf::record_kind_RECORD_WAKEUP_NEW => EventKind::WakeupNew {
            task: one(bytes)?,
            target_cpu: head.extra,
        },
        intf::record_kind_RECORD_MIGRATE => EventKind::Migrate {
            task: one(bytes)?,
            orig_cpu: head.extra & 0xffff,
            dest_cpu: head.extra >> 16,
        },
        intf::record_kind_RECORD_FORK => {
            let (parent, child) = two(bytes)?;
            EventKind::Fork {
                parent: without_prio(task(&parent)),
                child: without_prio(task(&child)),
            }
        }
        intf::record_kind_RECORD_EXEC => exec(bytes)?,
        intf::record_kind_RECORD_EXIT => EventKind::Exit { task: one(bytes)? },
        intf::record_kind_RECORD_LOST => EventKind::Lost {
            count: u64::from(head.extra),
        },
        _ => return None,
    };
    Some(Event {
        time_ns: head.time_ns,
        cpu: u32::from(head.cpu),
        kind,
    })
}

fn one(bytes: &[u8]) -> Option<Task> {
    let record: intf::record_one = pod::read(bytes).ok()?;
    Some(task(&record.task))
}

fn two(bytes: &[u8]) -> Option<(record_task, record_task)> {
    let record: intf::record_two = pod::read(bytes).ok()?;
    Some((record.first, record.second))
}

fn exec(bytes: &[u8]) -> Option<EventKind> {
    let record: intf::record_exec = pod::read(bytes).ok()?;
    let name = record
        .filename
        .split(|&byte| byte == 0)
        .next()
        .unwrap_or_default();
    Some(EventKind::Exec {
        task: without_prio(task(&record.task)),
        old_pid: record.head.extra as i32,
        filename: String::from_utf8_lossy(name).into(),
    })
}

fn task(task: &record_task) -> Task {
    let [low, high] = task.comm.map(u64::to_ne_bytes);
    let mut comm = [0; 16];
    comm[..8].copy_from_slice(&low);
    comm[8..].copy_from_slice(&high);
    Task {
        pid: task.pid,
        comm: Comm::new(&comm),
        prio: task.prio,
    }
}

/// These tracepoints have no priority, and other recorders of them give none.
fn without_prio(task: Task) -> Task {
    Task { prio: 0, ..task }
}

/// As the kernel's `__trace_sched_switch_state` tells it: `R+` where it was preempted, else the deepest of its states.
fn state(extra: u32) -> State {
    if extra & intf::record_state_RECORD_PREEMPTED != 0 {
        return State {
            bits: 0,
            preempted: true,
        };
    }
    let (raw, exit) = (
        extra & 0xffff,
        extra >> intf::record_state_RECORD_EXIT_STATE_SHIFT,
    );
    let bits = if raw & IDLE == IDLE {
        IDLE_REPORTED
    } else if raw & AS_UNINTERRUPTIBLE != 0 {
        UNINTERRUPTIBLE
    } else {
        match (raw | exit) & REPORTED {
            0 => 0,
            states => 1 << states.ilog2(),
        }
    };
    State {
        bits,
        preempted: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(head: record_head, rest: &[u8]) -> Vec<u8> {
        let mut bytes = pod::bytes(&head).to_vec();
        bytes.extend_from_slice(rest);
        bytes
    }

    fn head(kind: u32, extra: u32) -> record_head {
        record_head {
            time_ns: 7,
            cpu: 3,
            kind: kind as u16,
            extra,
        }
    }

    fn task_bytes(name: &[u8; 16], pid: i32, prio: i32) -> Vec<u8> {
        [name.as_slice(), &pid.to_ne_bytes(), &prio.to_ne_bytes()].concat()
    }

    #[test]
    fn states_are_told_as_the_kernels_own_tracepoint_does() {
        // Raw states of a 6.18 kernel, and the letter that ftrace prints for each.
        for (extra, letter) in [
            (0, "R"),
            (intf::record_state_RECORD_PREEMPTED | 1, "R+"),
            (1, "S"),
            (0x2002, "D"),
            (0x402, "I"),
            (0x8000, "D"),
            (4, "T"),
            (0x108, "t"),
            (0x80 | 0x20 << 16, "Z"),
            (0x80 | 0x10 << 16, "X"),
            (0x40, "P"),
        ] {
            let expected = match letter {
                "R" | "R+" => 0,
                letter => 1 << "SDTtXZPI".find(letter).unwrap(),
            };
            let found = state(extra);
            assert_eq!(
                (found.bits, found.preempted),
                (expected, letter == "R+"),
                "{letter}"
            );
        }
    }

    #[test]
    fn a_switch_has_both_tasks() {
        let rest = [
            task_bytes(b"rs:main Q:Reg\0xx", 12, 120),
            task_bytes(b"swapper/3\0\0\0\0\0\0\0", 0, 120),
        ];
        let found = event(&bytes_of(
            head(intf::record_kind_RECORD_SWITCH, 1),
            &rest.concat(),
        ))
        .unwrap();
        let task = |pid, name: &str| Task {
            pid,
            comm: name.into(),
            prio: 120,
        };
        let kind = EventKind::Switch {
            prev: task(12, "rs:main Q:Reg"),
            prev_state: State {
                bits: 1,
                preempted: false,
            },
            next: task(0, "swapper/3"),
        };
        assert_eq!((found.time_ns, found.cpu, found.kind), (7, 3, kind));
    }

    #[test]
    fn an_exec_and_a_migration_and_nonsense() {
        let mut rest = task_bytes(b"cc1\0\0\0\0\0\0\0\0\0\0\0\0\0", 5, 120);
        let whole = [
            task_bytes(b"cc1\0\0\0\0\0\0\0\0\0\0\0\0\0", 5, 120),
            vec![b'x'; 256],
        ]
        .concat();
        let found = event(&bytes_of(head(intf::record_kind_RECORD_EXEC, 9), &whole)).unwrap();
        let EventKind::Exec {
            task,
            old_pid,
            filename,
        } = found.kind
        else {
            panic!("{found:?}")
        };
        assert_eq!((task.pid, task.prio, old_pid, filename.len()), (5, 0, 9, 256));
        let extra = 17 | 8191 << 16;
        let found = event(&bytes_of(head(intf::record_kind_RECORD_MIGRATE, extra), &rest)).unwrap();
        assert!(
            matches!(
                found.kind,
                EventKind::Migrate {
                    orig_cpu: 17,
                    dest_cpu: 8191,
                    ..
                }
            ),
            "{found:?}"
        );
        rest.truncate(8);
        for nonsense in [
            bytes_of(head(99, 0), &[0; 400]),
            bytes_of(head(intf::record_kind_RECORD_EXIT, 0), &rest),
            vec![1, 2],
            Vec::new(),
        ] {
            assert_eq!(event(&nonsense), None);
        }
    }
}
