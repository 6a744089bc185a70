// SPDX-License-Identifier: GPL-2.0-only
//! A SavedModel that is called by its signatures, with arrays of float32 in and out: what a network that is trained here
//! needs.

use super::{TRAINING_CONFIG, bundle, first_line, opened};
use crate::array::{Array, Input};
use crate::fault::Fault;
use std::collections::BTreeMap;
use std::path::Path;
use tensorflow::{DataType, Graph, Operation, SavedModelBundle, SessionRunArgs, SignatureDef, Tensor};

/// All signatures of a SavedModel.
#[derive(Debug)]
pub struct Functions {
    bundle: SavedModelBundle,
    signatures: BTreeMap<String, Signature>,
}

#[derive(Debug)]
struct Signature {
    inputs: Vec<Endpoint>,
    outputs: Vec<Endpoint>,
}

#[derive(Debug)]
struct Endpoint {
    name: String,
    operation: Operation,
    index: i32,
    /// What was fed last; kept, because most calls have the shapes of the one before.
    fed: Tensor<f32>,
}

impl Functions {
    /// Loads the SavedModel in `directory`.
    ///
    /// # Errors
    /// [`Fault::LibraryMissing`], [`Fault::LibraryBroken`], [`Fault::Missing`], [`Fault::Malformed`], [`Fault::WrongType`].
    pub fn load(directory: &Path) -> Result<Functions, Fault> {
        opened(directory, |malformed| {
            let (bundle, graph) =
                bundle(directory, TRAINING_CONFIG).map_err(|status| malformed(status.to_string()))?;
            let mut signatures = BTreeMap::new();
            for (name, signature) in bundle.meta_graph_def().signatures() {
                // TensorFlow's own, for whoever initialises.
                if !name.starts_with("__") {
                    signatures.insert(name.clone(), Signature::of(signature, &graph, malformed)?);
                }
            }
            Ok(Functions { bundle, signatures })
        })
    }

    /// Calls a signature with all of its inputs, and returns these of its outputs, in this order.
    ///
    /// # Errors
    /// [`Fault::WrongName`], or [`Fault::Failed`] with what TensorFlow says.
    pub fn call(
        &mut self,
        signature: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Array>, Fault> {
        let failed = |status: tensorflow::Status| Fault::Failed {
            cause: first_line(&status.to_string()),
        };
        let absent = |what, name: &str| Fault::WrongName {
            what,
            name: name.to_owned(),
        };
        let function = self
            .signatures
            .get_mut(signature)
            .ok_or_else(|| absent("signature", signature))?;
        for input in inputs {
            let endpoint = function.inputs.iter_mut().find(|at| at.name == input.name);
            endpoint.ok_or_else(|| absent("input", input.name))?.feed(input);
        }
        let mut step = SessionRunArgs::new();
        for endpoint in &function.inputs {
            step.add_feed(&endpoint.operation, endpoint.index, &endpoint.fed);
        }
        let mut tokens = Vec::with_capacity(outputs.len());
        for &name in outputs {
            let endpoint = function.outputs.iter().find(|at| at.name == name);
            let endpoint = endpoint.ok_or_else(|| absent("output", name))?;
            tokens.push(step.request_fetch(&endpoint.operation, endpoint.index));
        }
        self.bundle.session.run(&mut step).map_err(failed)?;
        let mut fetch = |token| {
            let tensor = step.fetch::<f32>(token).map_err(failed)?;
            Ok(Array {
                shape: tensor.dims().to_vec(),
                values: tensor.to_vec(),
            })
        };
        tokens.into_iter().map(&mut fetch).collect()
    }
}

impl Signature {
    fn of(
        signature: &SignatureDef,
        graph: &Graph,
        malformed: &dyn Fn(String) -> Fault,
    ) -> Result<Signature, Fault> {
        let ends = |infos: &std::collections::HashMap<String, tensorflow::TensorInfo>, what| {
            let mut ends = Vec::new();
            for (name, info) in infos {
                if info.dtype() != DataType::Float {
                    return Err(Fault::WrongType {
                        what,
                        found: format!("{} in `{name}`", info.dtype()),
                    });
                }
                ends.push(Endpoint {
                    name: name.clone(),
                    operation: graph
                        .operation_by_name_required(&info.name().name)
                        .map_err(|status| malformed(status.to_string()))?,
                    index: info.name().index,
                    fed: Tensor::new(&[0]),
                });
            }
            Ok(ends)
        };
        Ok(Signature {
            inputs: ends(signature.inputs(), "input")?,
            outputs: ends(signature.outputs(), "output")?,
        })
    }
}

impl Endpoint {
    fn feed(&mut self, input: &Input<'_>) {
        if self.fed.dims() != input.shape {
            self.fed = Tensor::new(input.shape);
        }
        self.fed.copy_from_slice(input.values);
    }
}
