// SPDX-License-Identifier: GPL-2.0-only
//! Keeps a model from harming the scheduler: it scores on a thread of its own, against a deadline.
//!
//! The deadline is one of CPU time: what the machine does beside it is not the model's fault. The caller waits for some
//! times as long at most, and not at all while an old batch is still being worked on; its heuristic decides that round.

use super::canary::Checked;
use super::contract::FeatureRow;
use super::drift::Drift;
use super::pauses::Pauses;
use super::relay::{Receiver, Sender, relay};
use super::watched::{Inside, Start, Watched, watched};
use super::{Engine, ModelOptions, Predictor};
use augur_tensorflow::fault::{Fault, check_scores};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// How long a batch is waited for while its thread waits for a CPU, in limits.
const WALL_FACTOR: u32 = 5;
/// A batch that is away for so many limits sleeps, or has locked itself out.
const ASLEEP_FACTOR: u32 = 500;
/// The shortest wait for what is left of a limit.
const LEAST: Duration = Duration::from_micros(200);

/// A predictor behind a deadline.
pub struct Guarded {
    name: String,
    /// What runs it, where that is known.
    engine: Option<Engine>,
    threshold: f32,
    steal_threshold: f32,
    to_worker: Sender<Batch>,
    from_worker: Receiver<Batch>,
    worker: Watched,
    /// When the worker got the batch that it has.
    given: Start,
    /// The buffers, when they are here and not with the worker.
    spare: Option<Batch>,
    limit: Duration,
    strikes: u32,
    strikes_limit: u32,
    last: Fault,
    /// When a model that was only too slow is tried again: the machine may have been slow, not the model.
    again_at: Instant,
    pauses: Pauses,
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
        let (worker, inside) = watched();
        std::thread::Builder::new()
            .name("augur-model".into())
            .spawn(move || work(predictor, drift, &rows, &scores, inside))
            .map_err(|err| failed(format!("cannot start a thread: {err}")))?;
        Ok(Self {
            name,
            engine: None,
            threshold,
            steal_threshold,
            to_worker,
            from_worker,
            given: worker.start(),
            worker,
            spare: Some(Batch {
                rows: Vec::new(),
                scores: Vec::new(),
                outcome: Ok(()),
            }),
            limit: options.batch_limit,
            strikes: 0,
            strikes_limit: options.strikes,
            last: Fault::Off,
            again_at: Instant::now(),
            pauses: Pauses::new(options.retry),
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

    /// Scores every row into `scores` (cleared first; empty after a fault), within the deadline.
    ///
    /// # Errors
    /// Why this batch has no scores. Drift, and a machine that has no CPU for the model, do not take it out of service.
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
            Ok(()) => {
                self.strikes = 0;
                self.pauses.reset();
            }
            Err(Fault::Drift { .. } | Fault::Waiting { .. }) => {}
            Err(fault) => self.strike(fault.clone()),
        }
        outcome
    }

    fn strike(&mut self, fault: Fault) {
        self.strikes += 1;
        self.last = fault;
        if self.is_out_of_service() {
            self.again_at = Instant::now() + self.pauses.next();
        }
    }

    /// Whether a slow model may have one more try.
    fn has_rested(&self) -> bool {
        matches!(self.last, Fault::TooSlow { .. }) && Instant::now() >= self.again_at
    }

    /// Why the batch that the worker has is late.
    fn late(&self) -> Fault {
        let passed = self.worker.since(&self.given);
        if passed.cpu >= self.limit || passed.wall >= self.limit.saturating_mul(ASLEEP_FACTOR) {
            Fault::TooSlow { limit: self.limit }
        } else {
            Fault::Waiting {
                used: passed.cpu,
                waited: passed.wall,
            }
        }
    }

    /// Waits for the worker until it has used up its CPU time, or has not come to it for some times as long.
    fn wait(&self) -> Result<Batch, Fault> {
        let end = Instant::now() + self.limit.saturating_mul(WALL_FACTOR);
        loop {
            let left = self.limit.saturating_sub(self.worker.since(&self.given).cpu);
            if left.is_zero() || Instant::now() >= end {
                return Err(self.late());
            }
            match self
                .from_worker
                .take_before((Instant::now() + left.max(LEAST)).min(end))
            {
                Ok(answer) => return Ok(answer),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(died()),
            }
        }
    }

    fn ask(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        let mut batch = match self.spare.take() {
            Some(batch) => batch,
            // A late answer is to an old question: only its buffers are of use.
            None => match self.from_worker.try_take() {
                Ok(late) => late,
                Err(TryRecvError::Empty) => return Err(self.late()),
                Err(TryRecvError::Disconnected) => return Err(died()),
            },
        };
        batch.rows.clear();
        batch.rows.extend_from_slice(rows);
        self.given = self.worker.start();
        if !self.to_worker.give(batch) {
            return Err(died());
        }
        let mut answer = self.wait()?;
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
            self.worker.give_up();
        }
    }
}

fn died() -> Fault {
    failed("its thread has ended".into())
}

fn failed(cause: String) -> Fault {
    Fault::Failed { cause }
}

/// The worker: one batch after the other, until the guard is dropped.
fn work(
    mut predictor: Box<dyn Predictor>,
    mut drift: Option<Drift>,
    rows: &Receiver<Batch>,
    scores: &Sender<Batch>,
    inside: Inside,
) {
    inside.enter();
    while let Some(mut batch) = rows.take() {
        let scoring = catch_unwind(AssertUnwindSafe(|| {
            predictor.score(&batch.rows, &mut batch.scores)
        }));
        batch.outcome = scoring
            .unwrap_or_else(|_| Err(failed("scoring panicked".into())))
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
