/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only contract between the BPF programs and Rust: limits, rows and counters; the recorder's part is record.h.
 *
 * bindgen turns this file into Rust, so it holds plain fixed-width data and no code. Times are nanoseconds on
 * the clock of scx_bpf_now(); a snapshot carries the moment at which it was taken.
 */
#ifndef __AUGUR_INTF_H
#define __AUGUR_INTF_H

#ifndef __VMLINUX_H__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
#endif

enum augur_limits {
	AUGUR_MAX_CPUS = 512,
	AUGUR_MAX_DOMS = 64,
	AUGUR_CPU_WORDS = AUGUR_MAX_CPUS / 64,
	/* Tasks that one domain can report as active in one interval. */
	AUGUR_MAX_ACTIVE = 512,
	/* Rows that one snapshot can hold. */
	AUGUR_MAX_ROWS = 4096,
	/* Decisions that one round can send. */
	AUGUR_MAX_DECISIONS = 1024,
	/* Wakeup latency histogram: four buckets an octave, 1 ns to 2^40 ns. */
	AUGUR_LAT_BUCKETS = 160,
	/* Weight of nice 0, as in the kernel's sched_prio_to_weight. */
	AUGUR_NICE0_WEIGHT = 1024,
	/* A duty cycle of 1 in fixed point. */
	AUGUR_DUTY_ONE = 1 << 20,
	AUGUR_COMM_LEN = 16,
};

/* Where a CPU sits; numbers are unique over the machine. */
struct augur_place {
	u32 core;
	u32 llc;
	u32 node;
};

/* How far a migration went. */
enum augur_kind {
	AUGUR_KIND_CORE,
	AUGUR_KIND_LLC,
	AUGUR_KIND_CROSS_LLC,
	AUGUR_KIND_CROSS_NODE,
	AUGUR_NR_KINDS,
};

/* Why a migration happened. */
enum augur_cause {
	AUGUR_CAUSE_WAKEUP,
	AUGUR_CAUSE_STEAL,
	AUGUR_CAUSE_BALANCE,
	AUGUR_CAUSE_AFFINITY,
	AUGUR_CAUSE_OTHER,
	AUGUR_NR_CAUSES,
};

/* Why a task waits for a CPU. */
enum augur_wait {
	AUGUR_WAIT_FORK,	/* it is new */
	AUGUR_WAIT_SHORT,	/* it woke up, and its bursts are short */
	AUGUR_WAIT_LONG,	/* it woke up, and its bursts are long */
	AUGUR_WAIT_PREEMPTED,	/* it was interrupted within its slice */
	AUGUR_WAIT_EXPIRED,	/* its slice ended */
};

enum augur_phase {
	AUGUR_PHASE_SLEEPING,
	AUGUR_PHASE_QUEUED,
	AUGUR_PHASE_RUNNING,
};

/* What became of an accepted decision. */
enum augur_status {
	AUGUR_APPLIED,
	AUGUR_REFUSED_GONE,
	AUGUR_REFUSED_MOVED,
	AUGUR_REFUSED_AFFINITY,
	AUGUR_REFUSED_PINNED,
	AUGUR_EXPIRED,
	AUGUR_NR_STATUSES,
};

/* Counters, per CPU; user space sums them. Each counts what was seen. */
enum augur_stat {
	AUGUR_STAT_WAKEUPS,
	AUGUR_STAT_WAKE_PREV_IDLE,
	AUGUR_STAT_WAKE_IDLE_ELSEWHERE,
	AUGUR_STAT_WAKE_PREEMPT,
	AUGUR_STAT_TICK_PREEMPT,
	AUGUR_STAT_WAKE_WAIT,
	AUGUR_STAT_FORKS,
	AUGUR_STAT_ARRIVALS,
	AUGUR_STAT_QUEUED,
	AUGUR_STAT_KEPT,
	AUGUR_STAT_KICKS,
	AUGUR_STAT_STEAL_TOO_SOON,
	AUGUR_STAT_STEAL_DENIED,
	AUGUR_STAT_RUNS,
	AUGUR_STAT_RUN_NS,
	AUGUR_STAT_WAIT_NS,
	/* The same by enum augur_wait, in its order. */
	AUGUR_STAT_WAIT_FORK_NS,
	AUGUR_STAT_WAIT_SHORT_NS,
	AUGUR_STAT_WAIT_LONG_NS,
	AUGUR_STAT_WAIT_PREEMPTED_NS,
	AUGUR_STAT_WAIT_EXPIRED_NS,
	AUGUR_STAT_RESCUED,
	AUGUR_STAT_HELPED,	/* by a CPU that had work of its own */
	AUGUR_STAT_YIELDS,	/* to somebody who waited */
	AUGUR_STAT_ERRORS,	/* outcomes that had no room in the ring */
	AUGUR_NR_STATS,
};

/* What a CPU does, and what was seen on it. Only counters are meant for user space. */
struct augur_cpu {
	u64 vtime_now;
	u64 curr_since_ns;	/* 0: idle, or another scheduling class runs */
	u64 curr_run_ns;	/* predicted burst of the task that runs */
	u64 curr_vtime;		/* its vtime when it started */
	u64 load;		/* decayed sum of weights << 10 */
	u64 busy_duty;
	u64 averaged_at_ns;
	u64 rescue_at_ns;
	u64 help_at_ns;
	u64 stopped_at_ns;	/* when the last of ours stopped here */
	u64 turn_ns;		/* the longest that the next to run may; 0: a slice */
	s64 weight_runnable;	/* changed from other CPUs too: atomics only */
	s32 curr_pid;
	u32 curr_weight;
	u32 curr_yields;	/* SCHED_IDLE: anything else may interrupt it */
	u32 evicts;		/* at a tick it was decided that who runs gives way */
	u64 stats[AUGUR_NR_STATS];
	u64 migrations[AUGUR_NR_KINDS][AUGUR_NR_CAUSES];
	u64 latency[AUGUR_LAT_BUCKETS];
} __attribute__((aligned(64)));

/* One task in a snapshot. Averages and loads are as of the snapshot's moment. */
struct augur_task_row {
	u64 start_ns;		/* boot clock */
	u64 load_duty;		/* runnable share, AUGUR_DUTY_ONE is always */
	u64 avg_run_ns;
	u64 avg_sleep_ns;
	u64 avg_wake_interval_ns;
	u64 since_run_ns;
	u64 since_migration_ns;
	u64 since_domain_move_ns;
	u64 total_wait_ns;
	u64 total_run_ns;
	u64 cpus_allowed[AUGUR_CPU_WORDS];
	s32 pid;
	s32 cpu;
	u32 weight;
	u32 dom;
	s32 waker_dom;
	u32 migrations;
	u32 llc_changes;
	u8 phase;
	u8 pinned;
	u8 pad[2];
	char comm[AUGUR_COMM_LEN];
};

struct augur_cpu_row {
	/* Totals since the load: of the tasks that started to run here, the time they had waited, and so on. */
	u64 wait_ns;
	u64 run_ns;
	u64 runs;
	u64 arrivals;		/* runs of tasks that came from another CPU */
	u64 load;		/* decayed weight of runnable tasks << 10 */
	u64 busy_duty;		/* decayed busy share, AUGUR_DUTY_ONE is always */
	u32 queued;		/* in the CPU's own queue */
	u32 idle;		/* no class runs anything here */
	s32 curr_pid;
	u32 dom;
};

struct augur_snapshot_head {
	u64 now_ns;
	u32 nr_rows;
	u32 dropped_rows;
	u64 generation;
};

struct augur_decision {
	u64 seq;
	u64 start_ns;
	s32 pid;
	u32 from;
	u32 to;
	u32 pad;
};

/* What the BPF program answers, once for each decision. */
struct augur_outcome {
	u64 seq;
	u64 at_ns;
	s32 pid;
	u32 status;
	s32 cpu;
	u32 pad;
};

/* Who may steal: denied[from][to] = 1 forbids that a CPU of domain `to` takes a task that waits in `from`. */
struct augur_permissions {
	u64 at_ns;
	u8 denied[AUGUR_MAX_DOMS][AUGUR_MAX_DOMS];
};

struct augur_collect_args {
	u32 nr_watched;
	u32 pad;
};

struct augur_apply_args {
	u64 ttl_ns;
	u32 nr_decisions;
	u32 pad;
};

#include "record.h"

#endif /* __AUGUR_INTF_H */
