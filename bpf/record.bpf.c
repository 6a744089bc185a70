/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scx_augur's recorder: what any scheduler does, as the kernel's own tracepoints tell it.
 *
 *   record_*   each event into the ring, for a trace
 *   count_*    migrations, switches and wakeup latencies only counted
 *
 * Only one of the two sets is loaded. Neither needs sched_ext: BTF (5.5) and the BPF ring buffer (5.8) are enough.
 *
 * The ring wakes nobody (BPF_RB_NO_WAKEUP): a wakeup would be an event itself, and user space looks often enough.
 */
#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "intf.h"

char _license[] SEC("license") = "GPL";

/* sched_switch tells the state of who leaves (5.18 and later); reading it from the task is too late by then. */
const volatile bool switch_has_state = true;
/* Core, cache and node of each CPU, each number one more than the machine's; 0 is not known. */
const volatile struct augur_place cpu_places[RECORD_MAX_CPUS];

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 26);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_losses);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct record_counts);
} counts SEC(".maps");

/* When each task that waits was woken. Preallocated, because the allocator must not be entered from a wakeup. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RECORD_MAX_WOKEN);
	__type(key, u32);
	__type(value, u64);
} woken SEC(".maps");

/* Kernels before 5.14 and 5.16 have these elsewhere. */
struct task_struct___before {
	volatile long state;
	unsigned int cpu;
} __attribute__((preserve_access_index));

static __always_inline u32 cpu_of(const struct task_struct *p)
{
	const struct task_struct___before *before = (const void *)p;

	if (bpf_core_field_exists(p->thread_info.cpu))
		return p->thread_info.cpu;
	if (bpf_core_field_exists(before->cpu))
		return before->cpu;
	return 0;
}

static __always_inline u32 state_of(const struct task_struct *p)
{
	const struct task_struct___before *before = (const void *)p;

	if (bpf_core_field_exists(p->__state))
		return p->__state;
	return before->state;
}

static __always_inline void set_head(struct record_head *head, u64 time_ns, enum record_kind kind, u32 extra)
{
	head->time_ns = time_ns;
	head->cpu = bpf_get_smp_processor_id();
	head->kind = kind;
	head->extra = extra;
}

/* In two words: a loop over bytes, or a helper, would cost more than all the rest of a record. */
static __always_inline void set_task(struct record_task *task, const struct task_struct *p)
{
	const u64 *comm = (const u64 *)&p->comm;

	task->comm[0] = comm[0];
	task->comm[1] = comm[1];
	task->pid = p->pid;
	task->prio = p->prio;
}

/* Tells how many were lost before, so that the trace has it where it happened. */
static __noinline int tell_lost(struct record_losses *lost, u64 time_ns)
{
	struct record_none *record;
	u64 count;

	if (!lost)
		return 0;
	count = lost->pending;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 0;
	set_head(&record->head, time_ns, RECORD_LOST, count > (u32)-1 ? (u32)-1 : count);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	__sync_fetch_and_add(&lost->pending, -count);
	return 0;
}

/*
 * An event's time is the caller's, from before this: where memory is the hypervisor's, the first touch of a page of the
 * ring can take 100 us, and a switch would be told that much later than the kernel's own accounting has it.
 */
static __always_inline void *reserve(u64 size, u64 time_ns)
{
	struct record_losses *lost;
	void *record;
	u32 zero = 0;

	lost = bpf_map_lookup_elem(&losses, &zero);
	if (!lost)
		return NULL;
	if (lost->pending)
		tell_lost(lost, time_ns);
	record = bpf_ringbuf_reserve(&ring, size, 0);
	if (!record) {
		/* Atomic: an interrupt may lose one, too, while a fork or an exec is at it. */
		__sync_fetch_and_add(&lost->pending, 1);
		__sync_fetch_and_add(&lost->total, 1);
	}
	return record;
}

static __always_inline int record_one(enum record_kind kind, const struct task_struct *p, u32 extra)
{
	u64 time_ns = bpf_ktime_get_ns();
	struct record_one *record = reserve(sizeof(*record), time_ns);

	if (!record)
		return 0;
	set_head(&record->head, time_ns, kind, extra);
	set_task(&record->task, p);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int record_two(enum record_kind kind, const struct task_struct *first,
				      const struct task_struct *second, u32 extra)
{
	u64 time_ns = bpf_ktime_get_ns();
	struct record_two *record = reserve(sizeof(*record), time_ns);

	if (!record)
		return 0;
	set_head(&record->head, time_ns, kind, extra);
	set_task(&record->first, first);
	set_task(&record->second, second);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_switch")
int record_switch(u64 *ctx)
{
	const struct task_struct *prev = (void *)ctx[1];
	u32 state = switch_has_state ? (u32)ctx[3] : state_of(prev);

	state = (state & 0xffff) | (u32)prev->exit_state << RECORD_EXIT_STATE_SHIFT;
	if (ctx[0] & 1)
		state |= RECORD_PREEMPTED;
	return record_two(RECORD_SWITCH, prev, (void *)ctx[2], state);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(record_waking, struct task_struct *p)
{
	return record_one(RECORD_WAKING, p, cpu_of(p));
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(record_wakeup_new, struct task_struct *p)
{
	return record_one(RECORD_WAKEUP_NEW, p, cpu_of(p));
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(record_migrate, struct task_struct *p, int dest)
{
	return record_one(RECORD_MIGRATE, p, cpu_of(p) | (u32)dest << 16);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(record_fork, struct task_struct *parent, struct task_struct *child)
{
	return record_two(RECORD_FORK, parent, child, 0);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(record_exec, struct task_struct *p, int old_pid, struct linux_binprm *bprm)
{
	u64 time_ns = bpf_ktime_get_ns();
	struct record_exec *record = reserve(sizeof(*record), time_ns);

	if (!record)
		return 0;
	set_head(&record->head, time_ns, RECORD_EXEC, old_pid);
	set_task(&record->task, p);
	if (bpf_probe_read_kernel_str(record->filename, sizeof(record->filename), bprm->filename) < 0)
		record->filename[0] = 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(record_exit, struct task_struct *p)
{
	return record_one(RECORD_EXIT, p, 0);
}

static __always_inline struct record_counts *counts_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline u32 log2_of(u64 value)
{
	u32 log = 0;

#pragma unroll
	for (u32 step = 32; step; step >>= 1) {
		if (value >> step) {
			value >>= step;
			log += step;
		}
	}
	return log;
}

static __always_inline void count_latency(struct record_counts *mine, u64 latency_ns)
{
	u32 bucket = log2_of(latency_ns);

	if (bucket >= RECORD_LAT_BUCKETS)
		bucket = RECORD_LAT_BUCKETS - 1;
	mine->latency[bucket]++;
	mine->latency_sum_ns += latency_ns;
}

SEC("tp_btf/sched_switch")
int count_switch(u64 *ctx)
{
	const struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	u32 state = switch_has_state ? (u32)ctx[3] : state_of(prev);
	struct record_counts *mine = counts_here();
	u32 pid = next->pid;
	u64 *at_ns;

	if (!mine)
		return 0;
	mine->switches++;
	/* Woken before it slept: it goes on, and that is no wakeup that has to wait. */
	if ((ctx[0] & 1 || !state) && prev->pid) {
		u32 stays = prev->pid;

		bpf_map_delete_elem(&woken, &stays);
	}
	if (!pid)
		return 0;
	at_ns = bpf_map_lookup_elem(&woken, &pid);
	if (!at_ns)
		return 0;
	count_latency(mine, bpf_ktime_get_ns() - *at_ns);
	bpf_map_delete_elem(&woken, &pid);
	return 0;
}

static __always_inline void wake(struct record_counts *mine, const struct task_struct *p)
{
	u64 now_ns = bpf_ktime_get_ns();
	u32 pid = p->pid;

	if (bpf_map_update_elem(&woken, &pid, &now_ns, BPF_ANY))
		mine->untracked++;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(count_waking, struct task_struct *p)
{
	struct record_counts *mine = counts_here();

	if (!mine)
		return 0;
	mine->wakeups++;
	wake(mine, p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(count_wakeup_new, struct task_struct *p)
{
	struct record_counts *mine = counts_here();

	if (!mine)
		return 0;
	mine->new_tasks++;
	wake(mine, p);
	return 0;
}

static __always_inline const volatile struct augur_place *place_of(u32 cpu)
{
	/* Else the compiler checks two CPUs at once, which the verifier does not follow. */
	barrier_var(cpu);
	return cpu < RECORD_MAX_CPUS ? &cpu_places[cpu] : NULL;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(count_migrate, struct task_struct *p, int dest)
{
	struct record_counts *mine = counts_here();
	const volatile struct augur_place *from, *to;
	u32 orig = cpu_of(p), there = dest;

	/* The kernel also tells of tasks that stay. */
	if (!mine || orig == there)
		return 0;
	from = place_of(orig);
	to = place_of(there);
	if (!from || !to || !from->core || !to->core)
		mine->unplaced++;
	else if (from->core == to->core)
		mine->migrations[AUGUR_KIND_CORE]++;
	else if (from->llc == to->llc)
		mine->migrations[AUGUR_KIND_LLC]++;
	else if (from->node == to->node)
		mine->migrations[AUGUR_KIND_CROSS_LLC]++;
	else
		mine->migrations[AUGUR_KIND_CROSS_NODE]++;
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(count_fork)
{
	struct record_counts *mine = counts_here();

	if (mine)
		mine->forks++;
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(count_exec)
{
	struct record_counts *mine = counts_here();

	if (mine)
		mine->execs++;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(count_exit)
{
	struct record_counts *mine = counts_here();

	if (mine)
		mine->exits++;
	return 0;
}
