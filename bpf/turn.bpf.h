/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns: whether the task that runs goes on when its slice has ended, or hands over.
 */
#ifndef __AUGUR_TURN_BPF_H
#define __AUGUR_TURN_BPF_H

/* Does the task that runs go on? By vtime, so that weights are honoured to the slice. */
static bool keeps_running(struct task_struct *prev, const struct augur_cpu *cctx, s32 cpu, u64 now)
{
	struct task_struct *head;
	struct task_ctx *tctx;

	if (!(prev->scx.flags & SCX_TASK_QUEUED))
		return false;
	tctx = task_ctx_of(prev);
	if (!tctx || (tctx->move_seq && !time_after(now, tctx->move_deadline_ns) && !is_pinned(prev)))
		return false;
	if (!bpf_cpumask_test_cpu(cpu, prev->cpus_ptr))
		return false;
	if (!scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		return true;
	if (tctx->yielded)
		return false;
	vtime_charge(tctx, now);
	head = __COMPAT_scx_bpf_dsq_peek(dsq_of(cpu));
	/* Who comes in its place may be ahead of it by lead_ns. Whom the tick saw may be gone: nobody else gets its turn. */
	if (head && cctx->evicts && sooner_done(head, cpu, now))
		return false;
	return head && time_before(queue_key(tctx, tctx->vtime), head->scx.dsq_vtime);
}

static void grant_again(struct task_struct *prev, struct augur_cpu *cctx, u64 now)
{
	struct task_ctx *tctx = task_ctx_of(prev);
	u64 slice;

	if (!tctx)
		return;
	vtime_charge(tctx, now);
	cctx->evicts = 0;
	slice = slice_on(scx_bpf_task_cpu(prev));
	tctx->rescued = false;
	tctx->yielded = false;
	tctx->slice_vtime = tctx->vtime;
	tctx->slice_granted_ns = time_delta(now, tctx->run_at_ns) + slice;
	mark_active(prev, tctx, dom_of(scx_bpf_task_cpu(prev)));
	count_here(AUGUR_STAT_KEPT);
	scx_bpf_task_set_slice(prev, slice);
}

/* Does the one that ran until now give up the rest of its turn? */
static bool yields(struct task_struct *prev)
{
	struct task_ctx *tctx = prev ? task_ctx_of(prev) : NULL;

	return tctx && tctx->yielded;
}

#endif
