// SPDX-License-Identifier: GPL-2.0-only
//! Queueing theory: the run-queue simulator against closed forms, at two million jobs.
//!
//! Ten independent runs of 200,000 jobs each, every one from an empty machine: the few hundred jobs until it is in its
//! stationary state are no more than a few parts in ten thousand. Loads are moderate: at 0.5 to 0.6 the standard error
//! of the mean sojourn is 0.2 to 0.3 % (asymptotic variance of M/M/1: 2ρ(1+ρ)/(1−ρ)^4 a unit of time).

use augur_base::random::Generator;
use augur_base::statistics::queueing;
use augur_base::topology::Machine;
use augur_devices::experiment::queue;
use augur_devices::workload::service::{Service, exponential};
use augur_sched::policy::cpu::fcfs::Fcfs;
use augur_sched::policy::cpu::power_of_d::PowerOfD;
use augur_sched::policy::cpu::priority::Priority;
use augur_sched::policy::cpu::{Discipline, Places};
use augur_sched::sim::cpu::{self, Costs, Options};
use augur_sched::sim::{Program, TaskSpec};
use rand::SeedableRng;
use std::sync::Arc;

const RUNS: u64 = 10;
const JOBS: usize = 200_000;
/// The mean service, in ns.
const MEAN_NS: f64 = 1e6;

/// Mean sojourn and mean wait, in service times.
fn simulate(discipline: &dyn Discipline, cpus: usize, load: f64, service: Service) -> (f64, f64) {
    let machine = Machine::from_spec(&cpus.to_string()).unwrap();
    let places = Arc::new(Places::new(Arc::new(machine)));
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    let (mut sojourn, mut wait, mut jobs) = (0.0, 0.0, 0.0);
    for seed in 1..=RUNS {
        let mut generator = Generator::seed_from_u64(seed);
        let mut clock = 0.0;
        let bursts: Vec<(u64, u64)> = (0..JOBS)
            .map(|_| {
                clock += exponential(&mut generator) / (load * cpus as f64);
                let work = service.draw(&mut generator);
                ((clock * MEAN_NS) as u64, (work * MEAN_NS).round().max(1.0) as u64)
            })
            .collect();
        let program = Arc::new(Program::independent(bursts.iter().copied()));
        let run = cpu::run(program, places.clone(), discipline.boxed_clone(), None, &options).unwrap();
        for (task, &(arrival_ns, work_ns)) in run.outcome.tasks.iter().zip(&bursts) {
            assert_eq!(task.run_ns, work_ns);
            sojourn += (task.done_ns - arrival_ns) as f64 / MEAN_NS;
            wait += task.wait_ns as f64 / MEAN_NS;
            jobs += 1.0;
        }
    }
    (sojourn / jobs, wait / jobs)
}

fn assert_close(found: f64, wanted: f64, what: &str) {
    let error = (found / wanted - 1.0).abs();
    println!(
        "{what}: {found:.4}, closed form {wanted:.4}, error {:.2} %",
        error * 100.0
    );
    assert!(error < 0.01, "{what}: {found} and not {wanted}");
}

/// The probability of waiting in M/M/c (Erlang C), by the recursion over Erlang B.
fn erlang_c(cpus: usize, load: f64) -> f64 {
    let offered = cpus as f64 * load;
    let blocked = (1..=cpus).fold(1.0, |b, c| offered * b / (c as f64 + offered * b));
    blocked / (1.0 - load * (1.0 - blocked))
}

#[test]
fn erlang_c_is_the_textbooks() {
    // One server waits with probability ρ; two servers at ρ = 0.5 with 1/3.
    assert!((erlang_c(1, 0.7) - 0.7).abs() < 1e-12);
    assert!((erlang_c(2, 0.5) - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn m_m_1() {
    let load = 0.6;
    let (sojourn, wait) = simulate(&Fcfs::new(), 1, load, Service::Exponential);
    assert_close(sojourn, 1.0 / (1.0 - load), "M/M/1 sojourn");
    assert_close(wait, load / (1.0 - load), "M/M/1 wait");
}

#[test]
fn m_m_c() {
    let (cpus, load) = (4, 0.7);
    let (sojourn, wait) = simulate(&Fcfs::new(), cpus, load, Service::Exponential);
    let closed = erlang_c(cpus, load) / (cpus as f64 * (1.0 - load));
    assert_close(wait, closed, "M/M/4 wait");
    assert_close(sojourn, closed + 1.0, "M/M/4 sojourn");
}

#[test]
fn m_g_1() {
    for (service, load) in [(Service::Deterministic, 0.6), (Service::Hyper(4.0), 0.5)] {
        let (_, wait) = simulate(&Fcfs::new(), 1, load, service);
        // Pollaczek-Khinchine.
        let closed = load * (1.0 + service.scv()) / (2.0 * (1.0 - load));
        assert_close(wait, closed, "M/G/1 wait");
    }
}

#[test]
fn processor_sharing_does_not_care_how_service_varies() {
    // A slice of a fiftieth of the mean. First come first served would make the same jobs stay 1 + 2.5 at this load.
    let sharing = Fcfs::round_robin((MEAN_NS / 50.0) as u64);
    let load = 0.5;
    let (sojourn, _) = simulate(&sharing, 1, load, Service::Hyper(4.0));
    assert_close(sojourn, 1.0 / (1.0 - load), "M/G/1-PS sojourn");
}

/// Priority queues with two classes at one server: Kleinrock, Queueing Systems II, 1976, sections 3.3 and 3.4 (Cobham 1954
/// where nobody is interrupted).
#[test]
fn two_priorities_at_one_server() {
    const SHARES: [f64; 2] = [0.3, 0.4];
    let places = Arc::new(Places::new(Arc::new(Machine::from_spec("1").unwrap())));
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    let [first, second] = SHARES;
    let rest = 1.0 - first - second;
    // The one who runs when somebody comes still needs a mean service, with the probability that somebody runs.
    let (ahead, behind) = (
        (first + second) / (1.0 - first),
        (first + second) / ((1.0 - first) * rest),
    );
    for (preempt, wanted) in [
        (true, [1.0 / (1.0 - first), 1.0 / ((1.0 - first) * rest)]),
        (false, [1.0 + ahead, 1.0 + behind]),
    ] {
        let (mut sojourn, mut jobs) = ([0.0; 2], [0.0; 2]);
        for seed in 1..=8 {
            let mut generator = Generator::seed_from_u64(seed);
            let (mut clock, mut program, mut arrivals) = (0.0, Program::default(), Vec::new());
            for number in 0..60_000 {
                clock += exponential(&mut generator) / (first + second);
                let class = usize::from(exponential(&mut generator) < ((first + second) / first).ln());
                let work = Service::Exponential.draw(&mut generator);
                let at_ns = (clock * MEAN_NS) as u64;
                let spec = TaskSpec {
                    weight: [2048, 1024][class],
                    ..TaskSpec::plain(number)
                };
                program.push(spec, &[(at_ns, (work * MEAN_NS).max(1.0) as u64)], &[]);
                arrivals.push((at_ns, class));
            }
            let policy = Box::new(Priority::new(preempt));
            let run = cpu::run(Arc::new(program), places.clone(), policy, None, &options).unwrap();
            for (task, (arrival_ns, class)) in run.outcome.tasks.iter().zip(arrivals) {
                sojourn[class] += (task.done_ns - arrival_ns) as f64 / MEAN_NS;
                jobs[class] += 1.0;
            }
        }
        for class in 0..2 {
            let found = sojourn[class] / jobs[class];
            let error = (found / wanted[class] - 1.0).abs();
            assert!(
                error < 0.03,
                "preempt {preempt}, class {class}: {found} and not {}",
                wanted[class]
            );
        }
    }
}

/// The supermarket model: Mitzenmacher, IEEE TPDS 12(10), 2001, gives 2.61 services in the system at a load of 0.9 with two
/// choices, and 10 with one; so does Vvedenskaya's limit.
#[test]
fn two_choices_are_the_supermarkets() {
    let wanted = 1.0 + queueing::supermarket_wait(2, 0.9);
    assert!((wanted - 2.6141).abs() < 5e-4, "{wanted}");
    let plan = queue::Plan {
        servers: 500,
        load: 0.9,
        service: Service::Exponential,
        jobs: 1_500_000,
        seed: 1,
    };
    let found = queue::run(&plan, "power_of_d[d=2]", |_| ()).unwrap().mean_sojourn;
    assert!((found / wanted - 1.0).abs() < 0.02, "{found} and not {wanted}");
    // Run queues do the same with as many CPUs: 1.614 at a load of 0.7.
    let wanted = 1.0 + 0.7f64.powi(2) + 0.7f64.powi(6) + 0.7f64.powi(14);
    let (mut clock, mut generator) = (0.0, Generator::seed_from_u64(7));
    let bursts: Vec<(u64, u64)> = (0..60_000)
        .map(|_| {
            clock += exponential(&mut generator) / (0.7 * 64.0);
            let work = Service::Exponential.draw(&mut generator);
            ((clock * MEAN_NS) as u64, (work * MEAN_NS).max(1.0) as u64)
        })
        .collect();
    let places = Arc::new(Places::new(Arc::new(Machine::from_spec("64").unwrap())));
    let options = Options {
        costs: Costs::FREE,
        ..Options::default()
    };
    let policy = Box::new(PowerOfD::new(2, Generator::seed_from_u64(3)));
    let run = cpu::run(
        Arc::new(Program::independent(bursts.iter().copied())),
        places,
        policy,
        None,
        &options,
    )
    .unwrap();
    let sum: f64 = run
        .outcome
        .tasks
        .iter()
        .zip(&bursts)
        .map(|(task, (arrival_ns, _))| (task.done_ns - arrival_ns) as f64 / MEAN_NS)
        .sum();
    let found = sum / bursts.len() as f64;
    assert!((found / wanted - 1.0).abs() < 0.03, "{found} and not {wanted}");
}
