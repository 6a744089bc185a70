// SPDX-License-Identifier: GPL-2.0-only
//! The laws of a simulated machine, and the bound of one decision.

use augur_base::topology::device::Settings;
use augur_devices::policy::{Context, Fleet, State, clairvoyant, parse, registry};
use augur_devices::workload::{Physics, Task, Work, generator};
use proptest::prelude::*;

pub fn context() -> Context {
    Context {
        devices: Settings::default().devices().unwrap(),
        physics: Physics::default(),
        workload: generator::Settings::default(),
        hybrid_ml: Default::default(),
        dqn: Default::default(),
        listed: None,
    }
}

/// Section by section of the specification: N^1.5/(I + 0.5), 1 + 3 I, M/bandwidth, and the time of a split.
#[test]
fn tasks_take_what_the_laws_say() {
    let context = context();
    let task = Task {
        size: 2500.0,
        intensity: 0.5,
        memory_mb: 320.0,
        ..Task::default()
    };
    let work = context.physics.work(&task);
    let (cpu, gpu) = (&context.devices.all()[0], &context.devices.all()[1]);
    let c = 125_000.0 * 1e-7;
    assert!((work.alone_s(cpu) - c).abs() < 1e-12);
    assert!((work.alone_s(gpu) - (c / 2.5 + 320.0 / 64_000.0)).abs() < 1e-12);
    let (on_cpu, on_gpu) = work.parts_s(cpu, gpu, 0.4);
    assert!((on_cpu - 0.6 * c).abs() < 1e-12 && (on_gpu - (0.4 * c / 2.5 + 0.005)).abs() < 1e-12);
}

#[test]
fn the_best_split_is_the_closed_form() {
    let devices = Settings::default().devices().unwrap();
    let (cpu, gpu) = (&devices.all()[0], &devices.all()[1]);
    // Without a transfer c/(c + g); c = 6, g = 2.
    let work = Work {
        cpu_s: 6.0,
        speedup: 3.0,
        memory_mb: 0.0,
    };
    assert!((work.best_share(cpu, gpu) - 0.75).abs() < 1e-12);
    // With one of 1 s (c − t)/(c + g).
    let work = Work {
        memory_mb: 64_000.0,
        ..work
    };
    assert!((work.best_share(cpu, gpu) - 5.0 / 8.0).abs() < 1e-12);
    // Data that comes later than the CPU is done: nothing for the GPU.
    assert_eq!(Work { cpu_s: 0.9, ..work }.best_share(cpu, gpu), 0.0);
}

prop_compose! {
    fn fleets()(
        backlogs in prop::collection::vec(prop_oneof![Just(0.0), 0.0..0.2f64], 6),
        cpu_speeds in prop::collection::vec(0.3..3.0f64, 2),
        gpu_speeds in prop::collection::vec(0.3..3.0f64, 4),
        cpus in 0usize..3,
        gpus in 1usize..5,
    ) -> Fleet {
        let settings = Settings {
            cpus,
            gpus,
            cpu_speeds: cpu_speeds[..cpus].to_vec(),
            gpu_speeds: gpu_speeds[..gpus].to_vec(),
            ..Settings::default()
        };
        let mut fleet = Fleet::new(settings.devices().unwrap(), Physics::default());
        for (state, backlog_s) in fleet.states.iter_mut().zip(backlogs) {
            *state = State { backlog_s, queue: usize::from(backlog_s > 0.0) };
        }
        fleet
    }
}

prop_compose! {
    fn tasks()(size in 100.0..5000.0f64, intensity in 0.0..1.0f64, memory_mb in 10.0..500.0f64) -> Task {
        Task { size, intensity, memory_mb, ..Task::default() }
    }
}

proptest! {
    #[test]
    fn no_decision_is_better_than_the_clairvoyant_policys(fleet in fleets(), task in tasks()) {
        let context = Context { devices: fleet.devices.clone(), ..context() };
        let work = fleet.estimate(&task);
        let (placement, finish_s) = clairvoyant::best(&fleet, &work, None);
        prop_assert!((fleet.finish_s(&work, placement) - finish_s).abs() < 1e-15);
        for (name, _) in registry::NAMES {
            // A forest would be grown for each case, a network read; their placements are among the grid's below.
            if name == "hybrid_ml" || name == "dqn" {
                continue;
            }
            let other = parse(name, &context, 7).unwrap().place(&fleet, &task);
            prop_assert!(finish_s <= fleet.finish_s(&work, other) + 1e-12, "{name}: {other:?}, clairvoyant {placement:?}");
        }
        for share in 1..1000 {
            for cpu in fleet.cpus() {
                for gpu in fleet.gpus() {
                    let split = fleet.split(cpu, gpu, f64::from(share) / 1000.0);
                    prop_assert!(finish_s <= fleet.finish_s(&work, split) + 1e-12, "{split:?}");
                }
            }
        }
        // Steps of 5 % are never better than exact, and seldom much worse.
        let (_, stepped_s) = clairvoyant::best(&fleet, &work, Some(0.05));
        prop_assert!(finish_s <= stepped_s + 1e-12 && stepped_s <= finish_s * 1.2);
    }
}
