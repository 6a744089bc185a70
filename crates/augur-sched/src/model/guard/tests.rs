// SPDX-License-Identifier: GPL-2.0-only
//! The guard with predictors that do what a script says: slow, wrong, asleep, on a machine that is busy or not.

use super::*;
use crate::model::FEATURE_COUNT;
use crate::model::constant::Constant;
use crate::model::watched::tests::burn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

/// Scores with a function of the number of the call.
struct Scripted<F>(F, usize);

impl<F: FnMut(usize) -> anyhow::Result<f32> + Send> Predictor for Scripted<F> {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        self.1 += 1;
        scores.clear();
        let score = (self.0)(self.1).map_err(|err| failed(err.to_string()))?;
        scores.resize(rows.len(), score);
        Ok(())
    }
    fn name(&self) -> &str {
        "scripted"
    }
    fn threshold(&self) -> f32 {
        0.5
    }
}

/// A limit that a busy machine does not reach.
const PATIENT: Duration = Duration::from_secs(20);

fn guard(
    batch_limit: Duration,
    script: impl FnMut(usize) -> anyhow::Result<f32> + Send + 'static,
) -> Guarded {
    let options = ModelOptions {
        batch_limit,
        ..ModelOptions::default()
    };
    Guarded::around(Box::new(Scripted(script, 0)), None, &options).unwrap()
}

fn label(guarded: &mut Guarded) -> &'static str {
    let mut scores = vec![9.0; 3];
    match guarded.score(&[[0.0; FEATURE_COUNT]; 2], &mut scores) {
        Ok(()) => "ok",
        Err(fault) => {
            assert!(scores.is_empty(), "no scores after a fault");
            fault.label()
        }
    }
}

#[test]
fn scores_come_through() {
    let options = ModelOptions::default();
    for (constant, wanted) in [(Constant::STAY, 0.0), (Constant::MOVE, 1.0)] {
        let mut guarded = Guarded::around(Box::new(constant), None, &options).unwrap();
        let mut scores = Vec::new();
        for count in [3, 0, 5] {
            guarded
                .score(&vec![[0.0; FEATURE_COUNT]; count], &mut scores)
                .unwrap();
            assert_eq!(scores, vec![wanted; count]);
        }
    }
}

#[test]
fn bad_scores_are_faults_and_three_in_a_row_end_the_service() {
    let mut guarded = guard(PATIENT, |call| {
        Ok([f32::NAN, 0.5, f32::NAN, 2.0, f32::NAN][call - 1])
    });
    let labels: Vec<_> = (0..7).map(|_| label(&mut guarded)).collect();
    let wanted = [
        "not_finite",
        "ok",
        "not_finite",
        "out_of_range",
        "not_finite",
        "out_of_service",
        "out_of_service",
    ];
    assert_eq!(labels, wanted);
    assert!(guarded.is_out_of_service());
}

#[test]
fn an_error_and_a_panic_are_faults() {
    let mut guarded = guard(PATIENT, |_| anyhow::bail!("no"));
    assert_eq!(label(&mut guarded), "failed");
    let mut guarded = guard(PATIENT, |_| panic!("in a model, for a test"));
    assert_eq!([label(&mut guarded), label(&mut guarded)], ["failed", "failed"]);
}

#[test]
fn a_slow_batch_costs_one_deadline_and_its_late_answer_is_not_used() {
    let (release, released) = channel::<()>();
    let limit = Duration::from_millis(300);
    let mut guarded = guard(limit, move |call| {
        if call == 1 {
            burn(limit);
            released.recv()?;
        }
        Ok(if call == 1 { 0.1 } else { 0.9 })
    });
    // On a busy machine it may not have got that far.
    while label(&mut guarded) == "waiting" {}
    let started = Instant::now();
    assert_eq!(label(&mut guarded), "too_slow", "the worker is still busy");
    assert!(started.elapsed() < limit, "and nobody waits for it");
    release.send(()).unwrap();
    while guarded.from_worker.is_empty() {
        std::thread::yield_now();
    }
    let mut scores = Vec::new();
    guarded.score(&[[0.0; FEATURE_COUNT]; 2], &mut scores).unwrap();
    assert_eq!(scores, [0.9, 0.9], "and not the late answer's");
}

#[test]
fn a_thread_that_gets_no_cpu_is_not_a_slow_model() {
    let (release, released) = channel::<()>();
    let limit = Duration::from_millis(20);
    let mut guarded = guard(limit, move |call| {
        if call == 1 {
            released.recv()?;
        }
        Ok(0.5)
    });
    for _ in 0..10 {
        assert_eq!(label(&mut guarded), "waiting");
    }
    assert!(!guarded.is_out_of_service());
    release.send(()).unwrap();
    while guarded.from_worker.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(label(&mut guarded), "ok");
}

#[test]
fn one_that_sleeps_for_ever_leaves_the_service() {
    let (_held, locked) = channel::<()>();
    let mut guarded = guard(Duration::from_millis(1), move |_| {
        locked.recv()?;
        Ok(0.5)
    });
    let end = Instant::now() + PATIENT;
    while !guarded.is_out_of_service() {
        assert!(["waiting", "too_slow"].contains(&label(&mut guarded)));
        assert!(Instant::now() < end);
    }
}

#[test]
fn what_was_too_slow_is_tried_again_and_again() {
    let limit = Duration::from_millis(20);
    let options = ModelOptions {
        batch_limit: limit,
        retry: Duration::from_millis(10),
        ..ModelOptions::default()
    };
    let script = move |call| {
        if call <= 5 {
            burn(2 * limit);
        }
        Ok(0.5)
    };
    let mut guarded = Guarded::around(Box::new(Scripted(script, 0)), None, &options).unwrap();
    let (mut left, mut served) = (0, false);
    let end = Instant::now() + PATIENT;
    while !served {
        let before = guarded.is_out_of_service();
        served = label(&mut guarded) == "ok";
        left += u32::from(!before && guarded.is_out_of_service());
        std::thread::sleep(Duration::from_millis(1));
        assert!(Instant::now() < end, "it is not tried again");
    }
    assert!(
        left >= 1 && !guarded.is_out_of_service(),
        "it left the service {left} times"
    );
}

#[test]
fn eight_hogs_beside_it_do_not_take_a_model_out_of_service() {
    let stop = AtomicBool::new(false);
    let labels = std::thread::scope(|scope| {
        (0..8).for_each(|_| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        });
        let limit = Duration::from_millis(20);
        let mut guarded = guard(limit, move |_| {
            burn(limit / 10);
            Ok(0.5)
        });
        let end = Instant::now() + 3 * PATIENT;
        let mut labels = Vec::new();
        while labels.iter().filter(|&&label| label == "ok").count() < 10 && Instant::now() < end {
            labels.push(label(&mut guarded));
            std::thread::sleep(limit / 4);
        }
        stop.store(true, Ordering::Relaxed);
        labels
    });
    assert!(
        labels.iter().all(|label| ["ok", "waiting"].contains(label)),
        "{labels:?}"
    );
    assert!(labels.contains(&"ok"), "it never decided");
}
