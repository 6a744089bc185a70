// SPDX-License-Identifier: GPL-2.0-only
//! The products themselves.

use super::{ensure_loaded, first_line};
use crate::Fault;
use crate::product::Chains;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tensorflow::{DataType, Graph, Operation, Session, SessionOptions, SessionRunArgs, Status, Tensor};

/// How far a sum of rounded values may be from the true one, as a share of it.
const ROUNDING: f32 = 1e-2;

/// The name of the first GPU that TensorFlow sees, if it sees one.
///
/// # Errors
/// Where TensorFlow cannot be loaded or does not answer.
pub fn first_gpu() -> Result<Option<String>, Fault> {
    guarded(|| {
        let session = Session::new(&SessionOptions::new(), &Graph::new())?;
        let devices = session.device_list()?;
        let gpu = devices.into_iter().find(|device| device.device_type == "GPU");
        Ok(gpu.map(|gpu| gpu.name))
    })
}

/// Multiplies matrices of `size` rows on a device, `repeats` times, in chains of `length` beside chains of one.
///
/// # Errors
/// Where TensorFlow cannot be loaded, has no such device, or the products are wrong.
pub fn measure(device: &str, size: usize, length: u32, repeats: u32) -> Result<Chains, Fault> {
    let wrong = Fault::Failed {
        cause: format!("{device} multiplies matrices of {size} rows to something else than their product"),
    };
    let chains = guarded(|| {
        let mut graph = Graph::new();
        let one = Chain::new(&mut graph, device, 1)?;
        let several = Chain::new(&mut graph, device, length.max(1) + 1)?;
        let session = Session::new(&SessionOptions::new(), &graph)?;
        // Each row of all matrices adds up to 1, and so does each row of their product.
        let mut matrix = Tensor::new(&[size as u64, size as u64]);
        matrix.fill(1.0 / size as f32);
        // Warm: memory and kernels.
        let mut sum = several.run(&session, &matrix)?.0;
        let (mut product, mut transfer) = (Vec::new(), Vec::new());
        for _ in 0..repeats {
            let (other, short) = one.run(&session, &matrix)?;
            let (_, long) = several.run(&session, &matrix)?;
            let each = long.saturating_sub(short) / length.max(1);
            product.push(each);
            transfer.push(short.saturating_sub(each));
            sum = sum.max(other);
        }
        let right = (sum / size as f32 - 1.0).abs() < ROUNDING;
        Ok(right.then_some(Chains { product, transfer }))
    })?;
    chains.ok_or(wrong)
}

/// A matrix times another, so many times.
struct Chain {
    input: Operation,
    sum: Operation,
}

impl Chain {
    fn new(graph: &mut Graph, device: &str, length: u32) -> Result<Chain, Status> {
        let name = |what: &str, number: u32| format!("{what}_{length}_{number}");
        let mut placeholder = graph.new_operation("Placeholder", &name("matrix", 0))?;
        placeholder.set_attr_type("dtype", DataType::Float)?;
        let input = placeholder.finish()?;
        let mut product = input.clone();
        for number in 0..length {
            let mut next = graph.new_operation("MatMul", &name("product", number))?;
            next.add_input(product);
            next.add_input(input.clone());
            let _ = next.set_device(device);
            product = next.finish()?;
        }
        let mut both = Tensor::<i32>::new(&[2]);
        both.copy_from_slice(&[0, 1]);
        let mut axes = graph.new_operation("Const", &name("axes", 0))?;
        axes.set_attr_type("dtype", DataType::Int32)?;
        axes.set_attr_tensor("value", both)?;
        let axes = axes.finish()?;
        let mut sum = graph.new_operation("Sum", &name("sum", 0))?;
        sum.add_input(product);
        sum.add_input(axes);
        let _ = sum.set_device(device);
        let sum = sum.finish()?;
        Ok(Chain { input, sum })
    }

    /// The sum of all elements of the product, and what it took.
    fn run(&self, session: &Session, matrix: &Tensor<f32>) -> Result<(f32, Duration), Status> {
        let mut step = SessionRunArgs::new();
        step.add_feed(&self.input, 0, matrix);
        let token = step.request_fetch(&self.sum, 0);
        let begin = Instant::now();
        session.run(&mut step)?;
        let took = begin.elapsed();
        Ok((
            step.fetch::<f32>(token)?.first().copied().unwrap_or(f32::NAN),
            took,
        ))
    }
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Status>) -> Result<T, Fault> {
    ensure_loaded()?;
    let failed = |cause: String| Fault::Failed { cause };
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|_| failed("TensorFlow's binding gave up".to_owned()))?
        .map_err(|status| failed(first_line(&status.to_string())))
}
