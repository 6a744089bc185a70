// SPDX-License-Identifier: GPL-2.0-only
//! `manifest.json`: what a model directory says about itself, checked against what this program computes.
//!
//! A model that is not for this program must never score a row: each column would silently mean something else.

use super::contract::{CONTRACT_VERSION, FEATURE_COUNT, FEATURES, FeatureRow};
pub use augur_tensorflow::Signature;
use augur_tensorflow::fault::Fault;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// The manifest's name in a model directory.
pub const MANIFEST_FILE: &str = "manifest.json";

/// A larger manifest is refused unread.
const MANIFEST_LIMIT_BYTES: u64 = 64 << 20;
/// A wider layer is refused; it would be far too slow anyway.
const WIDTH_LIMIT: usize = 4096;

/// What a model directory says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`CONTRACT_VERSION`] of the features that it was trained on.
    pub contract_version: u32,
    /// For logs and tables.
    pub name: String,
    /// The input columns, in order.
    pub features: Vec<String>,
    /// Always `float32`.
    pub dtype: String,
    /// A candidate is accepted when its score is at least this; `0..=1`.
    pub threshold: f32,
    /// The same for the question whether a domain may steal from another; absent: `threshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steal_threshold: Option<f32>,
    /// Names inside the SavedModel.
    pub signature: Signature,
    /// What it was trained on, and how.
    pub trained_on: TrainedOn,
    /// How good it is on rows that it never saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
    /// What the graph does to a raw row first.
    pub normalisation: Normalisation,
    /// When rows are too far from the training; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftLimits>,
    /// The network's layers, where the model is a plain network; for its twin in Rust.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<Layer>>,
    /// Keys that other parts of the program read, or none does.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Where a model comes from, in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The command or method.
    pub how: String,
    /// What a label of 1 means.
    pub label: String,
    /// Files, rows and the like.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Quality on held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean of the two classes' recalls, `0..=1`.
    pub balanced_accuracy: f64,
    /// Mean squared error of the probability, `0..=1`.
    pub brier: f64,
    /// Expected calibration error, `0..=1`.
    pub ece: f64,
    /// Rows, calibration table and the like.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// How a raw row becomes the network's input: logarithm where named, then `(x − mean) / std`, then cut to ±`clip`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Features of which `ln(1 + max(x, 0))` is taken.
    #[serde(default)]
    pub log1p: Vec<String>,
    /// One for each feature.
    pub mean: Vec<f32>,
    /// One for each feature, above 0.
    pub std: Vec<f32>,
    /// Above 0.
    pub clip: f32,
}

/// When rows are too far from the training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriftLimits {
    /// A row is far when one of its normalised features is beyond ± this.
    pub limit_z: f32,
    /// More than this share of far rows is drift; `0..=1`.
    pub max_share: f32,
}

/// One layer of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// `kernel[input][output]`.
    pub kernel: Vec<Vec<f32>>,
    /// One for each output.
    pub bias: Vec<f32>,
    /// What follows the sum.
    pub activation: Activation,
}

/// What follows a layer's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `max(x, 0)`
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^−x)`
    Sigmoid,
}

impl Manifest {
    /// One domain may steal from another when the score of that question is at least this.
    pub fn steal_threshold(&self) -> f32 {
        self.steal_threshold.unwrap_or(self.threshold)
    }

    /// Reads and checks the manifest of a model directory.
    ///
    /// # Errors
    /// [`Fault::Missing`], [`Fault::Malformed`], [`Fault::Contract`], [`Fault::WrongType`].
    pub fn read(directory: &Path) -> Result<Self, Fault> {
        let path = directory.join(MANIFEST_FILE);
        let missing = |err: std::io::Error| Fault::Missing {
            path: path.clone(),
            cause: err.to_string(),
        };
        let length = std::fs::metadata(&path).map_err(missing)?.len();
        if length > MANIFEST_LIMIT_BYTES {
            return Err(Fault::Malformed {
                path,
                cause: format!("{length} bytes are too many"),
            });
        }
        let text = std::fs::read_to_string(&path).map_err(missing)?;
        Self::parse(&text, path)
    }

    /// Reads and checks a manifest's text; `path` is for the error.
    ///
    /// # Errors
    /// [`Fault::Malformed`], [`Fault::Contract`], [`Fault::WrongType`].
    pub fn parse(text: &str, path: PathBuf) -> Result<Self, Fault> {
        let manifest: Self = serde_json::from_str(text).map_err(|err| Fault::Malformed {
            path: path.clone(),
            cause: err.to_string(),
        })?;
        manifest.check(path)?;
        Ok(manifest)
    }

    /// Checks all of it; `path` is for the error.
    fn check(&self, path: PathBuf) -> Result<(), Fault> {
        if let Err(cause) = self.check_contract() {
            return Err(Fault::Contract { path, cause });
        }
        if self.dtype != "float32" {
            return Err(Fault::WrongType {
                what: "input",
                found: self.dtype.clone(),
            });
        }
        let checked = self
            .check_numbers()
            .and_then(|()| self.weights.as_deref().map_or(Ok(()), check_layers));
        checked.map_err(|cause| Fault::Malformed { path, cause })
    }

    fn check_contract(&self) -> Result<(), String> {
        if self.contract_version != CONTRACT_VERSION {
            return Err(format!(
                "contract version {}, not {CONTRACT_VERSION}",
                self.contract_version
            ));
        }
        if self.features.len() != FEATURE_COUNT {
            return Err(format!("{} features, not {FEATURE_COUNT}", self.features.len()));
        }
        match self.features.iter().zip(FEATURES).position(|(a, b)| a != b) {
            Some(at) => Err(format!(
                "feature {at} is `{}`, not `{}`",
                self.features[at], FEATURES[at]
            )),
            None => Ok(()),
        }
    }

    fn check_numbers(&self) -> Result<(), String> {
        let thresholds = [
            ("threshold", Some(self.threshold)),
            ("steal_threshold", self.steal_threshold),
        ];
        for (name, threshold) in thresholds {
            if let Some(threshold) = threshold
                && !(0.0..=1.0).contains(&threshold)
            {
                return Err(format!("{name} {threshold} is outside 0..=1"));
            }
        }
        if let Some(limits) = self.drift
            && !(limits.limit_z > 0.0 && (0.0..=1.0).contains(&limits.max_share))
        {
            return Err("drift needs limit_z above 0 and max_share in 0..=1".into());
        }
        Normaliser::new(&self.normalisation).map(drop)
    }
}

/// The layers must follow each other, from the features to one probability.
fn check_layers(layers: &[Layer]) -> Result<(), String> {
    let mut width = FEATURE_COUNT;
    for (number, layer) in layers.iter().enumerate() {
        let outputs = layer.bias.len();
        if layer.kernel.len() != width || layer.kernel.iter().any(|row| row.len() != outputs) {
            return Err(format!(
                "weights of layer {number} are not {width} rows of {outputs}"
            ));
        }
        if !(1..=WIDTH_LIMIT).contains(&outputs) {
            return Err(format!(
                "layer {number} has {outputs} outputs, not 1 to {WIDTH_LIMIT}"
            ));
        }
        if layer
            .kernel
            .iter()
            .flatten()
            .chain(&layer.bias)
            .any(|weight| !weight.is_finite())
        {
            return Err(format!("a weight of layer {number} is not finite"));
        }
        width = outputs;
    }
    match layers.last() {
        Some(layer) if width == 1 && layer.activation == Activation::Sigmoid => Ok(()),
        _ => Err("the last layer is not one sigmoid".into()),
    }
}

/// [`Normalisation`], ready for use.
#[derive(Clone, Debug)]
pub struct Normaliser {
    logarithm: [bool; FEATURE_COUNT],
    mean: FeatureRow,
    std: FeatureRow,
    clip: f32,
}

impl Normaliser {
    /// Checks and prepares.
    ///
    /// # Errors
    /// What is wrong with the normalisation, as part of a sentence.
    pub fn new(from: &Normalisation) -> Result<Self, String> {
        let column = |name: &str, values: &[f32]| {
            FeatureRow::try_from(values).map_err(|_| {
                format!(
                    "normalisation has {} of {name}, not {FEATURE_COUNT}",
                    values.len()
                )
            })
        };
        let (mean, std) = (column("mean", &from.mean)?, column("std", &from.std)?);
        if mean.iter().any(|value| !value.is_finite())
            || std.iter().any(|value| !(*value > 0.0 && value.is_finite()))
        {
            return Err("normalisation needs finite mean and std above 0".into());
        }
        if from.clip.is_nan() || from.clip <= 0.0 {
            return Err(format!("normalisation needs a clip above 0, not {}", from.clip));
        }
        let mut logarithm = [false; FEATURE_COUNT];
        for name in &from.log1p {
            match FEATURES.iter().position(|feature| feature == name) {
                Some(at) => logarithm[at] = true,
                None => return Err(format!("log1p names `{name}`, which is no feature")),
            }
        }
        Ok(Self {
            logarithm,
            mean,
            std,
            clip: from.clip,
        })
    }

    /// The row in standard deviations from the training's mean, not cut.
    pub fn standardised(&self, row: &FeatureRow) -> FeatureRow {
        std::array::from_fn(|at| {
            let value = if self.logarithm[at] {
                row[at].max(0.0).ln_1p()
            } else {
                row[at]
            };
            (value - self.mean[at]) / self.std[at]
        })
    }

    /// The row as the network's first layer gets it.
    pub fn normalised(&self, row: &FeatureRow) -> FeatureRow {
        self.standardised(row)
            .map(|value| value.clamp(-self.clip, self.clip))
    }

    /// The raw row that lies so many standard deviations from the training's mean.
    pub fn raw(&self, z: &FeatureRow) -> FeatureRow {
        std::array::from_fn(|at| {
            let value = z[at] * self.std[at] + self.mean[at];
            if self.logarithm[at] {
                value.max(0.0).exp_m1()
            } else {
                value
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A manifest that is right, as JSON.
    pub(crate) fn right() -> Value {
        json!({
            "contract_version": CONTRACT_VERSION, "name": "test", "features": FEATURES, "dtype": "float32",
            "threshold": 0.5, "steal_threshold": 0.25,
            "signature": {"name": "serving_default", "input": "features", "output": "score"},
            "trained_on": {"how": "by hand", "label": "none", "rows": 3},
            "normalisation": {"log1p": ["avg_run_us"], "mean": vec![0.5; FEATURE_COUNT], "std": vec![2.0; FEATURE_COUNT],
                              "clip": 8.0},
            "drift": {"limit_z": 6.0, "max_share": 0.2},
            "weights": [{"kernel": vec![[0.5]; FEATURE_COUNT], "bias": [0.0], "activation": "sigmoid"}],
        })
    }

    fn read(text: &str) -> Result<Manifest, Fault> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(MANIFEST_FILE), text).unwrap();
        Manifest::read(directory.path())
    }

    /// One change must give this label, and a sentence with this in it.
    #[track_caller]
    fn refused(key: &str, value: Value, label: &str, says: &str) {
        let mut manifest = right();
        *manifest.pointer_mut(key).unwrap() = value;
        let fault = read(&manifest.to_string()).unwrap_err();
        assert_eq!(fault.label(), label, "{fault}");
        assert!(fault.to_string().contains(says), "{fault}");
    }

    #[test]
    fn a_right_manifest_is_read_and_written_without_loss() {
        let manifest = read(&right().to_string()).unwrap();
        assert_eq!(manifest.trained_on.rest["rows"], 3);
        let again = read(&serde_json::to_string(&manifest).unwrap()).unwrap();
        assert_eq!(manifest, again);
    }

    #[test]
    fn each_wrong_field_is_refused_in_one_sentence() {
        refused(
            "/contract_version",
            json!(CONTRACT_VERSION + 1),
            "contract",
            "contract version",
        );
        refused(
            "/features/3",
            json!("load"),
            "contract",
            "feature 3 is `load`, not `src_load`",
        );
        refused("/features", json!(["cpu_util"]), "contract", "1 features");
        refused("/dtype", json!("float64"), "wrong_type", "float64");
        refused("/threshold", json!(1.5), "malformed", "threshold 1.5");
        refused(
            "/steal_threshold",
            json!(-0.5),
            "malformed",
            "steal_threshold -0.5",
        );
        refused("/normalisation/mean", json!([0.0]), "malformed", "1 of mean");
        refused("/normalisation/std/4", json!(0.0), "malformed", "std above 0");
        refused("/normalisation/clip", json!(0.0), "malformed", "clip above 0");
        refused(
            "/normalisation/log1p",
            json!(["x"]),
            "malformed",
            "`x`, which is no feature",
        );
        refused("/drift/limit_z", json!(0.0), "malformed", "limit_z");
        refused("/weights/0/bias", json!([0.0, 0.0]), "malformed", "layer 0");
        refused("/weights/0/activation", json!("relu"), "malformed", "one sigmoid");
        refused("/weights/0/activation", json!("softmax"), "malformed", "softmax");
        refused("/weights", json!([]), "malformed", "one sigmoid");
        refused(
            "/signature",
            json!("serving_default"),
            "malformed",
            "manifest.json",
        );
    }

    #[test]
    fn a_missing_or_damaged_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Manifest::read(directory.path()).unwrap_err().label(), "missing");
        assert_eq!(read("{").unwrap_err().label(), "malformed");
    }

    #[test]
    fn raw_undoes_standardised() {
        let norm = Normaliser::new(&read(&right().to_string()).unwrap().normalisation).unwrap();
        let z: FeatureRow = std::array::from_fn(|at| at as f32 / 10.0);
        let back = norm.standardised(&norm.raw(&z));
        assert!(z.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-4), "{back:?}");
        assert_eq!(norm.normalised(&[1e9; FEATURE_COUNT])[0], 8.0);
    }
}
