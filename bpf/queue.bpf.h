/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues: one for each CPU, ordered by vtime. Bookkeeping of who waits where.
 */
#ifndef __AUGUR_QUEUE_BPF_H
#define __AUGUR_QUEUE_BPF_H

static void wait_end(struct task_ctx *tctx)
{
	struct dom_ctx *dctx;

	if (tctx->waiting_dom < 0)
		return;
	dctx = dom_ctx_of(tctx->waiting_dom);
	if (dctx)
		__sync_fetch_and_sub(&dctx->nr_waiting, 1);
	tctx->waiting_dom = -1;
}

static void wait_begin(struct task_ctx *tctx, s32 cpu)
{
	u32 dom = dom_of(cpu);
	struct dom_ctx *dctx = dom_ctx_of(dom);

	wait_end(tctx);
	if (!dctx)
		return;
	tctx->waiting_dom = dom;
	__sync_fetch_and_add(&dctx->nr_waiting, 1);
}

/*
 * How long the task that runs on a CPU will go on. Within its predicted burst: the rest of it. Beyond: as long again
 * as it has run (a burst that outlived its prediction is likely to be long). U64_MAX where another class runs, because
 * nothing is known then.
 */
static u64 remaining_ns(const struct augur_cpu *cctx, u64 now)
{
	u64 since = cctx->curr_since_ns, ran;

	if (!since)
		return (u64)-1;
	ran = time_delta(now, since);
	return ran < cctx->curr_run_ns ? cctx->curr_run_ns - ran : ran;
}

/* The predicted rest of a task's burst: of one that outlived its prediction, as long again as it has run. */
static u64 predicted_run_ns(const struct task_ctx *tctx)
{
	return tctx->burst_ns < tctx->avg_run_ns ? tctx->avg_run_ns - tctx->burst_ns : tctx->burst_ns;
}

/*
 * What a task asks for in a queue's order: the predicted rest of its burst. Nothing is known of one that has never slept, but most
 * are soon done: it stands with the short ones, until it has run for longer than those do.
 */
static u64 request_of(const struct task_ctx *tctx)
{
	if (tctx->bursts || !new_run_ns)
		return predicted_run_ns(tctx);
	return tctx->burst_ns < new_run_ns ? new_run_ns - tctx->burst_ns : tctx->burst_ns;
}

/*
 * Where a task of this vtime stands in a queue: where its vtime will be at the end of its burst, or of its slice. So of two that
 * are owed the same, the one that is done sooner goes first, which keeps the sum of all waits small.
 */
static u64 queue_key(const struct task_ctx *tctx, u64 vtime)
{
	u64 request_ns = request_of(tctx);

	if (!deadline_order)
		return vtime;
	return vtime + vtime_delta(tctx, request_ns < slice_ns ? request_ns : slice_ns);
}

/* The longest slice on `cpu`: so long that a round through its queue takes no longer than round_slices whole ones. */
static u64 slice_on(s32 cpu)
{
	u64 share = round_slices * slice_ns / (scx_bpf_dsq_nr_queued(dsq_of(cpu)) + 1);

	if (share >= slice_ns)
		return slice_ns;
	return share > slice_min_ns ? share : slice_min_ns;
}

/* Puts a runnable task into the queue of `cpu`. */
static void queue_on(struct task_struct *p, struct task_ctx *tctx, s32 cpu, u64 enq_flags)
{
	u64 key, slice = slice_ns;

	vtime_place(tctx, cpu);
	key = queue_key(tctx, tctx->vtime);
	if (tctx->resumes) {
		/* It goes on where it was interrupted, ahead of those that it was ahead of. */
		key = tctx->slice_vtime;
		slice = tctx->slice_left_ns;
	}
	tctx->slice_granted_ns = slice;
	tctx->rescued = false;
	tctx->queue_cpu = cpu;
	wait_begin(tctx, cpu);
	load_on(p, tctx, cpu, scx_bpf_now());
	count(cpu_ctx_of(cpu), AUGUR_STAT_QUEUED);
	scx_bpf_dsq_insert_vtime(p, dsq_of(cpu), slice, key, enq_flags);
}

/*
 * Does a task come back that waited in the queue of another CPU than the kernel's? It was taken out because its weight, affinity or
 * group changed, and a decision or a thief had moved it: put back where it ran last, it would undo that.
 */
static bool waited_elsewhere(const struct task_struct *p, const struct task_ctx *tctx, s32 cpu)
{
	return tctx->queue_cpu >= 0 && tctx->queue_cpu != cpu && bpf_cpumask_test_cpu(tctx->queue_cpu, p->cpus_ptr);
}

/* Puts a task straight onto a CPU's local queue. */
static void run_on(struct task_struct *p, struct task_ctx *tctx, u64 local_dsq, u64 slice, u64 enq_flags)
{
	tctx->slice_granted_ns = slice;
	tctx->resumes = false;
	tctx->rescued = false;
	tctx->queue_cpu = -1;
	scx_bpf_dsq_insert(p, local_dsq, slice, enq_flags);
}

#endif
