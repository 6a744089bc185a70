// SPDX-License-Identifier: GPL-2.0-only
//! Profiles of hardware: what `scx_augur profile` writes, and what a simulation makes of one.

use crate::common::json;
use augur_devices::experiment::profile;
use augur_devices::experiment::simulate::Config;
use augur_devices::report::profile::{Cpu, Gpu, Product, Profile};
use augur_devices::workload::Task;
use serde_json::Value;

fn cpu(products: Vec<Product>) -> Cpu {
    Cpu {
        name: "a CPU".to_owned(),
        threads: 4,
        products,
        memory_bandwidth_mb_per_s: 1e4,
    }
}

/// Times of c and g, 4 times apart: the share is 0.8, a task of size N and intensity 1 takes c, on a GPU g.
#[test]
fn a_simulation_takes_what_was_measured() {
    let product = |size: usize, ns: f64| Product::of(size, &mut [ns, 1.5 * ns, 0.5 * ns]).unwrap();
    let gpu = Gpu {
        name: "a GPU".to_owned(),
        products: vec![product(400, 2e6), product(1600, 16e6)],
        transfer_bandwidth_mb_per_s: 12_345.0,
    };
    let profile = Profile::new(cpu(vec![product(400, 8e6), product(1600, 64e6)]), Some(gpu));
    assert_eq!(profile.recommended_gpu_share, 0.8);
    assert!((profile.cpu_gpu_ratio.unwrap() - 4.0).abs() < 1e-12);
    let mut config = Config::default();
    profile::apply(&profile, &mut config);
    for product in &profile.cpu.products {
        let work = config.physics.work(&Task {
            size: product.size as f64,
            intensity: 1.0,
            ..Task::default()
        });
        assert!(
            (work.cpu_s * 1e9 / product.median_ns - 1.0).abs() < 1e-9,
            "{work:?}"
        );
        assert!((work.speedup - 4.0).abs() < 1e-12);
    }
    assert_eq!(config.machine.gpu.bandwidth_mb_per_s, 12_345.0);
    // Without a GPU the simulated ones stay what they were.
    let mut plain = Config::default();
    profile::apply(&Profile::new(profile.cpu.clone(), None), &mut plain);
    assert_eq!(plain.machine, Config::default().machine);
    assert_eq!(
        plain.physics.speedup_slope,
        Config::default().physics.speedup_slope
    );
    assert_eq!(plain.physics.duration_scale_s, config.physics.duration_scale_s);
}

#[test]
fn what_profile_writes_simulate_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hardware_profile.json");
    let file = file.to_str().unwrap();
    let arguments = [
        "--sizes",
        "24,48",
        "--repeats",
        "3",
        "--threads",
        "2",
        "--tensorflow",
        "/nowhere",
        "--json",
    ];
    let printed = json(&[&["profile", "--out", file], &arguments[..]].concat());
    assert_eq!(
        printed,
        serde_json::from_str::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap()
    );
    assert!(printed["gpu"].is_null() && printed["cpu_gpu_ratio"].is_null());
    for (product, size) in printed["cpu"]["products"]
        .as_array()
        .unwrap()
        .iter()
        .zip([24.0f64, 48.0])
    {
        // 2 n³ operations.
        let operations = product["gflops"].as_f64().unwrap() * product["median_ns"].as_f64().unwrap();
        assert!(
            (operations / (2.0 * size.powi(3)) - 1.0).abs() < 1e-9,
            "{product}"
        );
        assert_eq!(product["repeats"], 3);
    }
    let report = json(&[
        "simulate",
        "--profile",
        file,
        "--tasks",
        "50",
        "--policies",
        "eft",
        "--json",
    ]);
    assert_eq!(report["tasks"], 50);
}
