// SPDX-License-Identifier: GPL-2.0-only
//! The model and the library that runs it: whether they can be used, and what to do where not.

use super::Check;
use super::check::{Finding, ok, warn};
use augur_sched::model::place::Place;
use augur_sched::model::{Engine, ModelOptions, canary};
use augur_tensorflow::Fault;
use std::path::{Path, PathBuf};

/// What was found out about the model and the library that runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// The library and its version.
    pub library: Result<(PathBuf, String), Fault>,
    /// The model directory.
    pub directory: PathBuf,
    /// There is none, and the model that is built in decides.
    pub built_in: bool,
    /// The model's name, and what runs it.
    pub model: Result<(String, Engine), Fault>,
    /// Libraries that were found and are not used: one sentence each.
    pub skipped: Vec<String>,
}

impl ModelFacts {
    /// Loads the library and tries out the model of this place, as `run` does; before the program has a second thread.
    pub fn probe(library: Option<&Path>, place: Place) -> ModelFacts {
        let path = augur_tensorflow::prepare_library(library);
        let library = path.and_then(|path| augur_tensorflow::load_library().map(|version| (path, version)));
        let model = canary::load_from(&place, Engine::Either, ModelOptions::default().canary_limit);
        ModelFacts {
            library,
            built_in: place.is_built_in(Engine::Either),
            directory: place.directory,
            model: model.map(|model| (model.manifest.name.clone(), model.engine)),
            skipped: augur_tensorflow::skipped().to_vec(),
        }
    }

    /// Both checks of the model: without a library its twin decides, without a model the heuristic, so neither forbids to attach.
    pub fn judge(&self) -> Vec<Check> {
        let meanwhile = match self.model {
            Ok(_) => "until then the Rust twin runs the model",
            Err(_) => "until then the heuristic decides",
        };
        let library = match (&self.library, self.skipped.first()) {
            (Ok((path, version)), None) => ok(format!("{version}, {}", path.display())),
            (Ok((path, version)), Some(skipped)) => warn(
                format!("{version}, {}; {skipped}", path.display()),
                "take the others' right to write there, or remove it",
            ),
            (Err(fault), _) => without(fault, meanwhile),
        };
        let place = match self.built_in {
            true => ", which is built in,".to_owned(),
            false => format!(" in {}", self.directory.display()),
        };
        let model = match &self.model {
            Ok((name, engine)) => ok(format!("`{name}`{place} is fit for use; {engine} runs it")),
            Err(fault) => without(fault, meanwhile),
        };
        vec![library.named("TensorFlow"), model.named("model")]
    }
}

/// A fault names its remedy after a semicolon or not at all.
fn without(fault: &Fault, meanwhile: &str) -> Finding {
    let text = fault.to_string();
    match text.rsplit_once("; ") {
        Some((found, remedy)) => warn(found, format!("{remedy}; {meanwhile}")),
        None => warn(text, format!("name another with --model; {meanwhile}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Verdict, summary};
    use super::*;

    #[test]
    fn a_missing_model_never_forbids_to_attach() {
        let directory = PathBuf::from("/none");
        let library = Err(Fault::LibraryMissing {
            tried: "/a, /b".into(),
        });
        let model = Err(Fault::Missing {
            path: "/none/manifest.json".into(),
            cause: "no such file".into(),
        });
        let checks = ModelFacts {
            library,
            directory,
            built_in: false,
            model,
            skipped: Vec::new(),
        }
        .judge();
        assert!(
            checks.iter().all(|check| check.verdict == Verdict::Warn),
            "{checks:?}"
        );
        assert!(
            checks[0].to_string().contains("scripts/setup tensorflow-lib"),
            "{}",
            checks[0]
        );
        assert!(
            checks[1].to_string().contains("/none/manifest.json"),
            "{}",
            checks[1]
        );
        assert_eq!(
            summary(&checks),
            "scx_augur can run here; worth a look: TensorFlow, model"
        );
    }
}
