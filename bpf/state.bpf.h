/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scheduler knows: settings that Rust writes before the load, the topology, per-CPU and per-domain
 * state, and the state of each task.
 */
#ifndef __AUGUR_STATE_BPF_H
#define __AUGUR_STATE_BPF_H

/* Settings: read-only once loaded, so the verifier prunes what is switched off. */
const volatile u64 slice_ns = 20000000;
const volatile u64 round_slices = 8;	/* where more wait for a CPU, their slices are shorter */
const volatile u64 slice_min_ns = 1000000;
const volatile u64 short_run_ns = 1000000;
const volatile u64 short_wait_ns = 500000;
const volatile u64 steal_llc_ns = 500000;
const volatile u64 steal_far_ns = 1000000;
const volatile u64 lag_ns = 20000000;
const volatile u64 halflife_ns = 50000000;
const volatile u64 permission_ttl_ns = 1000000000;
const volatile u64 starving_ns = 5000000000;
const volatile u64 rescue_interval_ns = 50000000;
const volatile u64 rescue_again_ns = 8000000;
const volatile u64 help_ns = 4000000;
const volatile u64 yield_ns = 3000000;
const volatile u64 trial_ns = 1000000;	/* 0: a burst is taken for as long as the last ones */
const volatile u64 lead_ns = 20000000;	/* of virtual time: who interrupts is ahead by no more */
const volatile u64 new_run_ns = 500000;	/* a first burst, in a queue's order; 0: as long as init_task says */
const volatile u64 rest_ns = 20000000;	/* who runs is taken to go on for at least so long */
const volatile u64 spare_ns = 200000;	/* before that, a wakeup of its own does not interrupt who runs */
const volatile u32 preempt_ratio = 2;	/* how much shorter a burst must be to interrupt */
const volatile u32 vfork_stays = 1;	/* 0 never, 1 where no CPU idles, 2 always */
const volatile bool wake_preempt = true;
const volatile bool sync_waits = true;	/* a synchronous wakeup does not interrupt */
const volatile bool deadline_order = true;
const volatile bool tick_preempt = true;
const volatile bool smt_enabled = false;

/* Topology, in the order that the domains were numbered by Rust. */
const volatile u32 nr_doms = 1;
const volatile u32 cpu_dom[AUGUR_MAX_CPUS];
const volatile struct augur_place places[AUGUR_MAX_CPUS];
const volatile u32 dom_nr_cpus[AUGUR_MAX_DOMS];
const volatile u16 dom_cpus[AUGUR_MAX_DOMS][AUGUR_MAX_CPUS];
/* For each domain, all domains nearest first; entry 0 is the domain itself. */
const volatile u8 dom_order[AUGUR_MAX_DOMS][AUGUR_MAX_DOMS];

struct dom_ctx {
	u64 nr_waiting;		/* tasks in the queues of the domain's CPUs */
	u32 nr_active;
	s32 active[AUGUR_MAX_ACTIVE];
} __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AUGUR_MAX_CPUS);
	__type(key, u32);
	__type(value, struct augur_cpu);
} cpu_ctxs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AUGUR_MAX_DOMS);
	__type(key, u32);
	__type(value, struct dom_ctx);
} dom_ctxs SEC(".maps");

/* Written by the daemon each interval. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct augur_permissions);
} permissions SEC(".maps");

u64 generation = 1;

struct task_ctx {
	u64 start_ns;
	u64 vtime;
	u64 slice_granted_ns;
	u64 slice_left_ns;
	u64 slice_vtime;	/* vtime at which the slice began */
	u64 woke_at_ns;
	u64 queued_at_ns;
	u64 run_at_ns;
	u64 charged_at_ns;
	u64 stopped_at_ns;
	u64 migrated_at_ns;
	u64 domain_moved_at_ns;
	u64 burst_ns;
	u64 avg_run_ns;
	u64 avg_sleep_ns;
	u64 avg_wake_interval_ns;
	u64 total_wait_ns;
	u64 total_run_ns;
	u64 duty;
	u64 duty_at_ns;
	u64 move_seq;		/* 0: no decision is pending */
	u64 move_deadline_ns;
	u64 active_generation;
	u64 row_generation;
	s32 last_cpu;		/* -1: never ran */
	s32 vtime_cpu;		/* whose clock `vtime` is on */
	s32 queue_cpu;		/* in whose queue it waits, or for whom it was taken out of one; -1: it ran since */
	s32 load_cpu;		/* whose weight_runnable counts us, -1: none */
	s32 waiting_dom;	/* whose nr_waiting counts us, -1: none */
	s32 waker_dom;
	u32 weight;
	u32 load_weight;
	u32 move_to;
	u32 migrations;
	u32 llc_changes;
	u32 bursts;		/* how many avg_run_ns is made of */
	u8 phase;
	u8 cause;
	u8 wait;		/* enum augur_wait */
	bool resumes;		/* was interrupted within its slice */
	/* From select_cpu to enqueue: */
	bool woken_sync;	/* the waker said that it is about to sleep */
	bool woken_here;	/* the waker is who runs on its CPU */
	bool yielded;		/* gives up what is left of its turn, if anybody waits */
	bool rescued;		/* has a turn that vtime would not give it yet: it costs no vtime */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_ctxs SEC(".maps");

static struct task_ctx *task_ctx_of(struct task_struct *p)
{
	return bpf_task_storage_get(&task_ctxs, p, 0, 0);
}

static struct augur_cpu *cpu_ctx_of(s32 cpu)
{
	u32 i = cpu;

	return bpf_map_lookup_elem(&cpu_ctxs, &i);
}

static struct dom_ctx *dom_ctx_of(u32 dom)
{
	return bpf_map_lookup_elem(&dom_ctxs, &dom);
}

static u32 dom_of(s32 cpu)
{
	const volatile u32 *dom = ARRAY_ELEM_PTR(cpu_dom, cpu, AUGUR_MAX_CPUS);

	return dom ? *dom : 0;
}

/* The i-th CPU of a domain, or -1. */
static s32 dom_cpu(u32 dom, u32 i)
{
	const volatile u16 *cpu = MEMBER_VPTR(dom_cpus, [dom][i]);

	return cpu ? *cpu : -1;
}

/* The i-th nearest domain; 0 is `home` itself. */
static u32 near_dom(u32 home, u32 i)
{
	const volatile u8 *dom = MEMBER_VPTR(dom_order, [home][i]);

	return dom ? *dom : 0;
}

static u32 dom_size(u32 dom)
{
	const volatile u32 *size = ARRAY_ELEM_PTR(dom_nr_cpus, dom, AUGUR_MAX_DOMS);

	return size ? *size : 0;
}

/* The queue of a CPU. Every CPU serves its own, so no task can be left on a queue that nobody serves. */
static u64 dsq_of(s32 cpu)
{
	return (u64)cpu;
}

static void count(struct augur_cpu *cctx, enum augur_stat stat)
{
	if (cctx && stat < AUGUR_NR_STATS)
		cctx->stats[stat]++;
}

static void count_here(enum augur_stat stat)
{
	count(cpu_ctx_of(bpf_get_smp_processor_id()), stat);
}

/* Bound to the CPU where it is, for good or for now. */
static bool is_pinned(const struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 || is_migration_disabled(p);
}

static bool is_percpu_kthread(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

static bool is_sched_idle(const struct task_struct *p)
{
	return p->policy == 5; /* SCHED_IDLE */
}

#endif
