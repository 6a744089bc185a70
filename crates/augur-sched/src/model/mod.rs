// SPDX-License-Identifier: GPL-2.0-only
//! What a learned policy asks: a batch of feature rows in, one score a row out.
//!
//! ```text
//! contract   the features            manifest    what a model directory says about itself
//! place      where models are, and the one that is built in
//! saved      a SavedModel            mlp         its twin in plain Rust            constant  always the same
//! canary     tries a model out       guard       deadline, NaN, strikes            drift     rows unlike the training
//! reload     ModelSource, ModelHandle: all of it in the background; the daemon's only door     watcher    looks after a directory
//! relay      a channel for batches and scores     watched    a thread's CPU time     pauses     between tries
//! explain    what a model's answers hang on
//! ```
//! A model never decides before it passed the canary, and never makes its caller wait longer than the deadline.

pub mod canary;
pub mod constant;
pub mod contract;
pub mod drift;
pub mod explain;
pub mod guard;
pub mod log;
pub mod manifest;
pub mod mlp;
mod pauses;
pub mod place;
pub mod relay;
pub mod reload;
pub mod saved;
mod watched;
mod watcher;

pub use constant::Constant;
pub use contract::{CONTRACT_VERSION, FEATURE_COUNT, FEATURES, FeatureRow};
pub use manifest::Manifest;
pub use mlp::Mlp;
pub use reload::{ModelEvent, ModelHandle, ModelSource};

use augur_tensorflow::Fault;
use std::path::PathBuf;
use std::time::Duration;

/// Scores candidates. A score is the probability that the move is worth making, in `0..=1`.
pub trait Predictor: Send {
    /// Scores every row of the batch, into `scores` (cleared first; one score a row).
    ///
    /// # Errors
    /// Why these rows have no scores; the caller falls back to its heuristic.
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault>;

    /// The model's name, for logs and tables.
    fn name(&self) -> &str;

    /// A candidate is accepted when its score is at least this.
    fn threshold(&self) -> f32;

    /// One domain may steal from another when the score of that question is at least this.
    fn steal_threshold(&self) -> f32 {
        self.threshold()
    }
}

/// What runs the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// TensorFlow where its library can be used, else the twin of a model that has one.
    Either,
    /// The SavedModel, through TensorFlow's C library.
    #[default]
    TensorFlow,
    /// The manifest's weights, in plain Rust; needs no library.
    Twin,
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Either => "TensorFlow or the Rust twin",
            Self::TensorFlow => "TensorFlow",
            Self::Twin => "the Rust twin",
        })
    }
}

/// How a model is loaded, guarded and watched.
#[derive(Clone, Debug)]
pub struct ModelOptions {
    /// The model directory.
    pub directory: PathBuf,
    /// While there is nothing in it, the model that is built in decides (see [`place`]).
    pub built_in: bool,
    /// What runs the network.
    pub engine: Engine,
    /// Loading and the canary may take this much CPU time.
    pub canary_limit: Duration,
    /// A batch may take this much CPU time.
    pub batch_limit: Duration,
    /// What was too slow is tried again after so long, then after twice as long, and so on up to 30 times as long.
    pub retry: Duration,
    /// How often the directory is looked at.
    pub poll: Duration,
    /// Failures in a row that take the model out of service.
    pub strikes: u32,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            directory: PathBuf::from(place::MODEL),
            built_in: false,
            engine: Engine::default(),
            canary_limit: Duration::from_secs(5),
            batch_limit: Duration::from_millis(20),
            retry: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            strikes: 3,
        }
    }
}
