// SPDX-License-Identifier: GPL-2.0-only
//! The folder of an experiment: a file for each unit that is done, written whole, so that a run that was stopped goes on where
//! it was; and the settings, so that it never goes on with others.

use crate::file::Output;
use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

const SETTINGS: &str = "experiment.toml";
/// Folders of units, by phase.
const PHASES: [&str; 3] = ["tasks", "train", "runs"];

/// A folder, held by one set of settings.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Makes the folder where it is missing, and takes it for these settings.
    ///
    /// # Errors
    /// Where it cannot be made or written, or holds another experiment.
    pub fn open(folder: &Path, settings: &str) -> Result<Store> {
        let store = Store {
            folder: folder.to_owned(),
        };
        let path = store.path(SETTINGS);
        if path.exists() {
            let there =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if there != settings {
                bail!(
                    "{} holds an experiment with other settings ({}); name another folder, or start that one again with --config {}",
                    folder.display(),
                    difference(&there, settings),
                    path.display()
                );
            }
        }
        for phase in PHASES {
            let path = store.path(phase);
            std::fs::create_dir_all(&path)
                .with_context(|| format!("cannot make the folder {}", path.display()))?;
        }
        store.write(SETTINGS, settings.as_bytes())?;
        Ok(store)
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether a unit is done.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Output::of(&self.path(name), bytes)?.finish()
    }

    /// Keeps a unit.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn keep(&self, name: &str, unit: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(unit)?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// A unit that was kept.
    ///
    /// # Errors
    /// Where it cannot be read or is none.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path(name);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; remove it and start again", path.display()))
    }
}

/// The first line that differs.
fn difference(there: &str, here: &str) -> String {
    let mut lines = there.lines().zip(here.lines());
    match lines.find(|(there, here)| there != here) {
        Some((there, here)) => format!("there `{}`, here `{}`", there.trim(), here.trim()),
        None => "one has more of them".to_owned(),
    }
}
