// SPDX-License-Identifier: GPL-2.0-only
//! The decision log of a run: what was asked, what was answered, what came of it, and what would have been right.

use super::hindsight;
use super::state::State;
use crate::policy::decision::{Outcome, Row, Spent, Totals};
use crate::policy::{Candidate, Judged, Pair, Phase, TaskId};
use augur_base::invariant::Violation;

/// A row that waits for its outcome.
pub(super) struct Open {
    row: Row,
    /// The task that would move.
    subject: Option<u32>,
    /// The decision's number, from 1, where one was given.
    number: u32,
    before: Totals,
}

/// Rows for the moves of a round, with labels, before any of them is made.
pub(super) fn open_moves(
    state: &State,
    seen: &[u32],
    moves: &[Judged<Candidate>],
    interval_ns: u64,
) -> Result<Vec<Open>, Violation> {
    let mut rows = Vec::with_capacity(moves.len());
    for judged in moves {
        let candidate = &judged.about;
        let Some(&task) = seen.get(candidate.task_index) else {
            continue;
        };
        let comm = state.program.tasks[task as usize].comm.to_string();
        let mut row = Row::of_move(state.world.now_ns, judged, comm);
        row.gain_ns = hindsight::gain_of_move(state, candidate, seen, task, interval_ns)?;
        rows.push(Open {
            row,
            subject: Some(task),
            number: 0,
            before: of_task(state, task),
        });
    }
    Ok(rows)
}

/// Rows for the questions about stealing, before any of the answers counts.
pub(super) fn open_pairs(
    state: &State,
    seen: &[u32],
    steals: &[Judged<Pair>],
    gains_ns: &[i64],
) -> Vec<Open> {
    let mut rows = Vec::with_capacity(steals.len());
    for (judged, &gain_ns) in steals.iter().zip(gains_ns) {
        let pair = &judged.about;
        let waiting = pair.task_index.and_then(|index| seen.get(index));
        let id = waiting.map(|&task| state.world.task(task).id);
        let comm = waiting.map(|&task| state.program.tasks[task as usize].comm.to_string());
        let mut row = Row::of_steal(state.world.now_ns, judged, id, comm.unwrap_or_default());
        row.gain_ns = gain_ns;
        rows.push(Open {
            row,
            subject: None,
            number: 0,
            before: of_pair(state, pair.from, pair.to),
        });
    }
    rows
}

/// Notes the number of an accepted decision, or that it was refused.
pub(super) fn number(open: &mut [Open], task: TaskId, at_ns: u64, number: u32, refused: Option<Outcome>) {
    let found = open
        .iter_mut()
        .rev()
        .find(|open| open.subject.is_some() && open.row.task == Some(task) && open.row.at_ns == at_ns);
    if let Some(open) = found {
        open.number = number;
        open.row.outcome = refused.unwrap_or(open.row.outcome);
    }
}

/// Moves the rows whose outcome can be seen to the log.
pub(super) fn settle(state: &State, open: &mut Vec<Open>, log: &mut Vec<Row>) {
    let mut waiting = Vec::new();
    for mut row in open.drain(..) {
        let settled = state
            .settled
            .iter()
            .find(|(number, _)| *number == row.number && row.number > 0);
        match settled {
            Some((_, true)) => row.row.outcome = Outcome::Applied,
            Some((_, false)) => row.row.outcome = Outcome::Expired,
            None if row.number > 0 && !row.row.outcome.is_refusal() && still_pending(state, &row) => {
                waiting.push(row);
                continue;
            }
            None => {}
        }
        row.row.spent = spent(state, &row);
        log.push(row.row);
    }
    *open = waiting;
}

fn still_pending(state: &State, row: &Open) -> bool {
    let order = row.subject.and_then(|task| state.world.task(task).order);
    order.is_some_and(|order| order.number == row.number && order.deadline_ns >= state.world.now_ns)
}

/// What came of it.
fn spent(state: &State, open: &Open) -> Spent {
    let row = &open.row;
    let window_ns = state.world.now_ns - row.at_ns;
    match open.subject {
        Some(task) => {
            let domain = state.world.places.domain_of(state.world.task(task).cpu) as usize;
            Spent::by_task(open.before, of_task(state, task), window_ns, domain)
        }
        None => Spent::by_pair(open.before, of_pair(state, row.from, row.to), window_ns),
    }
}

/// A task, by now.
pub(super) fn of_task(state: &State, task: u32) -> Totals {
    let seen = state.world.task(task);
    let open_ns = match seen.phase {
        Phase::Queued => state.world.now_ns.saturating_sub(seen.queued_at_ns),
        _ => 0,
    };
    Totals {
        wait_ns: seen.total_wait_ns + open_ns,
        run_ns: seen.total_run_ns,
        migrations: u64::from(seen.migrations),
        runs: 0,
        llc_changes: u64::from(seen.llc_changes),
    }
}

/// What the CPUs of a pair's domains have seen.
fn of_pair(state: &State, from: usize, to: usize) -> Totals {
    Totals::of_pair(from, to, |domain| {
        let cores = state.world.places.members[domain]
            .iter()
            .map(|&cpu| &state.cores[cpu as usize]);
        cores.fold(Totals::default(), |sum, core| {
            sum.plus(Totals {
                wait_ns: core.waited_ns,
                run_ns: core.busy_ns,
                migrations: core.arrivals,
                runs: core.runs,
                llc_changes: 0,
            })
        })
    })
}
