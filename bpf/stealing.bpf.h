/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU that runs dry takes a task that waits elsewhere: first from its own domain, then from others, nearest first.
 *
 * It leaves alone what is about to run where its cache is warm: a task is taken once it has waited for a threshold that
 * grows with the distance, or at once where the wait ahead of it is predicted to be longer than that.
 */
#ifndef __AUGUR_STEALING_BPF_H
#define __AUGUR_STEALING_BPF_H

/* The daemon's word holds while it is fresh; a daemon that is stopped cannot forbid stealing for good. */
static bool steal_permitted(u32 from, u32 to, u64 now)
{
	struct augur_permissions *perms;
	u32 zero = 0;
	u8 *denied;

	perms = bpf_map_lookup_elem(&permissions, &zero);
	if (!perms)
		return true;
	denied = MEMBER_VPTR(*perms, .denied[from][to]);
	if (!denied || !*denied)
		return true;
	if (time_after(now, perms->at_ns + permission_ttl_ns))
		return true;
	count_here(AUGUR_STAT_STEAL_DENIED);
	return false;
}

static bool may_steal(struct task_struct *p, s32 thief)
{
	return bpf_cpumask_test_cpu(thief, p->cpus_ptr) && !is_migration_disabled(p);
}

/* Takes the first suitable task of one CPU's queue, if it has waited for long enough, or would have to. */
static __noinline bool steal_from(s32 victim, s32 thief, u64 ahead_ns, u64 threshold_ns, u64 now)
{
	struct task_struct *p;
	struct task_ctx *tctx;
	bool taken = false;

	bpf_for_each(scx_dsq, p, dsq_of(victim), 0) {
		if (!may_steal(p, thief))
			continue;
		p = bpf_task_from_pid(p->pid);
		if (!p)
			continue;
		tctx = task_ctx_of(p);
		if (!tctx) {
			bpf_task_release(p);
			continue;
		}
		if (ahead_ns < threshold_ns && time_delta(now, tctx->queued_at_ns) < threshold_ns) {
			count_here(AUGUR_STAT_STEAL_TOO_SOON);
			bpf_task_release(p);
			break;
		}
		taken = scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL_ON | thief, 0);
		if (taken) {
			tctx->cause = AUGUR_CAUSE_STEAL;
			tctx->queue_cpu = thief;
		}
		bpf_task_release(p);
		if (taken)
			break;
	}
	return taken;
}

static __noinline bool steal_in(u32 dom, s32 thief, u64 threshold_ns, u64 now)
{
	u32 i, size = dom_size(dom);
	struct augur_cpu *vctx;
	s32 victim;

	bpf_for(i, 0, size) {
		victim = dom_cpu(dom, i);
		if (victim < 0 || victim == thief || !scx_bpf_dsq_nr_queued(dsq_of(victim)))
			continue;
		vctx = cpu_ctx_of(victim);
		if (vctx && steal_from(victim, thief, remaining_ns(vctx, now), threshold_ns, now))
			return true;
	}
	return false;
}

static bool steal(s32 thief, u64 now)
{
	u32 home = dom_of(thief), i, dom;
	struct dom_ctx *dctx;

	if (home >= AUGUR_MAX_DOMS)
		return false;
	bpf_for(i, 0, nr_doms) {
		dom = near_dom(home, i);
		dctx = dom_ctx_of(dom);
		if (!dctx || !dctx->nr_waiting || !steal_permitted(dom, home, now))
			continue;
		if (steal_in(dom, thief, i ? steal_far_ns : steal_llc_ns, now))
			return true;
	}
	return false;
}

/*
 * Takes the one that has waited longest in a queue, where that is too long, for a short turn on `cpu`. All of the queue is looked
 * at: who starves may stand anywhere. (A count of the steps would have the verifier walk through each of them.) But one that has been
 * reaped has no pid any more to get hold of it by: as the oldest it would be in the way of all others.
 */
static __noinline bool rescue_from(s32 queue, s32 cpu, u64 now)
{
	s32 oldest = 0;
	u64 since_ns = now - starving_ns;
	struct task_struct *p;
	struct task_ctx *tctx;
	bool moved = false;

	bpf_for_each(scx_dsq, p, dsq_of(queue), 0) {
		tctx = task_ctx_of(p);
		if (p->exit_state || !tctx)
			continue;
		if (time_before(tctx->queued_at_ns, since_ns) && (queue == cpu || may_steal(p, cpu))) {
			since_ns = tctx->queued_at_ns;
			oldest = p->pid;
		}
	}
	if (!oldest)
		return false;
	bpf_for_each(scx_dsq, p, dsq_of(queue), 0) {
		if (p->pid != oldest)
			continue;
		p = bpf_task_from_pid(oldest);
		if (!p)
			break;
		tctx = task_ctx_of(p);
		if (tctx) {
			tctx->rescued = true;
			if (queue != cpu)
				tctx->cause = AUGUR_CAUSE_STEAL;
		}
		scx_bpf_dsq_move_set_slice(BPF_FOR_EACH_ITER, slice_min_ns);
		moved = scx_bpf_dsq_move(BPF_FOR_EACH_ITER, p, SCX_DSQ_LOCAL_ON | cpu, 0);
		if (tctx && moved)
			tctx->queue_cpu = cpu;
		else if (tctx)
			tctx->rescued = false;
		bpf_task_release(p);
		break;
	}
	return moved;
}

/*
 * What vtime alone would let wait too long: where weights are far apart, or many tasks share a CPU, virtual time passes so slowly
 * that a task of low weight would wait for minutes, and the kernel's watchdog would end the scheduler. One that waits alone is no
 * better off than one of many. Now and then the one that has waited longest is looked for, and gets a short turn if that is over
 * the limit: in the CPU's own queue, or in that of a CPU which another class holds, for there nobody looks. Where one was found there
 * may be hundreds, and one in rescue_interval_ns would be too few.
 */
static bool rescue(s32 cpu, struct augur_cpu *cctx, u64 now)
{
	struct augur_cpu *other;
	bool moved = false;
	u32 i;

	if (time_before(now, cctx->rescue_at_ns))
		return false;
	cctx->rescue_at_ns = now + rescue_interval_ns;
	if (scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		moved = rescue_from(cpu, cpu, now);
	bpf_for(i, 0, AUGUR_MAX_CPUS) {
		if (moved || i >= scx_bpf_nr_cpu_ids())
			break;
		other = cpu_ctx_of(i);
		if (i == cpu || !other || other->curr_since_ns || !scx_bpf_dsq_nr_queued(dsq_of(i)))
			continue;
		moved = rescue_from(i, cpu, now);
	}
	if (moved) {
		cctx->rescue_at_ns = now + rescue_again_ns;
		count(cctx, AUGUR_STAT_RESCUED);
	}
	return moved;
}

/*
 * CPUs steal when they run dry: where none does, who waits on a CPU that another class keeps would wait for its rescue. So a CPU that
 * has work of its own now and then takes one of those, as long as there are any.
 */
static __noinline bool help(s32 cpu, struct augur_cpu *cctx, u64 now)
{
	struct augur_cpu *other;
	u32 i;

	if (time_before(now, cctx->help_at_ns))
		return false;
	cctx->help_at_ns = now + help_ns;
	bpf_for(i, 0, AUGUR_MAX_CPUS) {
		if (i >= scx_bpf_nr_cpu_ids())
			break;
		other = cpu_ctx_of(i);
		if (i == cpu || !other || other->curr_since_ns || time_before(now, other->stopped_at_ns + help_ns))
			continue;
		if (!scx_bpf_dsq_nr_queued(dsq_of(i)) || !steal_permitted(dom_of(i), dom_of(cpu), now))
			continue;
		if (steal_from(i, cpu, 0, help_ns, now)) {
			count(cctx, AUGUR_STAT_HELPED);
			return true;
		}
	}
	return false;
}

/* An idle CPU that may take what waits on `cpu` comes to look for it, nearest domain first. */
static __noinline bool kick_thief(const struct task_struct *p, s32 cpu, u64 now)
{
	u32 home = dom_of(cpu), i, dom;
	s32 thief;

	bpf_for(i, 0, nr_doms) {
		dom = near_dom(home, i);
		if (!steal_permitted(home, dom, now))
			continue;
		thief = claim_idle(p, dom);
		if (thief < 0)
			continue;
		count_here(AUGUR_STAT_KICKS);
		scx_bpf_kick_cpu(thief, SCX_KICK_IDLE);
		return true;
	}
	return false;
}

/*
 * Another class took the CPU: what waits there has nobody who would look at it again, at no tick and at no end of a slice. For each
 * of them an idle CPU comes, as long as there are any. (A count of them would have the verifier walk through each.)
 */
static __noinline int kick_thieves(s32 cpu, u64 now)
{
	struct task_struct *p;

	bpf_for_each(scx_dsq, p, dsq_of(cpu), 0) {
		if (!is_pinned(p) && !kick_thief(p, cpu, now))
			break;
	}
	return 0;
}

#endif
