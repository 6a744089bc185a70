// SPDX-License-Identifier: GPL-2.0-only
//! A network that is trained here: a SavedModel whose signatures do a step of training and hand all arrays in and out
//! (`python/augur/training/trainable.py`). The graph says how; the arrays, with their shapes, come from here.
//!
//! Arrays are named `w0`, `w1`, … (weights, a kernel and a bias for each layer in turn), `t…` (the target network's), `m…` and
//! `v…` (Adam's moments) and `step` (Adam's count).

use augur_tensorflow::Functions;
use augur_tensorflow::array::{Array, Arrays, Input};
use augur_tensorflow::fault::Fault;
use std::path::Path;

/// A network and all that its training has come to.
#[derive(Debug)]
pub struct Trainable {
    functions: Functions,
    names: Vec<String>,
}

/// All arrays of a training that begins with these weights.
pub fn beginning(weights: &[Array], target: bool) -> Arrays {
    let mut arrays = Arrays::new();
    for (number, weight) in weights.iter().enumerate() {
        arrays.insert(format!("w{number}"), weight.clone());
        if target {
            arrays.insert(format!("t{number}"), weight.clone());
        }
        for moment in ["m", "v"] {
            arrays.insert(format!("{moment}{number}"), Array::zeros(&weight.shape));
        }
    }
    arrays.insert("step".to_owned(), Array::zeros(&[]));
    arrays
}

impl Trainable {
    /// Loads the graph in `directory` and gives it its arrays.
    ///
    /// # Errors
    /// What [`Functions::load`] says, and [`Fault::WrongName`] where the graph is of another kind.
    pub fn load(directory: &Path, arrays: &Arrays) -> Result<Trainable, Fault> {
        let mut trainable = Trainable {
            functions: Functions::load(directory)?,
            names: arrays.keys().cloned().collect(),
        };
        let inputs: Vec<Input<'_>> = arrays
            .iter()
            .map(|(name, array)| Input {
                name,
                shape: &array.shape,
                values: &array.values,
            })
            .collect();
        trainable.functions.call("set_weights", &inputs, &["done"])?;
        Ok(trainable)
    }

    /// All arrays as they are now.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    pub fn arrays(&mut self) -> Result<Arrays, Fault> {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let arrays = self.functions.call("get_weights", &[], &names)?;
        Ok(self.names.iter().cloned().zip(arrays).collect())
    }

    /// The weights alone, in the order of the layers.
    ///
    /// # Errors
    /// [`Fault::Failed`].
    pub fn weights(&mut self) -> Result<Vec<Array>, Fault> {
        let count = self.names.iter().filter(|name| name.starts_with('w')).count();
        let names: Vec<String> = (0..count).map(|number| format!("w{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.functions.call("get_weights", &[], &names)
    }

    /// Calls a signature; the first value of its one output where that is a number.
    ///
    /// # Errors
    /// [`Fault::WrongName`], [`Fault::Failed`].
    pub fn call(&mut self, signature: &str, inputs: &[Input<'_>], output: &str) -> Result<Array, Fault> {
        let mut arrays = self.functions.call(signature, inputs, &[output])?;
        Ok(arrays.pop().unwrap_or_default())
    }

    /// A step of training; its loss.
    ///
    /// # Errors
    /// [`Fault::Failed`], also where the loss is not finite: the weights are of no use then.
    pub fn train(&mut self, signature: &str, inputs: &[Input<'_>]) -> Result<f32, Fault> {
        let loss = self.call(signature, inputs, "loss")?.values.first().copied();
        match loss {
            Some(loss) if loss.is_finite() => Ok(loss),
            _ => Err(Fault::Failed {
                cause: "its loss is not finite any more; train it with a lower learning_rate".into(),
            }),
        }
    }
}
