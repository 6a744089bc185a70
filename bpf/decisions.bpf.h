/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's side door, two programs that it runs each interval: `collect` writes a snapshot into maps, `apply`
 * checks the decisions that came back and starts to carry them out.
 *
 * A decision is only a wish until the task is seen to run where it said (see account.bpf.h).
 */
#ifndef __AUGUR_DECISIONS_BPF_H
#define __AUGUR_DECISIONS_BPF_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUGUR_MAX_ROWS);
	__type(key, u32);
	__type(value, struct augur_task_row);
} task_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUGUR_MAX_CPUS);
	__type(key, u32);
	__type(value, struct augur_cpu_row);
} cpu_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUGUR_MAX_DECISIONS);
	__type(key, u32);
	__type(value, struct augur_decision);
} decisions SEC(".maps");

/* Tasks that the daemon wants to see again, whether they were active or not. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, AUGUR_MAX_ROWS);
	__type(key, u32);
	__type(value, s32);
} watched SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct augur_snapshot_head);
} snapshot_head SEC(".maps");

static u64 since(u64 then, u64 now)
{
	return then ? time_delta(now, then) : (u64)-1;
}

/*
 * cpus_ptr points at the mask inside of a task_struct, so reading past a kernel's NR_CPUS is harmless; the daemon looks
 * only at bits of CPUs that exist.
 */
static void fill_mask(struct augur_task_row *row, struct task_struct *p)
{
	bpf_probe_read_kernel(row->cpus_allowed, sizeof(row->cpus_allowed), (void *)p->cpus_ptr);
}

static void fill_row(struct augur_task_row *row, struct task_struct *p, struct task_ctx *tctx, u64 now)
{
	u64 duty = tctx->duty, duty_at = tctx->duty_at_ns;

	average(&duty, tctx->phase == AUGUR_PHASE_SLEEPING ? 0 : AUGUR_DUTY_ONE, &duty_at, now);
	row->start_ns = tctx->start_ns;
	row->load_duty = duty;
	row->avg_run_ns = tctx->avg_run_ns;
	row->avg_sleep_ns = tctx->avg_sleep_ns;
	row->avg_wake_interval_ns = tctx->avg_wake_interval_ns;
	row->since_run_ns = tctx->phase == AUGUR_PHASE_RUNNING ? 0 : since(tctx->stopped_at_ns, now);
	row->since_migration_ns = since(tctx->migrated_at_ns, now);
	row->since_domain_move_ns = since(tctx->domain_moved_at_ns, now);
	row->total_wait_ns = tctx->total_wait_ns;
	row->total_run_ns = tctx->total_run_ns;
	if (tctx->phase == AUGUR_PHASE_QUEUED)
		row->total_wait_ns += time_delta(now, tctx->queued_at_ns);
	if (tctx->phase == AUGUR_PHASE_RUNNING)
		row->total_run_ns += time_delta(now, tctx->run_at_ns);
	fill_mask(row, p);
	row->pid = p->pid;
	row->cpu = seat_of(p, tctx);
	row->weight = tctx->weight;
	row->dom = dom_of(row->cpu);
	row->waker_dom = tctx->waker_dom;
	row->migrations = tctx->migrations;
	row->llc_changes = tctx->llc_changes;
	row->phase = tctx->phase;
	row->pinned = is_pinned(p) || !tctx->weight;
	bpf_probe_read_kernel_str(row->comm, sizeof(row->comm), p->comm);
}

/* One row for the task with this pid, at most once a generation. */
static __noinline int collect_task(s32 pid, u64 gen, u64 now)
{
	struct augur_snapshot_head *head;
	struct augur_task_row *row;
	struct task_struct *p;
	struct task_ctx *tctx;
	u32 i = 0;

	head = bpf_map_lookup_elem(&snapshot_head, &i);
	p = bpf_task_from_pid(pid);
	if (!p)
		return 0;
	if (!head) {
		bpf_task_release(p);
		return 0;
	}
	tctx = task_ctx_of(p);
	if (tctx && tctx->row_generation != gen && p->scx.weight) {
		tctx->row_generation = gen;
		i = head->nr_rows;
		row = bpf_map_lookup_elem(&task_rows, &i);
		if (row) {
			fill_row(row, p, tctx, now);
			head->nr_rows = i + 1;
		} else {
			head->dropped_rows++;
		}
	}
	bpf_task_release(p);
	return 0;
}

/* Rows for the domain's active tasks. Returns how many had no place in the list. */
static __noinline int collect_domain(u32 dom, u64 gen, u64 now)
{
	struct dom_ctx *dctx = dom_ctx_of(dom);
	u32 i, n;

	if (!dctx)
		return 0;
	n = __sync_lock_test_and_set(&dctx->nr_active, 0);
	bpf_for(i, 0, n) {
		if (i >= AUGUR_MAX_ACTIVE)
			break;
		collect_task(dctx->active[i], gen, now);
	}
	return n > AUGUR_MAX_ACTIVE ? n - AUGUR_MAX_ACTIVE : 0;
}

/* `idle`: the kernel's own idle mask. That nothing of ours runs says little: another class may have the CPU. */
static __noinline int collect_cpu(u32 cpu, const struct cpumask *idle, u64 now)
{
	struct augur_cpu_row *row = bpf_map_lookup_elem(&cpu_rows, &cpu);
	struct augur_cpu *cctx = cpu_ctx_of(cpu);
	u64 load_at, busy_at;
	s64 weight;

	if (!row || !cctx)
		return 0;
	/* A copy is brought to now; only the CPU itself writes its averages. */
	load_at = busy_at = cctx->averaged_at_ns;
	row->load = cctx->load;
	row->busy_duty = cctx->busy_duty;
	weight = cctx->weight_runnable;
	average(&row->load, weight > 0 ? (u64)weight << 10 : 0, &load_at, now);
	row->idle = bpf_cpumask_test_cpu(cpu, idle);
	average(&row->busy_duty, row->idle ? 0 : AUGUR_DUTY_ONE, &busy_at, now);
	row->queued = scx_bpf_dsq_nr_queued(dsq_of(cpu));
	row->curr_pid = cctx->curr_pid;
	row->dom = dom_of(cpu);
	row->wait_ns = cctx->stats[AUGUR_STAT_WAIT_NS];
	row->run_ns = cctx->stats[AUGUR_STAT_RUN_NS];
	row->runs = cctx->stats[AUGUR_STAT_RUNS];
	row->arrivals = cctx->stats[AUGUR_STAT_ARRIVALS];
	return 0;
}

SEC("syscall")
int collect(struct augur_collect_args *args)
{
	u64 now = scx_bpf_now(), gen = generation;
	struct augur_snapshot_head *head;
	const struct cpumask *idle;
	u32 i = 0, n = args->nr_watched;
	s32 *pid;

	head = bpf_map_lookup_elem(&snapshot_head, &i);
	if (!head)
		return -ENOENT;
	head->nr_rows = 0;
	head->dropped_rows = 0;
	head->now_ns = now;
	head->generation = gen;
	generation = gen + 1;
	bpf_for(i, 0, nr_doms)
		head->dropped_rows += collect_domain(i, gen, now);
	bpf_for(i, 0, n) {
		pid = bpf_map_lookup_elem(&watched, &i);
		if (pid)
			collect_task(*pid, gen, now);
	}
	idle = scx_bpf_get_idle_cpumask();
	bpf_for(i, 0, AUGUR_MAX_CPUS) {
		if (i >= scx_bpf_nr_cpu_ids())
			break;
		collect_cpu(i, idle, now);
	}
	scx_bpf_put_idle_cpumask(idle);
	return 0;
}

static enum augur_status check_decision(const struct augur_decision *d, struct task_struct *p, struct task_ctx *tctx)
{
	u32 i, size;
	s32 cpu;

	if (!tctx || tctx->start_ns != d->start_ns || (p->flags & PF_EXITING))
		return AUGUR_REFUSED_GONE;
	if (dom_of(seat_of(p, tctx)) != d->from)
		return AUGUR_REFUSED_MOVED;
	if (is_pinned(p))
		return AUGUR_REFUSED_PINNED;
	size = dom_size(d->to);
	bpf_for(i, 0, size) {
		cpu = dom_cpu(d->to, i);
		if (cpu >= 0 && bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			return AUGUR_APPLIED;
	}
	return AUGUR_REFUSED_AFFINITY;
}

/* Moves a task that waits. False: it was taken in the meantime, and the pending decision acts at its next enqueue. */
static bool move_queued(struct task_struct *p, struct task_ctx *tctx, u32 to, u64 now)
{
	s32 from_cpu = seat_of(p, tctx), cpu;
	struct task_struct *q;
	bool idle = false, moved = false;

	cpu = cpu_in_domain(p, to, &idle);
	if (cpu < 0)
		return false;
	bpf_for_each(scx_dsq, q, dsq_of(from_cpu), 0) {
		if (q->pid != p->pid)
			continue;
		vtime_place(tctx, cpu);
		scx_bpf_dsq_move_set_vtime(BPF_FOR_EACH_ITER, queue_key(tctx, tctx->vtime));
		moved = scx_bpf_dsq_move_vtime(BPF_FOR_EACH_ITER, p, dsq_of(cpu), 0);
		break;
	}
	if (moved) {
		tctx->cause = AUGUR_CAUSE_BALANCE;
		tctx->queue_cpu = cpu;
		wait_begin(tctx, cpu);
		load_on(p, tctx, cpu, now);
	}
	if (idle || moved)
		scx_bpf_kick_cpu(cpu, idle ? SCX_KICK_IDLE : 0);
	return moved;
}

static __noinline int apply_one(u32 i, u64 now, u64 ttl_ns)
{
	struct augur_decision *d = bpf_map_lookup_elem(&decisions, &i);
	enum augur_status status;
	struct task_struct *p;
	struct task_ctx *tctx;

	if (!d)
		return 0;
	p = bpf_task_from_pid(d->pid);
	if (!p) {
		tell_outcome(d->seq, d->pid, -1, AUGUR_REFUSED_GONE, now);
		return 0;
	}
	tctx = task_ctx_of(p);
	status = check_decision(d, p, tctx);
	if (status != AUGUR_APPLIED || !tctx) {
		tell_outcome(d->seq, d->pid, scx_bpf_task_cpu(p), status, now);
		bpf_task_release(p);
		return 0;
	}
	if (tctx->move_seq)
		tell_outcome(tctx->move_seq, d->pid, scx_bpf_task_cpu(p), AUGUR_EXPIRED, now);
	tctx->move_to = d->to;
	tctx->move_deadline_ns = now + ttl_ns;
	tctx->move_seq = d->seq;
	if (tctx->phase == AUGUR_PHASE_RUNNING)
		scx_bpf_kick_cpu(scx_bpf_task_cpu(p), SCX_KICK_PREEMPT);
	else if (tctx->phase == AUGUR_PHASE_QUEUED)
		move_queued(p, tctx, d->to, now);
	bpf_task_release(p);
	return 0;
}

SEC("syscall")
int apply(struct augur_apply_args *args)
{
	u64 now = scx_bpf_now(), ttl_ns = args->ttl_ns;
	u32 i, n = args->nr_decisions;

	bpf_for(i, 0, n) {
		bpf_rcu_read_lock();
		apply_one(i, now, ttl_ns);
		bpf_rcu_read_unlock();
	}
	return 0;
}

/* A pending decision that is still in time: the CPU to go to, else -1. */
static s32 pending_move(struct task_struct *p, struct task_ctx *tctx, u64 now, bool *idle)
{
	*idle = false;
	if (!tctx->move_seq || time_after(now, tctx->move_deadline_ns) || is_pinned(p))
		return -1;
	return cpu_in_domain(p, tctx->move_to, idle);
}

#endif
