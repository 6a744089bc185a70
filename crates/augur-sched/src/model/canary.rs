// SPDX-License-Identifier: GPL-2.0-only
//! Tries a model out before anything depends on it: load, score fixed rows, compare with the twin.
//!
//! A SavedModel is code: it may loop forever, in loading or in scoring. So all of it happens on a thread of its own,
//! which has so much CPU time for it; time on the wall only counts where it is far more, because a busy machine is not a
//! bad model. One that used up its time is left the CPU time that nobody else wants, until the program ends; therefore
//! only a few may be. Now and then it gets as much time again, and where it answers after all, that counts.

use super::contract::{FEATURE_COUNT, FeatureRow};
use super::manifest::{Manifest, Normaliser};
use super::mlp::Mlp;
use super::pauses::Pauses;
use super::place::{self, Place};
use super::saved::Saved;
use super::watched::{Start, Watched, given_up, watched};
use super::{Engine, Predictor};
use augur_tensorflow::fault::{Fault, check_scores};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// No more models are tried once so many have hung.
const GIVEN_UP_LIMIT: usize = 4;
/// A trial that takes so many times its CPU time on the wall sleeps, or has locked itself out.
const WALL_FACTOR: u32 = 12;
/// How often a trial is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How far a score may be from its twin's.
const TWIN_TOLERANCE: f32 = 1e-3;
/// Batches that are scored, so that the first real ones find everything warm.
const BATCHES: [usize; 6] = [1, 7, 64, 1000, 64, 1];

/// A model that passed.
pub struct Checked {
    /// What it says about itself.
    pub manifest: Arc<Manifest>,
    /// Loaded and warm.
    pub predictor: Box<dyn Predictor>,
    /// What runs it: never [`Engine::Either`].
    pub engine: Engine,
}

/// A model that is being tried out. Dropped before it has answered, it is given up.
pub struct Trial {
    answer: Receiver<Result<Checked, Fault>>,
    watched: Watched,
    begun: Start,
    /// The CPU time that it may use.
    limit: Duration,
    /// What it may use until it is left to itself the next time, and when it gets as much again after that.
    allowed: Duration,
    again_at: Option<Instant>,
    pauses: Pauses,
}

/// Loads the model in `directory` and tries it out, within `limit` of CPU time.
///
/// # Errors
/// Every [`Fault`] that loading or scoring can give; [`Fault::Hangs`] when it used up its time, or slept through
/// [`WALL_FACTOR`] times as much.
pub fn load(directory: &Path, engine: Engine, limit: Duration) -> Result<Checked, Fault> {
    load_from(&directory.to_owned().into(), engine, limit)
}

/// The same for a model of this place, which may be the one that is built in.
///
/// # Errors
/// As [`load`].
pub fn load_from(place: &Place, engine: Engine, limit: Duration) -> Result<Checked, Fault> {
    let mut trial = Trial::begin(place, engine, limit)?;
    loop {
        match trial.answer.recv_timeout(trial.pause()) {
            Ok(outcome) => return outcome,
            Err(RecvTimeoutError::Disconnected) => return Err(panicked()),
            Err(RecvTimeoutError::Timeout) => trial.overdue().map_or(Ok(()), Err)?,
        }
    }
}

/// What a trial says that ended without an answer.
pub(super) fn panicked() -> Fault {
    Fault::Failed {
        cause: "trying it out panicked".into(),
    }
}

impl Trial {
    /// Begins to try out the model of this place, which has `limit` of CPU time for it.
    ///
    /// # Errors
    /// [`Fault::TooManyHung`], or [`Fault::Failed`] when the thread cannot be started.
    pub fn begin(place: &Place, engine: Engine, limit: Duration) -> Result<Trial, Fault> {
        let count = given_up();
        if count >= GIVEN_UP_LIMIT {
            return Err(Fault::TooManyHung { count });
        }
        if place.is_built_in(engine) {
            let path = place::name_of_built_in();
            return Trial::of(limit, || try_here(path, place::built_in()?, Engine::Twin));
        }
        let engine = chosen(&place.directory, engine);
        let directory = place.directory.clone();
        Trial::of(limit, move || {
            let manifest = Manifest::read(&directory)?;
            try_here(&directory, manifest, engine)
        })
    }

    /// Begins a trial that does this.
    pub(super) fn of(
        limit: Duration,
        work: impl FnOnce() -> Result<Checked, Fault> + Send + 'static,
    ) -> Result<Trial, Fault> {
        let (sender, answer) = channel();
        let (watched, inside) = watched();
        let canary = std::thread::Builder::new().name("augur-canary".into());
        let spawned = canary.spawn(move || {
            inside.enter();
            let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()));
            drop(inside);
            // Nobody may listen any more: the model is dropped here.
            let _ = sender.send(outcome);
        });
        spawned.map_err(|err| Fault::Failed {
            cause: format!("cannot start a thread: {err}"),
        })?;
        Ok(Trial {
            answer,
            begun: watched.start(),
            watched,
            limit,
            allowed: limit,
            again_at: None,
            pauses: Pauses::new(2 * limit),
        })
    }

    /// Where the answer comes.
    pub(super) fn answer(&self) -> &Receiver<Result<Checked, Fault>> {
        &self.answer
    }

    /// How long to wait for the answer before the next look at the time that it has used.
    pub(super) fn pause(&self) -> Duration {
        let left = self.allowed.saturating_sub(self.watched.since(&self.begun).cpu);
        left.clamp(Duration::from_millis(1), LOOK)
    }

    /// What is wrong with one that has used up its time. It goes on with what nobody else wants, and gets as much again
    /// at growing intervals, for the machine may have been slow; one that only sleeps is not put behind the others.
    pub(super) fn overdue(&mut self) -> Option<Fault> {
        let passed = self.watched.since(&self.begun);
        match self.again_at {
            None if passed.cpu >= self.allowed => {
                self.watched.give_up();
                self.again_at = Some(Instant::now() + self.pauses.next());
            }
            Some(at) if Instant::now() >= at => {
                self.watched.take_back();
                self.allowed = passed.cpu + self.limit;
                self.again_at = None;
            }
            _ => {}
        }
        (passed.cpu >= self.limit || passed.wall >= self.limit * WALL_FACTOR).then_some(Fault::Hangs {
            used: passed.cpu,
            waited: passed.wall,
        })
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        // One that has ended is not touched by that.
        self.watched.give_up();
    }
}

/// What will run the model. Here, because the library is 500 MB and no part of the model: mapping it from a cold disk is not counted
/// against the limit.
fn chosen(directory: &Path, engine: Engine) -> Engine {
    let manifest = match engine {
        Engine::Twin => return Engine::Twin,
        _ => Manifest::read(directory),
    };
    let Ok(manifest) = manifest else {
        // What is wrong with it is told by the load.
        return Engine::TensorFlow;
    };
    match augur_tensorflow::ensure_loaded() {
        Err(fault) if engine == Engine::Either && manifest.weights.is_some() => {
            augur_tensorflow::tell_missing(&fault);
            Engine::Twin
        }
        _ => Engine::TensorFlow,
    }
}

/// Loads and tries out on this thread.
fn try_here(directory: &Path, manifest: Manifest, engine: Engine) -> Result<Checked, Fault> {
    let mut twin = Mlp::from_manifest(&manifest)?;
    let mut predictor: Box<dyn Predictor> = match (engine, &twin) {
        (Engine::TensorFlow | Engine::Either, _) => Box::new(Saved::load(directory, &manifest)?),
        (Engine::Twin, Some(twin)) => Box::new(twin.clone()),
        (Engine::Twin, None) => {
            let cause = "its manifest has no weights, which the Rust twin needs".into();
            return Err(Fault::Malformed {
                path: directory.into(),
                cause,
            });
        }
    };
    let malformed = |cause: String| Fault::Malformed {
        path: directory.into(),
        cause,
    };
    let normaliser = Normaliser::new(&manifest.normalisation).map_err(malformed)?;
    for count in BATCHES {
        let rows = fixed_rows(&normaliser, count);
        match try_out(predictor.as_mut(), twin.as_mut(), &rows) {
            // A model without its variables loads, and fails when it first runs.
            Err(Fault::Failed { cause }) => return Err(malformed(cause)),
            outcome => outcome?,
        }
    }
    Ok(Checked {
        manifest: Arc::new(manifest),
        predictor,
        engine,
    })
}

/// One batch: right count, finite, `0..=1`, and what the twin says.
fn try_out(predictor: &mut dyn Predictor, twin: Option<&mut Mlp>, rows: &[FeatureRow]) -> Result<(), Fault> {
    let mut scores = Vec::new();
    predictor.score(rows, &mut scores)?;
    check_scores(rows.len(), &scores)?;
    let Some(twin) = twin else { return Ok(()) };
    for (row, model) in rows.iter().zip(scores) {
        let twin = twin.score_row(row);
        if (model - twin).abs() > TWIN_TOLERANCE || twin.is_nan() {
            return Err(Fault::TwinDisagrees { model, twin });
        }
    }
    Ok(())
}

/// The same rows each time: zeros, then a spread of three standard deviations around the training's mean.
pub fn fixed_rows(normaliser: &Normaliser, count: usize) -> Vec<FeatureRow> {
    let mut state = 0x9e37_79b9_u32;
    let mut spread = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 * 6.0 - 3.0
    };
    let zeros = [0.0; FEATURE_COUNT];
    let mut rows = vec![zeros];
    rows.extend((1..count).map(|_| normaliser.raw(&zeros.map(|_| spread()))));
    rows
}

#[cfg(test)]
mod tests {
    use super::super::watched::tests::burn;
    use super::*;

    /// The fault of a trial that has not answered by then.
    fn fault_of(mut trial: Trial) -> Fault {
        loop {
            match trial.answer.recv_timeout(trial.pause()) {
                Ok(outcome) => break outcome.err().unwrap_or(Fault::Off),
                Err(RecvTimeoutError::Disconnected) => break panicked(),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(fault) = trial.overdue() {
                        break fault;
                    }
                }
            }
        }
    }

    #[test]
    fn a_trial_is_measured_by_the_cpu_time_that_it_got() {
        let limit = Duration::from_millis(200);
        let ended = || Err(Fault::Off);
        // Three times the limit on the wall, and next to no CPU time, as on a machine where others run.
        let starved = move || {
            std::thread::sleep(3 * limit);
            ended()
        };
        assert_eq!(fault_of(Trial::of(limit, starved).unwrap()), Fault::Off);
        let spins = move || {
            burn(3 * limit);
            ended()
        };
        match fault_of(Trial::of(limit, spins).unwrap()) {
            Fault::Hangs { used, .. } => assert!(used >= limit && used < 3 * limit, "{used:?}"),
            fault => panic!("{fault}"),
        }
    }

    #[test]
    fn one_that_used_up_its_time_gets_as_much_again_after_a_pause() {
        let limit = Duration::from_millis(20);
        let (_held, ends) = channel::<()>();
        let spins = move || {
            while ends.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {}
            Err(Fault::Off)
        };
        let mut trial = Trial::of(limit, spins).unwrap();
        let mut changes = Vec::new();
        let end = Instant::now() + Duration::from_secs(20);
        while changes.len() < 5 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
            let before = trial.again_at.is_some();
            let told = trial.overdue().is_some();
            if before != trial.again_at.is_some() {
                assert!(told, "it is late from the first time on");
                changes.push(trial.again_at.is_some());
            }
        }
        assert_eq!(
            changes,
            [true, false, true, false, true],
            "left to itself, and not"
        );
    }

    #[test]
    fn one_that_sleeps_for_ever_is_found_by_the_walls_clock() {
        let limit = Duration::from_millis(20);
        let (_held, locked) = channel::<()>();
        let sleeps = move || {
            let _ = locked.recv();
            Err(Fault::Off)
        };
        match fault_of(Trial::of(limit, sleeps).unwrap()) {
            Fault::Hangs { used, waited } => assert!(used < limit && waited >= limit * WALL_FACTOR),
            fault => panic!("{fault}"),
        }
    }
}
