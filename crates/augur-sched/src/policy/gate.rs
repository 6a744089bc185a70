// SPDX-License-Identifier: GPL-2.0-only
//! The gate between what a heuristic proposes and what is sent: the model's word counts here, and nowhere else.
//!
//! A model that always says "stay" leaves nothing; one that always says "move" leaves exactly the heuristic's list,
//! in its order; one that fails in any way leaves the heuristic's list too, with the cause.

use super::features;
use super::snapshot::{Candidate, Snapshot};
use super::steal::{self, Pair};
use crate::model::{FeatureRow, Predictor};
use augur_base::random::Generator;
use augur_tensorflow::fault::{Fault, check_scores};
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

/// A question: a move, or a permission to steal, with what a model is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Question<Q> {
    /// What it is about.
    pub about: Q,
    /// The features.
    pub row: FeatureRow,
}

/// The questions of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Questions {
    /// Should the task move?
    pub moves: Vec<Question<Candidate>>,
    /// May the one domain take from the other?
    pub steals: Vec<Question<Pair>>,
}

impl Questions {
    /// Gives each candidate and each pair its row.
    pub fn new(snapshot: &Snapshot, candidates: Vec<Candidate>, pairs: Vec<Pair>) -> Questions {
        let moves = features::rows(snapshot, &candidates);
        let steals = steal::rows(snapshot, &pairs);
        Questions {
            moves: with_rows(candidates, moves),
            steals: with_rows(pairs, steals),
        }
    }

    /// Whether there is nothing to ask.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.steals.is_empty()
    }
}

fn with_rows<Q>(questions: Vec<Q>, rows: Vec<FeatureRow>) -> Vec<Question<Q>> {
    let pairs = questions.into_iter().zip(rows);
    pairs.map(|(about, row)| Question { about, row }).collect()
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<Q> {
    /// What it is about.
    pub about: Q,
    /// What the model was told.
    pub row: FeatureRow,
    /// What the model said, 0 to 1; `None` where its word does not count or there is no model.
    pub score: Option<f32>,
    /// The answer.
    pub accepted: bool,
}

/// The gate's answers to the questions of one round, each list in the order of its questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    /// Which tasks move.
    pub moves: Vec<Judged<Candidate>>,
    /// Which domains may steal from which.
    pub steals: Vec<Judged<Pair>>,
    /// Why the model's word did not count. Always `None` when no model was asked for its word ([`Mode::Explore`]
    /// without a model).
    pub fallback: Option<Fault>,
}

impl Verdicts {
    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.moves.is_empty() && self.steals.is_empty()
    }

    /// The moves that were accepted.
    pub fn accepted(&self) -> impl Iterator<Item = &Candidate> {
        let accepted = self.moves.iter().filter(|judged| judged.accepted);
        accepted.map(|judged| &judged.about)
    }

    /// The pairs that may not steal.
    pub fn denied(&self) -> impl Iterator<Item = &Pair> {
        let denied = self.steals.iter().filter(|judged| !judged.accepted);
        denied.map(|judged| &judged.about)
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

    /// Whether questions about stealing have a point; where they have none, they need not be asked, and inference costs CPU
    /// time that the tasks do not get. A model says no below its threshold, and no score is below 0; a coin says no
    /// whoever is asked; and who only looks on wants to see the scores.
    pub fn may_forbid_stealing(&self, predictor: Option<&dyn Predictor>) -> bool {
        let threshold = predictor.map(|predictor| predictor.steal_threshold());
        match self.mode {
            Mode::Model => threshold.is_some_and(|threshold| threshold > 0.0 || threshold.is_nan()),
            Mode::Shadow => threshold.is_some(),
            Mode::Explore(_) => true,
        }
    }

    /// Judges the questions of a round. The model is asked once for all of them; a coin is tossed for each, moves first.
    pub fn judge(&mut self, questions: Questions, predictor: Option<&mut dyn Predictor>) -> Verdicts {
        let asked = predictor.is_some() || !matches!(self.mode, Mode::Explore(_));
        let (moves, steals, fallback) = match ask(&questions, predictor) {
            Ok([moves, steals]) => (Some(moves), Some(steals), None),
            Err(fault) => (None, None, asked.then_some(fault)),
        };
        Verdicts {
            moves: self.answer(questions.moves, moves.as_ref()),
            steals: self.answer(questions.steals, steals.as_ref()),
            fallback,
        }
    }

    fn answer<Q>(&mut self, questions: Vec<Question<Q>>, scored: Option<&Scored>) -> Vec<Judged<Q>> {
        let answer = |(index, question): (usize, Question<Q>)| {
            let score = scored.and_then(|scored| scored.scores.get(index)).copied();
            let by_model = scored
                .zip(score)
                .is_none_or(|(scored, score)| score >= scored.threshold);
            Judged {
                about: question.about,
                row: question.row,
                score,
                accepted: match &mut self.mode {
                    Mode::Model => by_model,
                    Mode::Shadow => true,
                    Mode::Explore(generator) => generator.random(),
                },
            }
        };
        questions.into_iter().enumerate().map(answer).collect()
    }
}

/// The model's scores of one kind of questions, one each, and what they are compared with.
struct Scored {
    scores: Vec<f32>,
    threshold: f32,
}

/// What the model says of moves and of stealing, or why that does not count. One batch, because each costs a switch to the
/// model's thread and back, and because rows of a round drift, and fail, together.
fn ask(questions: &Questions, predictor: Option<&mut dyn Predictor>) -> Result<[Scored; 2], Fault> {
    let predictor = predictor.ok_or(Fault::Off)?;
    let moves = questions.moves.iter().map(|question| question.row);
    let steals = questions.steals.iter().map(|question| question.row);
    let rows: Vec<FeatureRow> = moves.chain(steals).collect();
    let mut scores = Vec::with_capacity(rows.len());
    if !rows.is_empty() {
        predictor.score(&rows, &mut scores)?;
    }
    // Only now: asking is what puts a new model in the place of the old one.
    let (threshold, steal_threshold) = (predictor.threshold(), predictor.steal_threshold());
    if threshold.is_nan() || steal_threshold.is_nan() {
        return Err(Fault::BadThreshold);
    }
    check_scores(rows.len(), &scores)?;
    let of_steals = scores.split_off(questions.moves.len());
    Ok([
        Scored { scores, threshold },
        Scored {
            scores: of_steals,
            threshold: steal_threshold,
        },
    ])
}
