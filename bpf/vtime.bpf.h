/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Weighted virtual time. Each CPU has its own clock, which is the largest vtime that started to run there; a
 * task that changes CPUs keeps its lag, not its absolute value.
 */
#ifndef __AUGUR_VTIME_BPF_H
#define __AUGUR_VTIME_BPF_H

/* The kernel's sched_prio_to_weight (kernel/sched/core.c): nice -20 to 19, 25 % a step. */
static const u32 nice_weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
};

/*
 * The weight that EEVDF would give. p->scx.weight is rounded to 1..10000 around 100, which makes SCHED_IDLE three
 * times too heavy.
 */
static u32 weight_of(const struct task_struct *p)
{
	u32 i = (u32)p->static_prio - 100;

	if (is_sched_idle(p))
		return 3;
	return i < 40 ? nice_weights[i] : AUGUR_NICE0_WEIGHT;
}

static u64 vtime_delta(const struct task_ctx *tctx, u64 ran_ns)
{
	return ran_ns * AUGUR_NICE0_WEIGHT / (tctx->weight ?: AUGUR_NICE0_WEIGHT);
}

/*
 * Charges what ran since the last charge. A rescued turn is free: charged, it would put the task into a debt that only grows where
 * weights are far apart, and whoever comes later would stand behind a clock that nothing reaches.
 */
static void vtime_charge(struct task_ctx *tctx, u64 now)
{
	if (!tctx->rescued && time_after(now, tctx->charged_at_ns))
		tctx->vtime += vtime_delta(tctx, now - tctx->charged_at_ns);
	tctx->charged_at_ns = now;
}

/*
 * Who yields is charged for a turn of yield_ns, however little of it is used. Charged for what it used alone, several that wait for
 * one another by yielding would pass the CPU among themselves for as long as they are owed anything, ahead of the one that they
 * wait for.
 */
static void vtime_yield(struct task_ctx *tctx, u64 now)
{
	u64 ran_ns = time_delta(now, tctx->run_at_ns);

	vtime_charge(tctx, now);
	if (!tctx->rescued && ran_ns < yield_ns)
		tctx->vtime += vtime_delta(tctx, yield_ns - ran_ns);
}

/* Puts the task's vtime on the clock of `cpu`. */
static void vtime_place(struct task_ctx *tctx, s32 cpu)
{
	struct augur_cpu *to = cpu_ctx_of(cpu), *from = cpu_ctx_of(tctx->vtime_cpu);

	if (!to || tctx->vtime_cpu == cpu)
		return;
	tctx->vtime = from ? to->vtime_now + (tctx->vtime - from->vtime_now) : to->vtime_now;
	tctx->vtime_cpu = cpu;
	/* The interrupted slice was on the old clock: its place in the old queue means nothing here. */
	tctx->slice_vtime = tctx->vtime;
	tctx->resumes = false;
}

/*
 * The same for a task that slept: it is owed lag_ns at most, or it would keep its CPU for as long as it slept. A task that
 * waits keeps all that it is owed.
 */
static void vtime_wake(struct task_ctx *tctx, s32 cpu)
{
	struct augur_cpu *to = cpu_ctx_of(cpu);
	u64 floor;

	vtime_place(tctx, cpu);
	if (!to)
		return;
	floor = to->vtime_now - lag_ns;
	if (time_before(tctx->vtime, floor))
		tctx->vtime = floor;
}

/* The vtime, by now, of the task that runs on a CPU. */
static u64 vtime_running(const struct augur_cpu *cctx, u64 now)
{
	u64 ran_ns = time_delta(now, cctx->curr_since_ns);

	return cctx->curr_vtime + ran_ns * AUGUR_NICE0_WEIGHT / (cctx->curr_weight ?: AUGUR_NICE0_WEIGHT);
}

/*
 * The clock of a CPU goes on to this vtime: that of a task which starts there, or which runs there while nobody waits. Without the
 * latter the clock would stand still beside a task that runs alone for long, and who sleeps meanwhile would stay in debt.
 */
static void vtime_advance(struct augur_cpu *cctx, u64 vtime)
{
	if (time_before(cctx->vtime_now, vtime))
		cctx->vtime_now = vtime;
}

#endif
