// SPDX-License-Identifier: GPL-2.0-only
//! List schedulers as device policies: a graph of tasks is planned as a whole when it comes, behind what devices have
//! then; each of its tasks goes to its device when it is ready. A task that comes alone has nothing to plan: it goes where
//! it ends first.

use super::list::{ListScheduler, Schedule};
use super::{DevicePolicy, Fleet, Placement, rules};
use crate::workload::{Graph, Parents, Task};
use std::collections::HashMap;

/// `heft`, `cpop`, `peft`, `lookahead`, `portfolio`.
pub struct Planned {
    name: String,
    scheduler: ListScheduler,
    /// Devices of tasks that are not yet placed.
    plan: HashMap<u64, usize>,
}

impl Planned {
    /// Plans with this scheduler.
    pub fn new(name: &str, scheduler: ListScheduler) -> Planned {
        Planned {
            name: name.to_owned(),
            scheduler,
            plan: HashMap::new(),
        }
    }
}

impl DevicePolicy for Planned {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn prepare(&mut self, fleet: &Fleet, tasks: &[Task], parents: &[Parents]) {
        if tasks.len() < 2 {
            return;
        }
        let Some(graph) = graph(fleet, tasks, parents) else {
            return;
        };
        let free = (0..fleet.len()).map(|device| fleet.backlog_s(device)).collect();
        let mut schedule = Schedule::after(&graph, free);
        (self.scheduler)(&graph, &mut schedule);
        for (place, task) in tasks.iter().enumerate() {
            if let Some(slot) = schedule.slot(place) {
                self.plan.insert(task.number, slot.device);
            }
        }
    }

    fn place(&mut self, fleet: &Fleet, task: &Task) -> Placement {
        match self.plan.remove(&task.number) {
            Some(device) => Placement::One(device),
            None => rules::earliest(fleet, &fleet.estimate(task)),
        }
    }
}

/// The graph by the machine's laws. Data is brought to a GPU for each task anew, so that edges cost nothing.
fn graph(fleet: &Fleet, tasks: &[Task], parents: &[Parents]) -> Option<Graph> {
    let devices = fleet
        .devices
        .all()
        .iter()
        .map(|device| device.name.clone())
        .collect();
    let rows = tasks.iter().map(|task| {
        let work = fleet.estimate(task);
        let time = fleet.devices.all().iter().map(|device| match work.fits(device) {
            true => work.alone_s(device),
            false => f64::INFINITY,
        });
        (task.number.to_string(), 0.0, time.collect())
    });
    let edges: Vec<(String, String, f64)> = parents
        .iter()
        .zip(tasks)
        .flat_map(|(parents, task)| {
            let from = parents
                .as_slice()
                .iter()
                .filter_map(|&place| tasks.get(usize::from(place)));
            from.map(|parent| (parent.number.to_string(), task.number.to_string(), 0.0))
        })
        .collect();
    Graph::new(devices, rows.collect(), &edges).ok()
}
