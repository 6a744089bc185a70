// SPDX-License-Identifier: GPL-2.0-only
//! A round: which questions are asked, that the model is asked once for all of them, and how that is counted.

use crate::world::World;
use augur_sched::model::{Constant, FeatureRow, ModelSource, Predictor};
use augur_sched::policy::{Augur, Gate, Rounds, Settings, Snapshot, Stealing, Tally, Verdicts};
use augur_tensorflow::Fault;

/// One round of the heuristic: its verdicts, and what was counted.
fn round(snapshot: &Snapshot, model: Option<&mut dyn Predictor>, stealing: Stealing) -> (Verdicts, Tally) {
    let mut rounds = Rounds::new(Box::new(Augur::new(Settings::default())), Gate::default());
    let verdicts = rounds.decide(snapshot, model, stealing);
    (verdicts, rounds.tally)
}

fn hot() -> Snapshot {
    World::full("2x2", &[8, 0]).snapshot()
}

#[test]
fn pairs_are_asked_about_where_the_answer_could_be_no() {
    let check = |model: Option<&mut dyn Predictor>, stealing, pairs, denied, fallback| {
        let (verdicts, tally) = round(&hot(), model, stealing);
        let counted = (verdicts.steals.len(), verdicts.denied().count());
        assert_eq!(counted, (pairs, denied), "{stealing:?}");
        assert_eq!(
            verdicts.fallback.map(|fault| fault.label()),
            fallback,
            "{stealing:?}"
        );
        assert_eq!((tally.pairs, tally.pairs_denied), (pairs as u64, denied as u64));
        let rounds = (tally.model_rounds, tally.fallback_rounds);
        assert_eq!(rounds, if fallback.is_none() { (1, 0) } else { (0, 1) });
    };
    check(None, Stealing::Open, 0, 0, Some("off"));
    check(None, Stealing::Always, 4, 0, Some("off"));
    // A daemon without a model asks all the same: its model may have come since the last round.
    check(Some(&mut ModelSource::off()), Stealing::Open, 4, 0, Some("off"));
    let (mut stay, mut go) = (Constant::STAY, Constant::MOVE);
    check(Some(&mut stay), Stealing::Open, 4, 4, None);
    check(Some(&mut stay), Stealing::Settled, 0, 0, None);
    check(Some(&mut go), Stealing::Open, 4, 0, None);
}

#[test]
fn where_there_is_nothing_to_ask_nothing_is_counted() {
    let idle = World::full("2x2", &[0, 0]).snapshot();
    let (verdicts, tally) = round(&idle, None, Stealing::Open);
    assert!(verdicts.is_empty());
    assert_eq!((verdicts.fallback, tally), (None, Tally::default()));
}

/// Remembers how many rows each batch had.
#[derive(Default)]
struct Batches(Vec<usize>);

impl Predictor for Batches {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        self.0.push(rows.len());
        scores.clear();
        scores.resize(rows.len(), 1.0);
        Ok(())
    }

    fn name(&self) -> &str {
        "batches"
    }

    fn threshold(&self) -> f32 {
        0.5
    }
}

#[test]
fn moves_and_stealing_are_one_batch() {
    let mut model = Batches::default();
    let (verdicts, tally) = round(&hot(), Some(&mut model), Stealing::Open);
    assert_eq!(model.0, [verdicts.moves.len() + verdicts.steals.len()]);
    assert!(
        tally.proposed > 0 && tally.accepted == tally.proposed,
        "{tally:?}"
    );
}
