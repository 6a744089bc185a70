// SPDX-License-Identifier: GPL-2.0-only
//! A schedule as it grows: what is put where, and where a task would fit.

use crate::workload::Graph;

/// Where and when a task runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slot {
    /// The device.
    pub device: usize,
    /// From.
    pub start: f64,
    /// To.
    pub finish: f64,
}

/// What is put where so far.
#[derive(Clone, Debug)]
pub struct Schedule {
    slots: Vec<Option<Slot>>,
    /// For each device what it is busy with, in order of time.
    busy: Vec<Vec<(f64, f64)>>,
    /// From when on each device is free.
    free: Vec<f64>,
}

impl Schedule {
    /// Nothing is put anywhere.
    pub fn new(graph: &Graph) -> Schedule {
        Schedule::after(graph, vec![0.0; graph.devices().len()])
    }

    /// Devices are busy with other work until `free`.
    pub fn after(graph: &Graph, free: Vec<f64>) -> Schedule {
        Schedule {
            slots: vec![None; graph.len()],
            busy: vec![Vec::new(); graph.devices().len()],
            free,
        }
    }

    /// When all data of a task can be on a device. Parents that are not yet put anywhere do not count.
    pub fn ready(&self, graph: &Graph, task: usize, device: usize) -> f64 {
        graph
            .parents(task)
            .iter()
            .fold(graph.release(task), |ready, edge| match self.slots[edge.task] {
                Some(slot) if slot.device == device => ready.max(slot.finish),
                Some(slot) => ready.max(slot.finish + edge.transfer),
                None => ready,
            })
    }

    /// The first gap that a task fits into on a device; `None`: it cannot run there.
    pub fn fit(&self, graph: &Graph, task: usize, device: usize) -> Option<Slot> {
        let time = graph.time(task, device);
        if time.is_infinite() {
            return None;
        }
        let mut start = self.ready(graph, task, device).max(self.free[device]);
        for &(from, to) in &self.busy[device] {
            if start + time <= from {
                break;
            }
            start = start.max(to);
        }
        Some(Slot {
            device,
            start,
            finish: start + time,
        })
    }

    /// Where a task ends first; of equals the first device.
    pub fn earliest(&self, graph: &Graph, task: usize) -> Slot {
        self.best(graph, task, |slot| slot.finish)
    }

    /// Where `cost` is least; of equals the first device.
    pub fn best(&self, graph: &Graph, task: usize, mut cost: impl FnMut(&Slot) -> f64) -> Slot {
        let mut best: Option<(f64, Slot)> = None;
        for slot in (0..self.busy.len()).filter_map(|device| self.fit(graph, task, device)) {
            let cost = cost(&slot);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, slot));
            }
        }
        // A graph has no task that fits nowhere.
        best.map(|(_, slot)| slot).unwrap_or_default()
    }

    /// Puts a task there.
    pub fn put(&mut self, task: usize, slot: Slot) {
        let busy = &mut self.busy[slot.device];
        let at = busy.partition_point(|&(from, to)| (from, to) <= (slot.start, slot.finish));
        busy.insert(at, (slot.start, slot.finish));
        self.slots[task] = Some(slot);
    }

    /// How much work a device has.
    pub fn work(&self, device: usize) -> f64 {
        self.free[device] + self.busy[device].iter().map(|(from, to)| to - from).sum::<f64>()
    }

    /// Where a task was put.
    pub fn slot(&self, task: usize) -> Option<Slot> {
        self.slots[task]
    }

    /// When the last task ends.
    pub fn makespan(&self) -> f64 {
        self.slots
            .iter()
            .flatten()
            .fold(0.0, |end, slot| end.max(slot.finish))
    }

    /// What is wrong with it, if anything: a task that is missing, begins before its data, or runs beside another.
    pub fn fault(&self, graph: &Graph) -> Option<String> {
        const ROUNDING: f64 = 1e-9;
        for task in 0..graph.len() {
            let Some(slot) = self.slots[task] else {
                return Some(format!("task '{}' is nowhere", graph.id(task)));
            };
            let time = graph.time(task, slot.device);
            let slack = ROUNDING * (1.0 + slot.finish.abs());
            if (slot.finish - slot.start - time).abs() > slack || time.is_infinite() {
                return Some(format!("task '{}' takes another time than given", graph.id(task)));
            }
            if slot.start + slack < self.ready(graph, task, slot.device) {
                return Some(format!(
                    "task '{}' begins before its data is there",
                    graph.id(task)
                ));
            }
        }
        let overlap = |busy: &Vec<(f64, f64)>| {
            busy.windows(2)
                .any(|pair| pair[1].0 + ROUNDING * (1.0 + pair[1].0.abs()) < pair[0].1)
        };
        self.busy
            .iter()
            .position(overlap)
            .map(|device| format!("device '{}' runs two tasks at once", graph.devices()[device]))
    }
}
