// SPDX-License-Identifier: GPL-2.0-only
//! What this machine's CPU and GPU can do, as `hardware_profile.json` and as a table.

use augur_base::table;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the file.
pub const VERSION: u32 = 1;

/// A machine that was measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Profile {
    /// [`VERSION`].
    pub version: u32,
    /// Its CPU, all of it.
    pub cpu: Cpu,
    /// Its GPU, where there is one.
    pub gpu: Option<Gpu>,
    /// Size by size, both beside each other; empty without a GPU.
    pub ratios: Vec<Ratio>,
    /// How many times as long the CPU takes, the geometric mean over the sizes; nothing without a GPU.
    pub cpu_gpu_ratio: Option<f64>,
    /// The GPU's share c/(c + g) with which both end together, the mean over the sizes; 0 without a GPU.
    pub recommended_gpu_share: f64,
}

/// A CPU.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Cpu {
    /// As the kernel calls it.
    pub name: String,
    /// Threads that multiplied.
    pub threads: usize,
    /// Products, size by size.
    pub products: Vec<Product>,
    /// What `a = b + s · c` reads and writes a second, over arrays that fit no cache, in 10⁶ bytes (McCalpin's STREAM triad).
    pub memory_bandwidth_mb_per_s: f64,
}

/// A GPU.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Gpu {
    /// As TensorFlow calls it.
    pub name: String,
    /// Products, size by size, data that is there already.
    pub products: Vec<Product>,
    /// How fast the largest matrices came to it, in 10⁶ bytes a second.
    pub transfer_bandwidth_mb_per_s: f64,
}

/// Products of two square matrices of f32.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Product {
    /// Rows.
    pub size: usize,
    /// How often it was measured.
    pub repeats: u32,
    /// Half took less.
    pub median_ns: f64,
    /// A quarter took less.
    pub lower_quartile_ns: f64,
    /// A quarter took more.
    pub upper_quartile_ns: f64,
    /// 2 · size³ operations in the median, in 10⁹ a second.
    pub gflops: f64,
}

/// CPU and GPU on one size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Ratio {
    /// Rows.
    pub size: usize,
    /// The CPU's median over the GPU's.
    pub cpu_gpu_ratio: f64,
    /// c/(c + g).
    pub gpu_share: f64,
}

impl Product {
    /// A size's figures from its times, which are sorted on the way; nothing from none.
    pub fn of(size: usize, times_ns: &mut [f64]) -> Option<Product> {
        times_ns.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            let rank = (times_ns.len() * percent).div_ceil(100).max(1);
            times_ns.get(rank - 1).copied()
        };
        let median_ns = rank(50)?.max(1.0);
        Some(Product {
            size,
            repeats: times_ns.len() as u32,
            median_ns,
            lower_quartile_ns: rank(25)?,
            upper_quartile_ns: rank(75)?,
            gflops: 2.0 * (size as f64).powi(3) / median_ns,
        })
    }
}

impl Profile {
    /// A profile of both, with what follows.
    pub fn new(cpu: Cpu, gpu: Option<Gpu>) -> Profile {
        let on_gpu = gpu.iter().flat_map(|gpu| &gpu.products);
        let ratios: Vec<Ratio> = on_gpu
            .filter_map(|gpu| {
                let cpu = cpu.products.iter().find(|cpu| cpu.size == gpu.size)?;
                let (c, g) = (cpu.median_ns, gpu.median_ns);
                Some(Ratio {
                    size: gpu.size,
                    cpu_gpu_ratio: c / g,
                    gpu_share: c / (c + g),
                })
            })
            .collect();
        let count = ratios.len() as f64;
        let logs: f64 = ratios.iter().map(|ratio| ratio.cpu_gpu_ratio.ln()).sum();
        let shares: f64 = ratios.iter().map(|ratio| ratio.gpu_share).sum();
        Profile {
            version: VERSION,
            cpu,
            gpu,
            cpu_gpu_ratio: (count > 0.0).then(|| (logs / count).exp()),
            recommended_gpu_share: if count > 0.0 { shares / count } else { 0.0 },
            ratios,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cpu { name, threads, .. } = &self.cpu;
        writeln!(
            f,
            "CPU: {name}, {threads} threads; products of square f32 matrices"
        )?;
        let alone = ["median", "quartiles", "GFLOP/s"];
        let beside = ["GPU", "GPU GFLOP/s", "CPU/GPU", "GPU share"];
        let row = |cpu: &Product| {
            let quartiles = [cpu.lower_quartile_ns, cpu.upper_quartile_ns].map(table::time);
            let gflops = format!("{:.1}", cpu.gflops);
            let mut cells = vec![table::time(cpu.median_ns), quartiles.join(" to "), gflops];
            let mut gpu = self.gpu.iter().flat_map(|gpu| &gpu.products);
            let gpu = gpu.find(|gpu| gpu.size == cpu.size);
            let ratio = self.ratios.iter().find(|ratio| ratio.size == cpu.size);
            if let (Some(gpu), Some(ratio)) = (gpu, ratio) {
                cells.push(table::time(gpu.median_ns));
                cells.extend([gpu.gflops, ratio.cpu_gpu_ratio].map(|figure| format!("{figure:.1}")));
                cells.push(format!("{:.3}", ratio.gpu_share));
            }
            table::row(cpu.size.to_string(), cells)
        };
        let heads = alone
            .into_iter()
            .chain(beside.into_iter().filter(|_| self.gpu.is_some()));
        table::write(f, &table::with("size", heads, self.cpu.products.iter().map(row)))?;
        writeln!(
            f,
            "memory bandwidth {:.1} GB/s (triad)",
            self.cpu.memory_bandwidth_mb_per_s / 1e3
        )?;
        match (&self.gpu, self.cpu_gpu_ratio) {
            (Some(gpu), Some(ratio)) => writeln!(
                f,
                "GPU: {}, data comes to it at {:.1} GB/s; the CPU takes {ratio:.1} times as long, recommended GPU share {:.3}",
                gpu.name,
                gpu.transfer_bandwidth_mb_per_s / 1e3,
                self.recommended_gpu_share
            ),
            _ => Ok(()),
        }
    }
}
