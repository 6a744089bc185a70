// SPDX-License-Identifier: GPL-2.0-only
//! Text, as ftrace, `trace-cmd report` and `perf script` print it.

mod body;
mod fields;
mod group;
mod heading;
mod json;
mod line;
mod name;
mod order;
mod prefix;
mod region;
mod source;
mod state;
mod write;

pub(crate) use json::JsonText;
pub(crate) use source::TextSource;
pub(crate) use write::TextWriter;

/// Who printed a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// The kernel: `/sys/kernel/tracing/trace`.
    Ftrace,
    /// `trace-cmd report`.
    TraceCmd,
    /// `perf script`.
    Perf,
}

/// Who printed a line, if it is an event; `None` inside where the line could be of ftrace and of trace-cmd.
pub(crate) fn printed_by(line: &[u8]) -> Option<Option<Tool>> {
    if prefix::parse_strict(line).is_ok_and(|prefix| !prefix.group.is_empty()) {
        return Some(Some(Tool::Perf));
    }
    let prefix = match prefix::parse(line, Tool::Ftrace) {
        Ok(prefix) => prefix,
        Err(prefix::COUNTED) => return Some(None),
        Err(_) => return printed_by_perf(line),
    };
    let both_dialects = ["sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new"];
    if !both_dialects.iter().any(|name| name.as_bytes() == prefix.event) {
        return Some(None);
    }
    let body = prefix.body.trim_ascii_start();
    let kernel = body.starts_with(b"prev_comm=") || body.starts_with(b"comm=");
    Some(Some(if kernel { Tool::Ftrace } else { Tool::TraceCmd }))
}

/// Perf with few columns, or of the time when it did not print groups: the event must be one that is read.
fn printed_by_perf(line: &[u8]) -> Option<Option<Tool>> {
    let prefix = prefix::parse(line, Tool::Perf).ok()?;
    let fits = name::is_known(prefix.event) && body::parse(&prefix).is_ok();
    fits.then_some(Some(Tool::Perf))
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::reader::Source;
    use crate::{Event, EventKind, Header, Notes};

    fn all(text: &'static str, tool: Tool) -> (Vec<Event>, Notes, Header) {
        let mut notes = Notes::default();
        let mut source = TextSource::new(text.as_bytes(), Some(tool), None);
        let mut events = Vec::new();
        while let Some(event) = source.next(&mut notes).unwrap() {
            events.push(event);
        }
        (events, notes, source.header().clone())
    }

    #[test]
    fn lost_events_get_the_time_of_what_follows() {
        let text = "\
# tracer: nop
#
# entries-in-buffer/entries-written: 2/9   #P:4
CPU:3 [LOST 12 EVENTS]
CPU:2 [EVENTS DROPPED]
             cc1-7       [003] d..3.     5.000001: sched_process_exit: comm=cc1 pid=7 prio=120
CPU:1 [7 EVENTS DROPPED]
CPU:x [LOST]
";
        let (events, notes, header) = all(text, Tool::Ftrace);
        let found: Vec<_> = events
            .iter()
            .map(|event| (event.time_ns, event.cpu, event.kind.name()))
            .collect();
        let time = 5_000_001_000;
        assert_eq!(
            found,
            [
                (time, 3, "lost"),
                (time, 2, "lost"),
                (time, 3, "sched_process_exit"),
                (time, 1, "lost")
            ]
        );
        assert_eq!(events[3].kind, EventKind::Lost { count: 7 });
        assert_eq!(notes.skipped_count(), 1);
        assert_eq!(notes.skipped()[0].line, 8);
        assert_eq!(header.cpus, 4);
        assert_eq!(notes.overwritten(), Some(7));
    }

    #[test]
    fn a_buffer_that_started_late_has_the_time_of_what_follows() {
        let text = "\
# tracer: nop
             cc1-7       [000] d..3.     5.000001: sched_process_exit: comm=cc1 pid=7 prio=120
##### CPU 1 buffer started ####
             cc1-8       [001] d..3.     6.000001: sched_process_exit: comm=cc1 pid=8 prio=120
";
        let (events, notes, _) = all(text, Tool::Ftrace);
        assert_eq!((events.len(), notes.overwritten()), (2, None));
        let known: Vec<_> = notes.known_from().iter().collect();
        assert_eq!(known, [(&1, &6_000_001_000)]);
    }

    #[test]
    fn perf_prints_more_than_events() {
        let text = "\
# ========
# os release : 6.18.0
# nrcpus online : 2
# cmdline : /usr/bin/perf record -a
             cc1     7 [001]     5.000001:  sched:sched_process_exit: comm=cc1 pid=7 prio=120
\tffffffff8100 do_exit ([kernel.kallsyms])

             cc1     7 [001]     5.000002: PERF_RECORD_LOST lost 5
             cc1     7 [001]     5.000003:                 cycles:  fffff8100 do_exit
             cc1     7 [001]     5.000004:  irq:irq_handler_entry: irq=1
";
        let (events, notes, header) = all(text, Tool::Perf);
        assert_eq!(events.len(), 2);
        assert_eq!(events[1].kind, EventKind::Lost { count: 5 });
        assert_eq!((header.kernel.as_str(), header.cpus), ("6.18.0", 2));
        assert_eq!(header.command.len(), 3);
        assert_eq!(notes.skipped_count(), 0);
        assert_eq!(notes.foreign_events()["irq_handler_entry"], 1);
    }
}
