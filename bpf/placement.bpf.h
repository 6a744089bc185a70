/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a task goes when it becomes runnable.
 *
 * It stays on the CPU whose cache it warmed unless waiting there is predicted to be long and another CPU idles. A task
 * with short bursts interrupts instead of moving: it is done before a migration would have paid.
 */
#ifndef __AUGUR_PLACEMENT_BPF_H
#define __AUGUR_PLACEMENT_BPF_H

struct dom_mask {
	struct bpf_cpumask __kptr *cpus;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, AUGUR_MAX_DOMS);
	__type(key, u32);
	__type(value, struct dom_mask);
} dom_masks SEC(".maps");

/* Claims an idle CPU of a domain for a task that may run on all of them: an idle core first. */
static s32 claim_idle_of(struct bpf_cpumask *mask)
{
	s32 cpu = -1;

	if (smt_enabled)
		cpu = scx_bpf_pick_idle_cpu(cast_mask(mask), SCX_PICK_IDLE_CORE);
	return cpu >= 0 ? cpu : scx_bpf_pick_idle_cpu(cast_mask(mask), 0);
}

/* The same for a task that may run on some of them, one CPU after the other. */
static s32 claim_idle_allowed(const struct task_struct *p, u32 dom)
{
	u32 i, size = dom_size(dom);
	s32 cpu;

	bpf_for(i, 0, size) {
		cpu = dom_cpu(dom, i);
		if (cpu >= 0 && bpf_cpumask_test_cpu(cpu, p->cpus_ptr) && scx_bpf_test_and_clear_cpu_idle(cpu))
			return cpu;
	}
	return -1;
}

/*
 * Mask against mask: a count of the CPUs that a task may use says nothing of which they are, where some are off. Callers are under
 * RCU: all scheduler callbacks are, `apply` takes it.
 */
static s32 claim_idle(const struct task_struct *p, u32 dom)
{
	struct dom_mask *entry = bpf_map_lookup_elem(&dom_masks, &dom);
	struct bpf_cpumask *mask;

	if (!entry)
		return -1;
	mask = entry->cpus;
	if (!mask)
		return -1;
	return bpf_cpumask_subset(cast_mask(mask), p->cpus_ptr) ? claim_idle_of(mask) : claim_idle_allowed(p, dom);
}

/* Claims an idle CPU, nearest domain first. */
static s32 claim_idle_near(const struct task_struct *p, u32 home)
{
	u32 i, dom;
	s32 cpu;

	if (home >= AUGUR_MAX_DOMS)
		return -1;
	bpf_for(i, 0, nr_doms) {
		dom = near_dom(home, i);
		cpu = claim_idle(p, dom);
		if (cpu >= 0)
			return cpu;
	}
	return -1;
}

/* The CPU of a domain with the least runnable weight, among those that the task may use; -1 where there is none. */
static s32 least_queued(const struct task_struct *p, u32 dom)
{
	u32 i, size = dom_size(dom);
	s32 cpu, best = -1;
	u64 best_key = (u64)-1, key;
	struct augur_cpu *cctx;

	bpf_for(i, 0, size) {
		cpu = dom_cpu(dom, i);
		cctx = cpu_ctx_of(cpu);
		if (!cctx || !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			continue;
		key = cctx->weight_runnable;
		if (key < best_key) {
			best_key = key;
			best = cpu;
		}
	}
	return best;
}

/* A CPU for a task that moves into `dom`: an idle one, else the least loaded. -1: its affinity forbids all. */
static s32 cpu_in_domain(const struct task_struct *p, u32 dom, bool *idle)
{
	s32 cpu = claim_idle(p, dom);

	*idle = cpu >= 0;
	return *idle ? cpu : least_queued(p, dom);
}

/*
 * The one that runs here has ended and wakes its parent: some microseconds, and the CPU is free. Whatever was predicted of it,
 * neither a migration nor an interruption is worth that.
 */
static bool is_leaving(s32 cpu)
{
	return cpu == (s32)bpf_get_smp_processor_id() && bpf_get_current_task_btf()->exit_state;
}

/* Would the task rather wait for the one that runs on its CPU than move? */
static bool would_wait(struct task_ctx *tctx, const struct augur_cpu *cctx, s32 cpu, u64 now)
{
	if (!cctx->curr_since_ns)
		return false;
	if (is_leaving(cpu) && !scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		return true;
	if (wake_preempt && tctx->avg_run_ns <= short_run_ns)
		return true;
	return !scx_bpf_dsq_nr_queued(dsq_of(cpu)) && remaining_ns(cctx, now) <= short_wait_ns;
}

/*
 * How long a burst may be that begins now. Bursts of one task differ by decades, and most are short: so it is tried out, for
 * trial_ns at most, whether this is a short one.
 */
static u64 hoped_run_ns(const struct task_ctx *tctx)
{
	return trial_ns && trial_ns < tctx->avg_run_ns ? trial_ns : tctx->avg_run_ns;
}

/*
 * May a task that wakes up interrupt the one that runs? Where its burst is predicted to be far shorter than what is left of the
 * other's (shortest remaining time first keeps the sum of all waits small), and only within its fair share, so that nobody
 * starves.
 */
static bool may_preempt(const struct task_struct *p, const struct task_ctx *tctx, s32 cpu, u64 now)
{
	const struct augur_cpu *cctx = cpu_ctx_of(cpu);

	if (!wake_preempt || !cctx || !cctx->curr_since_ns || scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu))
		return false;
	if (is_leaving(cpu))
		return false;
	if (cctx->curr_yields && !is_sched_idle(p))
		return true;
	return preempt_ratio * hoped_run_ns(tctx) < remaining_ns(cctx, now) && time_before(tctx->vtime, vtime_running(cctx, now));
}

/* The same question again for the first in the queue of a CPU, some time later. */
static bool sooner_done(struct task_struct *head, s32 cpu, u64 now)
{
	const struct augur_cpu *cctx = cpu_ctx_of(cpu);
	struct task_ctx *tctx = task_ctx_of(head);
	u64 rest_ns;

	if (!tctx || !cctx || !cctx->curr_since_ns)
		return false;
	rest_ns = tctx->burst_ns ? predicted_run_ns(tctx) : hoped_run_ns(tctx);
	return preempt_ratio * rest_ns < remaining_ns(cctx, now) && time_before(tctx->vtime, vtime_running(cctx, now));
}

/*
 * A fork goes to an idle CPU, else to the least loaded of its domain: nothing is warm yet, so nothing is lost. After a vfork the
 * parent sleeps at once, so where no CPU idles its own is the next one free: elsewhere the child would only be stolen back.
 */
static s32 place_fork(const struct task_struct *p, s32 prev, bool *idle)
{
	bool stays = vfork_stays && p->vfork_done && bpf_cpumask_test_cpu(prev, p->cpus_ptr);
	u32 home = dom_of(prev);
	s32 cpu;

	count_here(AUGUR_STAT_FORKS);
	if (stays && vfork_stays > 1 && !scx_bpf_dsq_nr_queued(dsq_of(prev)))
		return prev;
	cpu = claim_idle_near(p, home);
	*idle = cpu >= 0;
	if (cpu < 0 && !stays)
		cpu = least_queued(p, home);
	return cpu >= 0 ? cpu : prev;
}

static s32 place_wakeup(const struct task_struct *p, struct task_ctx *tctx, s32 prev, u64 now, bool *idle)
{
	struct augur_cpu *cctx = cpu_ctx_of(prev);
	s32 cpu;

	*idle = scx_bpf_test_and_clear_cpu_idle(prev);
	if (*idle) {
		count_here(AUGUR_STAT_WAKE_PREV_IDLE);
		return prev;
	}
	if (cctx && would_wait(tctx, cctx, prev, now)) {
		count_here(AUGUR_STAT_WAKE_WAIT);
		return prev;
	}
	cpu = claim_idle_near(p, dom_of(prev));
	if (cpu < 0)
		return prev;
	*idle = true;
	count_here(AUGUR_STAT_WAKE_IDLE_ELSEWHERE);
	tctx->cause = AUGUR_CAUSE_WAKEUP;
	return cpu;
}

#endif
