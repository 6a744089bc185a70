// SPDX-License-Identifier: GPL-2.0-only
//! Keeps a model from harming the scheduler: it scores on a thread of its own, against a deadline.
//!
//! The caller never waits longer than the deadline, and not at all while an old batch is still being worked on.

use super::canary::{Checked, give_up_thread};
use super::contract::FeatureRow;
use super::drift::Drift;
use super::fault::{Fault, check_scores};
use super::relay::{Giver, Taker, relay};
use super::{Engine, ModelOptions, Predictor};
use crossbeam::channel::{Receiver, RecvTimeoutError, TryRecvError, bounded};
use nix::unistd::{Pid, gettid};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A model that was only too slow is tried again after so long: the machine may have been overloaded, not the model.
const REST: Duration = Duration::from_secs(10);

/// A predictor behind a deadline.
pub struct Guarded {
    name: String,
    /// What runs it, where that is known.
    engine: Option<Engine>,
    threshold: f32,
    steal_threshold: f32,
    to_worker: Giver<Batch>,
    from_worker: Taker<Batch>,
    /// Tells the worker's thread id, once.
    thread: Receiver<Pid>,
    /// The buffers, when they are here and not with the worker.
    spare: Option<Batch>,
    limit: Duration,
    strikes: u32,
    strikes_limit: u32,
    last: Fault,
    /// When the last strike fell.
    struck_at: Instant,
}

/// What goes to the worker and comes back.
struct Batch {
    rows: Vec<FeatureRow>,
    scores: Vec<f32>,
    outcome: Result<(), Fault>,
}

impl Guarded {
    /// Puts a checked model behind the guard.
    ///
    /// # Errors
    /// [`Fault::Failed`] when the thread cannot be started.
    pub fn new(model: Checked, options: &ModelOptions) -> Result<Self, Fault> {
        let drift = Drift::from_manifest(&model.manifest);
        let mut guarded = Self::around(model.predictor, drift, options)?;
        guarded.engine = Some(model.engine);
        Ok(guarded)
    }

    /// Puts any predictor behind the guard.
    ///
    /// # Errors
    /// [`Fault::Failed`] when the thread cannot be started.
    pub fn around(
        predictor: Box<dyn Predictor>,
        drift: Option<Drift>,
        options: &ModelOptions,
    ) -> Result<Self, Fault> {
        let (threshold, steal_threshold) = (predictor.threshold(), predictor.steal_threshold());
        let name = predictor.name().to_owned();
        let (to_worker, rows) = relay();
        let (scores, from_worker) = relay();
        let (tell_thread, thread) = bounded(1);
        std::thread::Builder::new()
            .name("augur-model".into())
            .spawn(move || {
                let _ = tell_thread.send(gettid());
                work(predictor, drift, &rows, &scores);
            })
            .map_err(|err| Fault::Failed {
                cause: format!("cannot start a thread: {err}"),
            })?;
        Ok(Self {
            name,
            engine: None,
            threshold,
            steal_threshold,
            to_worker,
            from_worker,
            thread,
            spare: Some(Batch {
                rows: Vec::new(),
                scores: Vec::new(),
                outcome: Ok(()),
            }),
            limit: options.batch_limit,
            strikes: 0,
            strikes_limit: options.strikes,
            last: Fault::Off,
            struck_at: Instant::now(),
        })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What runs the model, where that is known.
    pub fn engine(&self) -> Option<Engine> {
        self.engine
    }

    /// A candidate is accepted when its score is at least this.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Stealing is permitted when its score is at least this.
    pub fn steal_threshold(&self) -> f32 {
        self.steal_threshold
    }

    /// Whether it failed too often in a row; then it is not asked again.
    pub fn is_out_of_service(&self) -> bool {
        self.strikes >= self.strikes_limit
    }

    /// Why it is not asked again.
    pub fn out_of_service(&self) -> Fault {
        Fault::OutOfService {
            strikes: self.strikes,
            last: Box::new(self.last.clone()),
        }
    }

    /// Scores every row into `scores` (cleared first; empty after a fault), within the deadline.
    ///
    /// # Errors
    /// Why this batch has no scores. Drift is no failure of the model and does not take it out of service.
    pub fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        if self.is_out_of_service() && self.has_rested() {
            self.strikes = self.strikes_limit.saturating_sub(1);
        }
        if self.is_out_of_service() {
            return Err(Fault::OutOfService {
                strikes: self.strikes,
                last: Box::new(self.last.clone()),
            });
        }
        let outcome = self.ask(rows, scores);
        match &outcome {
            Ok(()) => self.strikes = 0,
            Err(Fault::Drift { .. }) => {}
            Err(fault) => {
                self.strikes += 1;
                self.last = fault.clone();
                self.struck_at = Instant::now();
            }
        }
        outcome
    }

    /// Whether a slow model may have one more try.
    fn has_rested(&self) -> bool {
        matches!(self.last, Fault::TooSlow { .. }) && self.struck_at.elapsed() >= REST
    }

    fn ask(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        let died = || Fault::Failed {
            cause: "its thread has ended".into(),
        };
        let mut batch = match self.spare.take() {
            Some(batch) => batch,
            // A late answer is to an old question: only its buffers are of use.
            None => match self.from_worker.try_take() {
                Ok(late) => late,
                Err(TryRecvError::Empty) => return Err(Fault::TooSlow { limit: self.limit }),
                Err(TryRecvError::Disconnected) => return Err(died()),
            },
        };
        batch.rows.clear();
        batch.rows.extend_from_slice(rows);
        if !self.to_worker.give(batch) {
            return Err(died());
        }
        let mut answer = match self.from_worker.take_before(Instant::now() + self.limit) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => return Err(Fault::TooSlow { limit: self.limit }),
            Err(RecvTimeoutError::Disconnected) => return Err(died()),
        };
        let outcome = std::mem::replace(&mut answer.outcome, Ok(()));
        if outcome.is_ok() {
            std::mem::swap(scores, &mut answer.scores);
        }
        self.spare = Some(answer);
        outcome
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // A worker that still has the buffers may be in a loop that never ends.
        if self.spare.is_none() && matches!(self.from_worker.try_take(), Err(TryRecvError::Empty)) {
            self.thread.try_recv().into_iter().for_each(give_up_thread);
        }
    }
}

/// The worker: one batch after the other, until the guard is dropped.
fn work(
    mut predictor: Box<dyn Predictor>,
    mut drift: Option<Drift>,
    rows: &Taker<Batch>,
    scores: &Giver<Batch>,
) {
    while let Some(mut batch) = rows.take() {
        let scoring = catch_unwind(AssertUnwindSafe(|| {
            predictor.score(&batch.rows, &mut batch.scores)
        }));
        batch.outcome = scoring
            .unwrap_or_else(|_| Err(anyhow::anyhow!("scoring panicked")))
            .map_err(Fault::from_error)
            .and_then(|()| check_scores(batch.rows.len(), &batch.scores));
        if let Some(share) = drift.as_mut().and_then(|drift| drift.observe(&batch.rows))
            && batch.outcome.is_ok()
        {
            batch.outcome = Err(Fault::Drift {
                share_percent: (share * 100.0).round() as u32,
            });
        }
        if !scores.give(batch) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;
    use crate::model::constant::Constant;

    /// Scores with a function of the number of the call.
    struct Scripted<F>(F, usize);

    impl<F: FnMut(usize) -> anyhow::Result<f32> + Send> Predictor for Scripted<F> {
        fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> anyhow::Result<()> {
            self.1 += 1;
            scores.clear();
            scores.resize(rows.len(), (self.0)(self.1)?);
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
        let (release, released) = bounded::<()>(0);
        let limit = Duration::from_secs(1);
        let mut guarded = guard(limit, move |call| {
            if call == 1 {
                released.recv()?;
            }
            Ok(if call == 1 { 0.1 } else { 0.9 })
        });
        assert_eq!(label(&mut guarded), "too_slow");
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
}
