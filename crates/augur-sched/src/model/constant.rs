// SPDX-License-Identifier: GPL-2.0-only
//! A predictor that always says the same: the fixed point that tests of the whole loop are measured against.

use super::{FeatureRow, Predictor};
use augur_tensorflow::Fault;

/// Always one score.
#[derive(Clone, Debug)]
pub struct Constant {
    name: &'static str,
    score: f32,
}

impl Constant {
    /// Never worth a move: every score is 0.
    pub const STAY: Self = Self {
        name: "stay",
        score: 0.0,
    };
    /// Always worth a move: every score is 1.
    pub const MOVE: Self = Self {
        name: "move",
        score: 1.0,
    };
}

impl Predictor for Constant {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.resize(rows.len(), self.score);
        Ok(())
    }

    fn name(&self) -> &str {
        self.name
    }

    fn threshold(&self) -> f32 {
        0.5
    }
}
