// SPDX-License-Identifier: GPL-2.0-only
//! Where models are: in a directory that is named, in the usual places, or in the program itself.

use super::manifest::MANIFEST_FILE;
use super::{Engine, Manifest};
use augur_tensorflow::Fault;
use std::path::{Path, PathBuf};

/// Where the scheduler's model is, below each of the usual places.
pub const MODEL: &str = "model_dir/augur";
/// What is installed lies here, below a prefix.
const SHARED: &str = "share/scx_augur";
/// The shipped model's manifest, which has its weights: all that its twin needs.
const BUILT_IN: &str = include_str!("../../../../model_dir/augur/manifest.json");
/// What stands for its path in messages.
const BUILT_IN_NAME: &str = "the model that is built in";

/// Where a model is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The model directory.
    pub directory: PathBuf,
    /// While there is nothing in it, the model that is built in decides.
    pub built_in: bool,
}

/// What was named, and nothing else.
impl From<PathBuf> for Place {
    fn from(directory: PathBuf) -> Place {
        Place {
            directory,
            built_in: false,
        }
    }
}

impl Place {
    /// What was named; else the usual place.
    pub fn of(named: Option<&Path>) -> Place {
        match named {
            Some(directory) => Place::from(directory.to_owned()),
            None => Place {
                directory: installed(MODEL),
                built_in: true,
            },
        }
    }

    /// Whether the model that is built in decides: only its twin does, for TensorFlow reads files.
    pub fn is_built_in(&self, engine: Engine) -> bool {
        self.built_in && engine != Engine::TensorFlow && !self.directory.join(MANIFEST_FILE).exists()
    }

    /// The manifest of its model.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn manifest(&self, engine: Engine) -> Result<Manifest, Fault> {
        match self.is_built_in(engine) {
            true => built_in(),
            false => Manifest::read(&self.directory),
        }
    }

    /// Which model decides, for the log: `None` where it is one of the directory.
    pub fn remark(&self, engine: Engine) -> Option<String> {
        self.is_built_in(engine).then(|| {
            let shown: Vec<String> = places(MODEL).map(|place| place.display().to_string()).collect();
            format!(
                "no model in {}: {BUILT_IN_NAME} decides, run by the Rust twin",
                shown.join(", ")
            )
        })
    }
}

/// What this place is called in messages.
pub fn name_of_built_in() -> &'static Path {
    Path::new(BUILT_IN_NAME)
}

/// The manifest of the model that is built in.
///
/// # Errors
/// As [`Manifest::read`]; a test keeps that from happening.
pub fn built_in() -> Result<Manifest, Fault> {
    Manifest::parse(BUILT_IN, name_of_built_in().to_owned())
}

/// A part of `model_dir`: below the working directory, beside the program, or with the packages.
pub fn installed(part: &str) -> PathBuf {
    places(part)
        .find(|place| place.exists())
        .unwrap_or_else(|| part.into())
}

/// Everywhere that it may be, in order.
fn places(part: &str) -> impl Iterator<Item = PathBuf> {
    let program = std::env::current_exe().ok();
    let prefix = program
        .as_deref()
        .and_then(|path| path.parent()?.parent())
        .map(|prefix| prefix.join(SHARED));
    let places = [Some(PathBuf::new()), prefix, Some(Path::new("/usr").join(SHARED))];
    places.into_iter().flatten().map(move |place| place.join(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mlp;

    #[test]
    fn the_model_that_is_built_in_has_a_twin() {
        let manifest = built_in().unwrap();
        assert_eq!(manifest.name, "augur");
        assert!(Mlp::from_manifest(&manifest).unwrap().is_some());
    }

    #[test]
    fn only_an_empty_usual_place_leaves_the_word_to_the_model_that_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let place = |built_in| Place {
            directory: folder.path().to_owned(),
            built_in,
        };
        assert!(!Place::from(folder.path().to_owned()).is_built_in(Engine::Either));
        let usual = place(true);
        assert!(usual.is_built_in(Engine::Either) && usual.is_built_in(Engine::Twin));
        assert!(!usual.is_built_in(Engine::TensorFlow));
        assert!(usual.remark(Engine::Twin).unwrap().contains(MODEL));
        std::fs::write(folder.path().join(MANIFEST_FILE), BUILT_IN).unwrap();
        assert!(!usual.is_built_in(Engine::Either));
        assert_eq!(usual.remark(Engine::Either), None);
    }
}
