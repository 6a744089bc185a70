/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel below the scheduler's rules, as far as these see it: tasks, queues, idle CPUs, a clock. It only carries out
 * what it is told, and remembers what the rules asked for; the order of callbacks is the caller's (machine/).
 *
 * Where the real kernel rotates among several CPUs that will do (idle ones, allowed ones), this one takes the first.
 */
#include <stdlib.h>
#include <scx/common.bpf.h>

/* The settings are constants to the compiler that builds for BPF, and user space writes them before the load. */
#define const
#include "main.bpf.c"
#undef const

#define CPUS_MAX 16
#define KICKS_MAX 64
#define OUTCOMES_MAX 64
#define MAPS_MAX 16

struct dsq {
	u32 count;
	struct task_struct *tasks[TWIN_TASKS_MAX];
};

struct kick {
	u64 cpu, flags;
};

static struct {
	u64 now_ns;
	u32 cpus;
	u32 processor;			/* where the code runs */
	struct task_struct *current;	/* what that CPU was doing */
	struct task_struct *placing;	/* select_cpu or enqueue is asked about it: it goes where they say when they have returned */
	u64 idle;
	u64 cores[CPUS_MAX];		/* each CPU's siblings, itself included */
	struct task_struct tasks[TWIN_TASKS_MAX];
	u32 nr_tasks;
	struct dsq queues[CPUS_MAX], locals[CPUS_MAX];
	struct kick kicks[KICKS_MAX];
	u32 nr_kicks;
	struct augur_outcome outcomes[OUTCOMES_MAX];
	u32 nr_outcomes;
	u64 insert_flags;		/* of the last insertion */
	u32 faults;			/* what the real kernel would end the scheduler for */
	struct {
		void *map;
		char *values;
	} maps[MAPS_MAX];
} kernel;

static struct task_struct idle_task;
int __preempt_count;

/* --- memory ------------------------------------------------------------------------------------------------------ */

void *twin_map(void *map, size_t value_size, size_t entries, u32 key)
{
	u32 i;

	if (key >= entries)
		return NULL;
	for (i = 0; i < MAPS_MAX; i++) {
		if (!kernel.maps[i].map) {
			kernel.maps[i].map = map;
			kernel.maps[i].values = calloc(entries, value_size);
		}
		if (kernel.maps[i].map == map)
			return kernel.maps[i].values + key * value_size;
	}
	abort();
}

void *twin_storage(struct task_struct *p, size_t size, u64 flags)
{
	if (!p->storage && (flags & BPF_LOCAL_STORAGE_GET_F_CREATE))
		p->storage = calloc(1, size);
	return p->storage;
}

void *twin_reserve(size_t size)
{
	return kernel.nr_outcomes < OUTCOMES_MAX ? &kernel.outcomes[kernel.nr_outcomes] : NULL;
}

void twin_submit(void *outcome)
{
	kernel.nr_outcomes++;
}

/* --- queues ------------------------------------------------------------------------------------------------------ */

static struct dsq *dsq_by_id(u64 id)
{
	u32 cpu = (u32)id;

	if (id == SCX_DSQ_LOCAL || cpu >= CPUS_MAX)
		abort();
	return (id & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON ? &kernel.locals[cpu] : &kernel.queues[cpu];
}

static void insert_at(struct dsq *dsq, u32 at, struct task_struct *p)
{
	memmove(&dsq->tasks[at + 1], &dsq->tasks[at], (dsq->count - at) * sizeof(p));
	dsq->tasks[at] = p;
	dsq->count++;
}

static bool take_from(struct dsq *dsq, struct task_struct *p)
{
	u32 i;

	for (i = 0; i < dsq->count; i++) {
		if (dsq->tasks[i] != p)
			continue;
		dsq->count--;
		memmove(&dsq->tasks[i], &dsq->tasks[i + 1], (dsq->count - i) * sizeof(p));
		return true;
	}
	return false;
}

static void into_local(struct task_struct *p, s32 cpu, u64 enq_flags)
{
	struct dsq *local = &kernel.locals[cpu];

	if (!(p->cpus.bits & (1ULL << cpu)))
		kernel.faults++;
	p->cpu = cpu;
	insert_at(local, enq_flags & (SCX_ENQ_HEAD | SCX_ENQ_PREEMPT) ? 0 : local->count, p);
}

static void into_queue(struct task_struct *p, struct dsq *dsq)
{
	u32 at = dsq->count;

	while (at && time_before(p->scx.dsq_vtime, dsq->tasks[at - 1]->scx.dsq_vtime))
		at--;
	insert_at(dsq, at, p);
}

/* A slice of 0 keeps what is left. */
static void set_slice(struct task_struct *p, u64 slice)
{
	p->scx.slice = slice ? slice : p->scx.slice ? p->scx.slice : 1;
}

/* As in the kernel, who is placed or enqueued is in no queue before the callback has returned. */
bool scx_bpf_dsq_insert(struct task_struct *p, u64 dsq, u64 slice, u64 enq_flags)
{
	if (p != kernel.placing)
		abort();
	set_slice(p, slice);
	kernel.insert_flags = enq_flags;
	p->sent = true;
	p->sent_dsq = dsq;
	p->sent_flags = enq_flags;
	return true;
}

bool scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq, u64 slice, u64 vtime, u64 enq_flags)
{
	p->scx.dsq_vtime = vtime;
	return scx_bpf_dsq_insert(p, dsq, slice, enq_flags);
}

static void carry_out(struct task_struct *p)
{
	u64 dsq = p->sent_dsq;

	if (!p->sent)
		return;
	p->sent = false;
	if (dsq == SCX_DSQ_LOCAL)
		into_local(p, p->cpu, p->sent_flags);
	else if ((dsq & SCX_DSQ_LOCAL_ON) == SCX_DSQ_LOCAL_ON)
		into_local(p, (s32)(u32)dsq, p->sent_flags);
	else
		into_queue(p, dsq_by_id(dsq));
}

static void enqueue(struct task_struct *p, u64 enq_flags)
{
	kernel.placing = p;
	augur_ops.enqueue(p, enq_flags);
	kernel.placing = NULL;
	carry_out(p);
}

bool scx_bpf_dsq_move_to_local(u64 dsq, u64 enq_flags)
{
	struct dsq *from = dsq_by_id(dsq);
	u32 i;

	for (i = 0; i < from->count; i++) {
		struct task_struct *p = from->tasks[i];

		if (!(p->cpus.bits & (1ULL << kernel.processor)))
			continue;
		take_from(from, p);
		into_local(p, kernel.processor, enq_flags);
		return true;
	}
	return false;
}

struct twin_iterator twin_iterate(u64 dsq, u64 flags)
{
	struct dsq *from = dsq_by_id(dsq);
	struct twin_iterator it = { .count = from->count, .dsq = dsq };

	memcpy(it.tasks, from->tasks, sizeof(it.tasks));
	return it;
}

struct task_struct *twin_next(struct twin_iterator *it)
{
	return it->next < it->count ? it->tasks[it->next++] : NULL;
}

void scx_bpf_dsq_move_set_slice(struct twin_iterator *it, u64 slice)
{
	it->slice = slice;
}

void scx_bpf_dsq_move_set_vtime(struct twin_iterator *it, u64 vtime)
{
	it->vtime = vtime;
}

bool scx_bpf_dsq_move(struct twin_iterator *it, struct task_struct *p, u64 dsq, u64 enq_flags)
{
	if (!take_from(dsq_by_id(it->dsq), p))
		return false;
	if (it->slice)
		p->scx.slice = it->slice;
	into_local(p, (s32)(u32)dsq, enq_flags);
	return true;
}

bool scx_bpf_dsq_move_vtime(struct twin_iterator *it, struct task_struct *p, u64 dsq, u64 enq_flags)
{
	if (!take_from(dsq_by_id(it->dsq), p))
		return false;
	p->scx.dsq_vtime = it->vtime;
	into_queue(p, dsq_by_id(dsq));
	return true;
}

s32 scx_bpf_create_dsq(u64 dsq, s32 node)
{
	return dsq < CPUS_MAX ? 0 : -EINVAL;
}

s32 scx_bpf_dsq_nr_queued(u64 dsq)
{
	return dsq_by_id(dsq)->count;
}

struct task_struct *__COMPAT_scx_bpf_dsq_peek(u64 dsq)
{
	struct dsq *from = dsq_by_id(dsq);

	return from->count ? from->tasks[0] : NULL;
}

u32 scx_bpf_reenqueue_local(void)
{
	struct dsq *local = &kernel.locals[kernel.processor], waiting = *local;
	u32 i;

	local->count = 0;
	for (i = 0; i < waiting.count; i++)
		enqueue(waiting.tasks[i], SCX_ENQ_REENQ);
	return waiting.count;
}

/* --- the rest of what the rules ask -------------------------------------------------------------------------------- */

u64 scx_bpf_now(void)
{
	return kernel.now_ns;
}

u32 scx_bpf_nr_cpu_ids(void)
{
	return kernel.cpus;
}

s32 scx_bpf_task_cpu(const struct task_struct *p)
{
	return p->cpu;
}

bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice)
{
	p->scx.slice = slice;
	return true;
}

void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	if (kernel.nr_kicks < KICKS_MAX)
		kernel.kicks[kernel.nr_kicks++] = (struct kick) { cpu, flags };
}

static s32 first_of(u64 cpus)
{
	return cpus ? __builtin_ctzll(cpus) : -1;
}

s32 scx_bpf_pick_idle_cpu(const struct cpumask *mask, u64 flags)
{
	u64 idle = kernel.idle & mask->bits, whole = 0;
	s32 cpu;

	for (cpu = 0; cpu < (s32)kernel.cpus; cpu++) {
		if (!(kernel.cores[cpu] & ~kernel.idle))
			whole |= 1ULL << cpu;
	}
	cpu = first_of(idle & whole);
	if (cpu < 0 && !(flags & SCX_PICK_IDLE_CORE))
		cpu = first_of(idle);
	if (cpu >= 0)
		kernel.idle &= ~(1ULL << cpu);
	return cpu;
}

bool scx_bpf_test_and_clear_cpu_idle(s32 cpu)
{
	bool idle = cpu >= 0 && (kernel.idle & (1ULL << cpu));

	if (idle)
		kernel.idle &= ~(1ULL << cpu);
	return idle;
}

bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask)
{
	return cpu < 64 && (mask->bits & (1ULL << cpu));
}

bool bpf_cpumask_subset(const struct cpumask *part, const struct cpumask *whole)
{
	return !(part->bits & ~whole->bits);
}

u32 bpf_cpumask_any_distribute(const struct cpumask *mask)
{
	return first_of(mask->bits);
}

struct bpf_cpumask *bpf_cpumask_create(void)
{
	return calloc(1, sizeof(struct bpf_cpumask));
}

void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask)
{
	mask->mask.bits |= 1ULL << cpu;
}

void bpf_cpumask_release(struct bpf_cpumask *mask)
{
	free(mask);
}

u32 bpf_get_smp_processor_id(void)
{
	return kernel.processor;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	return kernel.current ? kernel.current : &idle_task;
}

struct task_struct *bpf_task_from_pid(s32 pid)
{
	return pid > 0 && pid <= (s32)kernel.nr_tasks ? &kernel.tasks[pid - 1] : NULL;
}

#include "calls.h"
