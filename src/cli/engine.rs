// SPDX-License-Identifier: GPL-2.0-only
//! Which engine runs a model, as it is named on the command line.

use augur_sched::model::Engine;
use augur_tensorflow::prepare_library;
use clap::builder::{EnumValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What runs a model, and where TensorFlow is.
#[derive(Clone, Debug, Args)]
pub struct EngineArgs {
    /// What runs the model [default: TensorFlow where its library can be used, else the twin]
    #[arg(help_heading = "The model", long, global = true, value_parser = EnumValueParser::<Name>::new().try_map(Name::built))]
    engine: Option<Name>,
    /// TensorFlow's library: the file, its directory, or a virtual environment [env: SCX_AUGUR_TENSORFLOW]
    #[arg(help_heading = "The model", long, value_name = "PATH", global = true)]
    tensorflow: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// The SavedModel, through TensorFlow's C library; without one, no model decides
    Tensorflow,
    /// The manifest's weights, in plain Rust
    Twin,
}

impl Name {
    /// Refuses what this build lacks.
    fn built(self) -> Result<Name, &'static str> {
        match self {
            Name::Tensorflow if !augur_tensorflow::IS_BUILT => {
                Err("this build has no TensorFlow; build it with the feature `tensorflow`, or name `twin`")
            }
            name => Ok(name),
        }
    }
}

impl EngineArgs {
    /// Looks for the library. Before the first thread: TensorFlow reads the environment. A missing library is told by the load.
    pub fn prepare(&self) {
        let _ = prepare_library(self.tensorflow.as_deref());
    }

    /// What was asked for.
    pub fn engine(&self) -> Engine {
        match self.engine {
            Some(Name::Tensorflow) => Engine::TensorFlow,
            Some(Name::Twin) => Engine::Twin,
            None => Engine::Either,
        }
    }

    /// What was asked for, where a library that is named is meant to be used.
    pub fn strict_engine(&self) -> Engine {
        match (self.engine(), &self.tensorflow) {
            (Engine::Either, Some(_)) => Engine::TensorFlow,
            (engine, _) => engine,
        }
    }

    /// Logs which libraries were found and are not used.
    pub fn log_skipped(&self) {
        for sentence in augur_tensorflow::skipped() {
            tracing::warn!("{sentence}");
        }
    }
}
