// SPDX-License-Identifier: GPL-2.0-only
//! What holds for every policy on any program: all work is done, invariants hold, one seed has one result; and no
//! run ends before the bound.

use super::programs::{mixed_programs, programs};
use augur_base::topology::{Machine, Shape};
use augur_sched::experiment::replay::{Findings, Plan, replay};
use augur_sched::model::{Constant, Predictor};
use augur_sched::policy::cpu::Places;
use augur_sched::policy::cpu::registry;
use augur_sched::policy::decision::{Kind, Outcome, Row};
use augur_sched::report::replay::Figures;
use augur_sched::sim::burst::{Rebuilt, rebuild};
use augur_sched::sim::cpu::{self, Balancer, Options};
use augur_sched::sim::{Program, recorded};
use proptest::prelude::*;
use std::sync::Arc;

const POLICIES: [&str; 14] = [
    "eevdf-like",
    "rusty",
    "augur",
    "never",
    "never[steal=0]",
    "random",
    "least-loaded",
    "fcfs",
    "priority",
    "priority[preempt=0]",
    "power_of_d[d=2]",
    "rr",
    "sjf",
    "srtf",
];

pub fn places(spec: &str) -> Arc<Places> {
    Arc::new(Places::new(Arc::new(Machine::from_spec(spec).unwrap())))
}

fn no_model(_: Option<&str>, _: Option<&str>) -> anyhow::Result<Box<dyn Predictor>> {
    Ok(Box::new(Constant::STAY))
}

fn constant(directory: Option<&str>, _: Option<&str>) -> anyhow::Result<Box<dyn Predictor>> {
    Ok(Box::new(if directory == Some("move") {
        Constant::MOVE
    } else {
        Constant::STAY
    }))
}

fn plan<'a>(rebuilt: &'a Rebuilt, places: &Arc<Places>, policies: &'a [String]) -> Plan<'a> {
    Plan {
        rebuilt,
        places: places.clone(),
        recorded_places: places.clone(),
        policies,
        seeds: vec![1],
        options: Options::default(),
        timeline: false,
        log: false,
        tasks: false,
        threads: 1,
        watch: &|_, _, _| {},
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn of_program(program: Program) -> Rebuilt {
    Rebuilt {
        program: Arc::new(program),
        ..Rebuilt::default()
    }
}

fn specs() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("1"),
        Just("2"),
        Just("2x2"),
        Just("1x2x2x2"),
        Just("2x2x1x2")
    ]
}

fn run_all(rebuilt: &Rebuilt, spec: &str, policies: &[&str]) -> Vec<Figures> {
    let names = owned(policies);
    replay(&plan(rebuilt, &places(spec), &names), &no_model)
        .unwrap()
        .results
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_policy_does_all_the_work(program in mixed_programs(), spec in specs()) {
        let (bursts, work_ns) = (program.bursts.len() as u64, program.work_ns());
        let rebuilt = of_program(program);
        for policy in POLICIES {
            // The invariants are checked within: queues, affinity, time, work.
            let found = &run_all(&rebuilt, spec, &[policy])[0];
            prop_assert_eq!(found.stranded, 0, "{}", policy);
            let done = found.throughput_hz * found.makespan_ns as f64 / 1e9;
            prop_assert!((done - bursts as f64).abs() < 0.5, "{}: {} of {}", policy, done, bursts);
            let cpus = places(spec).cpus() as u64;
            prop_assert!(found.makespan_ns * cpus >= work_ns, "{}", policy);
        }
    }

    #[test]
    fn no_run_ends_before_the_bound(program in programs(), spec in specs()) {
        let rebuilt = of_program(program);
        let names = owned(&[&POLICIES[..], &["clairvoyant", "critical-path", "model[dir=stay]"]].concat());
        let found = replay(&plan(&rebuilt, &places(spec), &names), &no_model).unwrap();
        prop_assert_eq!(found.results.len(), names.len());
        for run in &found.results {
            prop_assert!(run.makespan_ns >= found.bound_ns, "{} {} {}", run.policy, run.makespan_ns, found.bound_ns);
        }
    }

    /// The bound of independent bursts is what McNaughton (Management Science 6(1), 1959) gives; where nobody is interrupted no
    /// assignment out of all is below it, and the clairvoyant policy is not behind the best of them.
    #[test]
    fn independent_bursts_are_held_against_all_assignments(work in prop::collection::vec(1u64..50_000_000, 1..8), cpus in 1usize..4) {
        let least = (0..cpus.pow(work.len() as u32)).map(|way| {
            let mut loads = vec![0; cpus];
            let digit = |at: usize| way / cpus.pow(at as u32) % cpus;
            work.iter().enumerate().for_each(|(at, run_ns)| loads[digit(at)] += run_ns);
            loads.into_iter().max().unwrap()
        }).min().unwrap();
        let rebuilt = of_program(Program::independent(work.iter().map(|&run_ns| (0, run_ns))));
        let names = owned(&["fcfs", "clairvoyant"]);
        let found = replay(&plan(&rebuilt, &places(&cpus.to_string()), &names), &no_model).unwrap();
        let mcnaughton = work.iter().sum::<u64>().div_ceil(cpus as u64).max(*work.iter().max().unwrap());
        prop_assert_eq!(found.bound_ns, mcnaughton);
        prop_assert!(found.bound_ns <= least);
        prop_assert!(found.results[1].makespan_ns <= least, "{:?} and not {least}", found.results[1]);
    }

    #[test]
    fn one_seed_has_one_result_on_any_number_of_threads(program in programs(), seed in 0u64..100) {
        let rebuilt = of_program(program);
        let names = owned(&POLICIES);
        let run = |threads: usize| {
            let mut plan = plan(&rebuilt, &MACHINE.with(Clone::clone), &names);
            plan.threads = threads;
            plan.seeds = vec![seed, seed + 1];
            plan.options.jitter_ns = 10_000;
            replay(&plan, &no_model).unwrap().results
        };
        let (one, two) = (run(1), run(2));
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.len(), 2 * POLICIES.len());
    }

    #[test]
    fn a_run_that_was_recorded_is_reproduced_exactly(program in programs(), spec in specs()) {
        let places = places(spec);
        let program = Arc::new(program);
        let options = Options { timeline: true, ..Options::default() };
        for policy in ["augur", "eevdf-like", "rusty"] {
            let (run, rebuilt) = record(&program, &places, policy, &options);
            let again = recorded::outcome(&rebuilt, &places);
            prop_assert_eq!(again.ledger.makespan_ns, run.ledger.makespan_ns + 1_000 - rebuilt.recording.start_ns);
            prop_assert_eq!(again.ledger.by_kind(), run.ledger.by_kind());
            // What really happened is not below the bound either.
            let names = owned(&["recorded"]);
            let found = replay(&plan(&rebuilt, &places, &names), &no_model).unwrap();
            prop_assert!(found.results[0].makespan_ns >= found.bound_ns, "{:?} {}", found.results[0], found.bound_ns);
            let ran = |outcome: &cpu::Outcome, pids: Vec<i32>| {
                let mut ran: Vec<(i32, u64, u32)> = pids.into_iter().zip(&outcome.tasks)
                    .map(|(pid, task)| (pid, task.run_ns, task.migrations)).filter(|task| task.1 > 0).collect();
                ran.sort();
                ran
            };
            let pids = |program: &Program| program.tasks.iter().map(|task| task.id.pid).collect::<Vec<i32>>();
            prop_assert_eq!(ran(&again, pids(&rebuilt.program)), ran(&run, pids(&program)));
        }
    }
}

thread_local! {
    static MACHINE: Arc<Places> = places("2x2");
}

/// Simulates a program and rebuilds it from the timeline.
fn record(
    program: &Arc<Program>,
    places: &Arc<Places>,
    policy: &str,
    options: &Options,
) -> (cpu::Outcome, Rebuilt) {
    let registry::Choice::Scheme(scheme) = registry::parse(policy, 1).unwrap() else {
        panic!("{policy} is no scheme");
    };
    let balancer = scheme.policy.map(Balancer::new);
    let run = cpu::run(
        program.clone(),
        places.clone(),
        scheme.discipline,
        balancer,
        options,
    )
    .unwrap();
    let timeline = run.timeline.unwrap();
    let events: Vec<_> = timeline.events(program, &places.machine, 1_000).collect();
    (run.outcome, rebuild(&events))
}

#[test]
fn a_model_that_stays_leaves_no_migration_by_balance_or_steal_and_one_that_moves_all_of_the_heuristics() {
    // Crowded on one domain, so that the heuristic has something to do.
    let mut program = Program::independent((0..12).map(|task| (task * 1_000, 900_000_000)));
    for task in program.tasks.iter_mut() {
        task.cpu = Some(0);
    }
    let rebuilt = of_program(program);
    let names = owned(&["augur", "model[dir=stay]", "model[dir=move]", "never[steal=0]"]);
    let Findings { results, .. } = replay(&plan(&rebuilt, &places("2x2"), &names), &constant).unwrap();
    let [augur, stay, moves, never] = results.as_slice() else {
        panic!()
    };
    assert!(augur.causes.balance + augur.causes.steal > 0, "{augur:?}");
    for run in [stay, never] {
        assert_eq!(
            (run.causes.balance, run.causes.steal, run.decisions),
            (0, 0, 0),
            "{}",
            run.policy
        );
    }
    assert_eq!(moves.state_hash, augur.state_hash);
    assert_eq!(moves.causes, augur.causes);
    assert_eq!(
        augur.decision_outcomes.tally.accepted,
        augur.decision_outcomes.tally.proposed
    );
}

#[test]
fn a_slow_cpu_takes_as_much_longer_as_it_is_slower() {
    let mut cpus = "1".parse::<Shape>().unwrap().cpus();
    cpus[0].capacity = 0.5;
    let places = Arc::new(Places::new(Arc::new(Machine::from_cpus(cpus, None).unwrap())));
    let rebuilt = of_program(Program::independent([(0, 1_000_001), (0, 2_000_000)]));
    let names = owned(&["augur", "eevdf-like", "fcfs"]);
    for run in replay(&plan(&rebuilt, &places, &names), &no_model)
        .unwrap()
        .results
    {
        assert!(
            run.makespan_ns.abs_diff(6_000_002) <= 4,
            "{} {}",
            run.policy,
            run.makespan_ns
        );
    }
}

/// The decisions of a policy on two domains of one CPU each, where nobody steals.
fn logged(program: Program, policy: &str) -> Vec<Row> {
    let rebuilt = of_program(program);
    let names = owned(&[policy]);
    let mut plan = plan(&rebuilt, &MACHINES.with(Clone::clone), &names);
    plan.log = true;
    let mut log = replay(&plan, &no_model).unwrap().log;
    log.retain(|row| row.kind == Kind::Balance);
    log
}

#[test]
fn labels_say_what_was_right() {
    const MS: u64 = 1_000_000;
    // The other CPU is taken for 50 ms, so this one gets two long tasks; then one of them should go over.
    let crowded = Program::independent([(0, 900 * MS), (MS, 50 * MS), (2 * MS, 900 * MS)]);
    let log = logged(crowded, "augur[steal_far_us=10000000,steal_llc_us=10000000]");
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(
        log[0].label() && log[0].accepted && log[0].outcome == Outcome::Applied,
        "{:?}",
        log[0]
    );
    assert_ne!(log[0].spent.seen_domain, Some(log[0].from));
    // One long task on each CPU: every move is wrong, and random names some.
    let even = Program::independent([(0, 900 * MS), (0, 900 * MS)]);
    let log = logged(even, "random");
    assert!(!log.is_empty());
    assert!(log.iter().take(2).all(|row| !row.label()), "{log:?}");
}

thread_local! {
    static MACHINES: Arc<Places> = places("2x1");
}
