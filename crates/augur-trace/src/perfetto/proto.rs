// SPDX-License-Identifier: GPL-2.0-only
//! The few messages of Perfetto's that are read and written, by their field numbers. Names are `bytes`, not
//! `string`: a task may be called anything, and one odd name must not cost its event.

use prost::Message;

/// Field numbers of what is walked through without being decoded as a whole.
pub(super) mod field {
    /// `Trace.packet`.
    pub(crate) const PACKET: u32 = 1;
    /// `TracePacket.ftrace_events`.
    pub(crate) const FTRACE_EVENTS: u32 = 1;
    /// `TracePacket.process_tree`.
    pub(crate) const PROCESS_TREE: u32 = 2;
    /// `TracePacket.trusted_packet_sequence_id`.
    pub(crate) const SEQUENCE: u32 = 10;
    /// `TracePacket.system_info`.
    pub(crate) const SYSTEM_INFO: u32 = 45;
    /// `TracePacket.compressed_packets`.
    pub(crate) const COMPRESSED: u32 = 50;
    /// `TracePacket.ftrace_stats`.
    pub(crate) const FTRACE_STATS: u32 = 34;
    /// `TracePacket.trace_uuid`.
    pub(crate) const UUID: u32 = 89;
    /// `TracePacket.machine_id`.
    pub(crate) const MACHINE: u32 = 98;
    /// `TracePacket.zstd_compressed_packets`.
    pub(crate) const ZSTD: u32 = 133;
    /// `FtraceEventBundle.cpu`.
    pub(crate) const CPU: u32 = 1;
    /// `FtraceEventBundle.event`.
    pub(crate) const EVENT: u32 = 2;
    /// `FtraceEventBundle.lost_events`.
    pub(crate) const LOST: u32 = 3;
    /// `FtraceEventBundle.compact_sched`.
    pub(crate) const COMPACT: u32 = 4;
    /// `FtraceEventBundle.previous_bundle_end_timestamp`: from then on the CPU's events are known.
    pub(crate) const KNOWN_FROM: u32 = 10;
}

/// Who is who.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProcessTree {
    #[prost(message, repeated, tag = "1")]
    pub processes: Vec<Process>,
    #[prost(message, repeated, tag = "2")]
    pub threads: Vec<Thread>,
}

/// A process: its leader's pid and its command line.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Process {
    #[prost(int32, optional, tag = "1")]
    pub pid: Option<i32>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub cmdline: Vec<Vec<u8>>,
}

/// A thread, and its process.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Thread {
    #[prost(int32, optional, tag = "1")]
    pub tid: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub name: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "3")]
    pub tgid: Option<i32>,
}

/// One event; at most one of the messages is set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FtraceEvent {
    #[prost(uint64, optional, tag = "1")]
    pub timestamp: Option<u64>,
    /// Who ran.
    #[prost(uint32, optional, tag = "2")]
    pub pid: Option<u32>,
    #[prost(message, optional, tag = "4")]
    pub sched_switch: Option<Switch>,
    #[prost(message, optional, tag = "17")]
    pub sched_wakeup: Option<Wake>,
    #[prost(message, optional, tag = "20")]
    pub sched_waking: Option<Wake>,
    #[prost(message, optional, tag = "114")]
    pub sched_wakeup_new: Option<Wake>,
    #[prost(message, optional, tag = "237")]
    pub sched_process_exec: Option<Exec>,
    #[prost(message, optional, tag = "238")]
    pub sched_process_exit: Option<Exit>,
    #[prost(message, optional, tag = "239")]
    pub sched_process_fork: Option<Fork>,
    #[prost(message, optional, tag = "491")]
    pub sched_migrate_task: Option<Migrate>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Switch {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub prev_comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub prev_pid: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub prev_prio: Option<i32>,
    #[prost(int64, optional, tag = "4")]
    pub prev_state: Option<i64>,
    #[prost(bytes = "vec", optional, tag = "5")]
    pub next_comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "6")]
    pub next_pid: Option<i32>,
    #[prost(int32, optional, tag = "7")]
    pub next_prio: Option<i32>,
}

/// `SchedWakingFtraceEvent`, `SchedWakeupFtraceEvent` and `SchedWakeupNewFtraceEvent`, which are alike.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Wake {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub pid: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub prio: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub success: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub target_cpu: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Exec {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub filename: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub pid: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub old_pid: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Exit {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub pid: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub prio: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Fork {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub parent_comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub parent_pid: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub child_comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "4")]
    pub child_pid: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Migrate {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub comm: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "2")]
    pub pid: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    pub prio: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    pub orig_cpu: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub dest_cpu: Option<i32>,
}

/// Switches and wakings as columns. Times are differences; the task that leaves is the one that came before.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CompactSched {
    #[prost(uint64, repeated, tag = "1")]
    pub switch_timestamp: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    pub switch_prev_state: Vec<i64>,
    #[prost(int32, repeated, tag = "3")]
    pub switch_next_pid: Vec<i32>,
    #[prost(int32, repeated, tag = "4")]
    pub switch_next_prio: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub intern_table: Vec<Vec<u8>>,
    #[prost(uint32, repeated, tag = "6")]
    pub switch_next_comm_index: Vec<u32>,
    #[prost(uint64, repeated, tag = "7")]
    pub waking_timestamp: Vec<u64>,
    #[prost(int32, repeated, tag = "8")]
    pub waking_pid: Vec<i32>,
    #[prost(int32, repeated, tag = "9")]
    pub waking_target_cpu: Vec<i32>,
    #[prost(int32, repeated, tag = "10")]
    pub waking_prio: Vec<i32>,
    #[prost(uint32, repeated, tag = "11")]
    pub waking_comm_index: Vec<u32>,
}

/// `SystemInfo`: the kernel.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SystemInfo {
    #[prost(message, optional, tag = "1")]
    pub utsname: Option<Utsname>,
    #[prost(uint32, optional, tag = "8")]
    pub num_cpus: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Utsname {
    #[prost(bytes = "vec", optional, tag = "1")]
    pub sysname: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    pub release: Option<Vec<u8>>,
}

/// `FtraceStats`: what the kernel says of its buffers.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FtraceStats {
    /// 1 at the trace's start, 2 at its end.
    #[prost(int32, optional, tag = "1")]
    pub phase: Option<i32>,
    #[prost(message, repeated, tag = "2")]
    pub cpu_stats: Vec<FtraceCpuStats>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct FtraceCpuStats {
    #[prost(uint64, optional, tag = "1")]
    pub cpu: Option<u64>,
    /// Events that were overwritten.
    #[prost(uint64, optional, tag = "3")]
    pub overrun: Option<u64>,
}
