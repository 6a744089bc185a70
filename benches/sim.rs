// SPDX-License-Identifier: GPL-2.0-only
//! How fast the simulator is, in events a second on one core: the station alone (M/M/1), and a whole replay on eight
//! CPUs with the heuristic, its balancer and all figures.
#![allow(clippy::unwrap_used, missing_docs)]

use augur_base::random::Generator;
use augur_base::topology::Machine;
use augur_devices::sim::station::{Routing, Station};
use augur_sched::policy::cpu::Places;
use augur_sched::policy::cpu::registry::{self, Choice};
use augur_sched::sim::cpu::{self, Balancer, Options, Outcome};
use augur_sched::sim::{Action, Program, TaskSpec, WOKEN};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

const JOBS: usize = 500_000;

fn exponential(generator: &mut Generator, mean: f64) -> u64 {
    (-(1.0 - generator.random::<f64>()).ln() * mean) as u64
}

/// Jobs of M/M/1 at 70 % load.
fn jobs() -> Vec<(u64, u64)> {
    let mut generator = Generator::seed_from_u64(1);
    (0..JOBS)
        .map(|_| {
            (
                exponential(&mut generator, 1e6 / 0.7),
                exponential(&mut generator, 1e6),
            )
        })
        .collect()
}

fn queue(jobs: &[(u64, u64)]) -> (u64, u64) {
    let mut waited = 0;
    let mut station = Station::new(1, Routing::Shared, Generator::seed_from_u64(1));
    station.run(jobs.iter().copied(), |job| waited += job.wait_ns);
    (station.events(), waited)
}

/// 64 tasks in pairs that wake each other in turn, short bursts and long, so that eight CPUs are busy.
fn pairs() -> Arc<Program> {
    const ROUNDS: u32 = 2_000;
    let mut generator = Generator::seed_from_u64(2);
    let mut program = Program::default();
    for pair in 0..32u32 {
        let first = pair * 2 * ROUNDS;
        for side in 0..2u32 {
            let own = first + side * ROUNDS;
            let other = first + (1 - side) * ROUNDS;
            let bursts: Vec<(u64, u64)> = (0..ROUNDS)
                .map(|round| {
                    let begins = round == 0 && side == 0;
                    (
                        if begins { u64::from(pair) * 1_000 } else { WOKEN },
                        1_000 + exponential(&mut generator, 150_000.0),
                    )
                })
                .collect();
            // Side 0 wakes side 1 in the same round, side 1 wakes side 0 for the next.
            let wakes: Vec<Vec<Action>> = (0..ROUNDS)
                .map(|round| {
                    let woken = round + side;
                    let wake = Action {
                        at_ns: bursts[round as usize].1,
                        task: pair * 2 + (1 - side),
                        burst: other + woken,
                    };
                    if woken < ROUNDS { vec![wake] } else { Vec::new() }
                })
                .collect();
            let lists: Vec<&[Action]> = wakes.iter().map(Vec::as_slice).collect();
            let task = program.push(TaskSpec::plain((pair * 2 + side) as usize), &bursts, &lists);
            assert_eq!(program.tasks[task as usize].first_burst, own);
        }
    }
    Arc::new(program)
}

fn replay(program: &Arc<Program>, places: &Arc<Places>, policy: &str) -> Outcome {
    let Choice::Scheme(scheme) = registry::parse(policy, 1).unwrap() else {
        panic!("{policy} is no scheme");
    };
    let balancer = scheme.policy.map(Balancer::new);
    cpu::run(
        program.clone(),
        places.clone(),
        scheme.discipline,
        balancer,
        &Options::default(),
    )
    .unwrap()
    .outcome
}

fn simulate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sim");
    group.sample_size(10);
    let jobs = jobs();
    let (events, _) = queue(&jobs);
    assert_eq!(events, 2 * JOBS as u64);
    group.throughput(Throughput::Elements(events));
    group.bench_function("M/M/1", |bencher| bencher.iter(|| queue(&jobs)));
    let program = pairs();
    let places = Arc::new(Places::new(Arc::new(Machine::from_spec("2x4").unwrap())));
    for policy in ["augur", "eevdf-like", "rusty"] {
        let outcome = replay(&program, &places, policy);
        assert_eq!(outcome.stranded, 0);
        group.throughput(Throughput::Elements(outcome.events));
        group.bench_function(format!("replay, 8 CPUs, {policy}"), |bencher| {
            bencher.iter_batched(
                || program.clone(),
                |program| replay(&program, &places, policy),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, simulate);
criterion_main!(benches);
