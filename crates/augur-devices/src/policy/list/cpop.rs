// SPDX-License-Identifier: GPL-2.0-only
//! Critical path on a processor: the tasks of the critical path all on the device that is best for them together, the
//! others where they end first (Topcuoglu, Hariri, Wu, IEEE TPDS 13(3), 2002).

use super::{ReadyList, Schedule, rank};
use crate::workload::Graph;

/// `cpop`.
pub(super) fn cpop(graph: &Graph, schedule: &mut Schedule) {
    let (up, down) = (rank::upward(graph), rank::downward(graph));
    let priority: Vec<f64> = up.iter().zip(&down).map(|(up, down)| up + down).collect();
    let path = critical_path(graph, &priority);
    let device = path_device(graph, &path);
    let mut ready = ReadyList::new(graph);
    while let Some(task) = ready.pop(graph, &priority) {
        let together = path
            .contains(&task)
            .then(|| schedule.fit(graph, task, device))
            .flatten();
        let slot = together.unwrap_or_else(|| schedule.earliest(graph, task));
        schedule.put(task, slot);
    }
}

/// From the entry of the highest priority on, each time the child of the highest: all have the path's length.
fn critical_path(graph: &Graph, priority: &[f64]) -> Vec<usize> {
    let highest = |tasks: &mut dyn Iterator<Item = usize>| {
        tasks.fold(None, |best: Option<usize>, task| match best {
            Some(best) if priority[best] >= priority[task] => Some(best),
            _ => Some(task),
        })
    };
    let mut entries = (0..graph.len()).filter(|&task| graph.parents(task).is_empty());
    let mut next = highest(&mut entries);
    let mut path = Vec::new();
    while let Some(task) = next {
        path.push(task);
        next = highest(&mut graph.children(task).iter().map(|edge| edge.task));
    }
    path
}

/// The device with the least time for the path; tasks that cannot run there do not count, but first those count that can.
fn path_device(graph: &Graph, path: &[usize]) -> usize {
    let cost = |device: usize| {
        path.iter()
            .map(|&task| graph.time(task, device))
            .fold((0usize, 0.0), |(unable, sum), time| {
                if time.is_finite() {
                    (unable, sum + time)
                } else {
                    (unable + 1, sum)
                }
            })
    };
    let devices = 0..graph.devices().len();
    let least = devices.min_by(|&a, &b| {
        let (a, b) = (cost(a), cost(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    least.unwrap_or(0)
}
