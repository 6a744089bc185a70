// SPDX-License-Identifier: GPL-2.0-only
//! SavedModels and what runs them: TensorFlow's C library, through its `binding`, which a build without the feature
//! `tensorflow` lacks. Every call says so then ([`Fault::NotBuilt`]), and the rest of the program needs no other form.
//!
//! ```text
//! fault      why a model decides nothing for now
//! library, trust   where TensorFlow's library is, and who could have put it there
//! array      a network's weights                  dense    layers in plain Rust
//! product    products of matrices on a device     thread   what becomes of one that does not come out of a model
//! ```

#![deny(unreachable_pub)]

pub mod array;
#[cfg(not(feature = "tensorflow"))]
#[path = "absent.rs"]
mod binding;
#[cfg(feature = "tensorflow")]
mod binding;
pub mod dense;
pub mod fault;
#[cfg(feature = "tensorflow")]
pub mod library;
pub mod product;
mod signature;
mod thread;
#[cfg(feature = "tensorflow")]
pub mod trust;

pub use binding::{Functions, SavedModel, ensure_loaded, load_library, prepare_library, skipped, version};
pub use fault::Fault;
pub use signature::Signature;
pub use thread::{demote_thread, promote_thread};

use std::sync::Once;

/// Whether this build has the binding.
pub const IS_BUILT: bool = cfg!(feature = "tensorflow");

/// Says, once, that the twin runs models because there is no library, and how to get one.
pub fn tell_missing(fault: &Fault) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::info!("the Rust twin runs the model, which needs no TensorFlow: {fault}");
    });
}
