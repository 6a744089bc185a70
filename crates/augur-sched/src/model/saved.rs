// SPDX-License-Identifier: GPL-2.0-only
//! A SavedModel as a predictor: its network scores, its manifest says from where a score is a yes.

use super::contract::{FEATURE_COUNT, FeatureRow};
use super::{Manifest, Predictor};
use augur_tensorflow::SavedModel;
use augur_tensorflow::fault::{Fault, check_scores};
use std::path::Path;

/// A model that TensorFlow runs.
#[derive(Debug)]
pub struct Saved {
    name: String,
    threshold: f32,
    steal_threshold: f32,
    model: SavedModel,
}

impl Saved {
    /// Loads the SavedModel in `directory` and checks its signature against the contract.
    ///
    /// This may hang on a model that is made to: call it where that can be noticed (see [`canary`](super::canary)).
    ///
    /// # Errors
    /// What [`SavedModel::load`] says.
    pub fn load(directory: &Path, manifest: &Manifest) -> Result<Saved, Fault> {
        Ok(Saved {
            model: SavedModel::load(directory, &manifest.signature, FEATURE_COUNT)?,
            name: manifest.name.clone(),
            threshold: manifest.threshold,
            steal_threshold: manifest.steal_threshold(),
        })
    }
}

impl Predictor for Saved {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        if !rows.is_empty() {
            self.model.score(rows.as_flattened(), scores)?;
        }
        check_scores(rows.len(), scores)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn threshold(&self) -> f32 {
        self.threshold
    }

    fn steal_threshold(&self) -> f32 {
        self.steal_threshold
    }
}
