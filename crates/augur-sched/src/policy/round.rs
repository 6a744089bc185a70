// SPDX-License-Identifier: GPL-2.0-only
//! One round, the same in every world: the policy names moves, the steal gate's questions are asked, the model judges all
//! of them at once.
//!
//! The daemon and the simulation differ in where a snapshot comes from and in how answers are carried out, not in what is
//! asked, in which order, and how it is counted.

use super::{Candidate, Gate, Policy, Questions, Snapshot, Verdicts, steal};
use crate::model::Predictor;
use serde::Serialize;

/// Which questions about stealing are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stealing {
    /// Those whose answer could be no.
    #[default]
    Open,
    /// All of them: a log has a row for every question, also where its answer is known.
    Always,
    /// None: something else has settled it.
    Settled,
}

/// What rounds added up to; what is shown of it beside a run's decisions are the moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Moves that the policy named.
    pub proposed: u64,
    /// Those that the gate let through.
    pub accepted: u64,
    /// Pairs of domains that were judged for stealing.
    #[serde(skip)]
    pub pairs: u64,
    /// Those that may not.
    #[serde(skip)]
    pub pairs_denied: u64,
    /// Rounds with questions, in which the model's word counted.
    #[serde(skip)]
    pub model_rounds: u64,
    /// Rounds with questions, in which it did not.
    #[serde(skip)]
    pub fallback_rounds: u64,
}

impl Tally {
    fn add(&mut self, verdicts: &Verdicts) {
        self.proposed += verdicts.moves.len() as u64;
        self.accepted += verdicts.accepted().count() as u64;
        self.pairs += verdicts.steals.len() as u64;
        self.pairs_denied += verdicts.denied().count() as u64;
        if !verdicts.is_empty() {
            self.model_rounds += u64::from(verdicts.fallback.is_none());
            self.fallback_rounds += u64::from(verdicts.fallback.is_some());
        }
    }
}

/// Decides, round after round.
pub struct Rounds {
    /// Names the moves.
    policy: Box<dyn Policy>,
    /// How the model's word counts.
    gate: Gate,
    /// What came of it so far.
    pub tally: Tally,
}

impl Rounds {
    /// No round yet.
    pub fn new(policy: Box<dyn Policy>, gate: Gate) -> Rounds {
        Rounds {
            policy,
            gate,
            tally: Tally::default(),
        }
    }

    /// The policy, as it is written.
    pub fn policy(&self) -> String {
        self.policy.name()
    }

    /// One round. Where there is nothing to ask, the model is not asked.
    pub fn decide(
        &mut self,
        snapshot: &Snapshot,
        model: Option<&mut dyn Predictor>,
        stealing: Stealing,
    ) -> Verdicts {
        let mut candidates: Vec<Candidate> = Vec::new();
        self.policy.decide(snapshot, &mut candidates);
        let asks = match stealing {
            Stealing::Open => self.gate.may_forbid_stealing(model.as_deref()),
            Stealing::Always => true,
            Stealing::Settled => false,
        };
        let pairs = if asks { steal::pairs(snapshot) } else { Vec::new() };
        let questions = Questions::new(snapshot, candidates, pairs);
        if questions.is_empty() {
            return Verdicts::default();
        }
        let verdicts = self.gate.judge(questions, model);
        self.tally.add(&verdicts);
        verdicts
    }
}
