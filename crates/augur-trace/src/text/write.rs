// SPDX-License-Identifier: GPL-2.0-only
//! ftrace text, as the kernel prints it; times have nine places instead of six, so that none is lost.

use super::state;
use crate::{Comm, Event, EventKind, Header, Sink, Task, shown};
use anyhow::Result;
use augur_base::file::Output;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

/// Writes ftrace text.
pub(crate) struct TextWriter {
    out: BufWriter<Output>,
    /// Who runs on each CPU.
    running: HashMap<u32, (Comm, i32)>,
}

impl TextWriter {
    /// Starts with the heading.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn new(out: Output, header: &Header) -> Result<TextWriter> {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        write!(out, "# tracer: nop\n#\n")?;
        if header.cpus > 0 {
            writeln!(out, "# #P:{}\n#", header.cpus)?;
        }
        writeln!(out, "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION")?;
        Ok(TextWriter {
            out,
            running: HashMap::new(),
        })
    }

    /// The task that the line names first: whoever ran.
    fn runner(&self, event: &Event) -> (Comm, i32) {
        let running = || self.running.get(&event.cpu).copied();
        let named = event.kind.runner().map(|task| (task.comm, task.pid));
        named.or_else(running).unwrap_or(("<...>".into(), 0))
    }

    fn prefix(&mut self, event: &Event) -> io::Result<()> {
        let (comm, pid) = self.runner(event);
        let comm = if comm.as_bytes().starts_with(b"swapper") && pid == 0 {
            Comm::from("<idle>")
        } else {
            comm
        };
        let padding = 16usize.saturating_sub(comm.as_bytes().len());
        write!(self.out, "{:padding$}", "")?;
        name(&mut self.out, comm)?;
        let (whole, part) = (event.time_ns / 1_000_000_000, event.time_ns % 1_000_000_000);
        write!(
            self.out,
            "-{pid:<7} [{:03}] ..... {whole:>5}.{part:09}: {}: ",
            event.cpu,
            event.kind.name()
        )
    }

    fn line(&mut self, event: &Event) -> io::Result<()> {
        if let EventKind::Lost { count } = event.kind {
            return match count {
                0 => writeln!(self.out, "CPU:{} [LOST EVENTS]", event.cpu),
                _ => writeln!(self.out, "CPU:{} [LOST {count} EVENTS]", event.cpu),
            };
        }
        self.prefix(event)?;
        self.body(&event.kind)?;
        self.out.write_all(b"\n")
    }

    fn body(&mut self, kind: &EventKind) -> io::Result<()> {
        let out = &mut self.out;
        match kind {
            EventKind::Switch {
                prev,
                prev_state,
                next,
            } => {
                task(out, ["prev_comm=", " prev_pid=", " prev_prio="], prev)?;
                write!(out, " prev_state=")?;
                state::write(out, *prev_state)?;
                task(out, [" ==> next_comm=", " next_pid=", " next_prio="], next)
            }
            EventKind::Waking {
                task: who,
                target_cpu,
            }
            | EventKind::Wakeup {
                task: who,
                target_cpu,
            }
            | EventKind::WakeupNew {
                task: who,
                target_cpu,
            } => {
                task(out, TASK, who)?;
                write!(out, " target_cpu={target_cpu:03}")
            }
            EventKind::Migrate {
                task: who,
                orig_cpu,
                dest_cpu,
            } => {
                task(out, TASK, who)?;
                write!(out, " orig_cpu={orig_cpu} dest_cpu={dest_cpu}")
            }
            EventKind::Fork { parent, child } => {
                write!(out, "comm=")?;
                name(out, parent.comm)?;
                write!(out, " pid={} child_comm=", parent.pid)?;
                name(out, child.comm)?;
                write!(out, " child_pid={}", child.pid)
            }
            EventKind::Exec {
                task,
                old_pid,
                filename,
            } => {
                let filename = shown(filename);
                write!(out, "filename={filename} pid={} old_pid={old_pid}", task.pid)
            }
            EventKind::Exit { task: who } => task(out, TASK, who),
            EventKind::Lost { .. } => Ok(()),
        }
    }
}

const TASK: [&str; 3] = ["comm=", " pid=", " prio="];

fn task(out: &mut impl Write, keys: [&str; 3], task: &Task) -> io::Result<()> {
    out.write_all(keys[0].as_bytes())?;
    name(out, task.comm)?;
    write!(out, "{}{}{}{}", keys[1], task.pid, keys[2], task.prio)
}

/// In a name that would break the line, what breaks it is written out.
fn name(out: &mut impl Write, comm: Comm) -> io::Result<()> {
    let bytes = comm.as_bytes();
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return write!(out, "{comm}");
    }
    out.write_all(bytes)
}

impl Sink for TextWriter {
    fn write(&mut self, event: &Event) -> Result<()> {
        self.line(event)?;
        if let EventKind::Switch { next, .. } = &event.kind {
            self.running.insert(event.cpu, (next.comm, next.pid));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .finish()
    }
}
