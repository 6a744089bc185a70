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

/// Which of an event's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who it is about: of a switch who leaves, of a fork who forks.
    Subject,
    /// Who comes.
    Next,
    /// Who is new.
    Child,
}

/// Which CPU an event names beside its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Target,
    Orig,
    Dest,
}

/// Where a format has an event's fields; they are asked for in the tracepoint's order.
pub(crate) trait Fields {
    /// Why one is not there.
    type Error;

    fn task(&mut self, role: Role) -> Result<Task, Self::Error>;
    fn state(&mut self) -> Result<State, Self::Error>;
    fn cpu(&mut self, which: Named) -> Result<u32, Self::Error>;
    fn old_pid(&mut self) -> Result<i32, Self::Error>;
    fn filename(&mut self) -> Result<Box<str>, Self::Error>;
    fn count(&mut self) -> Result<u64, Self::Error>;
}

/// One of an event's fields.
pub(crate) enum Field<'a> {
    Task(Role, &'a Task),
    State(State),
    Cpu(Named, u32),
    OldPid(i32),
    Filename(&'a str),
    Count(u64),
}

impl EventKind {
    /// The tracepoints' names, each in the place of its number, and `lost`.
    pub(crate) const NAMES: [&str; 9] = [
        "sched_switch",
        "sched_waking",
        "sched_wakeup",
        "sched_wakeup_new",
        "sched_migrate_task",
        "sched_process_fork",
        "sched_process_exec",
        "sched_process_exit",
        "lost",
    ];

    /// Its place in [`EventKind::NAMES`].
    pub(crate) fn number(&self) -> u8 {
        match self {
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

    /// The tracepoint's name, or `lost`.
    pub fn name(&self) -> &'static str {
        EventKind::NAMES[usize::from(self.number())]
    }

    /// The event of that number with these fields; `None` where there is no such number.
    pub(crate) fn read<F: Fields>(number: u8, from: &mut F) -> Result<Option<EventKind>, F::Error> {
        Ok(Some(match number {
            0 => EventKind::Switch {
                prev: from.task(Role::Subject)?,
                prev_state: from.state()?,
                next: from.task(Role::Next)?,
            },
            1..=3 => {
                let (task, target_cpu) = (from.task(Role::Subject)?, from.cpu(Named::Target)?);
                match number {
                    1 => EventKind::Waking { task, target_cpu },
                    2 => EventKind::Wakeup { task, target_cpu },
                    _ => EventKind::WakeupNew { task, target_cpu },
                }
            }
            4 => EventKind::Migrate {
                task: from.task(Role::Subject)?,
                orig_cpu: from.cpu(Named::Orig)?,
                dest_cpu: from.cpu(Named::Dest)?,
            },
            5 => EventKind::Fork {
                parent: from.task(Role::Subject)?,
                child: from.task(Role::Child)?,
            },
            6 => EventKind::Exec {
                task: from.task(Role::Subject)?,
                old_pid: from.old_pid()?,
                filename: from.filename()?,
            },
            7 => EventKind::Exit {
                task: from.task(Role::Subject)?,
            },
            8 => EventKind::Lost { count: from.count()? },
            _ => return Ok(None),
        }))
    }

    /// Its fields, in the same order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let (second, third) = match self {
            EventKind::Switch { prev_state, next, .. } => (
                Some(Field::State(*prev_state)),
                Some(Field::Task(Role::Next, next)),
            ),
            EventKind::Waking { target_cpu, .. }
            | EventKind::Wakeup { target_cpu, .. }
            | EventKind::WakeupNew { target_cpu, .. } => (Some(Field::Cpu(Named::Target, *target_cpu)), None),
            EventKind::Migrate {
                orig_cpu, dest_cpu, ..
            } => (
                Some(Field::Cpu(Named::Orig, *orig_cpu)),
                Some(Field::Cpu(Named::Dest, *dest_cpu)),
            ),
            EventKind::Fork { child, .. } => (Some(Field::Task(Role::Child, child)), None),
            EventKind::Exec {
                old_pid, filename, ..
            } => (Some(Field::OldPid(*old_pid)), Some(Field::Filename(filename))),
            EventKind::Exit { .. } => (None, None),
            EventKind::Lost { count } => (Some(Field::Count(*count)), None),
        };
        let first = self.task().map(|task| Field::Task(Role::Subject, task));
        [first, second, third].into_iter().flatten()
    }

    /// Who it is about: of a switch who leaves, of a fork who forks.
    pub fn task(&self) -> Option<&Task> {
        match self {
            EventKind::Switch { prev: task, .. }
            | EventKind::Waking { task, .. }
            | EventKind::Wakeup { task, .. }
            | EventKind::WakeupNew { task, .. }
            | EventKind::Migrate { task, .. }
            | EventKind::Fork { parent: task, .. }
            | EventKind::Exec { task, .. }
            | EventKind::Exit { task } => Some(task),
            EventKind::Lost { .. } => None,
        }
    }

    /// Who ran on the CPU when it happened, where that is who it is about.
    pub(crate) fn runner(&self) -> Option<&Task> {
        match self {
            EventKind::Switch { .. }
            | EventKind::Fork { .. }
            | EventKind::Exec { .. }
            | EventKind::Exit { .. } => self.task(),
            _ => None,
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
