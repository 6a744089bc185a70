// SPDX-License-Identifier: GPL-2.0-only
//! SavedModels and what runs them: TensorFlow's C library, through its `binding`, which a build without the feature
//! `tensorflow` lacks. Every call says so then ([`Fault::NotBuilt`]), and the rest of the program needs no other form.

#[cfg(not(feature = "tensorflow"))]
#[path = "absent.rs"]
mod binding;
#[cfg(feature = "tensorflow")]
mod binding;
pub mod product;
mod thread;

pub(super) use binding::ensure_loaded;
pub use binding::{Functions, SavedModel, load_library, prepare_library, skipped, version};
pub(super) use thread::{demote_thread, promote_thread};

use super::Fault;
use std::sync::Once;

/// Whether this build has the binding.
pub const IS_BUILT: bool = cfg!(feature = "tensorflow");

/// Says, once, that the twin runs models because there is no library, and how to get one.
pub(super) fn tell_missing(fault: &Fault) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::info!("the Rust twin runs the model, which needs no TensorFlow: {fault}");
    });
}
