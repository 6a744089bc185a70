// SPDX-License-Identifier: GPL-2.0-only
//! What a simulated machine shows of itself is what the kernel's half would: real-time work is seen as such, and is in no queue.

use super::properties::places;
use augur_sched::policy::Never;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::cpu::{self, Balancer, Costs, Options};
use augur_sched::sim::{Class, Program};
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// The first domain after a round, of tasks that are all bound to its only CPU: queue, idle and active CPUs, busy?
fn first_domain(real_time: usize, fair: usize) -> (u32, u32, u32, bool) {
    let mut program = Program::independent(vec![(0, 400 * MS); real_time + fair]);
    for (number, task) in program.tasks.iter_mut().enumerate() {
        task.allowed = vec![0];
        if number < real_time {
            task.class = Class::RealTime;
            task.prio = 50;
        }
    }
    let Ok(Choice::Scheme(scheme)) = registry::parse("augur", 1) else {
        panic!()
    };
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    let mut first = None;
    cpu::run_watched(
        Arc::new(program),
        places("2x1"),
        scheme.discipline,
        Some(Balancer::new(Box::new(Never))),
        &options,
        &mut |glance| {
            if let [domain, ..] = glance.domains {
                first.get_or_insert((
                    domain.queue,
                    domain.idle_cpus,
                    domain.active_cpus,
                    domain.util > 0.5,
                ));
            }
        },
    )
    .unwrap();
    first.unwrap()
}

#[test]
fn a_cpu_that_runs_real_time_work_is_busy_and_its_queue_is_what_can_be_moved() {
    let cases = [
        ("fair alone", (0, 1), (0, 0, 1, true)),
        ("fair beside fair", (0, 3), (2, 0, 1, true)),
        ("real time alone", (1, 0), (0, 0, 1, true)),
        ("fair behind real time", (1, 2), (2, 0, 1, true)),
        ("real time behind real time", (2, 0), (0, 0, 1, true)),
        ("both behind real time", (3, 1), (1, 0, 1, true)),
    ];
    for (case, (real_time, fair), expected) in cases {
        assert_eq!(first_domain(real_time, fair), expected, "{case}");
    }
}
