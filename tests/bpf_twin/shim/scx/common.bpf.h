/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for scx/common.bpf.h where the scheduler's rules are compiled for the host: kernel types with the fields that
 * the rules use, BPF's macros as plain C, and the helpers that kernel.c implements.
 */
#ifndef __TWIN_COMMON_BPF_H
#define __TWIN_COMMON_BPF_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* intf.h brings the same types where there is no vmlinux.h. */
#define __VMLINUX_H__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;

struct cpumask {
	u64 bits;
};

struct bpf_cpumask {
	struct cpumask mask;
};

struct sched_ext_entity {
	u64 slice;
	u64 dsq_vtime;
	u32 flags;
	u32 weight;
};

struct task_struct {
	s32 pid;
	u32 flags;
	u32 policy;
	s32 static_prio;
	s32 nr_cpus_allowed;
	s32 exit_state;
	s32 cpu;
	u64 start_boottime;
	const struct cpumask *cpus_ptr;
	void *vfork_done;
	struct sched_ext_entity scx;
	char comm[16];
	/* kernel.c's own. */
	struct cpumask cpus;
	void *storage;
	bool sent;		/* goes there once the callback has returned */
	u64 sent_dsq;
	u64 sent_flags;
};

struct scx_cpu_release_args;
struct scx_init_task_args;
struct scx_exit_info;
struct scx_dump_ctx;

enum {
	PF_EXITING = 0x4,
	PF_KTHREAD = 0x200000,
	SCX_TASK_QUEUED = 1,
};

#define SCX_WAKE_FORK		0x4ULL
#define SCX_WAKE_TTWU		0x8ULL
#define SCX_WAKE_SYNC		0x10ULL
#define SCX_ENQ_WAKEUP		0x1ULL
#define SCX_ENQ_HEAD		0x10ULL
#define SCX_ENQ_PREEMPT		(1ULL << 32)
#define SCX_ENQ_REENQ		(1ULL << 40)
#define SCX_ENQ_LAST		(1ULL << 41)
#define SCX_DEQ_SLEEP		0x1ULL
#define SCX_KICK_IDLE		0x1ULL
#define SCX_KICK_PREEMPT	0x2ULL
#define SCX_PICK_IDLE_CORE	0x1ULL
#define SCX_DSQ_LOCAL		((1ULL << 63) | 2)
#define SCX_DSQ_LOCAL_ON	((1ULL << 63) | (1ULL << 62))

/* Maps: the type of the value and the number of entries are all that a lookup needs. */
#define SEC(name)
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __kptr
#define __noinline
#define __ksym
#define __weak
#define bpf_ksym_exists(symbol) true
#define bpf_this_cpu_ptr(symbol) (symbol)
enum {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

void *twin_map(void *map, size_t value_size, size_t entries, u32 key);
void *twin_storage(struct task_struct *p, size_t size, u64 flags);

#define bpf_map_lookup_elem(map, key)								\
	((typeof((map)->value))twin_map((map), sizeof(*(map)->value),				\
					sizeof(*(map)->max_entries) / sizeof(int), *(key)))
#define bpf_task_storage_get(map, p, init, flags)						\
	((typeof((map)->value))twin_storage((struct task_struct *)(p), sizeof(*(map)->value), (flags)))

/* As in the real header: a pointer to the element, NULL beyond the end. */
#define MEMBER_VPTR(base, member)								\
({												\
	size_t __at = (char *)&((base)member) - (char *)&(base);				\
	__at <= sizeof(base) - sizeof((base)member) ? &((base)member) : NULL;			\
})
#define ARRAY_ELEM_PTR(arr, i, n) ((size_t)(u32)(i) < (size_t)(n) ? &(arr)[(u32)(i)] : NULL)

#define bpf_for(i, start, end) for ((i) = (start); (i) < (end); (i)++)

/* Walks through a queue as it is when the loop begins, as the kernel's iterator does. */
#define TWIN_TASKS_MAX 64
struct twin_iterator {
	struct task_struct *tasks[TWIN_TASKS_MAX];
	u32 next, count;
	u64 dsq;
	u64 slice, vtime;	/* of the next move; slice 0: as it is */
};
struct twin_iterator twin_iterate(u64 dsq, u64 flags);
struct task_struct *twin_next(struct twin_iterator *it);

#define bpf_for_each(type, cur, args...)							\
	for (struct twin_iterator ___it = twin_iterate(args); ((cur) = twin_next(&___it)); )
#define BPF_FOR_EACH_ITER (&___it)

#define BPF_STRUCT_OPS(name, args...) name(args)
#define BPF_STRUCT_OPS_SLEEPABLE(name, args...) name(args)

/* Callbacks are called through the table, so that one which is missing there is missing here. */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*runnable)(struct task_struct *p, u64 enq_flags);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	void (*tick)(struct task_struct *p);
	bool (*yield)(struct task_struct *from, struct task_struct *to);
	void (*cpu_release)(s32 cpu, struct scx_cpu_release_args *args);
	void (*set_cpumask)(struct task_struct *p, const struct cpumask *mask);
	void (*set_weight)(struct task_struct *p, u32 weight);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*disable)(struct task_struct *p);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *ei);
	void (*dump_task)(struct scx_dump_ctx *dctx, struct task_struct *p);
	u32 timeout_ms;
	const char *name;
};
#define SCX_OPS_DEFINE(table, ...) struct sched_ext_ops table = { __VA_ARGS__ }

#define UEI_DEFINE(name)
#define UEI_RECORD(name, ei) ((void)(ei))
#define scx_bpf_dump(fmt, args...) ((void)(dctx))

static inline s64 time_delta(u64 after, u64 before)
{
	return (s64)(after - before) > 0 ? (s64)(after - before) : 0;
}

static inline bool time_after(u64 a, u64 b)
{
	return (s64)(b - a) < 0;
}

static inline bool time_before(u64 a, u64 b)
{
	return time_after(b, a);
}

static inline u32 log2_u64(u64 v)
{
	return v ? 64 - __builtin_clzll(v) : 1;
}

static inline bool is_migration_disabled(const struct task_struct *p)
{
	return false;
}

static inline const struct cpumask *cast_mask(struct bpf_cpumask *mask)
{
	return &mask->mask;
}

u64 scx_bpf_now(void);
u32 scx_bpf_nr_cpu_ids(void);
s32 scx_bpf_task_cpu(const struct task_struct *p);
s32 scx_bpf_create_dsq(u64 dsq, s32 node);
s32 scx_bpf_dsq_nr_queued(u64 dsq);
bool scx_bpf_dsq_insert(struct task_struct *p, u64 dsq, u64 slice, u64 enq_flags);
bool scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq, u64 slice, u64 vtime, u64 enq_flags);
bool scx_bpf_dsq_move_to_local(u64 dsq, u64 enq_flags);
void scx_bpf_dsq_move_set_slice(struct twin_iterator *it, u64 slice);
void scx_bpf_dsq_move_set_vtime(struct twin_iterator *it, u64 vtime);
bool scx_bpf_dsq_move(struct twin_iterator *it, struct task_struct *p, u64 dsq, u64 enq_flags);
bool scx_bpf_dsq_move_vtime(struct twin_iterator *it, struct task_struct *p, u64 dsq, u64 enq_flags);
struct task_struct *__COMPAT_scx_bpf_dsq_peek(u64 dsq);
bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice);
void scx_bpf_kick_cpu(s32 cpu, u64 flags);
u32 scx_bpf_reenqueue_local(void);
s32 scx_bpf_pick_idle_cpu(const struct cpumask *mask, u64 flags);
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu);
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask);
bool bpf_cpumask_subset(const struct cpumask *part, const struct cpumask *whole);
u32 bpf_cpumask_any_distribute(const struct cpumask *mask);
struct bpf_cpumask *bpf_cpumask_create(void);
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask);
void bpf_cpumask_release(struct bpf_cpumask *mask);
u32 bpf_get_smp_processor_id(void);
struct task_struct *bpf_get_current_task_btf(void);
struct task_struct *bpf_task_from_pid(s32 pid);
void *twin_reserve(size_t size);
void twin_submit(void *outcome);

#define bpf_ringbuf_reserve(map, size, flags) twin_reserve(size)
#define bpf_ringbuf_submit(record, flags) twin_submit(record)
#define bpf_kptr_xchg(slot, value) ({ typeof(value) __old = *(slot); *(slot) = (value); __old; })
#define bpf_task_release(p) ((void)(p))
#define bpf_rcu_read_lock() ((void)0)
#define bpf_rcu_read_unlock() ((void)0)
#define bpf_probe_read_kernel(to, size, from) memset((to), 0, (size))
#define bpf_probe_read_kernel_str(to, size, from) strncpy((char *)(to), (from), (size))

#endif /* __TWIN_COMMON_BPF_H */
