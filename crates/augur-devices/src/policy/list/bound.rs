// SPDX-License-Identifier: GPL-2.0-only
//! No schedule of a graph can be shorter than this.

use crate::workload::Graph;

/// The larger of two bounds: the longest chain, each task on whatever device suits chain and transfers best; and all work,
/// each task where it takes least, shared equally by all devices after the first release.
pub fn makespan(graph: &Graph) -> f64 {
    let chain = earliest_finish(graph).into_iter().fold(0.0, f64::max);
    let work: f64 = (0..graph.len()).map(|task| graph.least_time(task)).sum();
    let first = (0..graph.len())
        .map(|task| graph.release(task))
        .fold(f64::INFINITY, f64::min);
    chain.max(first + work / graph.devices().len() as f64)
}

/// For each task the earliest that it can end on its best device, were it and all before it alone on the machine.
fn earliest_finish(graph: &Graph) -> Vec<f64> {
    let devices = graph.devices().len();
    let mut finish = vec![f64::INFINITY; graph.len() * devices];
    for &task in graph.order() {
        for device in 0..devices {
            let ready = graph
                .parents(task)
                .iter()
                .fold(graph.release(task), |ready, edge| {
                    let arrive = |from: usize| {
                        finish[edge.task * devices + from] + if from == device { 0.0 } else { edge.transfer }
                    };
                    ready.max((0..devices).map(arrive).fold(f64::INFINITY, f64::min))
                });
            finish[task * devices + device] = ready + graph.time(task, device);
        }
    }
    finish
        .chunks_exact(devices)
        .map(|row| row.iter().copied().fold(f64::INFINITY, f64::min))
        .collect()
}

/// For each task and device the least time from the task's end there until the end of the graph.
pub fn rest(graph: &Graph) -> Vec<f64> {
    super::rank::optimistic_costs(graph)
}
