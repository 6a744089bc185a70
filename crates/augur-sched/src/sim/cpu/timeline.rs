// SPDX-License-Identifier: GPL-2.0-only
//! A simulated run as a trace: the events that a recorder would have written.

use crate::policy::cpu::NONE;
use crate::sim::program::Program;
use augur_base::spool::Spool;
use augur_base::topology::Machine;
use augur_trace::{Event, EventKind, State, Task};

#[derive(Clone, Copy, Debug)]
enum What {
    /// The task is woken, for this CPU.
    Woken { task: u32, cpu: u32, fork: bool },
    /// The task runs from now on; who ran before (`NONE`: nobody) went on to wait, or not.
    Runs {
        task: u32,
        previous: u32,
        runnable: bool,
    },
}

/// What happened, compactly.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    moments: Spool<(u64, u32, What)>,
    /// For each CPU, who stopped last and whether it wanted to go on.
    stopped: Vec<(u32, bool)>,
}

impl Timeline {
    pub(super) fn woken(&mut self, now_ns: u64, at: u32, task: u32, cpu: u32, fork: bool) {
        self.moments.push((now_ns, at, What::Woken { task, cpu, fork }));
    }

    pub(super) fn stops(&mut self, cpu: u32, task: u32, runnable: bool) {
        *self.seat(cpu) = (task, runnable);
    }

    pub(super) fn runs(&mut self, now_ns: u64, cpu: u32, task: u32) {
        let (previous, runnable) = std::mem::replace(self.seat(cpu), (NONE, false));
        let what = What::Runs {
            task,
            previous,
            runnable,
        };
        self.moments.push((now_ns, cpu, what));
    }

    fn seat(&mut self, cpu: u32) -> &mut (u32, bool) {
        let index = cpu as usize;
        if self.stopped.len() <= index {
            self.stopped.resize(index + 1, (NONE, false));
        }
        &mut self.stopped[index]
    }

    /// The run's events, in order, with `offset_ns` added to their times and the kernel's CPU numbers.
    pub fn events<'a>(
        &'a self,
        program: &'a Program,
        machine: &'a Machine,
        offset_ns: u64,
    ) -> impl Iterator<Item = Event> + 'a {
        let mut writer = Writer {
            program,
            machine,
            offset_ns,
            cpus: vec![NONE; program.tasks.len()],
            ran: vec![false; program.tasks.len()],
            events: Vec::new(),
        };
        self.moments.iter().flat_map(move |&(time_ns, at, what)| {
            writer.write(time_ns, at, what);
            std::mem::take(&mut writer.events)
        })
    }
}

struct Writer<'a> {
    program: &'a Program,
    machine: &'a Machine,
    offset_ns: u64,
    /// The CPU whose queue each task was in last.
    cpus: Vec<u32>,
    /// Whether each task ran before: one that did not comes from nowhere, and its first move is none.
    ran: Vec<bool>,
    events: Vec<Event>,
}

impl Writer<'_> {
    fn write(&mut self, time_ns: u64, at: u32, what: What) {
        match what {
            What::Woken { task, cpu, fork } => {
                let (woken, target_cpu) = (self.named(task), self.id(cpu));
                let from = self.cpus[task as usize];
                if !fork {
                    let target_cpu = if from == NONE { target_cpu } else { self.id(from) };
                    self.push(
                        time_ns,
                        at,
                        EventKind::Waking {
                            task: woken,
                            target_cpu,
                        },
                    );
                }
                self.moves(time_ns, at, task, cpu);
                let kind = match fork {
                    true => EventKind::WakeupNew {
                        task: woken,
                        target_cpu,
                    },
                    false => EventKind::Wakeup {
                        task: woken,
                        target_cpu,
                    },
                };
                self.push(time_ns, at, kind);
            }
            What::Runs {
                task,
                previous,
                runnable,
            } => {
                if task != NONE {
                    self.moves(time_ns, at, task, at);
                    self.ran[task as usize] = true;
                }
                let kind = EventKind::Switch {
                    prev: self.named(previous),
                    prev_state: State {
                        bits: u16::from(!runnable && previous != NONE),
                        preempted: runnable,
                    },
                    next: self.named(task),
                };
                self.push(time_ns, at, kind);
            }
        }
    }

    /// The task is on the queue of `to` from now on.
    fn moves(&mut self, time_ns: u64, at: u32, task: u32, to: u32) {
        let from = std::mem::replace(&mut self.cpus[task as usize], to);
        if from != NONE && from != to && self.ran[task as usize] {
            let kind = EventKind::Migrate {
                task: self.named(task),
                orig_cpu: self.id(from),
                dest_cpu: self.id(to),
            };
            self.push(time_ns, at, kind);
        }
    }

    fn push(&mut self, time_ns: u64, cpu: u32, kind: EventKind) {
        self.events.push(Event {
            time_ns: time_ns + self.offset_ns,
            cpu: self.id(cpu),
            kind,
        });
    }

    fn id(&self, cpu: u32) -> u32 {
        let found = self.machine.cpus.get(cpu as usize);
        found.map_or(cpu, |cpu| cpu.id as u32)
    }

    /// The task as events name it; `NONE` is the idle task.
    fn named(&self, task: u32) -> Task {
        match self.program.tasks.get(task as usize) {
            Some(spec) => Task {
                pid: spec.id.pid,
                comm: spec.comm,
                prio: spec.prio,
            },
            None => Task {
                pid: 0,
                comm: "swapper".into(),
                prio: 120,
            },
        }
    }
}
