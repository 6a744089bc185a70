// SPDX-License-Identifier: GPL-2.0-only
//! The binding of a build that has none: nothing can be loaded, and whoever tries is told why.

use crate::array::{Array, Input};
use crate::{Fault, Signature};
use std::path::{Path, PathBuf};

/// A SavedModel that scores; there is none.
#[derive(Debug)]
pub enum SavedModel {}

/// All signatures of a SavedModel; there are none.
#[derive(Debug)]
pub enum Functions {}

/// Finds no library.
///
/// # Errors
/// Always [`Fault::NotBuilt`].
pub fn prepare_library(_path: Option<&Path>) -> Result<PathBuf, Fault> {
    Err(Fault::NotBuilt)
}

/// Loads no library.
///
/// # Errors
/// Always [`Fault::NotBuilt`].
pub fn load_library() -> Result<String, Fault> {
    Err(Fault::NotBuilt)
}

/// Loads no library.
pub fn ensure_loaded() -> Result<(), Fault> {
    Err(Fault::NotBuilt)
}

/// Libraries that were found and are not used: nobody looked.
pub fn skipped() -> &'static [String] {
    &[]
}

/// TensorFlow's version, after a model was loaded: never.
pub fn version() -> Option<String> {
    None
}

impl SavedModel {
    /// Loads nothing.
    ///
    /// # Errors
    /// Always [`Fault::NotBuilt`].
    pub fn load(_directory: &Path, _names: &Signature, _columns: usize) -> Result<Self, Fault> {
        Err(Fault::NotBuilt)
    }

    /// Scores nothing.
    ///
    /// # Errors
    /// Never: there is nothing to score with.
    pub fn score(&mut self, _values: &[f32], _scores: &mut Vec<f32>) -> Result<(), Fault> {
        match *self {}
    }
}

impl Functions {
    /// Loads nothing.
    ///
    /// # Errors
    /// Always [`Fault::NotBuilt`].
    pub fn load(_directory: &Path) -> Result<Functions, Fault> {
        Err(Fault::NotBuilt)
    }

    /// Calls nothing.
    ///
    /// # Errors
    /// Never: there is nothing to call it on.
    pub fn call(
        &mut self,
        _signature: &str,
        _inputs: &[Input<'_>],
        _outputs: &[&str],
    ) -> Result<Vec<Array>, Fault> {
        match *self {}
    }
}

pub(crate) mod product {
    //! Products of matrices, on no device.

    use crate::Fault;
    use crate::product::Chains;

    /// Sees no GPU.
    ///
    /// # Errors
    /// Always [`Fault::NotBuilt`].
    pub fn first_gpu() -> Result<Option<String>, Fault> {
        Err(Fault::NotBuilt)
    }

    /// Measures nothing.
    ///
    /// # Errors
    /// Always [`Fault::NotBuilt`].
    pub fn measure(_device: &str, _size: usize, _length: u32, _repeats: u32) -> Result<Chains, Fault> {
        Err(Fault::NotBuilt)
    }
}
