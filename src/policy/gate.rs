// SPDX-License-Identifier: GPL-2.0-only
//! The gate between what a heuristic proposes and what is sent: the model's word counts here, and nowhere else.
//!
//! A model that always says "stay" leaves nothing; one that always says "move" leaves exactly the heuristic's list,
//! in its order; one that fails in any way leaves the heuristic's list too, with the cause.

use super::snapshot::{Candidate, Snapshot};
use super::steal::{self, Pair};
use super::{Generator, features};
use crate::model::fault::{Fault, check_scores};
use crate::model::{FeatureRow, Predictor};
use rand::RngExt;

/// Who decides at the gate.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// The model: accepted when its score reaches its threshold.
    #[default]
    Model,
    /// The heuristic; the model is asked, and its scores are only reported.
    Shadow,
    /// A coin: accepted with probability ½, so that recorded outcomes show both answers to the same question. The
    /// model, if there is one, is asked, and its scores are only reported.
    Explore(Generator),
}

/// The gate's answers to one batch, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// What the model was told of each.
    pub rows: Vec<FeatureRow>,
    /// What the model said of each, 0 to 1; empty when its word does not count or there is no model.
    pub scores: Vec<f32>,
    /// Whether the model alone would accept each; empty when `scores` is.
    pub model_accepts: Vec<bool>,
    /// Whether each is accepted.
    pub accepted: Vec<bool>,
    /// Why the model's word did not count. Always `None` when no model was asked for its word ([`Mode::Explore`]
    /// without a model).
    pub fallback: Option<Fault>,
}

impl Verdicts {
    /// The verdicts on the first `count` rows, and on the others.
    pub fn split_at(mut self, count: usize) -> (Verdicts, Verdicts) {
        let tail = |rows: &mut Vec<f32>| rows.split_off(count.min(rows.len()));
        let flags = |flags: &mut Vec<bool>| flags.split_off(count.min(flags.len()));
        let rest = Verdicts {
            scores: tail(&mut self.scores),
            model_accepts: flags(&mut self.model_accepts),
            accepted: flags(&mut self.accepted),
            rows: self.rows.split_off(count.min(self.rows.len())),
            fallback: self.fallback.clone(),
        };
        (self, rest)
    }

    /// The accepted ones of `items`, which are what was judged, in their order.
    pub fn filter<'a, T>(&'a self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        items
            .iter()
            .zip(&self.accepted)
            .filter(|(_, accepted)| **accepted)
            .map(|(item, _)| item)
    }

    /// How many were accepted.
    pub fn accepted_count(&self) -> usize {
        self.accepted.iter().filter(|accepted| **accepted).count()
    }
}

/// The gate.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    mode: Mode,
}

impl Gate {
    /// A gate that works in `mode`.
    pub fn new(mode: Mode) -> Gate {
        Gate { mode }
    }

    /// Whether the gate could forbid a domain to steal; where it could not, it need not be asked, and inference costs CPU time
    /// that the tasks do not get. `threshold` is the model's for stealing: no score is below 0.
    pub fn may_forbid_stealing(&self, threshold: Option<f32>) -> bool {
        !matches!(self.mode, Mode::Model)
            || threshold.is_none_or(|threshold| threshold > 0.0 || threshold.is_nan())
    }

    /// Judges the moves that a heuristic proposed.
    pub fn judge(
        &mut self,
        snapshot: &Snapshot,
        candidates: &[Candidate],
        predictor: Option<&mut dyn Predictor>,
    ) -> Verdicts {
        self.judge_rows(features::rows(snapshot, candidates), candidates.len(), predictor)
    }

    /// Judges which domains may steal from which.
    pub fn judge_pairs(
        &mut self,
        snapshot: &Snapshot,
        pairs: &[Pair],
        predictor: Option<&mut dyn Predictor>,
    ) -> Verdicts {
        self.judge_rows(steal::rows(snapshot, pairs), 0, predictor)
    }

    /// Judges rows that the caller built: the first `moves` are moves, the others questions about stealing.
    pub fn judge_rows(
        &mut self,
        rows: Vec<FeatureRow>,
        moves: usize,
        predictor: Option<&mut dyn Predictor>,
    ) -> Verdicts {
        let asked = predictor.is_some() || !matches!(self.mode, Mode::Explore(_));
        let mut verdicts = Verdicts {
            accepted: vec![true; rows.len()],
            ..Verdicts::default()
        };
        match ask(&rows, predictor) {
            Ok((scores, thresholds)) => {
                let reached = |(row, &score): (usize, &f32)| score >= thresholds[usize::from(row >= moves)];
                verdicts.model_accepts = scores.iter().enumerate().map(reached).collect();
                verdicts.scores = scores;
            }
            Err(cause) => verdicts.fallback = asked.then_some(cause),
        }
        match &mut self.mode {
            Mode::Model if verdicts.fallback.is_none() => {
                verdicts.accepted.clone_from(&verdicts.model_accepts)
            }
            Mode::Model | Mode::Shadow => {}
            Mode::Explore(generator) => verdicts.accepted.fill_with(|| generator.random()),
        }
        verdicts.rows = rows;
        verdicts
    }
}

/// The model's scores and its thresholds for moves and for stealing, or why they do not count.
fn ask(rows: &[FeatureRow], predictor: Option<&mut dyn Predictor>) -> Result<(Vec<f32>, [f32; 2]), Fault> {
    let predictor = predictor.ok_or(Fault::Off)?;
    let mut scores = Vec::with_capacity(rows.len());
    if !rows.is_empty() {
        predictor.score(rows, &mut scores)?;
    }
    // Only now: asking is what puts a new model in the place of the old one.
    let thresholds = [predictor.threshold(), predictor.steal_threshold()];
    if thresholds.iter().any(|threshold| threshold.is_nan()) {
        return Err(Fault::BadThreshold);
    }
    check_scores(rows.len(), &scores)?;
    Ok((scores, thresholds))
}
