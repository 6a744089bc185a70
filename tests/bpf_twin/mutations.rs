// SPDX-License-Identifier: GPL-2.0-only
//! Is the test able to see a difference? Rules of `bpf/`, each changed on purpose in a copy: each change has to be seen.

use super::kernel::{self, Kernel};
use super::{histories, run};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::fs;
use std::path::Path;

/// One rule, and another in its place.
struct Mutation {
    rule: &'static str,
    file: &'static str,
    search: &'static str,
    replace: &'static str,
}

const MUTATIONS: &[Mutation] = &[
    Mutation {
        rule: "slices shrink where many wait",
        file: "queue.bpf.h",
        search: "scx_bpf_dsq_nr_queued(dsq_of(cpu)) + 1)",
        replace: "scx_bpf_dsq_nr_queued(dsq_of(cpu)) + 2)",
    },
    Mutation {
        rule: "who was interrupted goes on ahead of whom it was ahead",
        file: "queue.bpf.h",
        search: "key = tctx->slice_vtime;",
        replace: "key = tctx->vtime;",
    },
    Mutation {
        rule: "who interrupts is not ahead by more than lead_ns",
        file: "placement.bpf.h",
        search: "time_before(tctx->vtime, vtime_running(cctx, now) + lead_ns)",
        replace: "time_before(tctx->vtime, vtime_running(cctx, now) + 2 * lead_ns)",
    },
    Mutation {
        rule: "who runs is taken to go on for long",
        file: "placement.bpf.h",
        search: "if (left_ns < rest_ns)",
        replace: "if (false)",
    },
    Mutation {
        rule: "a synchronous wakeup does not interrupt",
        file: "placement.bpf.h",
        search: "if (sync_waits && tctx->woken_sync)",
        replace: "if (false)",
    },
    Mutation {
        rule: "a wakeup is synchronous only once",
        file: "main.bpf.c",
        search: "interrupts = may_preempt(p, tctx, cpu, now);\n\t\ttctx->woken_sync = tctx->woken_here = false;",
        replace: "interrupts = may_preempt(p, tctx, cpu, now);",
    },
    Mutation {
        rule: "who has just begun is spared by whom it wakes",
        file: "placement.bpf.h",
        search: "if (is_spared(tctx, cctx, now))",
        replace: "if (false)",
    },
    Mutation {
        rule: "who cannot interrupt does not wait for its CPU",
        file: "placement.bpf.h",
        search: " && (tctx->woken_sync || !is_spared(tctx, cctx, now)))",
        replace: ")",
    },
    Mutation {
        rule: "an interrupt is not the doing of who runs",
        file: "placement.bpf.h",
        search: "return !(*(int *)bpf_this_cpu_ptr(&__preempt_count) & IN_INTERRUPT);",
        replace: "return true;",
    },
    Mutation {
        rule: "who is heavier gives way later to whom it interrupted",
        file: "placement.bpf.h",
        search: "if (weight && tctx->weight > weight)",
        replace: "if (weight && tctx->weight > 2 * weight)",
    },
    Mutation {
        rule: "a new task stands with the short ones",
        file: "queue.bpf.h",
        search: "if (tctx->bursts || !new_run_ns)",
        replace: "if (true)",
    },
    Mutation {
        rule: "who gives way at a tick does not go on by its virtual time",
        file: "turn.bpf.h",
        search: "if (head && cctx->evicts && sooner_done(head, cpu, now))\n\t\treturn false;",
        replace: "",
    },
    Mutation {
        rule: "who comes at a tick has a short turn",
        file: "main.bpf.c",
        search: "if (cctx->evicts && slice > interrupting_slice(tctx, cctx->curr_weight))",
        replace: "if (false)",
    },
    Mutation {
        rule: "a task stays on its warm CPU where nobody waits and it is soon free",
        file: "placement.bpf.h",
        search: "return !scx_bpf_dsq_nr_queued(dsq_of(cpu)) && remaining_ns(cctx, now) <= short_wait_ns;",
        replace: "return remaining_ns(cctx, now) <= short_wait_ns;",
    },
    Mutation {
        rule: "an idle core is claimed for who may run on all of a domain, whatever else it may",
        file: "placement.bpf.h",
        search: "return bpf_cpumask_subset(cast_mask(mask), p->cpus_ptr) ?",
        replace: "return false ?",
    },
    Mutation {
        rule: "the parent is waited for that the one which ends wakes",
        file: "placement.bpf.h",
        search: "return cpu == (s32)bpf_get_smp_processor_id() && bpf_get_current_task_btf()->exit_state;",
        replace: "return false;",
    },
    Mutation {
        rule: "a child of a vfork stays",
        file: "placement.bpf.h",
        search: "if (cpu < 0 && !stays)",
        replace: "if (cpu < 0)",
    },
    Mutation {
        rule: "who slept is owed lag_ns at most",
        file: "vtime.bpf.h",
        search: "floor = to->vtime_now - lag_ns;",
        replace: "floor = to->vtime_now - 2 * lag_ns;",
    },
    Mutation {
        rule: "a rescued turn costs nothing",
        file: "vtime.bpf.h",
        search: "if (!tctx->rescued && time_after(now, tctx->charged_at_ns))",
        replace: "if (time_after(now, tctx->charged_at_ns))",
    },
    Mutation {
        rule: "who yields is charged for a whole turn",
        file: "vtime.bpf.h",
        search: "tctx->vtime += vtime_delta(tctx, yield_ns - ran_ns);",
        replace: "tctx->vtime += vtime_delta(tctx, ran_ns);",
    },
    Mutation {
        rule: "who yields lets the first that waits go",
        file: "turn.bpf.h",
        search: "if (tctx->yielded)\n\t\treturn false;",
        replace: "",
    },
    Mutation {
        rule: "a turn that was handed over is short",
        file: "main.bpf.c",
        search: "slice = cctx->turn_ns;",
        replace: "",
    },
    Mutation {
        rule: "who waits too long is rescued",
        file: "stealing.bpf.h",
        search: "u64 since_ns = now - starving_ns;",
        replace: "u64 since_ns = now - 2 * starving_ns;",
    },
    Mutation {
        rule: "who rescues one looks again soon",
        file: "stealing.bpf.h",
        search: "cctx->rescue_at_ns = now + rescue_again_ns;",
        replace: "",
    },
    Mutation {
        rule: "a busy CPU helps only where another class has held a CPU for some time",
        file: "stealing.bpf.h",
        search: "|| time_before(now, other->stopped_at_ns + help_ns))",
        replace: ")",
    },
    Mutation {
        rule: "a busy CPU helps who waits behind another class",
        file: "main.bpf.c",
        search: "(rescue(cpu, cctx, now) || help(cpu, cctx, now))",
        replace: "rescue(cpu, cctx, now)",
    },
    Mutation {
        rule: "another domain is stolen from later",
        file: "stealing.bpf.h",
        search: "i ? steal_far_ns : steal_llc_ns",
        replace: "steal_llc_ns",
    },
    Mutation {
        rule: "who waits where another class takes a CPU is fetched, too",
        file: "main.bpf.c",
        search: "kick_thieves(cpu, scx_bpf_now());",
        replace: "",
    },
    Mutation {
        rule: "who is interrupted by another class is fetched, whatever is left of its slice",
        file: "main.bpf.c",
        search: "(!tctx->resumes || enq_flags & SCX_ENQ_REENQ)",
        replace: "!tctx->resumes",
    },
    Mutation {
        rule: "who was moved while it waited stays there when it is changed",
        file: "queue.bpf.h",
        search: "return tctx->queue_cpu >= 0 &&",
        replace: "return false &&",
    },
    Mutation {
        rule: "a kernel thread weighs no more than nice 0",
        file: "load.bpf.h",
        search: "return AUGUR_NICE0_WEIGHT;\n\treturn tctx->weight;",
        replace: "return 2 * AUGUR_NICE0_WEIGHT;\n\treturn tctx->weight;",
    },
    Mutation {
        rule: "a CPU's kernel thread does not interrupt another class",
        file: "main.bpf.c",
        search: "enq_flags & SCX_ENQ_REENQ ? enq_flags : enq_flags | SCX_ENQ_PREEMPT",
        replace: "enq_flags | SCX_ENQ_PREEMPT",
    },
    Mutation {
        rule: "a CPU looks into its queue where the last that ran there could not leave",
        file: "main.bpf.c",
        search: "if (enq_flags & SCX_ENQ_LAST) {\n\t\tscx_bpf_kick_cpu(cpu, 0);",
        replace: "if (enq_flags & SCX_ENQ_LAST) {",
    },
    Mutation {
        rule: "who runs goes on while it comes before the first that waits",
        file: "turn.bpf.h",
        search: "time_before(queue_key(tctx, tctx->vtime), head->scx.dsq_vtime)",
        replace: "time_before(tctx->vtime, head->scx.dsq_vtime)",
    },
    Mutation {
        rule: "who gives way to another does not take its CPU's clock along",
        file: "main.bpf.c",
        search: "if (!runnable && !tctx->rescued && ",
        replace: "if (!tctx->rescued && ",
    },
    Mutation {
        rule: "after a rescued turn what is left of a slice is what it was",
        file: "main.bpf.c",
        search: "if (!rescued) {",
        replace: "if (true) {",
    },
];

/// Histories before a change that was not seen is called unseen.
const HISTORIES: usize = 1_000;

fn copy_changed(mutation: &Mutation, to: &Path) {
    let bpf = Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf");
    for entry in fs::read_dir(&bpf).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    let text = fs::read_to_string(bpf.join(mutation.file)).unwrap();
    let found = text.matches(mutation.search).count();
    let (rule, file) = (mutation.rule, mutation.file);
    assert_eq!(
        found, 1,
        "'{rule}' has to stand in bpf/{file} once; say in MUTATIONS how it is written now"
    );
    fs::write(to.join(file), text.replace(mutation.search, mutation.replace)).unwrap();
}

/// The first difference that a change makes.
fn first_difference(mutation: &Mutation) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    copy_changed(mutation, folder.path());
    let library = folder.path().join("rules.so");
    kernel::compile(folder.path(), &library);
    let kernel = Kernel::load(&library);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..HISTORIES).find_map(|_| {
        let (setup, events) = histories().new_tree(&mut runner).unwrap().current();
        run(&kernel, &setup, &events).err()
    })
}

#[test]
fn a_rule_that_changes_on_one_side_alone_is_seen() {
    let unseen: Vec<&str> = MUTATIONS
        .iter()
        .filter(|mutation| {
            let difference = first_difference(mutation);
            println!(
                "{}: {}",
                mutation.rule,
                difference.as_deref().unwrap_or("NOT SEEN")
            );
            difference.is_none()
        })
        .map(|mutation| mutation.rule)
        .collect();
    assert!(
        unseen.is_empty(),
        "changed, and no difference was seen: {unseen:?}"
    );
}
