// SPDX-License-Identifier: GPL-2.0-only
//! Whole runs under every policy: queues, graphs, splits, energy, and one result for one seed.

use super::physics::context;
use augur_base::topology::device::Settings;
use augur_devices::experiment::simulate::{self, Config, Plan};
use augur_devices::policy::{Context, DevicePolicy, Fleet, Placement, parse};
use augur_devices::sim::{self, Done, Options, Outcome};
use augur_devices::workload::{Batch, Generator, Task};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

pub const POLICIES: [&str; 12] = [
    "round_robin",
    "random",
    "greedy",
    "clairvoyant",
    "least_work",
    "eft",
    "graph",
    "heft",
    "cpop",
    "peft",
    "lookahead",
    "portfolio",
];

pub fn run(context: &Context, policy: &mut dyn DevicePolicy, seed: u64) -> (Outcome, Vec<Done>) {
    let options = Options::of(context, seed);
    let mut all = Vec::new();
    let mut left = |done: &Done| {
        all.push(*done);
        ControlFlow::Continue(())
    };
    let outcome = sim::run(&options, policy, &mut left).unwrap();
    (outcome, all)
}

/// A task's parts as the laws say: device, start, end.
fn parts(context: &Context, done: &Done) -> Vec<(usize, u64, u64)> {
    let work = context.physics.work(&done.task);
    let device = |device: usize| &context.devices.all()[device];
    let ns = |seconds: f64| (seconds * 1e9).round().max(1.0) as u64;
    match done.placement {
        Placement::One(one) => vec![(one, done.start_ns, done.start_ns + ns(work.alone_s(device(one))))],
        Placement::Split { cpu, gpu, share } => {
            let (on_cpu, on_gpu) = work.parts_s(device(cpu), device(gpu), share);
            vec![
                (cpu, done.start_ns, done.start_ns + ns(on_cpu)),
                (gpu, done.start_ns, done.start_ns + ns(on_gpu)),
            ]
        }
    }
}

/// Graphs of tasks on two unequal CPUs and three unequal GPUs, at about nine tenths of what they can do.
fn busy() -> Context {
    let mut context = context();
    context.workload.tasks = 2_000;
    context.workload.tasks_per_graph = 12;
    context.workload.rate_per_s = 150.0;
    let machine = Settings {
        cpus: 2,
        gpus: 3,
        cpu_speeds: vec![1.0, 0.5],
        gpu_speeds: vec![1.0, 2.0, 0.7],
        ..Settings::default()
    };
    context.devices = machine.devices().unwrap();
    context
}

#[test]
fn every_policy_honours_queues_graphs_and_devices() {
    let context = busy();
    for name in POLICIES {
        let mut policy = parse(name, &context, 5).unwrap();
        let (outcome, all) = run(&context, &mut *policy, 5);
        assert_eq!(all.len(), 2_000, "{name}");
        let mut lanes: BTreeMap<usize, Vec<(u64, u64)>> = BTreeMap::new();
        let mut energy_j = 0.0;
        for done in &all {
            let parts = parts(&context, done);
            assert_eq!(
                parts.iter().map(|part| part.2).max(),
                Some(done.finish_ns),
                "{name}: {done:?}"
            );
            assert!(done.task.arrival_ns <= done.placed_ns && done.placed_ns <= done.start_ns);
            for (device, start_ns, end_ns) in parts {
                energy_j += (end_ns - start_ns) as f64 / 1e9 * context.devices.all()[device].power_w;
                lanes.entry(device).or_default().push((start_ns, end_ns));
            }
        }
        for (device, parts) in &mut lanes {
            parts.sort_unstable();
            assert!(
                parts.windows(2).all(|pair| pair[0].1 <= pair[1].0),
                "{name}: two at once on {device}"
            );
            let busy_ns: u64 = parts.iter().map(|(start, end)| end - start).sum();
            assert_eq!(outcome.devices[*device].busy_ns, busy_ns, "{name}");
        }
        assert!((outcome.energy_j / energy_j - 1.0).abs() < 1e-9, "{name}");
        parents_come_first(&context, &all, name);
    }
}

fn parents_come_first(context: &Context, all: &[Done], name: &str) {
    let done: BTreeMap<u64, &Done> = all.iter().map(|done| (done.task.number, done)).collect();
    let mut generator = Generator::new(&context.workload, &context.physics, 5);
    let mut batch = Batch::default();
    let mut edges = 0;
    while generator.next(&mut batch) {
        for (task, parents) in batch.tasks.iter().zip(&batch.parents) {
            let ready = parents
                .as_slice()
                .iter()
                .map(|&parent| done[&batch.tasks[usize::from(parent)].number].finish_ns);
            let ready = ready.chain([task.arrival_ns]).max().unwrap();
            assert_eq!(done[&task.number].placed_ns, ready, "{name}: {task:?}");
            edges += parents.as_slice().len();
        }
    }
    assert!(edges > 1_500, "{edges}");
}

#[test]
fn regret_is_never_of_the_clairvoyant_policy_and_of_all_others() {
    let context = busy();
    for name in POLICIES {
        let mut policy = parse(name, &context, 9).unwrap();
        let (outcome, all) = run(&context, &mut *policy, 9);
        if name == "clairvoyant" {
            assert!(
                all.iter().all(|done| done.regret_ns <= 1),
                "{}",
                outcome.regret_mean_ns
            );
        } else {
            assert!(outcome.regret_mean_ns > 1e3, "{name}: {}", outcome.regret_mean_ns);
        }
    }
}

/// What a task takes is seen only when it ran: a policy that is no clairvoyant sees queues by the machine's laws.
#[test]
fn noise_is_seen_by_the_clairvoyant_policy_only() {
    struct Look {
        clairvoyant: bool,
        wrong: bool,
    }
    impl DevicePolicy for Look {
        fn name(&self) -> String {
            "look".to_owned()
        }
        fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
            // The first task runs alone for what it takes; the second one sees that as a backlog.
            if task.number == 1 {
                let first = fleet
                    .physics
                    .work(&Task {
                        size: 1000.0,
                        intensity: 0.5,
                        ..*task
                    })
                    .cpu_s;
                self.wrong = (fleet.backlog_s(0) / first - 1.0).abs() > 0.01;
            }
            Placement::One(0)
        }
        fn is_clairvoyant(&self) -> bool {
            self.clairvoyant
        }
    }
    let mut context = context();
    context.workload = augur_devices::workload::generator::Settings {
        tasks: 2,
        rate_per_s: 1e9,
        size: [1000.0, 1000.0],
        intensity: [0.5, 0.5],
        noise: 0.5,
        ..context.workload
    };
    for clairvoyant in [false, true] {
        let mut look = Look {
            clairvoyant,
            wrong: false,
        };
        run(&context, &mut look, 3);
        assert_eq!(look.wrong, clairvoyant);
    }
}

#[test]
fn one_seed_one_result_on_any_number_of_threads() {
    let config = Config::from_toml(
        "[workload]\ntasks = 1500\ntasks_per_graph = 4\n[hybrid_ml]\npretrain_tasks = 100\nwindow = 200\n\
         [hybrid_ml.forest]\ntrees = 20\n",
        simulate::Scenario::CpuGpu,
    )
    .unwrap();
    let policies: Vec<String> = ["hybrid_ml", "random", "portfolio", "greedy"]
        .map(str::to_owned)
        .to_vec();
    let run = |threads: usize| {
        let plan = Plan {
            config: &config,
            policies: &policies,
            seeds: vec![1, 2],
            out: None,
            threads,
        };
        let mut report = simulate::run(&plan, &|_| ControlFlow::Continue(())).unwrap();
        report.results.iter_mut().for_each(|run| run.decision_ns = 0.0);
        report
    };
    let one = run(1);
    assert_eq!(one, run(3));
    let hashes: std::collections::BTreeSet<&String> = one.results.iter().map(|run| &run.state_hash).collect();
    assert_eq!(hashes.len(), 8, "other policies and seeds are other histories");
}

/// Batches of one task, all alike, one CPU, no GPU: M/D/1.
#[test]
fn one_device_is_m_d_1() {
    let mut context = context();
    context.devices = Settings {
        gpus: 0,
        ..Settings::default()
    }
    .devices()
    .unwrap();
    context.workload.tasks = 300_000;
    context.workload.size = [1000.0, 1000.0];
    context.workload.intensity = [0.5, 0.5];
    let service_s = context
        .physics
        .work(&Task {
            size: 1000.0,
            intensity: 0.5,
            ..Task::default()
        })
        .cpu_s;
    context.workload.rate_per_s = 0.6 / service_s;
    let (outcome, _) = run(&context, &mut *parse("eft", &context, 1).unwrap(), 1);
    let wait = outcome.wait_mean_ns / 1e9 / service_s;
    assert!((wait / (0.6 / 0.8) - 1.0).abs() < 0.02, "{wait}");
}
