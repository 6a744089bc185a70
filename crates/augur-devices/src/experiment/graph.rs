// SPDX-License-Identifier: GPL-2.0-only
//! A graph of tasks under several list schedulers, beside what is possible at all.

use crate::policy::list::{self, Schedule, bound, optimal};
use crate::report::graph::{Outcome, Placed, Report};
use crate::workload::Graph;
use anyhow::{Result, ensure};

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

/// How long the search for the shortest schedule may go on.
pub struct Patience<'a> {
    /// At most so many nodes; with no other limit the result is the same each time.
    pub most_nodes: u64,
    /// Asked again and again whether it should stop.
    pub stop: &'a dyn Fn() -> bool,
}

/// Schedules `graph` under each policy; with `optimal`, or the policy of that name, looks for the shortest schedule, too.
///
/// # Errors
/// One sentence: a policy that is not there, a schedule that is none.
pub fn run(graph: &Graph, policies: &[String], optimal: bool, patience: &Patience<'_>) -> Result<Report> {
    let wanted = optimal || policies.iter().any(|policy| policy == OPTIMAL);
    let found = wanted.then(|| optimal::search(graph, patience.most_nodes, patience.stop));
    let best = found.as_ref().map(|found| found.schedule.makespan());
    let bound = found
        .as_ref()
        .map_or_else(|| bound::makespan(graph), |found| found.bound);
    let mut report = Report {
        results: Vec::new(),
        bound,
        optimal: best.filter(|_| found.as_ref().is_some_and(|found| found.proven)),
        best,
        gap: best.and_then(|best| gap(best, bound)),
        nodes: found.as_ref().map(|found| found.nodes),
    };
    for policy in policies {
        let schedule = match &found {
            Some(found) if policy == OPTIMAL => found.schedule.clone(),
            _ => {
                let mut schedule = Schedule::new(graph);
                list::parse(policy)?(graph, &mut schedule);
                schedule
            }
        };
        report.results.push(outcome(graph, policy, &schedule)?);
    }
    Ok(report)
}

/// How far a makespan is above a bound, as a share of that; nothing where the bound is 0 and the makespan is not.
fn gap(makespan: f64, bound: f64) -> Option<f64> {
    match bound {
        bound if bound > 0.0 => Some(makespan / bound - 1.0),
        bound => (makespan <= bound).then_some(0.0),
    }
}

fn outcome(graph: &Graph, policy: &str, schedule: &Schedule) -> Result<Outcome> {
    let fault = schedule.fault(graph);
    ensure!(
        fault.is_none(),
        "the schedule of '{policy}' is not one: {}",
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
