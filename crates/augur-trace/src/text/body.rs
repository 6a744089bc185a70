// SPDX-License-Identifier: GPL-2.0-only
//! The part of a line that is the event's own, in both dialects.
//!
//! ```text
//!  prev_comm=cc1 prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=ld next_pid=8 next_prio=120   the kernel's
//!  cc1:7 [120] S ==> ld:8 [120]                                                                     libtraceevent's
//! ```
//!  prev_comm=cc1 prev_pid=0x7 (7) prev_prio=0x78 (120) prev_state=0x1 (1) next_comm=ld …             plain fields

use super::fields::Fields;
use super::prefix::{Prefix, Why};
use crate::{Comm, EventKind, State, Task};

/// What a line holds.
pub(super) enum Body {
    /// An event.
    Kind(EventKind),
    /// An event that is none of the scheduler's.
    Foreign,
}

/// Reads the fields of the event that the prefix names.
pub(super) fn parse(prefix: &Prefix<'_>) -> Result<Body, Why> {
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

/// The arrow is not there where the fields are printed as they are.
fn kernel_switch(body: &[u8]) -> Option<(Task, State, Task)> {
    let mut fields = Fields(body);
    fields.word(b"prev_comm=")?;
    let prev = fields.task(b" prev_pid=", b" prev_prio=")?;
    fields.word(b" prev_state=")?;
    let state = fields.state()?;
    fields.any(&[b" ==> next_comm=", b" next_comm="])?;
    let next = fields.task(b" next_pid=", b" next_prio=")?;
    Some((prev, state, next))
}

fn library_switch(body: &[u8]) -> Option<(Task, State, Task)> {
    let mut fields = Fields(body);
    let (prev, state) = fields.library_task(|rest| {
        rest.word(b" ")?;
        let state = rest.state()?;
        rest.word(b" ==> ")?;
        Some(state)
    })?;
    let (next, ()) = fields.library_task(|_| Some(()))?;
    Some((prev, state, next))
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

/// `cc1:7 [120] success=1 CPU:003`.
fn library_wake(body: &[u8]) -> Option<(Task, u32, bool)> {
    let (task, (success, cpu)) = Fields(body).library_task(|rest| {
        let success = match rest.word(b" success=") {
            Some(()) => rest.int()? != 0,
            None => true,
        };
        rest.word(b" CPU:")?;
        Some((success, rest.cpu()?))
    })?;
    Some((task, cpu, success))
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
    let (parent, pid): (&[u8], &[u8]) = match body.starts_with(b"parent_") {
        true => (b"parent_comm=", b" parent_pid="),
        false => (b"comm=", b" pid="),
    };
    let mut task = |comm: &[u8], pid| {
        fields.word(comm)?;
        let comm = fields.comm(pid)?;
        let pid = fields.int()?;
        Some(Task { pid, comm, prio: 0 })
    };
    let parent = task(parent, pid)?;
    let child = task(b" child_comm=", b" child_pid=")?;
    Some(EventKind::Fork { parent, child })
}

/// The numbers are read from the right: the program's path may hold anything. The event has no name; the line has.
fn exec(body: &[u8], comm: &[u8]) -> Option<EventKind> {
    let (rest, old_pid) = last_int(body, b" old_pid=")?;
    let (rest, pid) = last_int(rest, b" pid=")?;
    let filename = rest.strip_prefix(b"filename=")?;
    let base = memchr::memrchr(b'/', filename).map_or(0, |slash| slash + 1);
    let comm = if comm.is_empty() || comm.starts_with(b"<") {
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

/// Splits off the last ` key=number`, and what is behind it.
fn last_int<'a>(text: &'a [u8], key: &[u8]) -> Option<(&'a [u8], i32)> {
    let at = memchr::memmem::rfind(text, key)?;
    Some((&text[..at], Fields(&text[at + key.len()..]).int()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str, body: &str) -> Result<EventKind, Why> {
        let prefix = Prefix {
            label: b"",
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

    /// As `trace-cmd report -R`, `-w`, the kernel's `options/fields` and perf's columns behind the event have it.
    #[test]
    fn fields_as_they_are() {
        let switch = Ok(EventKind::Switch {
            prev: task("cc1", 7, 120),
            prev_state: State {
                bits: 1,
                preempted: false,
            },
            next: task("ld x", 8, -1),
        });
        for body in [
            "prev_comm=cc1 prev_pid=7 prev_prio=120 prev_state=1 next_comm=ld x next_pid=8 next_prio=-1",
            "prev_comm=cc1 prev_pid=0x7 (7) prev_prio=0x78 (120) prev_state=0x1 (1) next_comm=ld x next_pid=0x8 (8) \
             next_prio=0xffffffff (-1)",
            "prev_comm=cc1 prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=ld x next_pid=8 next_prio=-1 next_policy=0",
            "cc1:7 [120] S ==> ld x:8 [-1] Latency: 500.000 usecs",
            "cc1:7 [120] S ==> ld x:8 [-1] ffffffff81a1 __schedule+0x3f0 ([kernel.kallsyms])",
        ] {
            assert_eq!(read("sched_switch", body), switch, "{body}");
        }
        let fork = Ok(EventKind::Fork {
            parent: task("sh", 1, 0),
            child: task("sh", 2, 0),
        });
        let body = "parent_comm=sh parent_pid=1 child_comm=sh child_pid=2";
        assert_eq!(read("sched_process_fork", body), fork);
        let body = "filename=/usr/bin/cc1 pid=0x32 (50) old_pid=0x32 (50)";
        let exec = EventKind::Exec {
            task: task("cc1", 50, 0),
            old_pid: 50,
            filename: "/usr/bin/cc1".into(),
        };
        assert_eq!(read("sched_process_exec", body), Ok(exec));
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
