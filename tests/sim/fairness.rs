// SPDX-License-Identifier: GPL-2.0-only
//! Shares under the kernel half's twin, against the kernel's own weights.

use super::properties::places;
use augur_sched::policy::cpu::load::weight_of_prio;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::Program;
use augur_sched::sim::cpu::{self, Costs, Options};
use std::sync::Arc;

/// The share that the first of two endless tasks gets of one CPU while both are there.
fn share(first: u32, second: u32) -> f64 {
    const LONG_NS: u64 = 60_000_000_000;
    let mut program = Program::independent([(0, LONG_NS), (0, LONG_NS)]);
    program.tasks[0].weight = first;
    program.tasks[1].weight = second;
    let Ok(Choice::Scheme(scheme)) = registry::parse("augur", 1) else {
        panic!()
    };
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    let run = cpu::run(Arc::new(program), places("1"), scheme.discipline, None, &options).unwrap();
    // The first to end had 60 s of CPU time; the other had the rest by then.
    let tasks = &run.outcome.tasks;
    let early = tasks.iter().map(|task| task.done_ns).min().unwrap();
    let of_both = LONG_NS as f64 / early as f64;
    if tasks[0].done_ns == early {
        of_both
    } else {
        1.0 - of_both
    }
}

#[test]
fn shares_are_as_weights() {
    for (first, second) in [(120, 130), (120, 120), (110, 120), (120, 125)] {
        let (first, second) = (weight_of_prio(first), weight_of_prio(second));
        let wanted = f64::from(first) / f64::from(first + second);
        let got = share(first, second);
        assert!(
            (got - wanted).abs() < 0.01,
            "{first} : {second} gave {got:.4}, not {wanted:.4}"
        );
    }
    // SCHED_IDLE beside nice 0.
    assert!(share(1024, 3) > 0.99);
}
