// SPDX-License-Identifier: GPL-2.0-only
//! Tries a model out before anything depends on it: load, score fixed rows, compare with the twin.
//!
//! A SavedModel is code: it may loop forever, in loading or in scoring. So all of it happens on a thread of its own.
//! When that does not end in time it is given up and left the CPU time that nobody else wants, until the program
//! ends; therefore only a few may be.

use super::contract::{FEATURE_COUNT, FeatureRow};
use super::fault::{Fault, check_scores};
use super::manifest::{Manifest, Normaliser};
use super::mlp::Mlp;
use super::tensorflow::{self, SavedModel};
use super::{Engine, Predictor};
use nix::unistd::{Pid, gettid};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Threads that were given up, each spinning until the program ends.
static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);
/// No more models are tried once so many have hung.
const GIVEN_UP_LIMIT: usize = 4;
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

/// Loads the model in `directory` and tries it out, within `limit`.
///
/// # Errors
/// Every [`Fault`] that loading or scoring can give; [`Fault::Hangs`] when it took longer than `limit`.
pub fn load(directory: &Path, engine: Engine, limit: Duration) -> Result<Checked, Fault> {
    let count = GIVEN_UP.load(Ordering::Relaxed);
    if count >= GIVEN_UP_LIMIT {
        return Err(Fault::TooManyHung { count });
    }
    let engine = chosen(directory, engine);
    let directory = directory.to_path_buf();
    let (sender, receiver) = crossbeam::channel::bounded(1);
    let (tell_thread, thread) = crossbeam::channel::bounded(1);
    let canary = std::thread::Builder::new().name("augur-canary".into());
    let spawned = canary.spawn(move || {
        let _ = tell_thread.send(gettid());
        // Nobody listens any more when this took too long: the model is dropped here.
        let _ = sender.send(load_here(&directory, engine));
    });
    spawned.map_err(|err| Fault::Failed {
        cause: format!("cannot start a thread: {err}"),
    })?;
    match receiver.recv_timeout(limit) {
        Ok(outcome) => outcome,
        Err(crossbeam::channel::RecvTimeoutError::Timeout) => {
            thread.try_recv().into_iter().for_each(give_up_thread);
            Err(Fault::Hangs { limit })
        }
        Err(_) => Err(Fault::Failed {
            cause: "trying it out panicked".into(),
        }),
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
    match tensorflow::ensure_loaded() {
        Err(fault) if engine == Engine::Either && manifest.weights.is_some() => {
            tensorflow::tell_missing(&fault);
            Engine::Twin
        }
        _ => Engine::TensorFlow,
    }
}

/// Leaves a thread to itself inside a model, and counts it.
pub(super) fn give_up_thread(thread: Pid) {
    tensorflow::demote_thread(thread);
    GIVEN_UP.fetch_add(1, Ordering::Relaxed);
}

/// Loads and tries out on this thread.
fn load_here(directory: &Path, engine: Engine) -> Result<Checked, Fault> {
    let manifest = Manifest::read(directory)?;
    let mut twin = Mlp::from_manifest(&manifest)?;
    let mut predictor: Box<dyn Predictor> = match (engine, &twin) {
        (Engine::TensorFlow | Engine::Either, _) => Box::new(SavedModel::load(directory, &manifest)?),
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
    predictor.score(rows, &mut scores).map_err(Fault::from_error)?;
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
