// SPDX-License-Identifier: GPL-2.0-only
//! What would have been right: each question is answered both ways, and the future is compared.
//!
//! Both arms start from the same state and run for the same time without further decisions. The arm of a move costs the
//! time until the task's next burst is done, plus what all others waited and paid for migrations meanwhile; that of a
//! permission to steal what all tasks waited and paid. The gain is by how much the move, or the permission, costs less.

use super::Options;
use super::decisions::of_task;
use super::rounds::force;
use super::state::State;
use crate::policy::{Candidate, Pair, Permissions};
use augur_base::invariant::Violation;

/// How far ahead the two arms are compared, in intervals of the balancer.
const HORIZON_INTERVALS: u64 = 2;

/// What moving a task gains.
pub(super) fn gain_of_move(
    state: &State,
    candidate: &Candidate,
    seen: &[u32],
    task: u32,
    interval_ns: u64,
) -> Result<i64, Violation> {
    let horizon_ns = state.world.now_ns + HORIZON_INTERVALS * interval_ns;
    let stay = state.branch();
    let mut moved = state.branch();
    force(&mut moved, candidate, seen, interval_ns)?;
    let (stay, moved) = (
        cost(stay, Some(task), horizon_ns)?,
        cost(moved, Some(task), horizon_ns)?,
    );
    Ok(stay as i64 - moved as i64)
}

/// What permitting each of these pairs to steal gains, the others being as they are.
pub(super) fn gains_of_permissions(
    state: &State,
    permissions: &Permissions,
    pairs: &[Pair],
    interval_ns: u64,
) -> Result<Vec<i64>, Violation> {
    let horizon_ns = state.world.now_ns + HORIZON_INTERVALS * interval_ns;
    let arm = |permissions: &Permissions| {
        let mut arm = state.branch();
        arm.discipline.permit(permissions, state.world.now_ns);
        cost(arm, None, horizon_ns)
    };
    // One of each pair's two arms is the one in which nothing changes, which is the same for all.
    let as_is = arm(permissions)?;
    let mut gains = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let permitted = permissions.allows(pair.from, pair.to);
        let other = arm(&permissions.with(pair.from, pair.to, !permitted))?;
        let (yes, no) = if permitted { (as_is, other) } else { (other, as_is) };
        gains.push(no as i64 - yes as i64);
    }
    Ok(gains)
}

/// What an arm costs by `horizon_ns`, in ns.
fn cost(mut arm: State, task: Option<u32>, horizon_ns: u64) -> Result<u64, Violation> {
    let begin_ns = arm.world.now_ns;
    let bursts = |arm: &State| task.map(|task| arm.world.task(task).bursts);
    let at_first = bursts(&arm);
    let mut done_ns = None;
    while arm.next_ns().is_some_and(|next| next <= horizon_ns) && arm.step()?.is_some() {
        if done_ns.is_none() && bursts(&arm) != at_first {
            done_ns = Some(arm.world.now_ns - begin_ns);
        }
    }
    arm.world.now_ns = horizon_ns;
    let own_ns = task.map_or(0, |task| {
        let progress = &arm.progress[task as usize];
        done_ns.unwrap_or(horizon_ns - begin_ns + progress.left_ns + progress.overhead_ns)
    });
    let others = (0..arm.world.tasks.len() as u32).filter(|&other| Some(other) != task);
    let waited: u64 = others
        .map(|other| of_task(&arm, other).wait_ns + arm.progress[other as usize].paid_ns)
        .sum();
    Ok(own_ns + waited)
}

impl State {
    /// A copy that goes its own way. What the original wrote down of its past is not copied: a branch is made for every question.
    fn branch(&self) -> State {
        State {
            program: self.program.clone(),
            options: Options {
                log: false,
                ..self.options.clone()
            },
            engine: self.engine.clone(),
            arrivals: self.arrivals.clone(),
            next_arrival: self.next_arrival,
            world: self.world.clone(),
            discipline: self.discipline.clone(),
            progress: self.progress.clone(),
            cores: self.cores.clone(),
            posted: self.posted.clone(),
            pending: self.pending.clone(),
            requests: Vec::new(),
            ledger: self.ledger.branch(),
            timeline: None,
            generator: self.generator.clone(),
            alive: self.alive,
            timers: self.timers,
            runnable: self.runnable,
            applied: self.applied,
            expired: self.expired,
            round: self.round,
            active: self.active.clone(),
            settled: Vec::new(),
            dispatches: self.dispatches,
        }
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
