// SPDX-License-Identifier: GPL-2.0-only
//! What a training leaves for those who use it: a network's weights, and what they were made for.

use anyhow::{Context, Result, ensure};
use augur_tensorflow::array::Array;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name in its folder.
pub const TRAINED_FILE: &str = "policy.msgpack";
/// Of this layout.
const VERSION: u32 = 1;

/// A trained policy; `S` is what else must be known to use its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained<S> {
    version: u32,
    /// The policy's name.
    pub kind: String,
    /// How the policy sees and acts.
    pub settings: S,
    /// A kernel and a bias for each layer in turn.
    pub weights: Vec<Array>,
}

#[derive(Deserialize)]
struct Kind {
    version: u32,
    kind: String,
}

impl<S: Serialize + for<'a> Deserialize<'a>> Trained<S> {
    /// To be written.
    pub fn new(kind: &str, settings: S, weights: Vec<Array>) -> Trained<S> {
        Trained {
            version: VERSION,
            kind: kind.to_owned(),
            settings,
            weights,
        }
    }

    /// As a file's bytes.
    ///
    /// # Errors
    /// Where it cannot be packed.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        Ok(rmp_serde::to_vec_named(self)?)
    }

    /// From a file's bytes; `what` names them in errors.
    ///
    /// # Errors
    /// One sentence where they are no trained policy of this kind.
    pub fn parse(bytes: &[u8], kind: &str, what: &str) -> Result<Trained<S>> {
        let again = "train it again with `scx_augur simulate train`";
        let broken = || format!("{what} is not a trained policy; {again}");
        let head: Kind = rmp_serde::from_slice(bytes).ok().with_context(broken)?;
        ensure!(
            head.kind == kind,
            "{what} is a trained '{}', not a '{kind}'; name another folder with dir=DIR",
            head.kind
        );
        ensure!(
            head.version == VERSION,
            "{what} is of another version of this program; {again}"
        );
        rmp_serde::from_slice(bytes).ok().with_context(broken)
    }

    /// Reads the trained policy in `directory`.
    ///
    /// # Errors
    /// One sentence that names the file.
    pub fn read(directory: &Path, kind: &str) -> Result<Trained<S>> {
        let path = directory.join(TRAINED_FILE);
        let shown = path.display();
        let bytes = std::fs::read(&path).with_context(|| {
            format!("cannot read {shown}; make it with `scx_augur simulate train --policy {kind} --out DIR`")
        })?;
        Trained::parse(&bytes, kind, &shown.to_string())
    }
}
