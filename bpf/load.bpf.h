/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load tracking: exponentially decayed averages.
 *
 * An average moves from its value v towards a target t with half-life H: v' = t + (v - t) * 2^(-dt/H). Time is
 * counted in steps of H/32, the remainder is carried to the next update, so frequent updates lose nothing.
 */
#ifndef __AUGUR_LOAD_BPF_H
#define __AUGUR_LOAD_BPF_H

/* round(2^16 * 2^(-n/32)) */
static const u32 decay_steps[32] = {
	65536, 64132, 62757, 61413, 60097, 58809, 57549, 56316, 55109, 53928, 52773, 51642, 50535, 49452, 48393, 47356,
	46341, 45348, 44376, 43425, 42495, 41584, 40693, 39821, 38968, 38133, 37316, 36516, 35734, 34968, 34219, 33486,
};

static u64 decay_towards(u64 value, u64 target, u64 steps)
{
	u64 halvings = steps >> 5;
	s64 gap, kept;

	if (halvings > 30)
		return target;
	gap = (s64)value - (s64)target;
	kept = gap < 0 ? -gap : gap;
	kept = (kept * decay_steps[steps & 31]) >> (16 + halvings);
	return gap < 0 ? target - kept : target + kept;
}

/* Brings an average to `now`, given what it saw since `*at`. */
static void average(u64 *value, u64 target, u64 *at, u64 now)
{
	u64 step_ns = halflife_ns >> 5 ?: 1;
	u64 steps;

	if (!*at || time_before(now, *at)) {
		*at = now;
		return;
	}
	steps = (now - *at) / step_ns;
	if (!steps)
		return;
	*value = decay_towards(*value, target, steps);
	*at += steps * step_ns;
}

static void cpu_average(struct augur_cpu *cctx, u64 now)
{
	u64 busy_at = cctx->averaged_at_ns;
	s64 weight = cctx->weight_runnable;

	average(&cctx->busy_duty, cctx->curr_since_ns ? AUGUR_DUTY_ONE : 0, &busy_at, now);
	average(&cctx->load, weight > 0 ? (u64)weight << 10 : 0, &cctx->averaged_at_ns, now);
}

static void task_average(struct task_ctx *tctx, u64 now)
{
	average(&tctx->duty, tctx->phase == AUGUR_PHASE_SLEEPING ? 0 : AUGUR_DUTY_ONE, &tctx->duty_at_ns, now);
}

/*
 * What a task counts in the load of its CPU. Kernel threads count as nice 0 at most: a kworker of nice -20 has 87 times that
 * weight, and a few milliseconds of it would look like a domain full of work that cannot be moved anyway.
 */
static u32 load_weight_of(const struct task_struct *p, const struct task_ctx *tctx)
{
	if ((p->flags & PF_KTHREAD) && tctx->weight > AUGUR_NICE0_WEIGHT)
		return AUGUR_NICE0_WEIGHT;
	return tctx->weight;
}

/*
 * The task's weight leaves the CPU that counts it. The averages are brought up to now first: what they saw until now was the
 * weight before the change.
 */
static void weight_off(s32 cpu, const struct task_ctx *tctx, u64 now)
{
	struct augur_cpu *cctx = cpu < 0 ? NULL : cpu_ctx_of(cpu);

	if (!cctx)
		return;
	cpu_average(cctx, now);
	__sync_fetch_and_sub(&cctx->weight_runnable, (s64)tctx->load_weight);
}

/*
 * By exchange, because the daemon's moves change it while the CPU that takes the task may do so, too: a weight that left twice, or
 * never, would stay in the CPU's load for good.
 */
static void load_off(struct task_ctx *tctx, u64 now)
{
	weight_off(__sync_lock_test_and_set(&tctx->load_cpu, -1), tctx, now);
}

/* The task's weight counts on `cpu` from now on. */
static void load_on(const struct task_struct *p, struct task_ctx *tctx, s32 cpu, u64 now)
{
	u32 weight = load_weight_of(p, tctx);
	struct augur_cpu *cctx;

	if (tctx->load_cpu == cpu && tctx->load_weight == weight)
		return;
	load_off(tctx, now);
	cctx = cpu_ctx_of(cpu);
	if (!cctx)
		return;
	cpu_average(cctx, now);
	tctx->load_weight = weight;
	__sync_fetch_and_add(&cctx->weight_runnable, (s64)weight);
	weight_off(__sync_lock_test_and_set(&tctx->load_cpu, cpu), tctx, now);
}

/* Where a task is: on the CPU in whose queue it waits, which the kernel does not call its CPU before it runs there. */
static s32 seat_of(const struct task_struct *p, const struct task_ctx *tctx)
{
	return tctx->load_cpu < 0 ? scx_bpf_task_cpu(p) : tctx->load_cpu;
}

/* Half new, half old: bursts change with what a task does next, so an old one says little. */
static u64 smooth(u64 old, u64 new)
{
	return (old >> 1) + (new >> 1);
}

/* Names the task to the daemon, once an interval. */
static void mark_active(struct task_struct *p, struct task_ctx *tctx, u32 dom)
{
	struct dom_ctx *dctx;
	u32 slot;

	if (tctx->active_generation == generation)
		return;
	dctx = dom_ctx_of(dom);
	if (!dctx)
		return;
	tctx->active_generation = generation;
	slot = __sync_fetch_and_add(&dctx->nr_active, 1);
	if (slot < AUGUR_MAX_ACTIVE)
		dctx->active[slot] = p->pid;
}

#endif
