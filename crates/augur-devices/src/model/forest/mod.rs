// SPDX-License-Identifier: GPL-2.0-only
//! Forests: many trees that were grown on rows with labels, and predict the label of another row. Grown by smartcore,
//! asked in a layout of our own, for a scheduler asks one row at a time and cannot wait.

mod layout;

use anyhow::{Context, Result, ensure};
use layout::Layout;
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

/// The most features of a row.
pub const MOST_FEATURES: usize = 8;

/// Which kind of forest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Trees on samples of the rows, each as good as the other; their mean (Breiman, Machine Learning 45, 2001).
    #[default]
    RandomForest,
    /// Each tree corrects those before it (Chen, Guestrin, "XGBoost", KDD 2016).
    GradientBoosting,
}

/// How a forest grows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Which kind.
    #[serde(rename = "model")]
    pub kind: Kind,
    /// How many trees.
    pub trees: usize,
    /// How often a way through a tree branches at most; boosting takes at most 6, as is usual.
    pub depth: usize,
    /// Rows in a leaf, at least.
    pub min_samples_leaf: usize,
    /// How much of each correction boosting takes.
    pub learning_rate: f64,
    /// Of all draws.
    pub seed: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            kind: Kind::default(),
            trees: 100,
            depth: 15,
            min_samples_leaf: 1,
            learning_rate: 0.3,
            seed: 1,
        }
    }
}

/// The features of one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    values: [f64; MOST_FEATURES],
    count: usize,
}

impl Row {
    /// A row of these features; those beyond the most that there can be are left out.
    pub fn of(features: &[f64]) -> Row {
        let mut row = Row {
            count: features.len().min(MOST_FEATURES),
            ..Row::default()
        };
        for (value, feature) in row.values.iter_mut().zip(features) {
            *value = *feature;
        }
        row
    }

    /// The features.
    pub fn as_slice(&self) -> &[f64] {
        &self.values[..self.count]
    }
}

/// A forest that was grown. As a file it is JSON: read again, it predicts the same bit by bit.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Forest {
    mean: [f64; MOST_FEATURES],
    /// 1 / standard deviation.
    scale: [f64; MOST_FEATURES],
    layout: Layout,
}

impl Forest {
    /// A forest as it was written.
    ///
    /// # Errors
    /// One sentence where that is not a forest.
    pub fn from_json(text: &str) -> Result<Forest> {
        let forest: Forest = serde_json::from_str(text).context("it is not a forest")?;
        let finite = forest
            .mean
            .iter()
            .chain(&forest.scale)
            .all(|value| value.is_finite());
        ensure!(finite && forest.layout.is_whole(), "it is a damaged forest");
        Ok(forest)
    }

    /// Grows a forest on rows, which are standardised first, and their labels. The same input gives the same forest.
    ///
    /// # Errors
    /// One sentence: no rows, rows of unequal length, something that is not finite.
    pub fn fit(rows: &[Row], labels: &[f64], parameters: &Parameters) -> Result<Forest> {
        let count = rows.first().map_or(0, |row| row.count);
        ensure!(!rows.is_empty() && count > 0, "a forest needs rows to grow on");
        ensure!(rows.len() == labels.len(), "a forest needs a label for each row");
        ensure!(
            rows.iter().all(|row| row.count == count),
            "a forest needs rows of one length"
        );
        let finite = rows
            .iter()
            .flat_map(Row::as_slice)
            .chain(labels)
            .all(|value| value.is_finite());
        ensure!(finite, "a forest needs finite features and labels");
        let mut forest = Forest {
            layout: Layout::default(),
            ..standard(rows)
        };
        // Grown on what it will be asked: values of 32 bits.
        let standardised = rows.iter().flat_map(|row| {
            let values = forest.standardise(row);
            values
                .into_iter()
                .take(count)
                .map(f64::from)
                .collect::<Vec<f64>>()
        });
        let matrix = DenseMatrix::new(rows.len(), count, standardised.collect(), false)?;
        let labels = labels.to_vec();
        forest.layout = match parameters.kind {
            Kind::RandomForest => bagged(&matrix, &labels, count, parameters)?,
            Kind::GradientBoosting => boosted(&matrix, &labels, parameters)?,
        };
        Ok(forest)
    }

    /// The label that it predicts.
    pub fn predict(&self, row: &Row) -> f64 {
        self.layout.predict(&self.standardise(row))
    }

    fn standardise(&self, row: &Row) -> [f32; MOST_FEATURES] {
        std::array::from_fn(|at| ((row.values[at] - self.mean[at]) * self.scale[at]) as f32)
    }
}

/// Mean and scale of each feature; a feature that never varies is 0.
fn standard(rows: &[Row]) -> Forest {
    let count = rows.len() as f64;
    let mean: [f64; MOST_FEATURES] =
        std::array::from_fn(|at| rows.iter().map(|row| row.values[at]).sum::<f64>() / count);
    let scale = std::array::from_fn(|at| {
        let variance = rows
            .iter()
            .map(|row| (row.values[at] - mean[at]).powi(2))
            .sum::<f64>()
            / count;
        if variance > 0.0 {
            1.0 / variance.sqrt()
        } else {
            0.0
        }
    });
    Forest {
        mean,
        scale,
        layout: Layout::default(),
    }
}

fn bagged(
    matrix: &DenseMatrix<f64>,
    labels: &Vec<f64>,
    features: usize,
    parameters: &Parameters,
) -> Result<Layout> {
    let mut settings = RandomForestRegressorParameters::default()
        // smartcore counts the root as depth 1.
        .with_max_depth(u16::try_from(parameters.depth + 1)?)
        .with_n_trees(parameters.trees)
        .with_min_samples_leaf(parameters.min_samples_leaf)
        .with_m(features);
    settings.seed = parameters.seed;
    let grown = RandomForestRegressor::fit(matrix, labels, settings).context("the forest does not grow")?;
    Layout::of_bagged(&grown)
}

fn boosted(matrix: &DenseMatrix<f64>, labels: &Vec<f64>, parameters: &Parameters) -> Result<Layout> {
    const USUAL_DEPTH: usize = 6;
    let settings = XGRegressorParameters::default()
        .with_n_estimators(parameters.trees)
        .with_max_depth(u16::try_from(parameters.depth.min(USUAL_DEPTH))?)
        .with_min_child_weight(parameters.min_samples_leaf)
        .with_learning_rate(parameters.learning_rate)
        .with_seed(parameters.seed);
    let grown = XGRegressor::fit(matrix, labels, settings).context("the forest does not grow")?;
    Layout::of_boosted(&grown)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a curved surface, always the same.
    fn surface(count: usize) -> (Vec<Row>, Vec<f64>) {
        let at = |n: usize, step: f64| (n as f64 * step).fract();
        let rows: Vec<Row> = (0..count)
            .map(|n| Row::of(&[100.0 * at(n, 0.618_034), at(n, 0.414_214), 7.0]))
            .collect();
        let label = |row: &Row| row.values[0] / 100.0 * row.values[1] + f64::from(row.values[1] > 0.5);
        let labels = rows.iter().map(label).collect();
        (rows, labels)
    }

    fn matrix(forest: &Forest, rows: &[Row]) -> DenseMatrix<f64> {
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| forest.standardise(row)[..3].iter().map(|&x| x.into()).collect())
            .collect();
        DenseMatrix::from_2d_vec(&rows).unwrap()
    }

    #[test]
    fn the_layout_says_what_smartcore_says() {
        let (rows, labels) = surface(300);
        let (others, _) = surface(900);
        let parameters = Parameters {
            trees: 21,
            ..Parameters::default()
        };
        let forest = Forest::fit(&rows, &labels, &parameters).unwrap();
        let settings = RandomForestRegressorParameters::default()
            .with_max_depth(16)
            .with_n_trees(21)
            .with_m(3)
            .with_seed(1);
        let bagged = RandomForestRegressor::fit(&matrix(&forest, &rows), &labels, settings).unwrap();
        let wanted: Vec<f64> = bagged.predict(&matrix(&forest, &others)).unwrap();
        let differs = |forest: &Forest, wanted: &[f64]| {
            others
                .iter()
                .zip(wanted)
                .filter(|(row, wanted)| (forest.predict(row) - **wanted).abs() > 1e-5)
                .count()
        };
        assert_eq!(differs(&forest, &wanted), 0);
        let boosting = Parameters {
            kind: Kind::GradientBoosting,
            ..parameters
        };
        let forest = Forest::fit(&rows, &labels, &boosting).unwrap();
        let settings = XGRegressorParameters::default()
            .with_n_estimators(21)
            .with_max_depth(6)
            .with_learning_rate(0.3)
            .with_seed(1);
        let boosted = XGRegressor::fit(&matrix(&forest, &rows), &labels, settings).unwrap();
        assert_eq!(
            differs(&forest, &boosted.predict(&matrix(&forest, &others)).unwrap()),
            0
        );
    }

    #[test]
    fn the_same_rows_give_the_same_forest_and_bad_rows_none() {
        let (rows, labels) = surface(100);
        let fit = |seed: u64| {
            Forest::fit(
                &rows,
                &labels,
                &Parameters {
                    seed,
                    trees: 8,
                    ..Parameters::default()
                },
            )
            .unwrap()
        };
        let probe = Row::of(&[31.0, 0.7, 7.0]);
        assert_eq!(fit(1).predict(&probe), fit(1).predict(&probe));
        assert_ne!(fit(1).predict(&probe), fit(2).predict(&probe));
        assert!(Forest::fit(&[], &[], &Parameters::default()).is_err());
        assert!(Forest::fit(&rows, &labels[1..], &Parameters::default()).is_err());
        assert!(Forest::fit(&rows, &vec![f64::NAN; 100], &Parameters::default()).is_err());
    }
}
