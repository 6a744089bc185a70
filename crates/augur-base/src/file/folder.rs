// SPDX-License-Identifier: GPL-2.0-only
//! Folders that commands fill.

use super::owner;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that is there. Those that were made for it, and into which nothing came, are gone when this is dropped.
#[derive(Debug)]
pub struct Folder {
    /// The outermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder, and those above it, where they are missing.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn make(path: &Path) -> Result<Folder> {
        let mut folder = Folder { made: Vec::new() };
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|part| !part.as_os_str().is_empty() && !part.is_dir())
            .collect();
        for part in missing.into_iter().rev() {
            let made = fs::create_dir(part);
            // Somebody else may have been faster.
            if !part.is_dir() {
                made.with_context(|| format!("cannot make the folder {}", path.display()))?;
            } else if made.is_ok() {
                owner::hand_over_folder(part);
                folder.made.push(part.to_owned());
            }
        }
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for path in self.made.iter().rev() {
            // One that something came into stays.
            let _ = fs::remove_dir(path);
        }
    }
}

/// What commands leave in their folders, by which it is known that one is used.
const LEFT: [(&str, &str); 7] = [
    ("experiment.toml", "an experiment"),
    ("checkpoint.msgpack", "a training"),
    ("policy.msgpack", "a trained policy"),
    ("samples.jsonl", "measurements of `bench`"),
    ("report.json", "a simulation"),
    ("results.csv", "results"),
    ("manifest.json", "a model"),
];

/// What is in a folder that is about to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The file that says so.
    pub file: &'static str,
    /// Of what it is.
    pub what: &'static str,
}

impl Used {
    /// Whether another run's files are in that folder.
    pub fn by(folder: &Path) -> Option<Used> {
        LEFT.into_iter()
            .find(|(file, _)| folder.join(file).exists())
            .map(|(file, what)| Used { file, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_gone_again_and_one_that_is_filled_stays() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b");
        drop(Folder::make(&deep).unwrap());
        assert!(!root.path().join("a").exists());
        let folder = Folder::make(&deep).unwrap();
        fs::write(root.path().join("a/file"), "").unwrap();
        drop(folder);
        assert!(root.path().join("a").exists() && !deep.exists());
        let said = format!("{:#}", Folder::make(&root.path().join("a/file/c")).unwrap_err());
        assert!(said.contains("a/file/c"), "{said}");
        assert_eq!(Used::by(root.path()), None);
        fs::write(root.path().join("results.csv"), "").unwrap();
        assert_eq!(Used::by(root.path()).unwrap().file, "results.csv");
    }
}
