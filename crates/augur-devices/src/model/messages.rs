// SPDX-License-Identifier: GPL-2.0-only
//! The graph network in plain Rust: each device says something about itself and the task that is placed, all hear the mean and
//! the maximum of what was said, twice; then each has a score. The weights are the same for every device, so any number
//! of them in any order will do. The twin of `scores` in `model_dir/trainable/graph`.

use anyhow::{Result, ensure};
use augur_tensorflow::array::Array;
use augur_tensorflow::dense::{add_product, relu};
use rand::RngExt;

/// How often all hear from all.
const ROUNDS: usize = 2;
/// Kernel and bias of the first layer; for itself, for what it hears, and bias of each round; kernel and bias of the last.
const ARRAYS: usize = 2 + 3 * ROUNDS + 2;

/// A network with its weights.
#[derive(Clone, Debug)]
pub struct Messages {
    weights: Vec<Array>,
    /// A row for each device; kept, so that nothing is allocated.
    rows: Vec<f32>,
    next: Vec<f32>,
    heard: Vec<f32>,
    bias: Vec<f32>,
}

/// The first weights for so many numbers that describe a device and the task, and so many hidden units.
pub fn drawn(inputs: usize, hidden: usize, generator: &mut impl RngExt) -> Vec<Array> {
    let mut weights = vec![
        Array::drawn(inputs, hidden, 1.0, generator),
        Array::zeros(&[hidden as u64]),
    ];
    for _ in 0..ROUNDS {
        weights.push(Array::drawn(hidden, hidden, 1.0, generator));
        weights.push(Array::drawn(2 * hidden, hidden, 0.3, generator));
        weights.push(Array::zeros(&[hidden as u64]));
    }
    weights.push(Array::drawn(hidden, 1, 0.1, generator));
    weights.push(Array::zeros(&[1]));
    weights
}

impl Messages {
    /// A network with these weights.
    ///
    /// # Errors
    /// One sentence where they do not fit together.
    pub fn new(weights: Vec<Array>) -> Result<Messages> {
        let size = |at: usize| weights.first().and_then(|array| array.shape.get(at)).copied();
        let (inputs, hidden) = (size(0).unwrap_or_default(), size(1).unwrap_or_default());
        let mut shapes = vec![vec![inputs, hidden], vec![hidden]];
        for _ in 0..ROUNDS {
            shapes.extend([vec![hidden, hidden], vec![2 * hidden, hidden], vec![hidden]]);
        }
        shapes.extend([vec![hidden, 1], vec![1]]);
        let fits = weights.iter().zip(&shapes).all(|(array, shape)| array.is(shape));
        ensure!(
            weights.len() == ARRAYS && fits && inputs > 0 && hidden > 0,
            "the weights of the graph network do not fit together"
        );
        Ok(Messages {
            weights,
            rows: Vec::new(),
            next: Vec::new(),
            heard: Vec::new(),
            bias: Vec::new(),
        })
    }

    /// How many numbers describe a device and the task.
    pub fn inputs(&self) -> usize {
        self.weights[0].shape[0] as usize
    }

    /// The score of each device; `devices` has a row for each, of [`inputs`](Self::inputs) numbers.
    pub fn scores(&mut self, devices: &[f32]) -> &[f32] {
        let hidden = self.weights[1].values.len();
        let count = devices.len() / self.inputs();
        self.rows.clear();
        for device in devices.chunks_exact(self.inputs()) {
            let from = self.rows.len();
            self.rows.extend_from_slice(&self.weights[1].values);
            add_product(device, &self.weights[0].values, &mut self.rows[from..]);
        }
        relu(&mut self.rows);
        for round in 0..ROUNDS {
            let [own, others, bias] = &self.weights[2 + 3 * round..5 + 3 * round] else {
                break;
            };
            hear(&self.rows, hidden, count, &mut self.heard);
            self.bias.clear();
            self.bias.extend_from_slice(&bias.values);
            add_product(&self.heard, &others.values, &mut self.bias);
            self.next.clear();
            for row in self.rows.chunks_exact(hidden) {
                let from = self.next.len();
                self.next.extend_from_slice(&self.bias);
                add_product(row, &own.values, &mut self.next[from..]);
            }
            relu(&mut self.next);
            std::mem::swap(&mut self.rows, &mut self.next);
        }
        let (last, bias) = (
            &self.weights[ARRAYS - 2].values,
            self.weights[ARRAYS - 1].values[0],
        );
        let score = |row: &[f32]| {
            bias + row
                .iter()
                .zip(last)
                .map(|(value, weight)| value * weight)
                .sum::<f32>()
        };
        self.next.clear();
        self.next.extend(self.rows.chunks_exact(hidden).map(score));
        &self.next
    }
}

/// The mean and the maximum of all rows.
fn hear(rows: &[f32], hidden: usize, count: usize, heard: &mut Vec<f32>) {
    heard.clear();
    heard.resize(2 * hidden, 0.0);
    let (mean, most) = heard.split_at_mut(hidden);
    for row in rows.chunks_exact(hidden) {
        for ((mean, most), value) in mean.iter_mut().zip(most.iter_mut()).zip(row) {
            *mean += value;
            // What a ReLU hands on is never below 0.
            *most = most.max(*value);
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= count.max(1) as f32);
}
