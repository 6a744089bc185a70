// SPDX-License-Identifier: GPL-2.0-only
//! What orders tasks.

use crate::workload::Graph;

/// Upward rank: the longest way from a task's beginning to the end of the graph, by mean times and full transfers
/// (Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002, equation 8).
pub fn upward(graph: &Graph) -> Vec<f64> {
    let mut rank = vec![0.0; graph.len()];
    for &task in graph.order().iter().rev() {
        let rest = graph
            .children(task)
            .iter()
            .map(|edge| edge.transfer + rank[edge.task])
            .fold(0.0, f64::max);
        rank[task] = graph.mean_time(task) + rest;
    }
    rank
}

/// Downward rank: the longest way to a task's beginning (same paper, equation 10).
pub fn downward(graph: &Graph) -> Vec<f64> {
    let mut rank = vec![0.0; graph.len()];
    for &task in graph.order() {
        rank[task] = graph
            .parents(task)
            .iter()
            .map(|edge| rank[edge.task] + graph.mean_time(edge.task) + edge.transfer)
            .fold(0.0, f64::max);
    }
    rank
}

/// The optimistic cost table: for a task that runs on a device, the longest way from its end to the end of the graph if
/// every later task had its best device for itself (Arabnejad, Barbosa, IEEE TPDS 25(3), 2014, equation 3). Task by
/// task, a value for each device.
pub fn optimistic_costs(graph: &Graph) -> Vec<f64> {
    let devices = graph.devices().len();
    let mut costs = vec![0.0; graph.len() * devices];
    for &task in graph.order().iter().rev() {
        for device in 0..devices {
            let rest = graph.children(task).iter().map(|edge| {
                (0..devices)
                    .map(|to| {
                        let transfer = if to == device { 0.0 } else { edge.transfer };
                        costs[edge.task * devices + to] + graph.time(edge.task, to) + transfer
                    })
                    .fold(f64::INFINITY, f64::min)
            });
            costs[task * devices + device] = rest.fold(0.0, f64::max);
        }
    }
    costs
}
