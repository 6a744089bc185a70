// SPDX-License-Identifier: GPL-2.0-only
//! Names inside a SavedModel.

use serde::{Deserialize, Serialize};

/// A signature that scores rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The signature.
    pub name: String,
    /// Its input, `float32 [rows, columns]`.
    pub input: String,
    /// Its output, `float32 [rows]` or `[rows, 1]`.
    pub output: String,
}
