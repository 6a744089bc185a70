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

/* Of the kernel's count of what keeps a CPU from switching: NMIs, interrupts, and the softirq that is served. */
#define IN_INTERRUPT 0x00ff0100

extern const int __preempt_count __ksym __weak;

/* Does the task that runs on `cpu` wake another? Where the kernel has no such count, nobody is known to. */
static bool wakes_itself(s32 cpu)
{
	if (cpu != (s32)bpf_get_smp_processor_id() || !bpf_ksym_exists(&__preempt_count))
		return false;
	return !(*(int *)bpf_this_cpu_ptr(&__preempt_count) & IN_INTERRUPT);
}

/* Has who runs just begun, and wakes the task itself? Then it is not interrupted. */
static bool is_spared(const struct task_ctx *tctx, const struct augur_cpu *cctx, u64 now)
{
	return tctx->woken_here && time_delta(now, cctx->curr_since_ns) < spare_ns;
}

/*
 * Would the task rather wait for the one that runs on its CPU than move? One with short bursts interrupts it, or is woken by one
 * that is about to sleep.
 */
static bool would_wait(struct task_ctx *tctx, const struct augur_cpu *cctx, s32 cpu, u64 now)
{
	if (!cctx->curr_since_ns)
		return false;
	if (is_leaving(cpu) && !scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		return true;
	if (wake_preempt && tctx->avg_run_ns <= short_run_ns && (tctx->woken_sync || !is_spared(tctx, cctx, now)))
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
 * Does a burst that is predicted to be so long come before the one that runs? Where it is far shorter than what is left of the
 * other's: shortest remaining time first keeps the sum of all waits small. Who runs is taken to go on for long, whatever its past:
 * to interrupt one that would soon have been done costs a switch, to wait for one that is not costs its slice. Nobody may be ahead
 * of it by more than lead_ns of virtual time, or who sleeps often would starve who does not.
 */
static bool comes_first(const struct task_ctx *tctx, const struct augur_cpu *cctx, u64 burst_ns, u64 now)
{
	u64 left_ns = remaining_ns(cctx, now);

	if (left_ns < rest_ns)
		left_ns = rest_ns;
	return preempt_ratio * burst_ns < left_ns && time_before(tctx->vtime, vtime_running(cctx, now) + lead_ns);
}

/*
 * How long a task may run that interrupts one of this weight. Twice what is predicted: where that is wrong, the one that was
 * interrupted goes on. To who is lighter it need not give way so soon: as much later as it is heavier.
 */
static u64 interrupting_slice(const struct task_ctx *tctx, u32 weight)
{
	u64 slice = 2 * hoped_run_ns(tctx);

	if (weight && tctx->weight > weight)
		slice = slice * tctx->weight / weight;
	if (slice < slice_min_ns)
		return slice_min_ns;
	return slice < slice_ns ? slice : slice_ns;
}

/*
 * May a task that wakes up interrupt the one that runs? Not where the waker is about to sleep: it has more to hand over, and who
 * interrupts it for each message has both pay for a switch each time. Nor where who runs has just begun and wakes others itself:
 * of two that wake each other in turn, each gets something done before the other comes.
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
	if (sync_waits && tctx->woken_sync)
		return false;
	if (is_spared(tctx, cctx, now))
		return false;
	return comes_first(tctx, cctx, hoped_run_ns(tctx), now);
}

/* The same question again for the first in the queue of a CPU, some time later. */
static bool sooner_done(struct task_struct *head, s32 cpu, u64 now)
{
	const struct augur_cpu *cctx = cpu_ctx_of(cpu);
	struct task_ctx *tctx = task_ctx_of(head);
	u64 burst_ns;

	if (!tctx || !cctx || !cctx->curr_since_ns)
		return false;
	burst_ns = tctx->burst_ns ? predicted_run_ns(tctx) : hoped_run_ns(tctx);
	return comes_first(tctx, cctx, burst_ns, now);
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
