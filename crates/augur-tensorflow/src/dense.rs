// SPDX-License-Identifier: GPL-2.0-only
//! Dense layers in plain Rust, for a row at a time.

/// Adds `input` · `kernel` to `output`; `kernel[input * outputs + output]`, so that one input is added to all outputs in one
/// sweep.
pub fn add_product(input: &[f32], kernel: &[f32], output: &mut [f32]) {
    for (value, weights) in input.iter().zip(kernel.chunks_exact(output.len())) {
        // About half of what a ReLU layer hands on is zero.
        if *value != 0.0 {
            output
                .iter_mut()
                .zip(weights)
                .for_each(|(sum, weight)| *sum += value * weight);
        }
    }
}

/// Cuts what is negative to 0. Not by `max`, which would turn a NaN into a harmless 0.
pub fn relu(values: &mut [f32]) {
    for value in values {
        if *value < 0.0 {
            *value = 0.0;
        }
    }
}

/// A layer of its own: `output` becomes bias + `input` · `kernel`.
pub fn layer(input: &[f32], kernel: &[f32], bias: &[f32], output: &mut Vec<f32>) {
    output.clear();
    output.extend_from_slice(bias);
    add_product(input, kernel, output);
}
