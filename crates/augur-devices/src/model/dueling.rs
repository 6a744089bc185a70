// SPDX-License-Identifier: GPL-2.0-only
//! The dueling network in plain Rust: two hidden layers, then a value and an advantage for each action, Q = V + A − mean A
//! (Wang et al. 2016). The twin of `q_values` in `model_dir/trainable/dqn`, and faster for one state.

use anyhow::{Context, Result, ensure};
use augur_tensorflow::array::Array;
use augur_tensorflow::dense::{layer, relu};
use rand::RngExt;

/// A network with its weights.
#[derive(Clone, Debug)]
pub struct Dueling {
    /// Kernel and bias of each of three layers.
    weights: [Array; 6],
    /// What a layer hands on; kept, so that nothing is allocated.
    input: Vec<f32>,
    output: Vec<f32>,
}

/// The first weights of a network with so many inputs, hidden units in both layers, and actions.
pub fn drawn(inputs: usize, hidden: usize, actions: usize, generator: &mut impl RngExt) -> Vec<Array> {
    let bias = |size: usize| Array::zeros(&[size as u64]);
    vec![
        Array::drawn(inputs, hidden, 1.0, generator),
        bias(hidden),
        Array::drawn(hidden, hidden, 1.0, generator),
        bias(hidden),
        // Nearly 0 at first: what is not known yet must not look like much.
        Array::drawn(hidden, 1 + actions, 0.01, generator),
        bias(1 + actions),
    ]
}

impl Dueling {
    /// A network with these weights.
    ///
    /// # Errors
    /// One sentence where they do not fit together.
    pub fn new(weights: Vec<Array>) -> Result<Dueling> {
        let weights: [Array; 6] = weights
            .try_into()
            .ok()
            .context("a dueling network has six arrays")?;
        let [first, _, second, _, last, _] = &weights;
        let width = |array: &Array| array.shape.get(1).copied().unwrap_or_default();
        let inputs = first.shape.first().copied().unwrap_or_default();
        let (one, two, outputs) = (width(first), width(second), width(last));
        let shapes: [&[u64]; 6] = [
            &[inputs, one],
            &[one],
            &[one, two],
            &[two],
            &[two, outputs],
            &[outputs],
        ];
        let fits = weights.iter().zip(shapes).all(|(array, shape)| array.is(shape));
        ensure!(
            fits && inputs > 0 && outputs > 1,
            "the weights of the dueling network do not fit together"
        );
        Ok(Dueling {
            weights,
            input: Vec::new(),
            output: Vec::new(),
        })
    }

    /// How many numbers describe a state.
    pub fn inputs(&self) -> usize {
        self.weights[0].shape[0] as usize
    }

    /// How many actions there are.
    pub fn actions(&self) -> usize {
        self.weights[5].values.len() - 1
    }

    /// The value of each action in a state.
    pub fn values(&mut self, state: &[f32]) -> &[f32] {
        let [first, first_bias, second, second_bias, last, last_bias] = &self.weights;
        layer(state, &first.values, &first_bias.values, &mut self.input);
        relu(&mut self.input);
        layer(&self.input, &second.values, &second_bias.values, &mut self.output);
        relu(&mut self.output);
        layer(&self.output, &last.values, &last_bias.values, &mut self.input);
        let value = self.input[0];
        let advantages = &self.input[1..];
        let mean = advantages.iter().sum::<f32>() / advantages.len() as f32;
        self.output.clear();
        self.output
            .extend(advantages.iter().map(|advantage| value + advantage - mean));
        &self.output
    }
}
