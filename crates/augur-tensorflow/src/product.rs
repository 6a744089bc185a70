// SPDX-License-Identifier: GPL-2.0-only
//! Matrix products on whatever device TensorFlow sees: how `scx_augur profile` asks a GPU what it can do.

use std::time::Duration;

pub use super::binding::product::{first_gpu, measure};

/// The CPU, as TensorFlow names it.
pub const CPU: &str = "/device:CPU:0";

/// What products of square f32 matrices took.
#[derive(Clone, Debug, PartialEq)]
pub struct Chains {
    /// One product, once for each repetition: what a chain of several takes longer than one, for each of these. What
    /// starting it and bringing its matrices there takes cancels out.
    pub product: Vec<Duration>,
    /// Bringing two matrices there, and all that a chain takes beside its products.
    pub transfer: Vec<Duration>,
}
