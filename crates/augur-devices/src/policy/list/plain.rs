// SPDX-License-Identifier: GPL-2.0-only
//! Tasks in the order of the input, each put somewhere by a plain rule.

use super::{Schedule, Slot};
use crate::workload::Graph;
use augur_base::random::Generator;
use rand::RngExt;

/// `eft`, earliest finish time: each where it ends first. HEFT without its ranks.
pub(super) fn eft(graph: &Graph, schedule: &mut Schedule) {
    for &task in graph.order() {
        schedule.put(task, schedule.earliest(graph, task));
    }
}

/// `greedy`: each on the device where it takes least time, however long it waits there.
pub(super) fn greedy(graph: &Graph, schedule: &mut Schedule) {
    for &task in graph.order() {
        let slot = schedule.best(graph, task, |slot| graph.time(task, slot.device));
        schedule.put(task, slot);
    }
}

/// `least_work`: each on the device that has the least work so far.
pub(super) fn least_work(graph: &Graph, schedule: &mut Schedule) {
    for &task in graph.order() {
        let slot = schedule.best(graph, task, |slot| schedule.work(slot.device));
        schedule.put(task, slot);
    }
}

/// `round_robin`: on the devices in turn; a device where a task cannot run is left out.
pub(super) fn round_robin(graph: &Graph, schedule: &mut Schedule) {
    let devices = graph.devices().len();
    let mut turn = 0;
    for &task in graph.order() {
        let in_turn = |slot: &Slot| ((slot.device + devices - turn) % devices) as f64;
        let slot = schedule.best(graph, task, in_turn);
        turn = (slot.device + 1) % devices;
        schedule.put(task, slot);
    }
}

/// `random[seed=…]`: each on a device drawn among those where it can run, by a generator that the caller seeded. A control.
pub(super) fn random(mut generator: Generator) -> impl FnMut(&Graph, &mut Schedule) {
    move |graph, schedule| {
        for &task in graph.order() {
            let slot = schedule.best(graph, task, |_| generator.random::<f64>());
            schedule.put(task, slot);
        }
    }
}
