// SPDX-License-Identifier: GPL-2.0-only
//! What every policy in training has: a network, its chances, and what the episode came to.

use super::Fleet;
use super::learner::{Lesson, Sums, generator};
use crate::model::trainable::Trainable;
use anyhow::{Context, Result, ensure};
use augur_base::random::Generator;
use augur_tensorflow::array::Arrays;
use augur_tensorflow::fault::Fault;
use rand::RngExt;
use serde::de::DeserializeOwned;
use std::path::Path;

/// A training, whatever is learned.
pub(super) struct Training {
    /// The policy, as it is written.
    pub name: String,
    /// What learns.
    pub network: Trainable,
    /// Devices that it can decide for.
    pub devices: usize,
    /// Of the whole training.
    pub seed: u64,
    /// Decisions so far, of all episodes.
    pub steps: u64,
    /// Of this episode.
    pub generator: Generator,
    /// Of this episode.
    pub sums: Sums,
    /// After a fault nothing is learned any more; the episode's end tells.
    fault: Option<Fault>,
}

impl Training {
    /// Loads the network that was exported to `graph`, with these arrays, after so many decisions.
    ///
    /// # Errors
    /// One sentence where it cannot be loaded.
    pub(super) fn load(
        name: String,
        devices: usize,
        (graph, arrays): (&Path, &Arrays),
        (seed, steps): (u64, u64),
    ) -> Result<Training> {
        let network = Trainable::load(graph, arrays)
            .with_context(|| format!("cannot load the network in {}", graph.display()))?;
        Ok(Training {
            name,
            network,
            devices,
            seed,
            steps,
            generator: generator(seed, 0),
            sums: Sums::default(),
            fault: None,
        })
    }

    /// An episode begins.
    pub(super) fn begin(&mut self, episode: u64) {
        self.generator = generator(self.seed, episode);
        self.sums = Sums::default();
    }

    /// An episode ended, with this share of random decisions.
    ///
    /// # Errors
    /// The fault that broke it off.
    pub(super) fn end(&mut self, epsilon: f64) -> Result<Lesson> {
        match self.fault.take() {
            Some(fault) => Err(fault.into()),
            None => Ok(self.sums.lesson(self.steps, epsilon)),
        }
    }

    /// The share of random decisions now, where each makes them rarer by `decay`, down to `least`.
    pub(super) fn epsilon(&self, decay: f64, least: f64) -> f64 {
        decay.powf(self.steps as f64).max(least)
    }

    /// Whether chance decides this time.
    pub(super) fn explores(&mut self, epsilon: f64) -> bool {
        self.generator.random::<f64>() < epsilon
    }

    /// One of these, by chance.
    pub(super) fn any(&mut self, mut devices: impl Iterator<Item = usize> + Clone) -> Option<usize> {
        match devices.clone().count() {
            0 => None,
            count => devices.nth(self.generator.random_range(0..count)),
        }
    }

    /// Whether it can decide for this machine, and nothing failed.
    pub(super) fn serves(&self, fleet: &Fleet) -> bool {
        self.fault.is_none() && fleet.len() == self.devices
    }

    /// The device that a step chose, if any; its fault is kept.
    pub(super) fn chosen(&mut self, step: Result<Option<usize>, Fault>) -> Option<usize> {
        step.unwrap_or_else(|fault| {
            self.fault = Some(fault);
            None
        })
    }
}

/// The checkpoint of a training of this kind.
///
/// # Errors
/// One sentence where it is none, was made with other settings, or does not fit.
pub(super) fn resumed<C: DeserializeOwned>(
    kind: &str,
    bytes: &[u8],
    has_these_settings: impl FnOnce(&C) -> bool,
    fits: impl FnOnce(&C) -> bool,
) -> Result<C> {
    let found: C = rmp_serde::from_slice(bytes)
        .ok()
        .with_context(|| format!("it is no checkpoint of {kind}"))?;
    ensure!(
        has_these_settings(&found),
        "it was made with other settings of {kind}; give the same ones, or another folder for --out"
    );
    ensure!(
        fits(&found),
        "it does not fit this machine or is damaged; begin again in another folder"
    );
    Ok(found)
}
