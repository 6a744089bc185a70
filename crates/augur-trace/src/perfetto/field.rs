// SPDX-License-Identifier: GPL-2.0-only
//! The fields of Perfetto's messages that are read and written, by their numbers. Names of tasks are bytes: a task may be
//! called anything, and one odd name must not cost its event.

use crate::event::{Named, Role};

/// `Trace.packet`.
pub(super) const PACKET: u32 = 1;
/// `TracePacket.ftrace_events`.
pub(super) const FTRACE_EVENTS: u32 = 1;
/// `TracePacket.process_tree`.
pub(super) const PROCESS_TREE: u32 = 2;
/// `TracePacket.trusted_packet_sequence_id`.
pub(super) const SEQUENCE: u32 = 10;
/// `TracePacket.system_info`.
pub(super) const SYSTEM_INFO: u32 = 45;
/// `TracePacket.compressed_packets`.
pub(super) const COMPRESSED: u32 = 50;
/// `TracePacket.ftrace_stats`.
pub(super) const FTRACE_STATS: u32 = 34;
/// `TracePacket.trace_uuid`.
pub(super) const UUID: u32 = 89;
/// `TracePacket.machine_id`.
pub(super) const MACHINE: u32 = 98;
/// `TracePacket.zstd_compressed_packets`.
pub(super) const ZSTD: u32 = 133;
/// `FtraceEventBundle.cpu`.
pub(super) const CPU: u32 = 1;
/// `FtraceEventBundle.event`.
pub(super) const EVENT: u32 = 2;
/// `FtraceEventBundle.lost_events`.
pub(super) const LOST: u32 = 3;
/// `FtraceEventBundle.compact_sched`.
pub(super) const COMPACT: u32 = 4;
/// `FtraceEventBundle.previous_bundle_end_timestamp`: from then on the CPU's events are known.
pub(super) const KNOWN_FROM: u32 = 10;
/// `CompactSched.intern_table`.
pub(super) const INTERN_TABLE: u32 = 5;
/// `FtraceEvent.timestamp`.
pub(super) const TIMESTAMP: u32 = 1;
/// `FtraceEvent.pid`: who ran.
pub(super) const RUNNER: u32 = 2;
/// `ProcessTree.processes`, and in each the leader's pid and the command line.
pub(super) const PROCESSES: u32 = 1;
pub(super) const PROCESS_PID: u32 = 1;
pub(super) const PROCESS_CMDLINE: u32 = 3;
/// `ProcessTree.threads`, and in each its number, its name and its process.
pub(super) const THREADS: u32 = 2;
pub(super) const THREAD_TID: u32 = 1;
pub(super) const THREAD_NAME: u32 = 2;
pub(super) const THREAD_TGID: u32 = 3;
/// `SystemInfo.utsname`, and in it the names of the system and of the kernel's release.
pub(super) const UTSNAME: u32 = 1;
pub(super) const SYSNAME: u32 = 1;
pub(super) const RELEASE: u32 = 3;
/// `SystemInfo.num_cpus`.
pub(super) const NUM_CPUS: u32 = 8;
/// `FtraceStats.phase`: 1 at the trace's start, 2 at its end.
pub(super) const PHASE: u32 = 1;
/// `FtraceStats.cpu_stats`, and in each the CPU and how many of its events were overwritten.
pub(super) const CPU_STATS: u32 = 2;
pub(super) const STATS_CPU: u32 = 1;
pub(super) const OVERRUN: u32 = 3;

/// Where in an `FtraceEvent` the events are, in the order of [`crate::EventKind::NAMES`].
pub(super) const EVENTS: [u32; 8] = [4, 20, 17, 114, 491, 239, 237, 238];

/// Numbers of events in which a task stands elsewhere than in the others.
pub(super) const FORK: u8 = 5;
pub(super) const EXEC: u8 = 6;
const EXIT: u8 = 7;

/// Where a task's name, pid and priority are.
pub(super) type OfTask = (Option<u32>, u32, Option<u32>);

/// The name, pid and priority of a task of the event with that number; a fork tells no priorities, an exec has no name.
pub(super) fn of_task(number: u8, role: Role) -> OfTask {
    match (number, role) {
        (FORK, Role::Subject) => (Some(1), 2, None),
        (EXEC, _) => (None, 2, None),
        (EXIT, _) => (Some(1), 2, Some(4)),
        (_, Role::Subject) => (Some(1), 2, Some(3)),
        (_, Role::Child) => (Some(3), 4, None),
        (_, Role::Next) => (Some(5), 6, Some(7)),
    }
}

/// A CPU that an event names.
pub(super) fn of_cpu(which: Named) -> u32 {
    match which {
        Named::Orig => 4,
        Named::Target | Named::Dest => 5,
    }
}

/// `prev_state` of a switch.
pub(super) const STATE: u32 = 4;
/// `success` of a wakeup.
pub(super) const SUCCESS: u32 = 4;
/// `filename` and `old_pid` of an exec.
pub(super) const FILENAME: u32 = 1;
pub(super) const OLD_PID: u32 = 3;
