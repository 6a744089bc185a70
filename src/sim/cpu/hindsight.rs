// SPDX-License-Identifier: GPL-2.0-only
//! What would have been right: each candidate is tried both ways, move and stay, and the future is compared.
//!
//! Both arms start from the same state and run for the same time without further decisions. An arm costs the time
//! until the task's next burst is done, plus what all others waited and paid for migrations meanwhile. The move was
//! right where it costs less.

use super::rounds::force;
use super::state::State;
use crate::model::FeatureRow;
use crate::policy::{Candidate, Phase, Snapshot, TaskId, Verdicts};
use crate::sim::Violation;
use crate::trace::Comm;

/// How far ahead the two arms are compared, in intervals of the balancer.
const HORIZON_INTERVALS: u64 = 2;

/// One row of a decision log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// When.
    pub at_ns: u64,
    /// Who.
    pub task: TaskId,
    /// Its name.
    pub comm: Comm,
    /// From which domain.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What a model is told.
    pub row: FeatureRow,
    /// What it said, where it was asked.
    pub score: Option<f32>,
    /// Let through by the gate?
    pub accepted: bool,
    /// `applied`, `refused`, `expired` or `stayed`.
    pub status: &'static str,
    /// Why it was refused.
    pub reason: &'static str,
    /// Over `window_ns` after the decision, the task waited so long,
    pub wait_ns: u64,
    /// ran so long,
    pub run_ns: u64,
    /// (how long that was; 0: it was gone)
    pub window_ns: u64,
    /// migrated so often,
    pub migrations: u32,
    /// and was last seen in this domain,
    pub seen_domain: usize,
    /// after it went to another last-level cache.
    pub cold: bool,
    /// Whether moving it was right.
    pub label: bool,
    index: u32,
    number: u32,
    before: (u64, u64, u32, u32),
}

/// Rows for the candidates of a round, with labels, before any of the moves is made.
pub(super) fn open(
    state: &State,
    snapshot: &Snapshot,
    seen: &[u32],
    candidates: &[Candidate],
    verdicts: &Verdicts,
    interval_ns: u64,
) -> Result<Vec<Logged>, Violation> {
    let mut rows = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        let Some(&task) = seen.get(candidate.task_index) else {
            continue;
        };
        rows.push(Logged {
            at_ns: snapshot.now_ns,
            task: candidate.task,
            comm: state.program.tasks[task as usize].comm,
            from: candidate.from,
            to: candidate.to,
            row: verdicts.rows[index],
            score: verdicts.scores.get(index).copied(),
            accepted: verdicts.accepted[index],
            status: "stayed",
            reason: "",
            wait_ns: 0,
            run_ns: 0,
            window_ns: 0,
            migrations: 0,
            seen_domain: candidate.from,
            cold: false,
            label: move_is_right(state, candidate, seen, task, interval_ns)?,
            index: task,
            number: 0,
            before: totals(state, task),
        });
    }
    Ok(rows)
}

/// Notes the number of an accepted decision, or that it was refused.
pub(super) fn number(
    open: &mut [Logged],
    task: TaskId,
    at_ns: u64,
    number: u32,
    refused: Option<&'static str>,
) {
    let found = open
        .iter_mut()
        .rev()
        .find(|row| row.task == task && row.at_ns == at_ns);
    if let Some(row) = found {
        row.number = number;
        if let Some(reason) = refused {
            (row.status, row.reason) = ("refused", reason);
        }
    }
}

/// Moves the rows whose outcome can be seen to the log.
pub(super) fn settle(state: &State, open: &mut Vec<Logged>, log: &mut Vec<Logged>) {
    let now = state.world.now_ns;
    let mut waiting = Vec::new();
    for mut row in open.drain(..) {
        let settled = state
            .settled
            .iter()
            .find(|(number, _)| *number == row.number && row.number > 0);
        match settled {
            Some((_, true)) => row.status = "applied",
            Some((_, false)) => row.status = "expired",
            None if row.number > 0 && row.reason.is_empty() && still_pending(state, &row) => {
                waiting.push(row);
                continue;
            }
            None => {}
        }
        let (wait_ns, run_ns, migrations, llc_changes) = totals(state, row.index);
        row.wait_ns = wait_ns - row.before.0;
        row.run_ns = run_ns - row.before.1;
        row.migrations = migrations - row.before.2;
        row.cold = llc_changes != row.before.3;
        row.window_ns = now - row.at_ns;
        row.seen_domain = state.world.places.domain_of(state.world.task(row.index).cpu) as usize;
        log.push(row);
    }
    *open = waiting;
}

fn still_pending(state: &State, row: &Logged) -> bool {
    let order = state.world.task(row.index).order;
    order.is_some_and(|order| order.number == row.number && order.deadline_ns >= state.world.now_ns)
}

/// Waited, ran, migrations, changes of the last-level cache; by now.
fn totals(state: &State, task: u32) -> (u64, u64, u32, u32) {
    let now = state.world.now_ns;
    let seen = state.world.task(task);
    let open_ns = if seen.phase == Phase::Queued {
        now - seen.queued_at_ns
    } else {
        0
    };
    (
        seen.total_wait_ns + open_ns,
        seen.total_run_ns,
        seen.migrations,
        seen.llc_changes,
    )
}

fn move_is_right(
    state: &State,
    candidate: &Candidate,
    seen: &[u32],
    task: u32,
    interval_ns: u64,
) -> Result<bool, Violation> {
    let horizon_ns = state.world.now_ns + HORIZON_INTERVALS * interval_ns;
    let stay = state.branch();
    let mut moved = state.branch();
    force(&mut moved, candidate, seen, interval_ns)?;
    Ok(cost(moved, task, horizon_ns)? < cost(stay, task, horizon_ns)?)
}

/// What an arm costs by `horizon_ns`, in ns.
fn cost(mut arm: State, task: u32, horizon_ns: u64) -> Result<u64, Violation> {
    let begin_ns = arm.world.now_ns;
    let bursts = arm.world.task(task).bursts;
    let mut done_ns = None;
    while arm.next_ns().is_some_and(|next| next <= horizon_ns) && arm.step()?.is_some() {
        if done_ns.is_none() && arm.world.task(task).bursts != bursts {
            done_ns = Some(arm.world.now_ns - begin_ns);
        }
    }
    arm.world.now_ns = horizon_ns;
    let progress = &arm.progress[task as usize];
    let done_ns = done_ns.unwrap_or(horizon_ns - begin_ns + progress.left_ns + progress.overhead_ns);
    let others = (0..arm.world.tasks.len() as u32).filter(|&other| other != task);
    let waited: u64 = others
        .map(|other| totals(&arm, other).0 + arm.progress[other as usize].paid_ns)
        .sum();
    Ok(done_ns + waited)
}

impl State {
    /// A copy that goes its own way, without the figures so far.
    fn branch(&self) -> State {
        let mut arm = self.clone();
        arm.options.log = false;
        arm.timeline = None;
        arm
    }

    /// When the next event is.
    fn next_ns(&self) -> Option<u64> {
        let arrival = self.arrivals.get(self.next_arrival).map(|&(at_ns, _)| at_ns);
        match (arrival, self.engine.next_ns()) {
            (Some(arrival), Some(event)) => Some(arrival.min(event)),
            (arrival, event) => arrival.or(event),
        }
    }
}
