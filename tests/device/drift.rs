// SPDX-License-Identifier: GPL-2.0-only
//! Drift: devices that really become others, policies that notice and recover, and that notice nothing where nothing happens.

use super::physics::context;
use super::run::run;
use augur_base::statistics::Interval;
use augur_base::topology::device::Settings;
use augur_devices::experiment::simulate::{self, Config, Plan, Scenario};
use augur_devices::policy::{Placement, parse};
use augur_devices::report::drift::{Course, Drift};
use std::ops::ControlFlow;

const FROZEN: &str = "hybrid_ml[alone=0,retrain_interval=0]";
const BLIND: &str = "hybrid_ml[alone=0]";
const DETECTORS: [&str; 3] = ["adwin", "page_hinkley", "ddm"];

/// Small forests, and so seldom a task that nobody waits: what differs is what was learned.
const CALM: &str = "[workload]\ntasks = 2000\nrate_per_s = 5\n[workload.drift]\nwindow_tasks = 100\n\
                    [hybrid_ml]\npretrain_tasks = 400\nwindow = 400\n[hybrid_ml.forest]\ntrees = 10\ndepth = 8\n";

fn adaptive(detector: &str) -> String {
    format!("hybrid_ml[alone=0,drift={detector}]")
}

fn drift(change: impl Fn(&mut Config), seeds: u64) -> Drift {
    let mut config = Config::from_toml(CALM, Scenario::CpuGpu).unwrap();
    change(&mut config);
    let mut policies: Vec<String> = ["clairvoyant", FROZEN, BLIND].map(str::to_owned).to_vec();
    policies.extend(DETECTORS.map(adaptive));
    let plan = Plan {
        config: &config,
        policies: &policies,
        seeds: (1..=seeds).collect(),
        out: None,
        threads: 2,
    };
    let report = simulate::run(&plan, &|_| ControlFlow::Continue(())).unwrap();
    report.drift.unwrap()
}

fn runs<'a>(drift: &'a Drift, policy: &str) -> Vec<&'a Course> {
    drift.runs.iter().filter(|run| run.policy == policy).collect()
}

/// From the task on, and until the next change, a GPU takes what a slower one takes, and its data comes as slowly.
#[test]
fn devices_become_others_and_come_back() {
    let mut context = context();
    context.workload.tasks = 300;
    context.workload.rate_per_s = 1.0;
    context.workload.drift.at = vec![100, 200];
    let slow = Settings {
        gpu_speeds: vec![0.4; 4],
        gpu: augur_base::topology::device::GpuSettings {
            bandwidth_mb_per_s: 16_000.0,
            ..Default::default()
        },
        ..Settings::default()
    };
    let machines = [context.devices.clone(), slow.devices().unwrap()];
    let (_, all) = run(&context, &mut *parse("eft", &context, 1).unwrap(), 3);
    let mut on_gpus = [0; 2];
    for done in &all {
        let drifted = usize::from((100..200).contains(&done.task.number));
        let Placement::One(device) = done.placement else {
            panic!("{done:?}");
        };
        let takes_s = context
            .physics
            .work(&done.task)
            .alone_s(&machines[drifted].all()[device]);
        let took_s = (done.finish_ns - done.start_ns) as f64 / 1e9;
        assert!(
            (took_s - takes_s).abs() < 2e-9,
            "{done:?}: {took_s} and not {takes_s}"
        );
        on_gpus[drifted] += usize::from(device > 0);
    }
    assert!(on_gpus.iter().all(|&count| count > 30), "{on_gpus:?}");
}

/// A GPU that became slow makes what was learned wrong. Whoever notices is as near to the clairvoyant again as before; whoever
/// learned once stays far behind; whoever forgets slowly is slower.
#[test]
fn who_notices_recovers_and_who_is_frozen_does_not() {
    let seeds = 6;
    let drift = drift(|config| config.workload.drift.at = vec![1000], seeds);
    println!("{drift}");
    let excess = |policy: &str| -> Vec<f64> {
        let runs = runs(&drift, policy);
        runs.iter()
            .map(|run| run.shifts[0].levels.after_excess.unwrap())
            .collect()
    };
    let frozen = excess(FROZEN);
    assert!(runs(&drift, FROZEN).iter().all(|run| run.false_alarms.is_none()));
    for detector in DETECTORS {
        let policy = adaptive(detector);
        let nearer: Vec<f64> = frozen
            .iter()
            .zip(excess(&policy))
            .map(|(frozen, adaptive)| frozen - adaptive)
            .collect();
        assert!(Interval::of(&nearer).low > 0.5, "{policy}: {nearer:?}");
        let summary = drift
            .policies
            .iter()
            .find(|summary| summary.policy == policy)
            .unwrap();
        assert_eq!(
            (summary.detected, summary.recovered),
            (seeds, seeds),
            "{summary:?}"
        );
        assert!(
            summary.levels.after_excess.unwrap() < summary.levels.before_excess.unwrap() + 0.02,
            "{summary:?}"
        );
        for run in runs(&drift, &policy) {
            let told = run.events.iter().find(|event| event.task >= 1000).unwrap();
            assert_eq!(
                (&*told.event, told.source.as_deref()),
                ("drift", Some("error")),
                "{run:?}"
            );
            let next: Vec<&str> = run.events.iter().map(|event| &*event.event).take(4).collect();
            assert_eq!(next, ["drift", "fell_back", "retrained", "came_back"]);
        }
    }
    let of = |policy: &str| {
        drift
            .policies
            .iter()
            .find(|summary| summary.policy == policy)
            .unwrap()
    };
    assert!(of(&adaptive("adwin")).recovered_after_tasks < of(BLIND).recovered_after_tasks);
}

/// Other tasks than those it learned from are seen in the inputs, whatever the error.
#[test]
fn inputs_are_watched() {
    let drift = drift(
        |config| {
            let drift = &mut config.workload.drift;
            drift.at = vec![1000];
            (drift.gpu_speed, drift.gpu_bandwidth) = (1.0, 1.0);
            drift.intensity = Some([0.0, 0.5]);
        },
        3,
    );
    for detector in ["adwin", "page_hinkley"] {
        for run in runs(&drift, &adaptive(detector)) {
            let told = run.events.iter().find(|event| event.task >= 1000).unwrap();
            assert_eq!(told.source.as_deref(), Some("compute_intensity"), "{run:?}");
            assert!(run.shifts[0].detected_after_tasks.unwrap() < 300, "{run:?}");
        }
    }
}

/// 20,000 tasks that are all of one kind: ADWIN and Page-Hinkley are silent; DDM, which takes chance for a rise now and then,
/// speaks at most six times.
#[test]
fn where_nothing_drifts_little_is_noticed() {
    let drift = drift(|_| (), 10);
    let alarms = |detector: &str| {
        let name = adaptive(detector);
        let summary = drift.policies.iter().find(|summary| summary.policy == name);
        summary.unwrap().false_alarms.unwrap()
    };
    let found = DETECTORS.map(alarms);
    println!("false alarms of {DETECTORS:?}: {found:?}");
    assert!(found[0] == 0 && found[1] == 0 && found[2] <= 6, "{found:?}");
}
