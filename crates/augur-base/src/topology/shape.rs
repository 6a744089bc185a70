// SPDX-License-Identifier: GPL-2.0-only
//! A regular machine, written as `2x2x4x2`.

use super::{Cpu, MAX_CPUS, Machine};
use anyhow::{Context, Result, ensure};
use std::str::FromStr;

/// A machine whose parts are all alike. It is written, from the largest part to the smallest:
///
/// | text | meaning |
/// | --- | --- |
/// | `4` | cores, behind one cache |
/// | `2x2` | last-level caches × cores of each |
/// | `2x2x4` | NUMA nodes × caches of each × cores of each |
/// | `2x2x4x2` | the same × hardware threads of each core |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// NUMA nodes.
    pub nodes: usize,
    /// Last-level caches of each node.
    pub llcs: usize,
    /// Cores behind each cache.
    pub cores: usize,
    /// Hardware threads of each core.
    pub threads: usize,
}

impl FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Shape> {
        let numbers = text.split('x').map(number).collect::<Option<Vec<usize>>>();
        let parts = match numbers.as_deref() {
            Some(&[cores]) => Some([1, 1, cores, 1]),
            Some(&[llcs, cores]) => Some([1, llcs, cores, 1]),
            Some(&[nodes, llcs, cores]) => Some([nodes, llcs, cores, 1]),
            Some(&[nodes, llcs, cores, threads]) => Some([nodes, llcs, cores, threads]),
            _ => None,
        };
        let [nodes, llcs, cores, threads] = parts.with_context(|| {
            format!("topology '{text}' is not of the form C, LxC, NxLxC or NxLxCxT, such as 2x2x4x2")
        })?;
        let cpus = [nodes, llcs, cores, threads]
            .into_iter()
            .try_fold(1usize, usize::checked_mul);
        ensure!(
            cpus != Some(0),
            "topology '{text}' has a zero in it; every level needs at least one"
        );
        ensure!(
            cpus.is_some_and(|cpus| cpus <= MAX_CPUS),
            "topology '{text}' has more than {MAX_CPUS} CPUs"
        );
        Ok(Shape {
            nodes,
            llcs,
            cores,
            threads,
        })
    }
}

/// Digits only: `usize::from_str` would also take a sign.
fn number(text: &str) -> Option<usize> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

impl Shape {
    /// The shape's CPUs, all of capacity 1.0. They are numbered so that the siblings of a core follow each other.
    pub fn cpus(&self) -> Vec<Cpu> {
        let cpu = |id: usize| {
            let core = id / self.threads;
            let llc = core / self.cores;
            Cpu {
                id,
                core,
                llc,
                node: llc / self.llcs,
                capacity: 1.0,
                domain: 0,
            }
        };
        (0..self.nodes * self.llcs * self.cores * self.threads)
            .map(cpu)
            .collect()
    }
}

impl Machine {
    /// The machine of a [`Shape`], such as `2x2x4x2`, with one domain for each last-level cache.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the text.
    pub fn from_spec(text: &str) -> Result<Machine> {
        Machine::from_cpus(text.parse::<Shape>()?.cpus(), None)
    }
}
