// SPDX-License-Identifier: GPL-2.0-only
//! The folder of an experiment: a file for each unit that is done, written whole, so that a run that was stopped goes on where
//! it was; and the settings, so that it never goes on with others.

use anyhow::{Context, Result, bail};
use augur_base::file::{Folder, Output};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

const SETTINGS: &str = "experiment.toml";
/// Folders of units, by phase.
const PHASES: [&str; 4] = ["tasks", "train", "runs", "decisions"];

/// A folder, held by one set of settings.
pub(super) struct Store {
    folder: PathBuf,
    /// Where nothing comes of it, the folders go again.
    made: Vec<Folder>,
}

impl Store {
    /// Makes the folder where it is missing, and takes it for these settings.
    ///
    /// # Errors
    /// Where it cannot be made or written, or holds another experiment.
    pub(super) fn open(folder: &Path, settings: &str) -> Result<Store> {
        let mut store = Store {
            folder: folder.to_owned(),
            made: Vec::new(),
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
            let made = Folder::make(&store.path(phase))?;
            store.made.push(made);
        }
        store.write(SETTINGS, settings.as_bytes())?;
        Ok(store)
    }

    /// Where a file of it is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether a unit is done.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        Output::of(&self.path(name), bytes)?.finish()
    }

    /// Keeps a unit.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn keep(&self, name: &str, unit: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(unit)?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// A unit that was kept.
    ///
    /// # Errors
    /// Where it cannot be read or is none.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path(name);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; remove it and start again", path.display()))
    }
}

/// Whether there is an experiment in that folder.
pub fn has_begun(folder: &Path) -> bool {
    folder.join(SETTINGS).exists()
}

/// Removes an experiment's settings and units, so that another one can begin there.
///
/// # Errors
/// Where the folder cannot be written.
pub fn forget(folder: &Path) -> Result<()> {
    let gone = |removed: std::io::Result<()>| match removed {
        Err(err) if err.kind() != std::io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    };
    let named = || format!("cannot remove the experiment in {}", folder.display());
    if !has_begun(folder) {
        return Ok(());
    }
    for phase in PHASES {
        gone(std::fs::remove_dir_all(folder.join(phase))).with_context(named)?;
    }
    for file in ["profile.json", SETTINGS] {
        gone(std::fs::remove_file(folder.join(file))).with_context(named)?;
    }
    Ok(())
}

/// The first line that differs.
fn difference(there: &str, here: &str) -> String {
    let mut lines = there.lines().zip(here.lines());
    match lines.find(|(there, here)| there != here) {
        Some((there, here)) => format!("there `{}`, here `{}`", there.trim(), here.trim()),
        None => "one has more of them".to_owned(),
    }
}
