// SPDX-License-Identifier: GPL-2.0-only
//! A graph of tasks under several list schedulers, beside what is possible at all.

use crate::policy::device::list::{self, Schedule, bound, optimal};
use crate::report::graph::{Outcome, Placed, Report};
use crate::workload::Graph;
use anyhow::{Result, ensure};

/// Nodes after which the search for the optimum gives up: some tens of seconds.
pub const MOST_NODES: u64 = 20_000_000;

/// Schedules `graph` under each policy; with `optimal`, looks for the shortest schedule, too, and adds it as the policy
/// `optimal`, where it is proven.
///
/// # Errors
/// One sentence: a policy that is not there, a schedule that is none.
pub fn run(graph: &Graph, policies: &[String], optimal: bool, most_nodes: u64) -> Result<Report> {
    let mut results = Vec::new();
    for policy in policies {
        let mut scheduler = list::parse(policy)?;
        let mut schedule = Schedule::new(graph);
        scheduler.schedule(graph, &mut schedule);
        results.push(outcome(graph, policy, &schedule)?);
    }
    let mut report = Report {
        results,
        bound: bound::makespan(graph),
        optimal: None,
    };
    if optimal {
        let found = optimal::search(graph, most_nodes);
        report.bound = found.bound;
        if found.proven {
            report.optimal = Some(found.schedule.makespan());
            report.results.push(outcome(graph, "optimal", &found.schedule)?);
        }
    }
    Ok(report)
}

fn outcome(graph: &Graph, policy: &str, schedule: &Schedule) -> Result<Outcome> {
    let fault = schedule.fault(graph);
    ensure!(
        fault.is_none(),
        "the schedule of '{policy}' is none: {}",
        fault.unwrap_or_default()
    );
    let mut slots: Vec<_> = (0..graph.len())
        .filter_map(|task| Some((task, schedule.slot(task)?)))
        .collect();
    slots.sort_by(|a, b| a.1.start.total_cmp(&b.1.start).then(a.0.cmp(&b.0)));
    let placed = slots.into_iter().map(|(task, slot)| Placed {
        task: graph.id(task).to_owned(),
        device: graph.devices()[slot.device].clone(),
        start: slot.start,
        finish: slot.finish,
    });
    Ok(Outcome {
        policy: policy.to_owned(),
        makespan: schedule.makespan(),
        schedule: placed.collect(),
    })
}
