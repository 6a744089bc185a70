// SPDX-License-Identifier: GPL-2.0-only
//! What is called a bound is one: no policy is better on any workload, and neither is whatever can be tried in small cases.

use super::physics::context;
use super::run::run;
use augur_base::topology::device::Settings;
use augur_devices::policy::{Context, DevicePolicy, Fleet, Placement, parse, registry};
use augur_devices::sim::{self, Bound, Options};
use augur_devices::workload::Task;
use proptest::prelude::*;

/// Sums of times in ns may be wrong by this share of themselves.
const ROUNDING: f64 = 1e-9;

fn bound(context: &Context, seed: u64) -> Bound {
    sim::bound(&Options::of(context, seed))
}

prop_compose! {
    /// Machines of up to two CPUs and three GPUs, calm or crowded, with graphs, noise, and drift.
    fn contexts()(
        (cpus, gpus) in (0usize..3, 0usize..4).prop_filter("there is a device", |(cpus, gpus)| cpus + gpus > 0),
        cpu_speeds in prop::collection::vec(0.3..3.0f64, 2),
        gpu_speeds in prop::collection::vec(0.3..3.0f64, 3),
        tasks in 1u64..60,
        rate_exponent in 0.0..3.5f64,
        tasks_per_graph in prop_oneof![Just(1usize), 2usize..8],
        noise in prop_oneof![Just(0.0), 0.0..0.8f64],
        shuffled in any::<bool>(),
        drifts in any::<bool>(),
    ) -> Context {
        let machine = Settings {
            cpus,
            gpus,
            cpu_speeds: cpu_speeds[..cpus].to_vec(),
            gpu_speeds: gpu_speeds[..gpus].to_vec(),
            ..Settings::default()
        };
        let mut context = context();
        context.devices = machine.devices().unwrap();
        context.hybrid_ml.pretrain_tasks = 30;
        context.hybrid_ml.forest.trees = 3;
        let workload = &mut context.workload;
        (workload.tasks, workload.tasks_per_graph) = (tasks, tasks_per_graph);
        workload.rate_per_s = 10f64.powf(rate_exponent);
        (workload.noise, workload.shuffled) = (noise, shuffled);
        if drifts {
            workload.drift.at = vec![tasks / 2];
            (workload.drift.gpu_speed, workload.drift.cpu_speed) = (1.7, 0.5);
        }
        context
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_policy_is_better_than_the_bound(context in contexts(), seed in 0u64..1000) {
        let bound = bound(&context, seed);
        // A trained network has a folder and a number of devices.
        let names = registry::NAMES.iter().map(|(name, _)| *name).filter(|name| *name != "dqn");
        for name in names.chain(["hybrid_ml[alone=0]", "clairvoyant[step=0.05]"]) {
            let (outcome, all) = run(&context, &mut *parse(name, &context, seed).unwrap(), seed);
            prop_assert_eq!(all.len() as u64, context.workload.tasks);
            prop_assert!(
                outcome.completion_mean_ns >= bound.completion_mean_ns * (1.0 - ROUNDING),
                "{name}: a mean of {} ns, below {bound:?}", outcome.completion_mean_ns
            );
            prop_assert!(outcome.makespan_ns >= bound.makespan_ns, "{name}: {} ns, below {bound:?}", outcome.makespan_ns);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Four tasks, and every placement of each out of a grid: none of the 2,401 ways is below the bound.
    #[test]
    fn nothing_that_can_be_tried_is_better_than_the_bound(seed in 0u64..1000, rate_exponent in 0.0..4.0f64) {
        let mut context = context();
        context.devices = Settings { gpus: 1, ..Settings::default() }.devices().unwrap();
        context.workload.tasks = 4;
        context.workload.rate_per_s = 10f64.powf(rate_exponent);
        let bound = bound(&context, seed);
        let (mut mean_ns, mut makespan_ns) = (f64::INFINITY, u64::MAX);
        for way in 0..7u64.pow(4) {
            let mut all = Scripted { way };
            let (outcome, _) = run(&context, &mut all, seed);
            mean_ns = mean_ns.min(outcome.completion_mean_ns);
            makespan_ns = makespan_ns.min(outcome.makespan_ns);
        }
        prop_assert!(mean_ns >= bound.completion_mean_ns && makespan_ns >= bound.makespan_ns, "{mean_ns} {makespan_ns} {bound:?}");
        // A bound that says nothing would be one, too. One after the other, each split as well as can be, takes four times what
        // the bound is at most.
        prop_assert!(bound.completion_mean_ns > 0.249 * mean_ns && bound.makespan_ns as f64 > 0.249 * makespan_ns as f64);
    }
}

/// One of seven placements for each task, as the digits of a number say.
struct Scripted {
    way: u64,
}

impl DevicePolicy for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        let digit = self.way / 7u64.pow(task.number as u32) % 7;
        let work = fleet.estimate(task);
        match digit {
            0 | 1 => Placement::One(digit as usize),
            2 => fleet.split(0, 1, work.best_share(fleet.device(0), fleet.device(1))),
            part => fleet.split(0, 1, (part - 2) as f64 / 5.0),
        }
    }
}

/// Where nobody waits the clairvoyant policy is exactly at the bound.
#[test]
fn the_bound_is_reached_where_nobody_waits() {
    let mut context = context();
    (context.workload.tasks, context.workload.rate_per_s) = (200, 1e-3);
    let (outcome, _) = run(&context, &mut *parse("clairvoyant", &context, 5).unwrap(), 5);
    let bound = bound(&context, 5);
    assert!(
        (outcome.completion_mean_ns - bound.completion_mean_ns).abs() <= 1.0,
        "{bound:?}"
    );
    assert!(outcome.makespan_ns - bound.makespan_ns <= 1, "{bound:?}");
}

/// One CPU and tasks that are all alike: first come, first served is the best that there is, and the bound is that.
#[test]
fn the_bound_is_reached_where_a_single_device_is_crowded() {
    let mut context = context();
    context.devices = Settings {
        gpus: 0,
        ..Settings::default()
    }
    .devices()
    .unwrap();
    let workload = &mut context.workload;
    (workload.tasks, workload.rate_per_s) = (500, 1e4);
    (workload.size, workload.intensity) = ([1000.0, 1000.0], [0.5, 0.5]);
    let (outcome, _) = run(&context, &mut *parse("eft", &context, 5).unwrap(), 5);
    let bound = bound(&context, 5);
    // Two ns for each task before it: times are whole.
    assert!(
        outcome.completion_mean_ns - bound.completion_mean_ns <= 1000.0,
        "{bound:?}"
    );
    assert!(outcome.makespan_ns - bound.makespan_ns <= 1000, "{bound:?}");
}
