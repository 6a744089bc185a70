// SPDX-License-Identifier: GPL-2.0-only
//! Arrays of float32 by name: the weights of a network that is trained here, how they begin, and what its signatures are given.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An array in row-major order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// How many along each axis; empty for a number.
    pub shape: Vec<u64>,
    /// As many as the shape says.
    pub values: Vec<f32>,
}

/// An argument of a call: the name that the signature gives it, its shape, its values.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// As in the signature.
    pub name: &'a str,
    /// Of the array; empty for a number.
    pub shape: &'a [u64],
    /// In row-major order.
    pub values: &'a [f32],
}

/// Arrays by the names that the network's signatures give them.
pub type Arrays = BTreeMap<String, Array>;

impl Array {
    /// Zeros of this shape.
    pub fn zeros(shape: &[u64]) -> Array {
        Array {
            shape: shape.to_vec(),
            values: vec![0.0; shape.iter().product::<u64>() as usize],
        }
    }

    /// A layer's first weights, evenly within ±√(6 / inputs) (He et al. 2015, for ReLU), times `gain`.
    pub fn drawn(inputs: usize, outputs: usize, gain: f32, generator: &mut impl RngExt) -> Array {
        let bound = gain * (6.0 / inputs as f32).sqrt();
        let draw = |_| bound * (2.0 * generator.random::<f32>() - 1.0);
        Array {
            shape: vec![inputs as u64, outputs as u64],
            values: (0..inputs * outputs).map(draw).collect(),
        }
    }

    /// Whether there are as many values as the shape says, all of them finite, and the shape is this one.
    pub fn is(&self, shape: &[u64]) -> bool {
        self.shape == shape
            && self.values.len() as u64 == shape.iter().product::<u64>()
            && self.values.iter().all(|value| value.is_finite())
    }
}
