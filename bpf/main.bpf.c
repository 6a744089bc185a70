/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scx_augur, the kernel's half.
 *
 *   state      settings, topology, per-CPU, per-domain and per-task state
 *   load       decayed averages of what each of them does
 *   vtime      fairness: weighted virtual time, one clock a CPU
 *   queue      one queue a CPU, ordered by vtime; who waits where
 *   placement  where a task goes when it becomes runnable
 *   stealing   what a CPU takes when it runs dry
 *   account    what was seen: migrations, latency, decisions that took effect
 *   decisions  snapshots to the daemon, its decisions back
 *   turn       does the one that runs go on
 *
 * The scheduler needs nobody: where the daemon is stopped, all of this goes on without decisions.
 */
#include <scx/common.bpf.h>
#include <scx/compat.bpf.h>
#include "intf.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);

#include "state.bpf.h"
#include "load.bpf.h"
#include "vtime.bpf.h"
#include "queue.bpf.h"
#include "placement.bpf.h"
#include "stealing.bpf.h"
#include "account.bpf.h"
#include "decisions.bpf.h"
#include "turn.bpf.h"

s32 BPF_STRUCT_OPS(augur_select_cpu, struct task_struct *p, s32 prev, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	u64 now = scx_bpf_now();
	bool idle = false;
	s32 cpu;

	if (!tctx)
		return prev;
	tctx->cause = AUGUR_CAUSE_OTHER;
	if (wake_flags & SCX_WAKE_FORK) {
		cpu = place_fork(p, prev, &idle);
	} else {
		count_here(AUGUR_STAT_WAKEUPS);
		tctx->waker_dom = dom_of(bpf_get_smp_processor_id());
		cpu = pending_move(p, tctx, now, &idle);
		if (cpu >= 0) {
			tctx->cause = AUGUR_CAUSE_BALANCE;
		} else {
			if (!bpf_cpumask_test_cpu(prev, p->cpus_ptr)) {
				tctx->cause = AUGUR_CAUSE_AFFINITY;
				prev = bpf_cpumask_any_distribute(p->cpus_ptr);
			}
			tctx->woken_sync = wake_flags & SCX_WAKE_SYNC;
			tctx->woken_here = wakes_itself(prev);
			cpu = place_wakeup(p, tctx, prev, now, &idle);
			if (idle)
				tctx->woken_sync = tctx->woken_here = false;
		}
	}
	if (idle) {
		vtime_wake(tctx, cpu);
		run_on(p, tctx, SCX_DSQ_LOCAL, slice_ns, 0);
	}
	return cpu;
}

void BPF_STRUCT_OPS(augur_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p), target;
	const struct augur_cpu *cctx;
	u64 now = scx_bpf_now();
	bool idle, interrupts, wakeup = enq_flags & SCX_ENQ_WAKEUP;

	if (!tctx) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, enq_flags);
		return;
	}
	if (is_percpu_kthread(p)) {
		/* Where another class has just come, there is nothing to interrupt: it would be the slice of one that waits by now. */
		run_on(p, tctx, SCX_DSQ_LOCAL, slice_ns, enq_flags & SCX_ENQ_REENQ ? enq_flags : enq_flags | SCX_ENQ_PREEMPT);
		return;
	}
	if (!wakeup) {
		target = pending_move(p, tctx, now, &idle);
		if (target >= 0) {
			tctx->cause = AUGUR_CAUSE_BALANCE;
			queue_on(p, tctx, target, enq_flags);
			scx_bpf_kick_cpu(target, idle ? SCX_KICK_IDLE : 0);
			return;
		}
		if (waited_elsewhere(p, tctx, cpu)) {
			target = tctx->queue_cpu;
			queue_on(p, tctx, target, enq_flags);
			if (scx_bpf_test_and_clear_cpu_idle(target))
				scx_bpf_kick_cpu(target, SCX_KICK_IDLE);
			return;
		}
	} else {
		vtime_wake(tctx, cpu);
		interrupts = may_preempt(p, tctx, cpu, now);
		tctx->woken_sync = tctx->woken_here = false;
		cctx = cpu_ctx_of(cpu);
		if (interrupts && cctx) {
			count_here(AUGUR_STAT_WAKE_PREEMPT);
			run_on(p, tctx, SCX_DSQ_LOCAL, interrupting_slice(tctx, cctx->curr_weight), enq_flags | SCX_ENQ_PREEMPT);
			return;
		}
	}
	queue_on(p, tctx, cpu, enq_flags);
	/*
	 * The CPU was about to idle, because this one was to move and now cannot: nothing else would make it look into its queue, and
	 * the task would wait there until something else happens to wake up.
	 */
	if (enq_flags & SCX_ENQ_LAST) {
		scx_bpf_kick_cpu(cpu, 0);
		return;
	}
	/* Its CPU is another class's, or it used up its slice while others wait here: an idle CPU may well take it. */
	if (!wakeup && (!tctx->resumes || enq_flags & SCX_ENQ_REENQ) && !is_pinned(p))
		kick_thief(p, cpu, now);
}

void BPF_STRUCT_OPS(augur_dispatch, s32 cpu, struct task_struct *prev)
{
	struct augur_cpu *cctx = cpu_ctx_of(cpu);
	u64 now = scx_bpf_now();

	if (cctx && (rescue(cpu, cctx, now) || help(cpu, cctx, now)))
		return;
	if (cctx)
		cctx->turn_ns = yields(prev) ? yield_ns : 0;
	if (cctx && prev && keeps_running(prev, cctx, cpu, now)) {
		grant_again(prev, cctx, now);
		return;
	}
	if (scx_bpf_dsq_move_to_local(dsq_of(cpu), 0))
		return;
	steal(cpu, now);
}

void BPF_STRUCT_OPS(augur_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	u64 now = scx_bpf_now(), slept;

	if (!tctx)
		return;
	task_average(tctx, now);
	if (tctx->stopped_at_ns) {
		slept = time_delta(now, tctx->stopped_at_ns);
		tctx->avg_sleep_ns = smooth(tctx->avg_sleep_ns, slept);
	}
	if (tctx->woke_at_ns)
		tctx->avg_wake_interval_ns = smooth(tctx->avg_wake_interval_ns, time_delta(now, tctx->woke_at_ns));
	tctx->woke_at_ns = now;
	tctx->queued_at_ns = now;
	tctx->phase = AUGUR_PHASE_QUEUED;
	tctx->burst_ns = 0;
	tctx->resumes = false;
	if (tctx->last_cpu < 0)
		tctx->wait = AUGUR_WAIT_FORK;
	else
		tctx->wait = tctx->avg_run_ns <= short_run_ns ? AUGUR_WAIT_SHORT : AUGUR_WAIT_LONG;
	tctx->weight = weight_of(p);
	load_on(p, tctx, scx_bpf_task_cpu(p), now);
}

void BPF_STRUCT_OPS(augur_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p);
	struct augur_cpu *cctx = cpu_ctx_of(cpu);
	u64 now = scx_bpf_now(), waited, slice;

	if (!tctx || !cctx)
		return;
	cpu_average(cctx, now);
	wait_end(tctx);
	waited = time_delta(now, tctx->queued_at_ns);
	tctx->total_wait_ns += waited;
	count_wait(cctx, tctx, waited);
	if (tctx->queued_at_ns == tctx->woke_at_ns)
		count_latency(cctx, waited);
	if (tctx->last_cpu >= 0 && tctx->last_cpu != cpu)
		count_migration(p, tctx, cctx, cpu, now);
	tctx->cause = AUGUR_CAUSE_OTHER;
	tctx->last_cpu = cpu;
	tctx->queue_cpu = -1;
	settle_move(p, tctx, cpu, now);
	load_on(p, tctx, cpu, now);
	tctx->phase = AUGUR_PHASE_RUNNING;
	vtime_place(tctx, cpu);
	slice = slice_on(cpu);
	if (cctx->evicts && slice > interrupting_slice(tctx, cctx->curr_weight))
		slice = interrupting_slice(tctx, cctx->curr_weight);
	cctx->evicts = 0;
	/* A turn that was handed over is short: who yielded comes back when vtime says, not a whole slice later. */
	if (cctx->turn_ns && cctx->turn_ns < slice)
		slice = cctx->turn_ns;
	cctx->turn_ns = 0;
	if (slice < p->scx.slice) {
		tctx->slice_granted_ns = slice;
		scx_bpf_task_set_slice(p, slice);
	}
	tctx->run_at_ns = now;
	tctx->charged_at_ns = now;
	if (!tctx->resumes)
		tctx->slice_vtime = tctx->vtime;
	if (!tctx->rescued)
		vtime_advance(cctx, tctx->vtime);
	cctx->curr_run_ns = predicted_run_ns(tctx);
	cctx->curr_pid = p->pid;
	cctx->curr_vtime = tctx->vtime;
	cctx->curr_weight = tctx->weight;
	cctx->curr_yields = is_sched_idle(p);
	cctx->curr_since_ns = now;
	count(cctx, AUGUR_STAT_RUNS);
	mark_active(p, tctx, dom_of(cpu));
}

void BPF_STRUCT_OPS(augur_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p);
	struct augur_cpu *cctx = cpu_ctx_of(cpu);
	u64 now = scx_bpf_now(), ran;
	bool rescued, yielded;

	if (!tctx || !cctx)
		return;
	cpu_average(cctx, now);
	cctx->curr_since_ns = 0;
	cctx->stopped_at_ns = now;
	ran = time_delta(now, tctx->run_at_ns);
	vtime_charge(tctx, now);
	/* The queue is empty as well where the one that comes next has just left it: then somebody did wait. */
	if (!runnable && !tctx->rescued && !scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		vtime_advance(cctx, tctx->vtime);
	tctx->total_run_ns += ran;
	cctx->stats[AUGUR_STAT_RUN_NS] += ran;
	tctx->burst_ns += ran;
	tctx->stopped_at_ns = now;
	rescued = tctx->rescued;
	yielded = tctx->yielded;
	tctx->rescued = false;
	tctx->yielded = false;
	if (!runnable) {
		tctx->avg_run_ns = tctx->bursts ? smooth(tctx->avg_run_ns, tctx->burst_ns) : tctx->burst_ns;
		tctx->bursts++;
		return;
	}
	tctx->phase = AUGUR_PHASE_QUEUED;
	tctx->queued_at_ns = now;
	/* After a rescued turn its place, and what is left of its slice, are what they were. */
	if (!rescued) {
		tctx->slice_left_ns = tctx->slice_granted_ns > ran ? tctx->slice_granted_ns - ran : 0;
		tctx->resumes = !yielded && tctx->slice_left_ns > slice_min_ns;
	}
	tctx->wait = tctx->resumes ? AUGUR_WAIT_PREEMPTED : AUGUR_WAIT_EXPIRED;
}

void BPF_STRUCT_OPS(augur_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	u64 now = scx_bpf_now();

	if (!tctx)
		return;
	task_average(tctx, now);
	tctx->phase = AUGUR_PHASE_SLEEPING;
	wait_end(tctx);
	load_off(tctx, now);
}

/*
 * A prediction was wrong where a task still waits after a tick: let an idle CPU have it. Where none idles and it is its turn by
 * now, it gets this CPU, if it is likely to be done far sooner than the one that runs.
 */
void BPF_STRUCT_OPS(augur_tick, struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p);
	struct task_struct *head;
	struct augur_cpu *cctx;
	struct task_ctx *tctx;
	u64 now;

	now = scx_bpf_now();
	if (!scx_bpf_dsq_nr_queued(dsq_of(cpu))) {
		cctx = cpu_ctx_of(cpu);
		tctx = task_ctx_of(p);
		if (cctx && cctx->curr_since_ns && tctx && !tctx->rescued)
			vtime_advance(cctx, vtime_running(cctx, now));
		return;
	}
	head = __COMPAT_scx_bpf_dsq_peek(dsq_of(cpu));
	if (!head)
		return;
	if (kick_thief(head, cpu, now))
		return;
	cctx = cpu_ctx_of(cpu);
	if (cctx && tick_preempt && sooner_done(head, cpu, now)) {
		count_here(AUGUR_STAT_TICK_PREEMPT);
		cctx->evicts = 1;
		scx_bpf_task_set_slice(p, 0);
	}
}

/*
 * The one that runs lets others go first. Where nobody waits here it goes on: it would be looked at again only to be granted another
 * slice. `to`: nothing makes a certain task of another CPU run next.
 */
bool BPF_STRUCT_OPS(augur_yield, struct task_struct *from, struct task_struct *to)
{
	struct task_ctx *tctx = task_ctx_of(from);
	s32 cpu = scx_bpf_task_cpu(from);

	if (to || !tctx)
		return false;
	if (!scx_bpf_dsq_nr_queued(dsq_of(cpu)) && !scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu))
		return false;
	count_here(AUGUR_STAT_YIELDS);
	vtime_yield(tctx, scx_bpf_now());
	tctx->yielded = true;
	scx_bpf_task_set_slice(from, 0);
	return false;
}

/*
 * A class that ranks higher takes the CPU. The task that it interrupts, and what was sent here, go back to the queue, where others
 * find them: at once or, since Linux 6.19, soon. So those that wait already are looked at first.
 */
void BPF_STRUCT_OPS(augur_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	kick_thieves(cpu, scx_bpf_now());
	scx_bpf_reenqueue_local();
}

void BPF_STRUCT_OPS(augur_set_cpumask, struct task_struct *p, const struct cpumask *mask)
{
	s32 cpu = scx_bpf_task_cpu(p);

	/* It may wait behind others here while CPUs that it has just been allowed idle. */
	if (p->nr_cpus_allowed > 1 && scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		kick_thief(p, cpu, scx_bpf_now());
}

void BPF_STRUCT_OPS(augur_set_weight, struct task_struct *p, u32 weight)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (tctx)
		tctx->weight = weight_of(p);
}

s32 BPF_STRUCT_OPS(augur_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *tctx;

	tctx = bpf_task_storage_get(&task_ctxs, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tctx)
		return -ENOMEM;
	tctx->start_ns = p->start_boottime;
	tctx->last_cpu = -1;
	tctx->vtime_cpu = -1;
	tctx->queue_cpu = -1;
	tctx->load_cpu = -1;
	tctx->waiting_dom = -1;
	tctx->waker_dom = -1;
	tctx->cause = AUGUR_CAUSE_OTHER;
	tctx->weight = weight_of(p);
	/* Nothing is known of it: long enough not to interrupt anybody. */
	tctx->avg_run_ns = 8 * short_run_ns;
	return 0;
}

void BPF_STRUCT_OPS(augur_disable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p);
	u64 now = scx_bpf_now();

	if (!tctx)
		return;
	wait_end(tctx);
	load_off(tctx, now);
	tctx->queue_cpu = -1;
	/* One that runs may go on here in another class: nobody is told that the CPU is that class's now. */
	if (scx_bpf_dsq_nr_queued(dsq_of(cpu)))
		kick_thieves(cpu, now);
}

static s32 create_domain_mask(u32 dom)
{
	struct dom_mask *entry = bpf_map_lookup_elem(&dom_masks, &dom);
	u32 i, size = dom_size(dom);
	struct bpf_cpumask *mask;
	s32 cpu;

	if (!entry)
		return -EINVAL;
	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	bpf_for(i, 0, size) {
		cpu = dom_cpu(dom, i);
		if (cpu >= 0)
			bpf_cpumask_set_cpu(cpu, mask);
	}
	mask = bpf_kptr_xchg(&entry->cpus, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(augur_init)
{
	u32 i;
	s32 err;

	bpf_for(i, 0, nr_doms) {
		err = create_domain_mask(i);
		if (err)
			return err;
	}
	/* One for every CPU that could be there, so that a task on an unexpected CPU finds its queue. */
	bpf_for(i, 0, AUGUR_MAX_CPUS) {
		if (i >= scx_bpf_nr_cpu_ids())
			break;
		err = scx_bpf_create_dsq(dsq_of(i), -1);
		if (err)
			return err;
	}
	return 0;
}

void BPF_STRUCT_OPS(augur_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

void BPF_STRUCT_OPS(augur_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (tctx)
		scx_bpf_dump("vtime=%llu avg_run=%llu move_to=%u seq=%llu", tctx->vtime, tctx->avg_run_ns, tctx->move_to,
			     tctx->move_seq);
}

SCX_OPS_DEFINE(augur_ops,
	       .select_cpu	= (void *)augur_select_cpu,
	       .enqueue		= (void *)augur_enqueue,
	       .dispatch	= (void *)augur_dispatch,
	       .runnable	= (void *)augur_runnable,
	       .running		= (void *)augur_running,
	       .stopping	= (void *)augur_stopping,
	       .quiescent	= (void *)augur_quiescent,
	       .tick		= (void *)augur_tick,
	       .yield		= (void *)augur_yield,
	       .cpu_release	= (void *)augur_cpu_release,
	       .set_cpumask	= (void *)augur_set_cpumask,
	       .set_weight	= (void *)augur_set_weight,
	       .init_task	= (void *)augur_init_task,
	       .disable		= (void *)augur_disable,
	       .init		= (void *)augur_init,
	       .exit		= (void *)augur_exit,
	       .dump_task	= (void *)augur_dump_task,
	       .timeout_ms	= 30000,
	       .name		= "augur");
