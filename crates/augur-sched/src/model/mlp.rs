// SPDX-License-Identifier: GPL-2.0-only
//! The network in plain Rust, from the manifest's weights: the twin that TensorFlow's answers are compared with,
//! and the faster of the two for a handful of rows.

use super::Predictor;
use super::contract::FeatureRow;
use super::manifest::{Activation, Layer, MANIFEST_FILE, Manifest, Normaliser};
use augur_tensorflow::dense::add_product;
use augur_tensorflow::fault::Fault;

/// A small dense network in float32.
#[derive(Clone, Debug)]
pub struct Mlp {
    name: String,
    threshold: f32,
    steal_threshold: f32,
    normaliser: Normaliser,
    layers: Vec<Dense>,
    /// A layer's input and output; kept, so that scoring allocates nothing.
    input: Vec<f32>,
    output: Vec<f32>,
}

/// One layer; `kernel[input * outputs + output]`, so that one input is added to all outputs in one sweep.
#[derive(Clone, Debug)]
struct Dense {
    kernel: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Mlp {
    /// The twin of the manifest's model; `None` where the manifest has no weights.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for a normalisation that cannot be used.
    pub fn from_manifest(manifest: &Manifest) -> Result<Option<Self>, Fault> {
        let Some(layers) = &manifest.weights else {
            return Ok(None);
        };
        let normaliser = Normaliser::new(&manifest.normalisation).map_err(|cause| Fault::Malformed {
            path: MANIFEST_FILE.into(),
            cause,
        })?;
        Ok(Some(Self {
            name: manifest.name.clone(),
            threshold: manifest.threshold,
            steal_threshold: manifest.steal_threshold(),
            normaliser,
            layers: layers.iter().map(Dense::new).collect(),
            input: Vec::new(),
            output: Vec::new(),
        }))
    }

    /// One row's score.
    pub fn score_row(&mut self, row: &FeatureRow) -> f32 {
        self.input.clear();
        self.input.extend_from_slice(&self.normaliser.normalised(row));
        for layer in &self.layers {
            layer.forward(&self.input, &mut self.output);
            std::mem::swap(&mut self.input, &mut self.output);
        }
        self.input.first().copied().unwrap_or(f32::NAN)
    }
}

impl Predictor for Mlp {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        scores.clear();
        scores.extend(rows.iter().map(|row| self.score_row(row)));
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn threshold(&self) -> f32 {
        self.threshold
    }

    fn steal_threshold(&self) -> f32 {
        self.steal_threshold
    }
}

impl Dense {
    fn new(layer: &Layer) -> Self {
        let kernel = layer.kernel.iter().flatten().copied().collect();
        Self {
            kernel,
            bias: layer.bias.clone(),
            activation: layer.activation,
        }
    }

    fn forward(&self, input: &[f32], output: &mut Vec<f32>) {
        output.clear();
        output.extend_from_slice(&self.bias);
        add_product(input, &self.kernel, output);
        output.iter_mut().for_each(|sum| *sum = self.activation.of(*sum));
    }
}

impl Activation {
    fn of(self, sum: f32) -> f32 {
        match self {
            // Not `max`, which would turn a NaN into a harmless 0.
            Self::Relu => {
                if sum < 0.0 {
                    0.0
                } else {
                    sum
                }
            }
            Self::Tanh => sum.tanh(),
            Self::Sigmoid => 1.0 / (1.0 + (-sum).exp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;
    use crate::model::manifest::tests::right;
    use serde_json::json;

    fn twin(layers: serde_json::Value) -> Mlp {
        let mut manifest = right();
        manifest["weights"] = layers;
        manifest["normalisation"] =
            json!({"mean": vec![0.0; FEATURE_COUNT], "std": vec![1.0; FEATURE_COUNT], "clip": 8.0});
        Mlp::from_manifest(&serde_json::from_value(manifest).unwrap())
            .unwrap()
            .unwrap()
    }

    #[test]
    fn a_network_worked_out_by_hand() {
        // Two hidden units: the sum of all features, and its negative (cut to 0 by the ReLU).
        let mut mlp = twin(json!([
            {"kernel": vec![[1.0, -1.0]; FEATURE_COUNT], "bias": [0.0, 0.0], "activation": "relu"},
            {"kernel": [[0.1], [100.0]], "bias": [-1.0], "activation": "sigmoid"},
        ]));
        let mut scores = vec![9.0];
        mlp.score(&[[1.0; FEATURE_COUNT], [0.5; FEATURE_COUNT]], &mut scores)
            .unwrap();
        assert_eq!(scores.len(), 2);
        assert!(
            (scores[0] - 1.0 / (1.0 + (-1.0f32).exp())).abs() < 1e-6,
            "{scores:?}"
        );
        assert!((scores[1] - 0.5).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn a_nan_feature_is_not_hidden() {
        let mut mlp = twin(json!([
            {"kernel": vec![[1.0, -1.0]; FEATURE_COUNT], "bias": [0.0, 0.0], "activation": "relu"},
            {"kernel": [[0.1], [1.0]], "bias": [0.0], "activation": "sigmoid"},
        ]));
        assert!(mlp.score_row(&[f32::NAN; FEATURE_COUNT]).is_nan());
    }
}
