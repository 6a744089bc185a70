// SPDX-License-Identifier: GPL-2.0-only
//! `[experiment]` of a settings file: what only an experiment looks at.

use crate::policy::{Context, registry};
use crate::report::study::Mark;
use anyhow::{Result, ensure};
use augur_base::bounds;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The settings, with defaults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Above the report.
    pub title: String,
    /// The first seed.
    pub seed: u64,
    /// So many, each one more than the last.
    pub seeds: u64,
    /// Who is compared, `name[key=value,…]`.
    pub policies: Vec<String>,
    /// Networks that are trained here, as `simulate train --policy` names them, and compared with the others.
    pub networks: Vec<String>,
    /// Each in so many episodes, of `workload.tasks` tasks.
    pub episodes: u64,
    /// What `scx_augur profile` left, for the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_profile: Option<PathBuf>,
    /// Where there is none, what the hardware can do is measured, likewise for the report.
    pub measure: bool,
    /// Cells of the heatmap: sizes, intensities.
    pub heatmap: [usize; 2],
    /// Windows of the timeline.
    pub windows: u64,
    /// Forests learn from so many tasks, one after the other.
    pub learning_tasks: Vec<usize>,
    /// And from the most of them with so many trees.
    pub learning_trees: Vec<usize>,
    /// And are tried on so many that they have not seen.
    pub held_out_tasks: u64,
    /// Moments that the workload shifts at, for the timeline.
    pub shifts: Vec<Mark>,
    /// What pictures call policies, by how they are written.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        let policies = [
            "round_robin",
            "random",
            "greedy",
            "least_work",
            "eft",
            "hybrid_ml",
            "clairvoyant",
        ];
        Settings {
            title: "Scheduling policies on a simulated machine of CPUs and GPUs".to_owned(),
            seed: 1,
            seeds: 5,
            policies: policies.map(str::to_owned).to_vec(),
            networks: Vec::new(),
            episodes: 25,
            hardware_profile: None,
            measure: true,
            heatmap: [5, 5],
            windows: 20,
            learning_tasks: vec![25, 50, 100, 200, 400, 800, 1600],
            learning_trees: vec![1, 3, 10, 30, 100],
            held_out_tasks: 1000,
            shifts: Vec::new(),
            labels: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        let settings = [
            ("", "/seeds", 1.0..=10_000.0),
            ("", "/episodes", 1.0..=1e6),
            ("", "/windows", 1.0..=1000.0),
            ("", "/held_out_tasks", 1.0..=1e6),
        ];
        bounds::check("experiment", self, &settings)?;
        ensure!(!self.policies.is_empty(), "experiment.policies names none");
        for (at, policy) in self.policies.iter().enumerate() {
            ensure!(
                !self.policies[..at].contains(policy),
                "experiment.policies has '{policy}' twice"
            );
        }
        for name in self.labels.keys() {
            ensure!(
                self.contenders().contains(&name.as_str()),
                "experiment.labels names '{name}', which is not among the policies"
            );
        }
        for (at, network) in self.networks.iter().enumerate() {
            ensure!(
                !self.networks[..at].contains(network) && !self.policies.contains(network),
                "experiment.networks has '{network}', which is there already; trained ones are compared without being named again"
            );
        }
        ensure!(
            self.heatmap.iter().all(|cells| (1..=20).contains(cells)),
            "experiment.heatmap must be two numbers from 1 to 20, not {:?}",
            self.heatmap
        );
        for (name, counts, most) in [
            ("learning_tasks", &self.learning_tasks, 1_000_000),
            ("learning_trees", &self.learning_trees, 10_000),
        ] {
            let rising = counts.windows(2).all(|pair| pair[0] < pair[1]);
            let within = counts.iter().all(|count| (1..=most).contains(count));
            ensure!(
                !counts.is_empty() && rising && within,
                "experiment.{name} must be rising numbers from 1 to {most}, not {counts:?}"
            );
        }
        Ok(())
    }

    /// Whether every policy can be made, and every network trained.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check_policies(&self, context: &Context) -> Result<()> {
        let mut policies = self.policies.iter();
        policies.try_for_each(|policy| registry::check(policy, context))?;
        let mut networks = self.networks.iter();
        networks.try_for_each(|network| registry::check_learner(network, context))
    }

    /// Who is compared: the policies, and behind them the networks.
    pub fn contenders(&self) -> Vec<&str> {
        self.policies
            .iter()
            .chain(&self.networks)
            .map(String::as_str)
            .collect()
    }

    /// All seeds.
    pub fn all_seeds(&self) -> Vec<u64> {
        (0..self.seeds)
            .map(|count| self.seed.wrapping_add(count))
            .collect()
    }
}
