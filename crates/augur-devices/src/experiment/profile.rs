// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur profile`: what this machine's CPU, and a GPU where TensorFlow sees one, take for products of matrices, and how
//! a simulation uses that.

use crate::experiment::simulate::Config;
use crate::report::profile::{Cpu, Gpu, Product, Profile, VERSION};
use anyhow::{Context, Result, ensure};
use augur_tensorflow::Fault;
use augur_tensorflow::product;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis};
use std::path::Path;
use std::time::{Duration, Instant};

/// Elements of each of the triad's three arrays: 64 MB of f64, more than a cache holds.
const TRIAD_ELEMENTS: usize = 8 << 20;
/// Products in a chain on a GPU, for one is over before it can be timed.
const CHAIN: u32 = 16;

/// What to measure.
pub struct Plan<'a> {
    /// Rows of the matrices.
    pub sizes: &'a [usize],
    /// How often each.
    pub repeats: u32,
    /// Threads of the CPU.
    pub threads: usize,
    /// Told how far it is: what is measured, share of all.
    pub watch: &'a dyn Fn(&str, f64),
}

/// Measures. The GPU is left out where there is none; then the sentence says why.
pub fn measure(plan: &Plan) -> (Profile, Option<String>) {
    let steps = plan.sizes.len() as f64 + 2.0;
    let told = |what: &str, step: usize| (plan.watch)(what, step as f64 / steps);
    let mut products = Vec::new();
    for (step, &size) in plan.sizes.iter().enumerate() {
        told("CPU", step);
        products.extend(Product::of(size, &mut on_cpu(size, plan.threads, plan.repeats)));
    }
    told("memory", plan.sizes.len());
    let cpu = Cpu {
        name: cpu_name(),
        threads: plan.threads,
        products,
        memory_bandwidth_mb_per_s: triad_mb_per_s(plan.threads, plan.repeats),
    };
    told("GPU", plan.sizes.len() + 1);
    let (gpu, missing) = match gpu(plan) {
        Ok(Some(gpu)) => (Some(gpu), None),
        Ok(None) => (None, Some("no GPU found: TensorFlow sees none".to_owned())),
        Err(fault) => (None, Some(format!("no GPU found: {fault}"))),
    };
    (Profile::new(cpu, gpu), missing)
}

/// The product of two matrices, all threads each with its rows of it; in ns. The first one warms caches and does not count.
fn on_cpu(size: usize, threads: usize, repeats: u32) -> Vec<f64> {
    let value = |(row, column): (usize, usize)| ((row * 31 + column * 17) % 64) as f32 / 64.0;
    let a = Array2::from_shape_fn((size, size), value);
    let b = Array2::from_shape_fn((size, size), value);
    let mut c = Array2::<f32>::zeros((size, size));
    let rows = size.div_ceil(threads.max(1)).max(1);
    let mut times = Vec::new();
    for _ in 0..=repeats {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            let b = &b;
            for (a, mut c) in a
                .axis_chunks_iter(Axis(0), rows)
                .zip(c.axis_chunks_iter_mut(Axis(0), rows))
            {
                scope.spawn(move || general_mat_mul(1.0, &a, b, 0.0, &mut c));
            }
        });
        times.push(ns(begin.elapsed()));
    }
    std::hint::black_box(&c);
    times.split_off(1)
}

/// The best of all passes, as STREAM takes it (McCalpin, 1995): reads two arrays and writes one.
fn triad_mb_per_s(threads: usize, repeats: u32) -> f64 {
    let (b, c) = (vec![1.0f64; TRIAD_ELEMENTS], vec![2.0f64; TRIAD_ELEMENTS]);
    let mut a = vec![0.0f64; TRIAD_ELEMENTS];
    let rows = TRIAD_ELEMENTS.div_ceil(threads.max(1));
    let mut best_ns = f64::INFINITY;
    for _ in 0..=repeats {
        let begin = Instant::now();
        std::thread::scope(|scope| {
            for ((a, b), c) in a.chunks_mut(rows).zip(b.chunks(rows)).zip(c.chunks(rows)) {
                scope.spawn(move || {
                    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                        *a = b + 3.0 * c;
                    }
                });
            }
        });
        best_ns = best_ns.min(ns(begin.elapsed()));
        std::hint::black_box(&a);
    }
    (3 * TRIAD_ELEMENTS * size_of::<f64>()) as f64 / best_ns * 1e3
}

fn gpu(plan: &Plan) -> Result<Option<Gpu>, Fault> {
    let Some(name) = product::first_gpu()? else {
        return Ok(None);
    };
    on_device(&name, plan.sizes, plan.repeats).map(Some)
}

/// A device as TensorFlow sees it.
///
/// # Errors
/// Where TensorFlow fails, or the device multiplies wrongly.
pub fn on_device(name: &str, sizes: &[usize], repeats: u32) -> Result<Gpu, Fault> {
    let mut products = Vec::new();
    let mut transfer_mb_per_s = 0.0;
    for &size in sizes {
        let chains = product::measure(name, size, CHAIN, repeats)?;
        let mut times: Vec<f64> = chains.product.into_iter().map(ns).collect();
        products.extend(Product::of(size, &mut times));
        let quickest = chains.transfer.into_iter().map(ns).fold(f64::INFINITY, f64::min);
        // The largest matrices say it best.
        transfer_mb_per_s = (size * size * size_of::<f32>()) as f64 / quickest.max(1.0) * 1e3;
    }
    Ok(Gpu {
        name: name.to_owned(),
        products,
        transfer_bandwidth_mb_per_s: transfer_mb_per_s,
    })
}

fn ns(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text.lines().find(|line| line.starts_with("model name"));
    let name = named
        .and_then(|line| line.split_once(':'))
        .map(|(_, name)| name.trim());
    name.unwrap_or("unknown").to_owned()
}

/// Reads a profile.
///
/// # Errors
/// One sentence that names the file and what is wrong with it.
pub fn read(path: &Path) -> Result<Profile> {
    let shown = path.display();
    let text = augur_base::file::text(path).context("there is no profile")?;
    let profile: Profile = serde_json::from_str(&text)
        .with_context(|| format!("{shown} is not a profile of `scx_augur profile`"))?;
    ensure!(
        profile.version == VERSION,
        "{shown} is a profile of version {}, and this program reads version {VERSION}; measure again",
        profile.version
    );
    let gpu = profile.gpu.iter();
    let products = gpu
        .clone()
        .flat_map(|gpu| &gpu.products)
        .chain(&profile.cpu.products);
    let positive = products
        .map(|product| product.median_ns)
        .chain(gpu.map(|gpu| gpu.transfer_bandwidth_mb_per_s))
        .all(|value| value > 0.0 && value.is_finite());
    ensure!(
        positive && !profile.cpu.products.is_empty(),
        "{shown} has times or bandwidths that are not above 0, or none; measure again"
    );
    Ok(profile)
}

/// Puts what was measured in the place of a simulation's defaults. A product of matrices of N rows counts as a task of size N
/// and intensity 1, for it is all computation: the law's scale is the one with which such tasks take, in the geometric mean
/// over the sizes, what products took; its form stays. The GPU's speedup at intensity 1 is the measured ratio, and its
/// bandwidth the measured one; without a GPU these stay as they are.
pub fn apply(profile: &Profile, config: &mut Config) {
    let physics = &mut config.physics;
    let scale = |product: &Product| {
        let seconds = product.median_ns / 1e9;
        seconds * (1.0 + physics.intensity_offset) / (product.size as f64).powf(physics.size_exponent)
    };
    let products = &profile.cpu.products;
    let logs: f64 = products.iter().map(|product| scale(product).ln()).sum();
    physics.duration_scale_s = (logs / products.len().max(1) as f64).exp();
    if let (Some(gpu), Some(ratio)) = (&profile.gpu, profile.cpu_gpu_ratio) {
        physics.speedup_base = physics.speedup_base.min(ratio);
        physics.speedup_slope = (ratio - physics.speedup_base).max(0.0);
        config.machine.gpu.bandwidth_mb_per_s = gpu.transfer_bandwidth_mb_per_s;
    }
}
