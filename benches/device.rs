// SPDX-License-Identifier: GPL-2.0-only
//! How fast device policies decide, in decisions a second on one core, on one CPU and four GPUs; and how fast whole runs
//! are, in tasks a second; and how fast `dqn` is trained, in steps a second, with batches of 128 through TensorFlow.
#![allow(clippy::unwrap_used, missing_docs)]

use augur_base::topology::device::Settings;
use augur_devices::policy::registry::{self, Start};
use augur_devices::policy::{Context, DevicePolicy, Fleet, Placement, State, parse};
use augur_devices::sim::{self, Options};
use augur_devices::workload::{Batch, Generator, Physics, Task, generator};
use augur_tensorflow::{library, prepare_library};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;

const TASKS: u64 = 10_000;

fn context() -> Context {
    Context {
        devices: Settings::default().devices().unwrap(),
        physics: Physics::default(),
        workload: generator::Settings {
            tasks: TASKS,
            ..generator::Settings::default()
        },
        hybrid_ml: Default::default(),
        dqn: Default::default(),
        listed: None,
    }
}

fn tasks(context: &Context) -> Vec<Task> {
    let mut generator = Generator::new(&context.workload, &context.physics, 1);
    let (mut batch, mut tasks) = (Batch::default(), Vec::new());
    while generator.next(&mut batch) {
        tasks.extend_from_slice(&batch.tasks);
    }
    tasks
}

fn decide(policy: &mut dyn DevicePolicy, fleet: &mut Fleet, tasks: &[Task]) -> usize {
    let mut sum = 0;
    for (number, task) in tasks.iter().enumerate() {
        let device = number % fleet.len();
        fleet.states[device] = State {
            backlog_s: task.intensity / 100.0,
            queue: 1,
        };
        sum += match policy.place(fleet, black_box(task)) {
            Placement::One(device) => device,
            Placement::Split { cpu, gpu, .. } => cpu + gpu,
        };
    }
    sum
}

fn decisions(criterion: &mut Criterion) {
    let context = context();
    let tasks = tasks(&context);
    let mut fleet = Fleet::new(context.devices.clone(), context.physics.clone());
    let mut group = criterion.benchmark_group("decide");
    group.sample_size(20).throughput(Throughput::Elements(TASKS));
    for name in [
        "round_robin",
        "random",
        "greedy",
        "least_work",
        "eft",
        "graph",
        "heft",
        "clairvoyant",
        "hybrid_ml",
        "hybrid_ml[model=gradient_boosting]",
    ] {
        let mut policy = parse(name, &context, 1).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide(&mut *policy, &mut fleet, &tasks))
        });
    }
    group.finish();
}

fn runs(criterion: &mut Criterion) {
    let context = context();
    let options = Options::of(&context, 1);
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(20).throughput(Throughput::Elements(TASKS));
    for name in ["round_robin", "eft", "clairvoyant"] {
        let run = || {
            let mut policy = parse(name, &context, 1).unwrap();
            let outcome = sim::run(&options, &mut *policy, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(outcome.tasks, TASKS);
            outcome
        };
        group.bench_function(name, |bencher| bencher.iter(run));
    }
    group.finish();
}

/// A step is a decision and a batch of 128; two hidden layers of 256, on the task alone and with the devices' queues.
fn training(criterion: &mut Criterion) {
    const STEPS: u64 = 100;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = library::find(None).or_else(|_| library::find(Some(&here.join(".venv"))));
    let Ok(found) = found else {
        eprintln!("no TensorFlow library: training is left out");
        return;
    };
    prepare_library(Some(&found.library)).unwrap();
    let context = context();
    let tasks = tasks(&context);
    let mut fleet = Fleet::new(context.devices.clone(), context.physics.clone());
    let mut group = criterion.benchmark_group("train");
    group.sample_size(20).throughput(Throughput::Elements(STEPS));
    for name in ["dqn", "dqn[queues=1]", "graph"] {
        let networks = here.join("model_dir/trainable");
        let mut learner = registry::learner(name, &context, &networks, Start::Seed(1)).unwrap();
        learner.begin(0);
        // Fills the first batches.
        decide(&mut *learner, &mut fleet, &tasks[..1000]);
        let mut parts = tasks.chunks_exact(STEPS as usize).cycle();
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide(&mut *learner, &mut fleet, parts.next().unwrap()));
        });
        learner.end().unwrap();
    }
    group.finish();
}

criterion_group!(benches, decisions, runs, training);
criterion_main!(benches);
