// SPDX-License-Identifier: GPL-2.0-only
//! How much of tasks GPUs did.

use super::summary::policy_of;
use super::unit::Run;
use serde::Serialize;

/// How much of tasks GPUs did, by intensity, in bins of equal width from 0 to 1; all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Fraction {
    /// The policy.
    pub policy: String,
    /// How many.
    pub tasks: Vec<u64>,
    /// The GPU's share of them, on average.
    pub share_mean: Vec<Option<f64>>,
}

impl Fraction {
    /// That of a policy's runs.
    pub fn of(runs: &[Run]) -> Fraction {
        let bins = runs.first().map_or(0, |run| run.gpu_shares.len());
        let all = |at: usize| {
            let bins = runs.iter().filter_map(|run| run.gpu_shares.get(at));
            bins.fold((0, 0.0), |(tasks, sum), bin| (tasks + bin.0, sum + bin.1))
        };
        Fraction {
            policy: policy_of(runs),
            tasks: (0..bins).map(|at| all(at).0).collect(),
            share_mean: (0..bins)
                .map(|at| match all(at) {
                    (0, _) => None,
                    (tasks, sum) => Some(sum / tasks as f64),
                })
                .collect(),
        }
    }
}
