// SPDX-License-Identifier: GPL-2.0-only
//! Notices that the machine shows the model rows unlike all that it was trained on.

use super::contract::FeatureRow;
use super::manifest::{DriftLimits, Manifest, Normaliser};
use std::collections::VecDeque;

/// The window covers this many of the latest rows (and whole batches).
const WINDOW_ROWS: usize = 4096;
/// Fewer rows say nothing yet.
const MINIMUM_ROWS: usize = 256;

/// The share of far rows among the latest ones.
#[derive(Clone, Debug)]
pub struct Drift {
    normaliser: Normaliser,
    limits: DriftLimits,
    /// Rows and far rows of each batch, oldest first.
    window: VecDeque<(usize, usize)>,
    rows: usize,
    far: usize,
}

impl Drift {
    /// The guard that the manifest asks for; `None` where it asks for none.
    pub fn from_manifest(manifest: &Manifest) -> Option<Self> {
        let normaliser = Normaliser::new(&manifest.normalisation).ok()?;
        Some(Self {
            normaliser,
            limits: manifest.drift?,
            window: VecDeque::new(),
            rows: 0,
            far: 0,
        })
    }

    /// Takes a batch in; the share of far rows (`0..=1`) when it is more than the limit.
    pub fn observe(&mut self, rows: &[FeatureRow]) -> Option<f32> {
        let far = rows.iter().filter(|row| self.is_far(row)).count();
        self.window.push_back((rows.len(), far));
        self.rows += rows.len();
        self.far += far;
        while self
            .window
            .front()
            .is_some_and(|(oldest, _)| self.rows - oldest >= WINDOW_ROWS)
        {
            if let Some((rows, far)) = self.window.pop_front() {
                self.rows -= rows;
                self.far -= far;
            }
        }
        let share = self.far as f32 / self.rows.max(1) as f32;
        (self.rows >= MINIMUM_ROWS && share > self.limits.max_share).then_some(share)
    }

    /// A NaN is as far as can be.
    fn is_far(&self, row: &FeatureRow) -> bool {
        !self
            .normaliser
            .standardised(row)
            .iter()
            .all(|z| z.abs() <= self.limits.limit_z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;
    use crate::model::manifest::tests::right;

    fn guard() -> Drift {
        Drift::from_manifest(&serde_json::from_value(right()).unwrap()).unwrap()
    }

    #[test]
    fn rows_like_the_training_are_no_drift_and_far_ones_are() {
        let (near, far) = ([0.5; FEATURE_COUNT], [1e6; FEATURE_COUNT]);
        let mut drift = guard();
        assert_eq!(drift.observe(&[far; 100]), None, "too few rows to tell");
        assert_eq!(drift.observe(&[near; 1000]), None);
        assert!(drift.observe(&[far; 1000]).is_some_and(|share| share > 0.4));
        // The window moves on: what is over is forgotten.
        for _ in 0..5 {
            drift.observe(&[near; 1000]);
        }
        assert_eq!(drift.observe(&[near; 1000]), None);
        assert!(drift.window.len() < 8);
    }

    #[test]
    fn a_single_wild_feature_makes_a_row_far() {
        let mut row = [0.5; FEATURE_COUNT];
        row[7] = f32::NAN;
        assert!(guard().observe(&vec![row; 300]).is_some());
    }
}
