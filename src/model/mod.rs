// SPDX-License-Identifier: GPL-2.0-only
//! What a learned policy asks: a batch of feature rows in, one score a row out.

pub mod contract;

pub use contract::{CONTRACT_VERSION, FEATURE_COUNT, FEATURES, FeatureRow};

/// Scores candidates. A score is the probability that the move is worth making, in `0..=1`.
pub trait Predictor: Send {
    /// Scores every row of the batch, into `scores` (cleared first; one score a row).
    ///
    /// # Errors
    /// One sentence that names the cause; the caller falls back to its heuristic.
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> anyhow::Result<()>;

    /// The model's name, for logs and tables.
    fn name(&self) -> &str;

    /// A candidate is accepted when its score is at least this.
    fn threshold(&self) -> f32;
}
