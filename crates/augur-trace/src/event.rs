// SPDX-License-Identifier: GPL-2.0-only
//! What a recorder saw, in the kernel's own terms: one event for each tracepoint hit.

use super::shown;
use std::borrow::Cow;
use std::fmt;

/// Most bytes of a task's name; the kernel's TASK_COMM_LEN less its final zero.
pub const COMM_BYTES: usize = 15;

/// A task's name as the kernel keeps it: at most [`COMM_BYTES`] bytes, any of them but zero.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Comm {
    bytes: [u8; COMM_BYTES],
    len: u8,
}

impl Comm {
    /// The name; ends at the first zero byte, and is cut where the kernel would cut it.
    pub fn new(name: &[u8]) -> Comm {
        let mut comm = Comm::default();
        for (slot, &byte) in comm
            .bytes
            .iter_mut()
            .zip(name)
            .take_while(|&(_, &byte)| byte != 0)
        {
            *slot = byte;
            comm.len += 1;
        }
        comm
    }

    /// The name as text, as it is; whoever shows it to people uses `Display`.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The bytes, without padding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl From<&str> for Comm {
    fn from(name: &str) -> Comm {
        Comm::new(name.as_bytes())
    }
}

impl fmt::Display for Comm {
    /// As people may see it: control signs are written out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&shown(&self.text()))
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

/// A task as an event names it. Pids are reused, so a pid is a task only until its exit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Task {
    /// Thread id in the root pid namespace; 0 is a CPU's idle task.
    pub pid: i32,
    /// Its name when the event happened.
    pub comm: Comm,
    /// The kernel's priority: 120 is nice 0, below 100 is real time.
    pub prio: i32,
}

/// The state in which a task left its CPU, as the kernel's tracepoint encodes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The bits of `prev_state`: 0 is still runnable, 1 sleeps, 2 sleeps uninterruptibly, and so on.
    pub bits: u16,
    /// It was preempted (`R+`): runnable and not asked to leave.
    pub preempted: bool,
}

impl State {
    /// Whether the task still wanted to run.
    pub fn is_runnable(self) -> bool {
        self.bits == 0
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, on the trace's clock.
    pub time_ns: u64,
    /// The CPU where it happened.
    pub cpu: u32,
    /// What happened.
    pub kind: EventKind,
}

/// What happened, with the tracepoint's own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `sched_switch`: the CPU goes from one task to another.
    Switch {
        /// Who leaves.
        prev: Task,
        /// In which state.
        prev_state: State,
        /// Who comes.
        next: Task,
    },
    /// `sched_waking`: somebody wakes the task. The waker is who runs on the event's CPU.
    Waking {
        /// Who is woken.
        task: Task,
        /// Where it last ran.
        target_cpu: u32,
    },
    /// `sched_wakeup`: the task is on a run queue.
    Wakeup {
        /// Who was woken.
        task: Task,
        /// On whose run queue.
        target_cpu: u32,
    },
    /// `sched_wakeup_new`: a new task is on a run queue for the first time.
    WakeupNew {
        /// The new task.
        task: Task,
        /// On whose run queue.
        target_cpu: u32,
    },
    /// `sched_migrate_task`: the task goes from one CPU's run queue to another's.
    Migrate {
        /// Who moves.
        task: Task,
        /// From where.
        orig_cpu: u32,
        /// To where.
        dest_cpu: u32,
    },
    /// `sched_process_fork`.
    Fork {
        /// Who forks; `prio` is not part of the tracepoint and is 0.
        parent: Task,
        /// Who is new; likewise.
        child: Task,
    },
    /// `sched_process_exec`: the task goes on as another program.
    Exec {
        /// Who, by its new name.
        task: Task,
        /// The pid that it had before: another where a thread that is not the leader calls exec.
        old_pid: i32,
        /// The program.
        filename: Box<str>,
    },
    /// `sched_process_exit`: its last event but for one switch away from it.
    Exit {
        /// Who.
        task: Task,
    },
    /// Events of this CPU that the recorder had no room for.
    Lost {
        /// How many, where that is known; 0 where it is not.
        count: u64,
    },
}

impl EventKind {
    /// The tracepoint's name, or `lost`.
    pub fn name(&self) -> &'static str {
        match self {
            EventKind::Switch { .. } => "sched_switch",
            EventKind::Waking { .. } => "sched_waking",
            EventKind::Wakeup { .. } => "sched_wakeup",
            EventKind::WakeupNew { .. } => "sched_wakeup_new",
            EventKind::Migrate { .. } => "sched_migrate_task",
            EventKind::Fork { .. } => "sched_process_fork",
            EventKind::Exec { .. } => "sched_process_exec",
            EventKind::Exit { .. } => "sched_process_exit",
            EventKind::Lost { .. } => "lost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_where_the_kernel_cuts_it() {
        assert_eq!(Comm::from("rs:main Q:Reg").to_string(), "rs:main Q:Reg");
        assert_eq!(Comm::from("a name of many bytes").to_string(), "a name of many ");
        assert_eq!(Comm::new(b"cc1\0\0\0"), Comm::from("cc1"));
    }

    #[test]
    fn a_name_that_is_shown_steers_no_terminal() {
        let comm = Comm::from("\u{1b}[31mred\n");
        assert_eq!(comm.to_string(), "\\x1b[31mred\\n");
        assert_eq!(comm.text(), "\u{1b}[31mred\n");
    }
}
