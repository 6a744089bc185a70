/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test calls, part of kernel.c; kernel.rs has each function and each struct. The rules are called through their
 * table, in the order that machine/ says.
 */
struct twin_settings {
	u64 slice_ns, round_slices, slice_min_ns, short_run_ns, short_wait_ns, steal_llc_ns, steal_far_ns, lag_ns, permission_ttl_ns;
	u64 starving_ns, rescue_interval_ns, rescue_again_ns, help_ns, yield_ns, trial_ns, lead_ns, new_run_ns, rest_ns, spare_ns;
	u64 preempt_ratio, vfork_stays, wake_preempt, sync_waits, deadline_order, tick_preempt;
};

struct twin_cpu_place {
	u64 dom, core, llc, node, siblings;
};

struct twin_task {
	u64 static_prio, sched_idle, kthread, cpus, allowed, cpu;
};

struct twin_task_state {
	u64 vtime, slice_granted_ns, slice_left_ns, slice_vtime, charged_at_ns, burst_ns, avg_run_ns, bursts, resumes;
	u64 woken_sync, woken_here, yielded, rescued;
	u64 queued_at_ns, run_at_ns, weight, cause, move_to, moving, phase, slice_ns, key;
	s64 vtime_cpu, queue_cpu, load_cpu, waiting_dom, last_cpu;
};

struct twin_cpu_state {
	u64 vtime_now, curr_since_ns, curr_run_ns, curr_vtime, curr_weight, curr_yields, evicts;
	u64 rescue_at_ns, help_at_ns, stopped_at_ns, turn_ns, rescued, denied;
	s64 weight_runnable;
};

static void set_settings(struct twin_settings *s)
{
	slice_ns = s->slice_ns;
	round_slices = s->round_slices;
	slice_min_ns = s->slice_min_ns;
	short_run_ns = s->short_run_ns;
	short_wait_ns = s->short_wait_ns;
	steal_llc_ns = s->steal_llc_ns;
	steal_far_ns = s->steal_far_ns;
	lag_ns = s->lag_ns;
	permission_ttl_ns = s->permission_ttl_ns;
	starving_ns = s->starving_ns;
	rescue_interval_ns = s->rescue_interval_ns;
	rescue_again_ns = s->rescue_again_ns;
	help_ns = s->help_ns;
	yield_ns = s->yield_ns;
	trial_ns = s->trial_ns;
	lead_ns = s->lead_ns;
	new_run_ns = s->new_run_ns;
	rest_ns = s->rest_ns;
	spare_ns = s->spare_ns;
	preempt_ratio = s->preempt_ratio;
	vfork_stays = s->vfork_stays;
	wake_preempt = s->wake_preempt;
	sync_waits = s->sync_waits;
	deadline_order = s->deadline_order;
	tick_preempt = s->tick_preempt;
}

static void forget(void)
{
	u32 i;

	for (i = 0; kernel.maps[0].map && i < AUGUR_MAX_DOMS; i++) {
		struct dom_mask *entry = bpf_map_lookup_elem(&dom_masks, &i);

		free(entry->cpus);
	}
	for (i = 0; i < MAPS_MAX; i++)
		free(kernel.maps[i].values);
	for (i = 0; i < kernel.nr_tasks; i++)
		free(kernel.tasks[i].storage);
	memset(&kernel, 0, sizeof(kernel));
	generation = 1;
}

/* A machine without tasks, all of whose CPUs idle. `order` has a row of all domains for each domain. */
int twin_reset(struct twin_settings *settings, struct twin_cpu_place *cpus, u32 count, u8 *order, u32 doms, bool smt)
{
	u32 i, dom;

	forget();
	set_settings(settings);
	kernel.cpus = count;
	nr_doms = doms;
	smt_enabled = smt;
	memset((void *)dom_nr_cpus, 0, sizeof(dom_nr_cpus));
	for (i = 0; i < count; i++) {
		dom = cpus[i].dom;
		cpu_dom[i] = dom;
		places[i].core = cpus[i].core;
		places[i].llc = cpus[i].llc;
		places[i].node = cpus[i].node;
		dom_cpus[dom][dom_nr_cpus[dom]++] = i;
		kernel.cores[i] = cpus[i].siblings;
		kernel.idle |= 1ULL << i;
	}
	for (i = 0; i < doms * doms; i++)
		dom_order[i / doms][i % doms] = order[i];
	return augur_ops.init();
}

static void set_task(struct task_struct *p, struct twin_task *task)
{
	p->static_prio = task->static_prio;
	p->policy = task->sched_idle ? 5 : 0;
	p->flags = task->kthread ? PF_KTHREAD : 0;
	p->cpus.bits = task->cpus;
	p->nr_cpus_allowed = task->allowed;
}

int twin_add_task(struct twin_task *task)
{
	struct task_struct *p = &kernel.tasks[kernel.nr_tasks++];

	set_task(p, task);
	p->pid = kernel.nr_tasks;
	p->start_boottime = 1;
	p->cpu = task->cpu;
	p->cpus_ptr = &p->cpus;
	p->scx.weight = 100;
	return augur_ops.init_task(p, NULL);
}

/* A new event, at `now_ns`: what the rules ask for from now on is told. */
void twin_begin(u64 now_ns)
{
	kernel.now_ns = now_ns;
	kernel.nr_kicks = 0;
	kernel.nr_outcomes = 0;
}

/* What follows runs on `processor`, which interrupts `current` (-1: nothing of ours). */
void twin_on(u32 processor, s32 current)
{
	kernel.processor = processor;
	kernel.current = current < 0 ? NULL : &kernel.tasks[current];
}

void twin_set_exiting(u32 task, bool exiting)
{
	kernel.tasks[task].exit_state = exiting ? 16 : 0;
}

/* What follows is done by an interrupt, or by a task. */
void twin_set_interrupt(bool interrupt)
{
	__preempt_count = interrupt ? 0x10001 : 1;
}

void twin_set_idle(u32 cpu, bool idle)
{
	kernel.idle = idle ? kernel.idle | 1ULL << cpu : kernel.idle & ~(1ULL << cpu);
}

/* Where a task goes that becomes runnable; one that can run on one CPU alone is not asked about. */
s32 twin_select_cpu(u32 task, s32 prev, bool fork, bool vfork, bool sync)
{
	struct task_struct *p = &kernel.tasks[task];
	s32 cpu = prev;

	p->cpu = prev;
	p->sent = false;
	p->vfork_done = vfork ? p : NULL;
	if (p->nr_cpus_allowed > 1) {
		kernel.placing = p;
		cpu = augur_ops.select_cpu(p, prev, (fork ? SCX_WAKE_FORK : SCX_WAKE_TTWU) | (sync ? SCX_WAKE_SYNC : 0));
		kernel.placing = NULL;
	}
	/* select_fallback_rq(): an answer outside of the affinity is not taken. */
	if (!bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
		cpu = first_of(p->cpus.bits);
	p->cpu = cpu;
	return cpu;
}

/* Was it sent to a CPU's local queue when it was placed? */
bool twin_is_direct(u32 task)
{
	return kernel.tasks[task].sent;
}

void twin_runnable(u32 task, u64 enq_flags)
{
	kernel.tasks[task].scx.flags |= SCX_TASK_QUEUED;
	augur_ops.runnable(&kernel.tasks[task], enq_flags);
}

void twin_enqueue(u32 task, u64 enq_flags)
{
	struct task_struct *p = &kernel.tasks[task];

	if (p->sent)
		carry_out(p);
	else
		enqueue(p, enq_flags);
}

/* Out of whatever queue it waits in. */
void twin_dequeue(u32 task)
{
	struct task_struct *p = &kernel.tasks[task];
	u32 i;

	for (i = 0; i < kernel.cpus; i++) {
		take_from(&kernel.queues[i], p);
		take_from(&kernel.locals[i], p);
	}
}

/* Its CPU changes without the rules being asked: they are asked when it is put into a queue there. */
void twin_set_cpu(u32 task, s32 cpu)
{
	kernel.tasks[task].cpu = cpu;
}

/* The slice is used up; the rules may grant another. */
void twin_dispatch(s32 cpu, s32 prev)
{
	if (prev >= 0)
		kernel.tasks[prev].scx.slice = 0;
	augur_ops.dispatch(cpu, prev < 0 ? NULL : &kernel.tasks[prev]);
}

/* The first in the local queue leaves it, -1: there is none. */
s32 twin_pick(u32 cpu)
{
	struct task_struct *p;

	if (!kernel.locals[cpu].count)
		return -1;
	p = kernel.locals[cpu].tasks[0];
	take_from(&kernel.locals[cpu], p);
	return p->pid - 1;
}

void twin_running(u32 task)
{
	augur_ops.running(&kernel.tasks[task]);
}

void twin_stopping(u32 task, bool runnable)
{
	if (!runnable)
		kernel.tasks[task].scx.flags &= ~SCX_TASK_QUEUED;
	augur_ops.stopping(&kernel.tasks[task], runnable);
}

void twin_quiescent(u32 task)
{
	kernel.tasks[task].scx.flags &= ~SCX_TASK_QUEUED;
	augur_ops.quiescent(&kernel.tasks[task], SCX_DEQ_SLEEP);
}

void twin_tick(u32 task)
{
	augur_ops.tick(&kernel.tasks[task]);
}

/* Whether the turn of the one that yields ends. */
bool twin_yields(u32 task)
{
	struct task_struct *p = &kernel.tasks[task];

	p->scx.slice = 1;
	augur_ops.yield(p, NULL);
	return !p->scx.slice;
}

/* Another class takes the CPU; `interrupted` ran there, -1: nothing did. */
void twin_cpu_release(u32 cpu, s32 interrupted)
{
	if (interrupted >= 0)
		into_local(&kernel.tasks[interrupted], cpu, SCX_ENQ_HEAD);
	augur_ops.cpu_release(cpu, NULL);
}

void twin_set_cpumask(u32 task, struct twin_task *changed)
{
	set_task(&kernel.tasks[task], changed);
	augur_ops.set_cpumask(&kernel.tasks[task], &kernel.tasks[task].cpus);
}

void twin_set_weight(u32 task, struct twin_task *changed)
{
	set_task(&kernel.tasks[task], changed);
	augur_ops.set_weight(&kernel.tasks[task], 100);
}

void twin_decide(u32 task, u32 from, u32 to, u64 seq, u64 ttl_ns)
{
	struct augur_apply_args args = { .ttl_ns = ttl_ns, .nr_decisions = 1 };
	u32 zero = 0;
	struct augur_decision *d = bpf_map_lookup_elem(&decisions, &zero);

	*d = (struct augur_decision) { .seq = seq, .start_ns = 1, .pid = task + 1, .from = from, .to = to };
	apply(&args);
}

/* `denied` has a row of all domains for each domain. */
void twin_permit(u8 *denied)
{
	u32 zero = 0, i;
	struct augur_permissions *perms = bpf_map_lookup_elem(&permissions, &zero);

	perms->at_ns = kernel.now_ns;
	for (i = 0; i < nr_doms * nr_doms; i++)
		perms->denied[i / nr_doms][i % nr_doms] = denied[i];
}

void twin_task_state(u32 task, struct twin_task_state *s)
{
	struct task_struct *p = &kernel.tasks[task];
	struct task_ctx *t = task_ctx_of(p);

	*s = (struct twin_task_state) {
		.vtime = t->vtime, .slice_granted_ns = t->slice_granted_ns, .slice_left_ns = t->slice_left_ns,
		.slice_vtime = t->slice_vtime, .charged_at_ns = t->charged_at_ns, .burst_ns = t->burst_ns,
		.avg_run_ns = t->avg_run_ns, .bursts = t->bursts, .resumes = t->resumes,
		.woken_sync = t->woken_sync, .woken_here = t->woken_here, .yielded = t->yielded, .rescued = t->rescued,
		.queued_at_ns = t->queued_at_ns, .run_at_ns = t->run_at_ns, .weight = t->weight, .cause = t->cause,
		.move_to = t->move_to, .moving = t->move_seq, .phase = t->phase, .slice_ns = p->scx.slice,
		.key = p->scx.dsq_vtime, .vtime_cpu = t->vtime_cpu, .queue_cpu = t->queue_cpu, .load_cpu = t->load_cpu, .waiting_dom = t->waiting_dom,
		.last_cpu = t->last_cpu,
	};
}

void twin_cpu_state(u32 cpu, struct twin_cpu_state *s)
{
	struct augur_cpu *c = cpu_ctx_of(cpu);

	*s = (struct twin_cpu_state) {
		.vtime_now = c->vtime_now, .curr_since_ns = c->curr_since_ns, .curr_run_ns = c->curr_run_ns,
		.curr_vtime = c->curr_vtime, .curr_weight = c->curr_weight, .curr_yields = c->curr_yields, .evicts = c->evicts,
		.rescue_at_ns = c->rescue_at_ns, .help_at_ns = c->help_at_ns, .stopped_at_ns = c->stopped_at_ns,
		.turn_ns = c->turn_ns, .rescued = c->stats[AUGUR_STAT_RESCUED],
		.denied = c->stats[AUGUR_STAT_STEAL_DENIED], .weight_runnable = c->weight_runnable,
	};
}

u64 twin_dom_waiting(u32 dom)
{
	return dom_ctx_of(dom)->nr_waiting;
}

u64 twin_idle(void)
{
	return kernel.idle;
}

/* Tasks of a CPU's queue, or of its local one, first to last; returns how many. */
u32 twin_queue(u32 cpu, bool local, u32 *tasks)
{
	struct dsq *dsq = local ? &kernel.locals[cpu] : &kernel.queues[cpu];
	u32 i;

	for (i = 0; i < dsq->count; i++)
		tasks[i] = dsq->tasks[i]->pid - 1;
	return dsq->count;
}

u32 twin_kicks(struct kick *kicks)
{
	memcpy(kicks, kernel.kicks, kernel.nr_kicks * sizeof(*kicks));
	return kernel.nr_kicks;
}

u32 twin_outcomes(struct augur_outcome *told)
{
	memcpy(told, kernel.outcomes, kernel.nr_outcomes * sizeof(*told));
	return kernel.nr_outcomes;
}

u64 twin_insert_flags(void)
{
	return kernel.insert_flags;
}

u32 twin_faults(void)
{
	return kernel.faults;
}
