/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was seen: migrations by kind and cause, wakeup latency, time run and waited, decisions that took effect.
 */
#ifndef __AUGUR_ACCOUNT_BPF_H
#define __AUGUR_ACCOUNT_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} outcomes SEC(".maps");

static void tell_outcome(u64 seq, s32 pid, s32 cpu, enum augur_status status, u64 now)
{
	struct augur_outcome *o = bpf_ringbuf_reserve(&outcomes, sizeof(*o), 0);

	if (!o) {
		count_here(AUGUR_STAT_ERRORS);
		return;
	}
	o->seq = seq;
	o->at_ns = now;
	o->pid = pid;
	o->status = status;
	o->cpu = cpu;
	o->pad = 0;
	bpf_ringbuf_submit(o, 0);
}

/* The pending decision ends: applied when the task runs where it said, expired when its time is over. */
static void settle_move(struct task_struct *p, struct task_ctx *tctx, s32 cpu, u64 now)
{
	if (!tctx->move_seq)
		return;
	if (dom_of(cpu) == tctx->move_to)
		tell_outcome(tctx->move_seq, p->pid, cpu, AUGUR_APPLIED, now);
	else if (time_after(now, tctx->move_deadline_ns))
		tell_outcome(tctx->move_seq, p->pid, cpu, AUGUR_EXPIRED, now);
	else
		return;
	tctx->move_seq = 0;
}

static void count_wait(struct augur_cpu *cctx, const struct task_ctx *tctx, u64 ns)
{
	u64 *kind = MEMBER_VPTR(*cctx, .stats[AUGUR_STAT_WAIT_FORK_NS + tctx->wait]);

	cctx->stats[AUGUR_STAT_WAIT_NS] += ns;
	if (kind)
		*kind += ns;
}

static u32 latency_bucket(u64 ns)
{
	u32 octave, bucket;

	if (ns < 4)
		return ns;
	octave = log2_u64(ns) - 1;
	bucket = octave * 4 + ((ns >> (octave - 2)) & 3);
	return bucket < AUGUR_LAT_BUCKETS ? bucket : AUGUR_LAT_BUCKETS - 1;
}

static void count_latency(struct augur_cpu *cctx, u64 ns)
{
	u64 *bucket = MEMBER_VPTR(*cctx, .latency[latency_bucket(ns)]);

	if (bucket)
		(*bucket)++;
}

static enum augur_kind kind_of(u32 from, u32 to)
{
	const volatile struct augur_place *a = ARRAY_ELEM_PTR(places, from, AUGUR_MAX_CPUS);
	const volatile struct augur_place *b = ARRAY_ELEM_PTR(places, to, AUGUR_MAX_CPUS);

	if (!a || !b || a->node != b->node)
		return AUGUR_KIND_CROSS_NODE;
	if (a->core == b->core)
		return AUGUR_KIND_CORE;
	return a->llc == b->llc ? AUGUR_KIND_LLC : AUGUR_KIND_CROSS_LLC;
}

/* The task starts to run on another CPU than before. */
static void count_migration(struct task_struct *p, struct task_ctx *tctx, struct augur_cpu *cctx, s32 cpu, u64 now)
{
	/* Whatever moved it, it could not have stayed. */
	bool expelled = !bpf_cpumask_test_cpu(tctx->last_cpu, p->cpus_ptr);
	u32 kind = kind_of(tctx->last_cpu, cpu), cause = expelled ? AUGUR_CAUSE_AFFINITY : tctx->cause;
	u64 *counter = MEMBER_VPTR(*cctx, .migrations[kind][cause]);

	if (counter)
		(*counter)++;
	count(cctx, AUGUR_STAT_ARRIVALS);
	tctx->migrations++;
	tctx->migrated_at_ns = now;
	if (kind >= AUGUR_KIND_CROSS_LLC)
		tctx->llc_changes++;
	if (dom_of(tctx->last_cpu) != dom_of(cpu))
		tctx->domain_moved_at_ns = now;
}

#endif
