// SPDX-License-Identifier: GPL-2.0-only
//! Single-CPU disciplines on the worked examples of Silberschatz, Galvin, Gagne, "Operating System Concepts", chapter
//! on CPU scheduling.

use super::properties::places;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::Program;
use augur_sched::sim::cpu::{self, Costs, Options};
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// Each process's waiting time in ms; processes are (arrival, burst) in ms.
fn waits(policy: &str, processes: &[(u64, u64)]) -> Vec<u64> {
    let Choice::Scheme(scheme) = registry::parse(policy, 1).unwrap() else {
        panic!("{policy} is no scheme");
    };
    let program = Program::independent(processes.iter().map(|&(at, run)| (at * MS, run * MS)));
    let options = Options {
        costs: Costs::FREE,
        clairvoyant: scheme.clairvoyant,
        ..Options::default()
    };
    let run = cpu::run(Arc::new(program), places("1"), scheme.discipline, None, &options).unwrap();
    run.outcome.tasks.iter().map(|task| task.wait_ns / MS).collect()
}

#[test]
fn first_come_first_served() {
    // Average 17 in this order, 3 in the other.
    assert_eq!(waits("fcfs", &[(0, 24), (0, 3), (0, 3)]), [0, 24, 27]);
    assert_eq!(waits("fcfs", &[(0, 3), (0, 3), (0, 24)]), [0, 3, 6]);
}

#[test]
fn shortest_job_first() {
    // The book's P1 to P4 all arrive at 0; here a moment's work keeps the CPU until all are there.
    // 6, 8, 7, 3 wait 3, 16, 9, 0: average 7.
    let found = waits("sjf", &[(0, 0), (0, 6), (0, 8), (0, 7), (0, 3)]);
    assert_eq!(found[1..].iter().sum::<u64>(), 28, "{found:?}");
    assert_eq!(found[1..], [3, 16, 9, 0]);
}

#[test]
fn shortest_remaining_time_first() {
    // Average 6.5; without interrupting it is 7.75.
    let processes = [(0, 8), (1, 4), (2, 9), (3, 5)];
    assert_eq!(waits("srtf", &processes), [9, 0, 15, 2]);
    assert_eq!(waits("sjf", &processes), [0, 7, 15, 9]);
}

#[test]
fn round_robin() {
    // Slices of 4: waits 6, 4, 7, average 5.66.
    assert_eq!(waits("rr[slice_us=4000]", &[(0, 24), (0, 3), (0, 3)]), [6, 4, 7]);
}
