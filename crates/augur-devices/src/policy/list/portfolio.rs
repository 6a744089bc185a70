// SPDX-License-Identifier: GPL-2.0-only
//! Portfolio: tries every list scheduler on the graph, and takes the schedule that ends first.

use super::{Cpop, Eft, Greedy, Heft, LeastWork, ListScheduler, Lookahead, Peft, Schedule};
use crate::workload::Graph;

/// `portfolio`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portfolio;

impl ListScheduler for Portfolio {
    fn name(&self) -> String {
        "portfolio".to_owned()
    }

    fn schedule(&mut self, graph: &Graph, schedule: &mut Schedule) {
        let members: [&mut dyn ListScheduler; 7] = [
            &mut Heft,
            &mut Peft,
            &mut Lookahead,
            &mut Cpop,
            &mut Eft,
            &mut LeastWork,
            &mut Greedy,
        ];
        let mut best: Option<Schedule> = None;
        for member in members {
            let mut trial = schedule.clone();
            member.schedule(graph, &mut trial);
            if best
                .as_ref()
                .is_none_or(|best| trial.makespan() < best.makespan())
            {
                best = Some(trial);
            }
        }
        if let Some(best) = best {
            *schedule = best;
        }
    }
}
