// SPDX-License-Identifier: GPL-2.0-only
//! A graph of tasks under several list schedulers, beside what is possible at all.

use crate::policy::device::list::{self, Schedule, bound, optimal};
use crate::report::graph::{Outcome, Placed, Report};
use crate::workload::Graph;
use anyhow::{Result, ensure};

/// Nodes after which the search for the optimum gives up: some tens of seconds.
pub const MOST_NODES: u64 = 20_000_000;

/// The policy that is the search's best schedule.
pub const OPTIMAL: &str = "optimal";

/// Whether there is such a policy.
///
/// # Errors
/// One sentence that names those that there are.
pub fn check(policy: &str) -> Result<()> {
    if policy == OPTIMAL {
        Ok(())
    } else {
        list::parse(policy).map(|_| ())
    }
}

/// Schedules `graph` under each policy; with `optimal`, or the policy of that name, looks for the shortest schedule, too.
///
/// # Errors
/// One sentence: a policy that is not there, a schedule that is none.
pub fn run(graph: &Graph, policies: &[String], optimal: bool, most_nodes: u64) -> Result<Report> {
    let wanted = optimal || policies.iter().any(|policy| policy == OPTIMAL);
    let found = wanted.then(|| optimal::search(graph, most_nodes));
    let mut report = Report {
        results: Vec::new(),
        bound: found
            .as_ref()
            .map_or_else(|| bound::makespan(graph), |found| found.bound),
        optimal: found
            .as_ref()
            .filter(|found| found.proven)
            .map(|found| found.schedule.makespan()),
    };
    for policy in policies {
        let schedule = match &found {
            Some(found) if policy == OPTIMAL => found.schedule.clone(),
            _ => {
                let mut schedule = Schedule::new(graph);
                list::parse(policy)?.schedule(graph, &mut schedule);
                schedule
            }
        };
        report.results.push(outcome(graph, policy, &schedule)?);
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
