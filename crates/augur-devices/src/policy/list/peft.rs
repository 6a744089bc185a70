// SPDX-License-Identifier: GPL-2.0-only
//! Predict earliest finish time: looks ahead by a table of optimistic costs (Arabnejad, Barbosa, "List scheduling
//! algorithm for heterogeneous systems by an optimistic cost table", IEEE TPDS 25(3), 2014).

use super::{ReadyList, Schedule, rank};
use crate::workload::Graph;

/// `peft`.
pub(super) fn peft(graph: &Graph, schedule: &mut Schedule) {
    let devices = graph.devices().len();
    let costs = rank::optimistic_costs(graph);
    let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
    let priority: Vec<f64> = costs.chunks_exact(devices).map(mean).collect();
    let mut ready = ReadyList::new(graph);
    while let Some(task) = ready.pop(graph, &priority) {
        let slot = schedule.best(graph, task, |slot| {
            slot.finish + costs[task * devices + slot.device]
        });
        schedule.put(task, slot);
    }
}
