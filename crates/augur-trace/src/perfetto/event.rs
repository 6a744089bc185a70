// SPDX-License-Identifier: GPL-2.0-only
//! One event, out of Perfetto's messages.

use super::proto;
use crate::{Comm, EventKind, State, Task};

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

fn task(comm: Option<Vec<u8>>, pid: Option<i32>, prio: Option<i32>) -> Task {
    Task {
        pid: pid.unwrap_or(0),
        comm: Comm::new(&comm.unwrap_or_default()),
        prio: prio.unwrap_or(0),
    }
}

/// `None` where it is none of the scheduler's events.
pub(super) fn kind(event: proto::FtraceEvent) -> Option<Result<EventKind, &'static str>> {
    if let Some(it) = event.sched_switch {
        return Some(Ok(EventKind::Switch {
            prev: task(it.prev_comm, it.prev_pid, it.prev_prio),
            prev_state: state(it.prev_state.unwrap_or(0)),
            next: task(it.next_comm, it.next_pid, it.next_prio),
        }));
    }
    if let Some(it) = event.sched_waking {
        return Some(wake(it).map(|(task, target_cpu)| EventKind::Waking { task, target_cpu }));
    }
    if let Some(it) = event.sched_wakeup {
        return Some(wake(it).map(|(task, target_cpu)| EventKind::Wakeup { task, target_cpu }));
    }
    if let Some(it) = event.sched_wakeup_new {
        return Some(wake(it).map(|(task, target_cpu)| EventKind::WakeupNew { task, target_cpu }));
    }
    if let Some(it) = event.sched_migrate_task {
        return Some(migrate(it));
    }
    if let Some(it) = event.sched_process_fork {
        return Some(Ok(EventKind::Fork {
            parent: task(it.parent_comm, it.parent_pid, None),
            child: task(it.child_comm, it.child_pid, None),
        }));
    }
    if let Some(it) = event.sched_process_exit {
        let task = task(it.comm, it.pid, it.prio);
        return Some(Ok(EventKind::Exit { task }));
    }
    event.sched_process_exec.map(|it| Ok(exec(it)))
}

fn wake(wake: proto::Wake) -> Result<(Task, u32), &'static str> {
    if wake.success == Some(0) {
        return Err("a wakeup that did not succeed (success=0)");
    }
    let target = cpu(wake.target_cpu)?;
    Ok((task(wake.comm, wake.pid, wake.prio), target))
}

fn migrate(migrate: proto::Migrate) -> Result<EventKind, &'static str> {
    Ok(EventKind::Migrate {
        orig_cpu: cpu(migrate.orig_cpu)?,
        dest_cpu: cpu(migrate.dest_cpu)?,
        task: task(migrate.comm, migrate.pid, migrate.prio),
    })
}

fn cpu(cpu: Option<i32>) -> Result<u32, &'static str> {
    u32::try_from(cpu.unwrap_or(0)).map_err(|_| "an event with a negative CPU")
}

/// The task has the name of the program, as the kernel gives it.
fn exec(exec: proto::Exec) -> EventKind {
    let filename = exec.filename.unwrap_or_default();
    let base = memchr::memrchr(b'/', &filename).map_or(0, |slash| slash + 1);
    EventKind::Exec {
        task: task(Some(filename[base..].to_vec()), exec.pid, None),
        old_pid: exec.old_pid.unwrap_or(0),
        filename: String::from_utf8_lossy(&filename).into(),
    }
}
