/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder's part of the contract with Rust: what comes through the ring, and what is only counted.
 *
 * Plain fixed-width data without holes. Times are CLOCK_MONOTONIC, in nanoseconds.
 */
#ifndef __AUGUR_RECORD_H
#define __AUGUR_RECORD_H

enum record_limits {
	/* A trace may name no CPU beyond (topology::MAX_CPUS). */
	RECORD_MAX_CPUS = 8192,
	RECORD_COMM_LEN = 16,
	/* Longer names of programs are cut. */
	RECORD_FILENAME_LEN = 256,
	/* Tasks that were woken and did not run yet. */
	RECORD_MAX_WOKEN = 16384,
	/* Wakeup latency: bucket n counts those from 2^n to 2^(n+1) - 1 ns. */
	RECORD_LAT_BUCKETS = 40,
	/* By enum augur_kind. */
	RECORD_KINDS = 4,
};

enum record_kind {
	RECORD_SWITCH,		/* two tasks: who leaves, who comes; extra: record_state */
	RECORD_WAKING,		/* one task; extra: where it last ran */
	RECORD_WAKEUP_NEW,	/* one task; extra: where it waits */
	RECORD_MIGRATE,		/* one task; extra: from | to << 16 */
	RECORD_FORK,		/* two tasks: parent, child */
	RECORD_EXEC,		/* one task and a name; extra: its pid before */
	RECORD_EXIT,		/* one task */
	RECORD_LOST,		/* no task; extra: how many events of this CPU had no room */
};

/* Of the task that leaves: its state in the lower half, its exit state above. */
enum record_state {
	RECORD_EXIT_STATE_SHIFT = 16,
	RECORD_PREEMPTED = 1 << 30,
};

struct record_head {
	u64 time_ns;
	u16 cpu;
	u16 kind;
	u32 extra;
};

struct record_task {
	u64 comm[RECORD_COMM_LEN / 8];
	s32 pid;
	s32 prio;
};

struct record_none {
	struct record_head head;
};

struct record_one {
	struct record_head head;
	struct record_task task;
};

struct record_two {
	struct record_head head;
	struct record_task first;
	struct record_task second;
};

struct record_exec {
	struct record_head head;
	struct record_task task;
	u8 filename[RECORD_FILENAME_LEN];
};

/* Events of a CPU that had no room in the ring. */
struct record_losses {
	u64 pending;		/* not told yet */
	u64 total;
};

/* What a CPU saw. */
struct record_counts {
	u64 switches;
	u64 wakeups;		/* sched_waking */
	u64 new_tasks;		/* sched_wakeup_new */
	u64 forks;
	u64 execs;
	u64 exits;
	u64 migrations[RECORD_KINDS];
	u64 unplaced;		/* migrations from or to a CPU whose place is not known */
	u64 untracked;		/* wakeups whose latency is not known, for too many tasks waited */
	u64 latency_sum_ns;
	u64 latency[RECORD_LAT_BUCKETS];
};

#endif
