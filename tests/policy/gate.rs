// SPDX-License-Identifier: GPL-2.0-only
//! The gate: a model's word counts exactly, and a failing model's not at all.

use crate::world::{World, worlds};
use augur_base::random::Generator;
use augur_sched::model::{FeatureRow, Predictor};
use augur_sched::policy::{
    Augur, Candidate, Gate, Judged, Mode, Pair, Permissions, Policy, Question, Questions, Settings, Verdicts,
    features, steal,
};
use augur_tensorflow::Fault;
use proptest::prelude::*;
use rand::SeedableRng;

/// Answers with a function of the row's place.
struct Says(fn(usize) -> f32);

impl Predictor for Says {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.extend((0..rows.len()).map(self.0));
        Ok(())
    }

    fn name(&self) -> &str {
        "says"
    }

    fn threshold(&self) -> f32 {
        0.5
    }
}

/// Fails in some way.
struct Broken {
    error: bool,
    threshold: f32,
}

impl Predictor for Broken {
    fn score(&mut self, _rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.push(0.0);
        match self.error {
            true => Err(Fault::Failed {
                cause: "out of memory".into(),
            }),
            false => Ok(()),
        }
    }

    fn name(&self) -> &str {
        "broken"
    }

    fn threshold(&self) -> f32 {
        self.threshold
    }
}

fn proposed(world: &World) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    Augur::new(Settings::default()).decide(&world.snapshot(), &mut candidates);
    candidates
}

fn judge(world: &World, mode: Mode, predictor: Option<&mut dyn Predictor>) -> (Vec<Candidate>, Verdicts) {
    let candidates = proposed(world);
    let questions = Questions::new(&world.snapshot(), candidates, Vec::new());
    let verdicts = Gate::new(mode).judge(questions, predictor);
    (verdicts.accepted().copied().collect(), verdicts)
}

fn scores(verdicts: &Verdicts) -> Vec<f32> {
    verdicts.moves.iter().filter_map(|judged| judged.score).collect()
}

fn hot() -> World {
    World::full("2x2", &[8, 0])
}

proptest! {
    #[test]
    fn always_stay_accepts_nothing(world in worlds()) {
        let (accepted, verdicts) = judge(&world, Mode::Model, Some(&mut Says(|_| 0.0)));
        prop_assert_eq!(accepted, vec![]);
        prop_assert_eq!(verdicts.fallback, None);
    }

    #[test]
    fn always_move_accepts_the_heuristics_list(world in worlds()) {
        let (accepted, verdicts) = judge(&world, Mode::Model, Some(&mut Says(|_| 1.0)));
        prop_assert_eq!(accepted, proposed(&world));
        prop_assert_eq!(verdicts.fallback, None);
    }

    #[test]
    fn shadow_changes_nothing_whatever_the_model_says(world in worlds()) {
        let (accepted, verdicts) = judge(&world, Mode::Shadow, Some(&mut Says(|row| (row % 2) as f32)));
        prop_assert_eq!(&accepted, &proposed(&world));
        prop_assert_eq!(scores(&verdicts).len(), accepted.len());
    }
}

#[test]
fn each_verdict_belongs_to_its_candidate() {
    let world = hot();
    let (accepted, verdicts) = judge(
        &world,
        Mode::Model,
        Some(&mut Says(|row| [0.49, 0.5, 0.0, 1.0][row])),
    );
    let candidates = proposed(&world);
    assert_eq!(accepted, [candidates[1], candidates[3]]);
    assert_eq!(scores(&verdicts), [0.49, 0.5, 0.0, 1.0]);
    let rows: Vec<_> = candidates
        .iter()
        .map(|candidate| features::row(&world.snapshot(), candidate))
        .collect();
    let judged: Vec<_> = verdicts.moves.iter().map(|judged| judged.row).collect();
    assert_eq!(judged, rows);
}

#[test]
fn a_failing_model_leaves_the_heuristics_list_and_a_cause() {
    let check = |predictor: Option<&mut dyn Predictor>, expected: &str| {
        let (accepted, verdicts) = judge(&hot(), Mode::Model, predictor);
        assert_eq!(accepted, proposed(&hot()));
        assert_eq!(
            verdicts.fallback.as_ref().map(Fault::to_string).as_deref(),
            Some(expected)
        );
        assert!(scores(&verdicts).is_empty());
    };
    check(None, "no model is used; name its directory to use one");
    check(
        Some(&mut Broken {
            error: true,
            threshold: 0.5,
        }),
        "the model cannot score: out of memory",
    );
    check(
        Some(&mut Broken {
            error: false,
            threshold: 0.5,
        }),
        "the model gave 1 scores for 4 rows",
    );
    check(
        Some(&mut Broken {
            error: false,
            threshold: f32::NAN,
        }),
        "the model's threshold is not a number; export it again",
    );
    let nan = "the model's score of row 2 is NaN";
    check(Some(&mut Says(|row| if row == 2 { f32::NAN } else { 0.0 })), nan);
    check(
        Some(&mut Says(|_| 1.5)),
        "the model's score of row 0 is 1.5, outside 0..=1",
    );
}

#[test]
fn nothing_to_judge_is_no_failure() {
    let idle = World::full("2x2", &[0, 0]);
    let (accepted, verdicts) = judge(
        &idle,
        Mode::Model,
        Some(&mut Broken {
            error: true,
            threshold: 0.5,
        }),
    );
    assert_eq!((accepted, verdicts.fallback), (vec![], None));
}

/// Says 0.3 of everything, and wants less for stealing than for moves.
struct Lenient;

impl Predictor for Lenient {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.resize(rows.len(), 0.3);
        Ok(())
    }

    fn name(&self) -> &str {
        "lenient"
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn steal_threshold(&self) -> f32 {
        0.25
    }
}

/// Questions about nothing: two moves and three pairs.
fn two_and_three() -> Questions {
    let pair = |from, to| Question {
        about: Pair {
            from,
            to,
            task_index: None,
        },
        row: FeatureRow::default(),
    };
    Questions {
        moves: vec![a_move(); 2],
        steals: vec![pair(0, 0), pair(1, 1), pair(0, 1)],
    }
}

fn a_move() -> Question<Candidate> {
    Question {
        about: proposed(&hot())[0],
        row: FeatureRow::default(),
    }
}

fn answers<Q>(judged: &[Judged<Q>]) -> Vec<bool> {
    judged.iter().map(|judged| judged.accepted).collect()
}

#[test]
fn moves_and_stealing_have_a_threshold_each() {
    let verdicts = Gate::new(Mode::Model).judge(two_and_three(), Some(&mut Lenient));
    assert_eq!(answers(&verdicts.moves), [false, false]);
    assert_eq!(answers(&verdicts.steals), [true, true, true]);
    // A model that knows of no second threshold has one for both.
    let verdicts = Gate::new(Mode::Model).judge(two_and_three(), Some(&mut Says(|row| row as f32 / 4.0)));
    assert_eq!(answers(&verdicts.moves), [false, false]);
    assert_eq!(answers(&verdicts.steals), [true, true, true]);
}

#[test]
fn the_model_is_asked_once_and_each_score_goes_to_its_question() {
    let scores = |row: usize| [0.1, 0.9, 0.2, 0.8, 0.3][row];
    let verdicts = Gate::new(Mode::Model).judge(two_and_three(), Some(&mut Says(scores)));
    assert_eq!(answers(&verdicts.moves), [false, true]);
    assert_eq!(answers(&verdicts.steals), [false, true, false]);
    let denied: Vec<_> = verdicts.denied().map(|pair| (pair.from, pair.to)).collect();
    assert_eq!(denied, [(0, 0), (0, 1)]);
}

/// A model that is exchanged for a milder one when it is asked, as the daemon's handle does it.
struct Exchanged(f32);

impl Predictor for Exchanged {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        self.0 = 0.5;
        scores.clear();
        scores.resize(rows.len(), 0.6);
        Ok(())
    }

    fn name(&self) -> &str {
        "exchanged"
    }

    fn threshold(&self) -> f32 {
        self.0
    }
}

#[test]
fn scores_are_compared_with_the_threshold_of_the_model_that_gave_them() {
    let (accepted, _) = judge(&hot(), Mode::Model, Some(&mut Exchanged(f32::INFINITY)));
    assert_eq!(accepted, proposed(&hot()));
}

#[test]
fn exploring_is_a_fair_coin_of_its_seed() {
    let flips = |seed: u64| {
        let mut gate = Gate::new(Mode::Explore(Generator::seed_from_u64(seed)));
        let questions = Questions {
            moves: vec![a_move(); 10_000],
            ..two_and_three()
        };
        gate.judge(questions, None)
    };
    let verdicts = flips(1);
    let accepted = verdicts.accepted().count();
    assert!((4_800..5_200).contains(&accepted), "{accepted}");
    assert_eq!(verdicts, flips(1));
    assert_ne!(answers(&verdicts.moves), answers(&flips(2).moves));
    assert_eq!(verdicts.fallback, None);
}

#[test]
fn exploring_reports_what_the_model_said() {
    let mode = Mode::Explore(Generator::seed_from_u64(7));
    let (_, verdicts) = judge(&hot(), mode.clone(), Some(&mut Says(|_| 1.0)));
    assert_eq!(scores(&verdicts), [1.0; 4]);
    let (_, verdicts) = judge(&hot(), mode, Some(&mut Says(|_| 2.0)));
    assert_eq!(verdicts.fallback.map(|cause| cause.label()), Some("out_of_range"));
}

#[test]
fn permissions_hold_what_the_gate_said() {
    let snapshot = hot().snapshot();
    let check = |predictor: Option<&mut dyn Predictor>, expected: [bool; 4]| {
        let questions = Questions::new(&snapshot, Vec::new(), steal::pairs(&snapshot));
        let verdicts = Gate::default().judge(questions, predictor);
        let permissions = Permissions::from_verdicts(2, &verdicts.steals);
        assert_eq!(permissions.as_slice(), expected);
    };
    check(None, [true; 4]);
    check(Some(&mut Says(|_| 0.0)), [false; 4]);
    check(Some(&mut Says(|_| 1.0)), [true; 4]);
    // In the order of the pairs: 0 → 0, 1 → 1, 0 → 1, 1 → 0.
    check(
        Some(&mut Says(|row| [1.0, 0.0, 0.0, 1.0][row])),
        [true, false, true, false],
    );
}

/// Wants this of a permission to steal.
struct Wants(f32);

impl Predictor for Wants {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.resize(rows.len(), 0.0);
        Ok(())
    }

    fn name(&self) -> &str {
        "wants"
    }

    fn threshold(&self) -> f32 {
        self.0
    }
}

#[test]
fn stealing_is_asked_about_only_where_the_answer_can_be_no() {
    let open = |mode: Mode, threshold: Option<f32>| {
        let model = threshold.map(Wants);
        Gate::new(mode).may_forbid_stealing(model.as_ref().map(|model| model as &dyn Predictor))
    };
    // No score reaches below 0. A daemon whose model is not there yet has a threshold that nothing reaches.
    let by_model = [
        (None, false),
        (Some(f32::INFINITY), true),
        (Some(0.5), true),
        (Some(f32::NAN), true),
        (Some(0.0), false),
        (Some(-1.0), false),
    ];
    for (threshold, expected) in by_model {
        assert_eq!(open(Mode::Model, threshold), expected, "{threshold:?}");
    }
    // A coin says no whatever the threshold is, and who looks on wants to see the scores.
    assert!(open(Mode::Shadow, Some(0.0)) && !open(Mode::Shadow, None));
    let coin = || Mode::Explore(Generator::seed_from_u64(1));
    assert!(open(coin(), Some(0.0)) && open(coin(), None));
}

#[test]
fn permissions_allow_what_nobody_judged() {
    let permissions = Permissions::from_verdicts(3, &[]);
    assert_eq!(permissions, Permissions::all(3));
    assert!(permissions.allows(2, 0) && permissions.allows(0, 9));
    let denied = Judged {
        about: Pair {
            from: 2,
            to: 0,
            task_index: None,
        },
        row: FeatureRow::default(),
        score: None,
        accepted: false,
    };
    let denied = Permissions::from_verdicts(3, &[denied]);
    assert!(!denied.allows(2, 0) && denied.allows(0, 2));
}
