// SPDX-License-Identifier: GPL-2.0-only
//! The part of a line that is the event's own, in both dialects.
//!
//! ```text
//!  prev_comm=cc1 prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=ld next_pid=8 next_prio=120   the kernel's
//!  cc1:7 [120] S ==> ld:8 [120]                                                                     libtraceevent's
//! ```
//!
//! A name ends where the next field begins, not at the first sign that looks like it: it may hold those signs itself,
//! but never more than 15 bytes of them.

use super::prefix::{Prefix, Why, digits};
use super::state;
use crate::trace::event::COMM_BYTES;
use crate::trace::{Comm, EventKind, State, Task};

/// What a line holds.
pub enum Body {
    /// An event.
    Kind(EventKind),
    /// An event that is none of the scheduler's.
    Foreign,
}

/// Reads the fields of the event that the prefix names.
pub fn parse(prefix: &Prefix<'_>) -> Result<Body, Why> {
    let body = prefix.body.trim_ascii();
    let kind = match prefix.event {
        b"sched_switch" => switch(body).ok_or("the fields of sched_switch are damaged"),
        b"sched_waking" => {
            wake(body, "sched_waking").map(|(task, target_cpu)| EventKind::Waking { task, target_cpu })
        }
        b"sched_wakeup" => {
            wake(body, "sched_wakeup").map(|(task, target_cpu)| EventKind::Wakeup { task, target_cpu })
        }
        b"sched_wakeup_new" => {
            wake(body, "sched_wakeup_new").map(|(task, target_cpu)| EventKind::WakeupNew { task, target_cpu })
        }
        b"sched_migrate_task" => migrate(body).ok_or("the fields of sched_migrate_task are damaged"),
        b"sched_process_fork" => fork(body).ok_or("the fields of sched_process_fork are damaged"),
        b"sched_process_exec" => {
            exec(body, prefix.comm).ok_or("the fields of sched_process_exec are damaged")
        }
        b"sched_process_exit" => exit(body).ok_or("the fields of sched_process_exit are damaged"),
        _ => return Ok(Body::Foreign),
    };
    kind.map(Body::Kind)
}

fn switch(body: &[u8]) -> Option<EventKind> {
    let (prev, prev_state, next) = kernel_switch(body).or_else(|| library_switch(body))?;
    Some(EventKind::Switch {
        prev,
        prev_state,
        next,
    })
}

fn kernel_switch(body: &[u8]) -> Option<(Task, State, Task)> {
    let mut fields = Fields(body);
    fields.word(b"prev_comm=")?;
    let prev = fields.task(b" prev_pid=", b" prev_prio=")?;
    fields.word(b" prev_state=")?;
    let state = state::parse(fields.until(b' ')?)?;
    fields.word(b"==> next_comm=")?;
    let next = fields.task(b" next_pid=", b" next_prio=")?;
    Some((prev, state, next))
}

/// The colon behind the first name is the last one that a pid, a priority, a state and the arrow follow.
fn library_switch(body: &[u8]) -> Option<(Task, State, Task)> {
    let window = &body[..body.len().min(COMM_BYTES + 1)];
    for colon in memchr::memrchr_iter(b':', window) {
        let mut fields = Fields(&body[colon + 1..]);
        if let Some((pid, prio, state)) = fields.library_tail() {
            let prev = Task {
                pid,
                comm: Comm::new(&body[..colon]),
                prio,
            };
            return Some((prev, state, library_task(fields.0)?));
        }
    }
    None
}

/// `ld:8 [120]`, from the right: behind the name there are only numbers.
fn library_task(text: &[u8]) -> Option<Task> {
    let text = text.trim_ascii_end().strip_suffix(b"]")?;
    let open = memchr::memrchr(b'[', text)?;
    let prio = whole(&text[open + 1..])?;
    let text = text[..open].strip_suffix(b" ")?;
    let colon = memchr::memrchr(b':', text)?;
    Some(Task {
        pid: whole(&text[colon + 1..])?,
        comm: Comm::new(&text[..colon]),
        prio,
    })
}

fn wake(body: &[u8], name: &'static str) -> Result<(Task, u32), Why> {
    let found = kernel_wake(body).or_else(|| library_wake(body));
    match found {
        Some((_, _, false)) => Err("a wakeup that did not succeed (success=0)"),
        Some((task, cpu, true)) => Ok((task, cpu)),
        None => Err(match name {
            "sched_waking" => "the fields of sched_waking are damaged",
            "sched_wakeup" => "the fields of sched_wakeup are damaged",
            _ => "the fields of sched_wakeup_new are damaged",
        }),
    }
}

fn kernel_wake(body: &[u8]) -> Option<(Task, u32, bool)> {
    let mut fields = Fields(body);
    fields.word(b"comm=")?;
    let task = fields.task(b" pid=", b" prio=")?;
    let success = match fields.word(b" success=") {
        Some(()) => fields.int()? != 0,
        None => true,
    };
    fields.word(b" target_cpu=")?;
    Some((task, fields.cpu()?, success))
}

/// `cc1:7 [120] success=1 CPU:003`, from the right.
fn library_wake(body: &[u8]) -> Option<(Task, u32, bool)> {
    let space = memchr::memrchr(b' ', body)?;
    let cpu = Fields(body[space + 1..].strip_prefix(b"CPU:")?).cpu()?;
    let mut rest = &body[..space];
    let mut success = true;
    if !rest.ends_with(b"]") {
        let space = memchr::memrchr(b' ', rest)?;
        success = whole(rest[space + 1..].strip_prefix(b"success=")?)? != 0;
        rest = &rest[..space];
    }
    Some((library_task(rest)?, cpu, success))
}

fn migrate(body: &[u8]) -> Option<EventKind> {
    let mut fields = Fields(body);
    fields.word(b"comm=")?;
    let task = fields.task(b" pid=", b" prio=")?;
    fields.word(b" orig_cpu=")?;
    let orig_cpu = fields.cpu()?;
    fields.word(b" dest_cpu=")?;
    let dest_cpu = fields.cpu()?;
    Some(EventKind::Migrate {
        task,
        orig_cpu,
        dest_cpu,
    })
}

fn fork(body: &[u8]) -> Option<EventKind> {
    let mut fields = Fields(body);
    let mut task = |comm: &[u8], pid| {
        fields.word(comm)?;
        let comm = fields.comm(pid)?;
        let pid = fields.int()?;
        Some(Task { pid, comm, prio: 0 })
    };
    let parent = task(b"comm=", b" pid=")?;
    let child = task(b" child_comm=", b" child_pid=")?;
    Some(EventKind::Fork { parent, child })
}

/// The numbers are read from the right: the program's path may hold anything. The event has no name; the line has.
fn exec(body: &[u8], comm: &[u8]) -> Option<EventKind> {
    let (rest, old_pid) = last_int(body, b" old_pid=")?;
    let (rest, pid) = last_int(rest, b" pid=")?;
    let filename = rest.strip_prefix(b"filename=")?;
    let base = memchr::memrchr(b'/', filename).map_or(0, |slash| slash + 1);
    let comm = if comm.is_empty() || comm == b"<...>" {
        &filename[base..]
    } else {
        comm
    };
    Some(EventKind::Exec {
        task: Task {
            pid,
            comm: Comm::new(comm),
            prio: 0,
        },
        old_pid,
        filename: String::from_utf8_lossy(filename).into(),
    })
}

fn exit(body: &[u8]) -> Option<EventKind> {
    let mut fields = Fields(body);
    fields.word(b"comm=")?;
    let task = fields.task(b" pid=", b" prio=")?;
    Some(EventKind::Exit { task })
}

/// A number that is all of the text.
fn whole(text: &[u8]) -> Option<i32> {
    let mut fields = Fields(text);
    fields.int().filter(|_| fields.0.is_empty())
}

/// Splits off ` key=number` at the end.
fn last_int<'a>(text: &'a [u8], key: &[u8]) -> Option<(&'a [u8], i32)> {
    let equals = memchr::memrchr(b'=', text)?;
    let value = whole(&text[equals + 1..])?;
    Some((text[..=equals].strip_suffix(key)?, value))
}

/// What is left of a body.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    fn int(&mut self) -> Option<i32> {
        let negative = self.word(b"-").is_some();
        let (value, rest) = digits(self.0)?;
        self.0 = rest;
        let value = i64::try_from(value).ok()?;
        i32::try_from(if negative { -value } else { value }).ok()
    }

    fn cpu(&mut self) -> Option<u32> {
        u32::try_from(self.int()?).ok()
    }

    /// Up to the sign, which is dropped.
    fn until(&mut self, sign: u8) -> Option<&'a [u8]> {
        let at = memchr::memchr(sign, self.0)?;
        let text = &self.0[..at];
        self.0 = &self.0[at + 1..];
        Some(text)
    }

    /// A name, up to the last `key` that can end it; behind a name that is longer than names are, up to the first.
    fn comm(&mut self, key: &[u8]) -> Option<Comm> {
        let last = self.0.len().checked_sub(key.len())?;
        let ends = |at: &usize| self.0[*at..].starts_with(key);
        let at = (0..=last.min(COMM_BYTES)).rev().find(ends);
        let at = at.or_else(|| (COMM_BYTES + 1..=last).find(ends))?;
        let comm = Comm::new(&self.0[..at]);
        self.0 = &self.0[at + key.len()..];
        Some(comm)
    }

    fn task(&mut self, pid: &[u8], prio: &[u8]) -> Option<Task> {
        let comm = self.comm(pid)?;
        let pid = self.int()?;
        self.word(prio)?;
        let prio = self.int()?;
        Some(Task { pid, comm, prio })
    }

    /// `7 [120] S ==> `.
    fn library_tail(&mut self) -> Option<(i32, i32, State)> {
        let pid = self.int()?;
        self.word(b" [")?;
        let prio = self.int()?;
        self.word(b"] ")?;
        let state = state::parse(self.until(b' ')?)?;
        self.word(b"==> ")?;
        Some((pid, prio, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str, body: &str) -> Result<EventKind, Why> {
        let prefix = Prefix {
            comm: b"<...>",
            cpu: 0,
            time_ns: 0,
            group: b"",
            event: event.as_bytes(),
            body: body.as_bytes(),
        };
        match parse(&prefix)? {
            Body::Kind(kind) => Ok(kind),
            Body::Foreign => Err("foreign"),
        }
    }

    fn task(comm: &str, pid: i32, prio: i32) -> Task {
        Task {
            pid,
            comm: comm.into(),
            prio,
        }
    }

    /// Every name in both dialects.
    #[test]
    fn names_hold_anything() {
        for comm in [
            "cc1",
            "rs:main Q:Reg",
            "lto cgu.00",
            "a [120] S ==> b",
            "x prev_pid=1 y",
            "a:1 [1] S ==> b",
            "k pid=3 prio=4",
            "kworker/u16:3-e",
            "]:[",
            "",
        ] {
            let switch = EventKind::Switch {
                prev: task(comm, 7, 120),
                prev_state: State {
                    bits: 0,
                    preempted: true,
                },
                next: task(comm, 8, -1),
            };
            let kernel = format!(
                "prev_comm={comm} prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm={comm} next_pid=8 next_prio=-1"
            );
            assert_eq!(read("sched_switch", &kernel).as_ref(), Ok(&switch), "{comm}");
            let library = format!("  {comm}:7 [120] R+ ==> {comm}:8 [-1]");
            assert_eq!(read("sched_switch", &library).as_ref(), Ok(&switch), "{comm}");
            let woken = EventKind::Wakeup {
                task: task(comm, 7, 120),
                target_cpu: 3,
            };
            for wakeup in [
                format!("comm={comm} pid=7 prio=120 target_cpu=003"),
                format!("comm={comm} pid=7 prio=120 success=1 target_cpu=003"),
                format!("{comm}:7 [120] CPU:003"),
                format!("{comm}:7 [120] success=1 CPU:003"),
            ] {
                assert_eq!(read("sched_wakeup", &wakeup).as_ref(), Ok(&woken), "{wakeup}");
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut() {
        let body = "comm=a name of many bytes pid=7 prio=120 orig_cpu=0 dest_cpu=1";
        assert_eq!(
            read("sched_migrate_task", body),
            Ok(EventKind::Migrate {
                task: task("a name of many ", 7, 120),
                orig_cpu: 0,
                dest_cpu: 1
            })
        );
    }

    #[test]
    fn the_life_of_a_process() {
        assert_eq!(
            read("sched_process_fork", "comm=sh pid=1 child_comm=sh child_pid=2"),
            Ok(EventKind::Fork {
                parent: task("sh", 1, 0),
                child: task("sh", 2, 0)
            })
        );
        assert_eq!(
            read(
                "sched_process_exec",
                "filename=/opt/a pid=7 b/cc1 pid=2 old_pid=3"
            ),
            Ok(EventKind::Exec {
                task: task("cc1", 2, 0),
                old_pid: 3,
                filename: "/opt/a pid=7 b/cc1".into()
            })
        );
        let exit = Ok(EventKind::Exit {
            task: task("cc1", 2, 120),
        });
        assert_eq!(read("sched_process_exit", "comm=cc1 pid=2 prio=120"), exit);
        let body = "comm=cc1 pid=2 prio=120 group_dead=true";
        assert_eq!(read("sched_process_exit", body), exit);
    }

    #[test]
    fn damage_is_named() {
        assert_eq!(read("irq_handler_entry", "irq=1"), Err("foreign"));
        for (event, body) in [
            ("sched_switch", ""),
            (
                "sched_switch",
                "prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b next_pid=",
            ),
            (
                "sched_switch",
                "prev_comm=a prev_pid=99999999999 prev_prio=120 prev_state=S ==> next_comm=b next_pid=1 next_prio=1",
            ),
            ("sched_switch", "a:1 [120] S ==> "),
            ("sched_waking", "comm=a pid=1"),
            ("sched_wakeup", "comm=a pid=1 prio=120 success=0 target_cpu=0"),
            ("sched_wakeup_new", "a:1 [120]"),
            ("sched_migrate_task", "comm=a pid=1 prio=1 orig_cpu=-1 dest_cpu=0"),
        ] {
            assert!(read(event, body).is_err(), "{event}: {body}");
        }
    }
}
