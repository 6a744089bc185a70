// SPDX-License-Identifier: GPL-2.0-only
//! The decision log of a run: what was asked, what was answered, what came of it, and what would have been right.

use super::hindsight;
use super::state::State;
use crate::model::FeatureRow;
use crate::policy::{Candidate, Judged, Pair, Phase, TaskId};
use crate::sim::Violation;
use crate::trace::Comm;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A task that the policy would move.
    Balance,
    /// A pair of domains, one of which may steal from the other; the task is the one that would go first.
    Steal,
}

/// One row of a decision log.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// When.
    pub at_ns: u64,
    /// What it is about.
    pub kind: Kind,
    /// Who; a pair without a task that waits has none.
    pub task: Option<TaskId>,
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
    /// `applied`, `refused`, `expired` or `stayed`; of a pair, `permitted` or `denied`.
    pub status: &'static str,
    /// Why it was refused.
    pub reason: &'static str,
    /// Over `window_ns` after the decision, the task (of a pair: all tasks in the two domains) waited so long,
    pub wait_ns: u64,
    /// ran so long,
    pub run_ns: u64,
    /// (how long that was)
    pub window_ns: u64,
    /// migrated so often,
    pub migrations: u64,
    /// and was last seen in this domain,
    pub seen_domain: Option<usize>,
    /// after it went to another last-level cache (0 or 1; of a pair, the share of runs that began on another CPU).
    pub cold: f64,
    /// How much less the move, or the permission, costs than the other answer; see [`hindsight`](super).
    pub gain_ns: i64,
    subject: Option<u32>,
    number: u32,
    before: Totals,
}

impl Logged {
    /// Whether moving, or permitting, was right.
    pub fn label(&self) -> bool {
        self.gain_ns > 0
    }
}

/// What was counted so far, of a task or of the CPUs of two domains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub wait_ns: u64,
    run_ns: u64,
    /// Migrations; of CPUs, runs of tasks that came from another.
    arrivals: u64,
    /// Changes of the last-level cache; of CPUs, all runs.
    others: u64,
}

/// Rows for the moves of a round, with labels, before any of them is made.
pub(super) fn open_moves(
    state: &State,
    seen: &[u32],
    moves: &[Judged<Candidate>],
    interval_ns: u64,
) -> Result<Vec<Logged>, Violation> {
    let mut rows = Vec::with_capacity(moves.len());
    for judged in moves {
        let candidate = &judged.about;
        let Some(&task) = seen.get(candidate.task_index) else {
            continue;
        };
        rows.push(Logged {
            kind: Kind::Balance,
            task: Some(candidate.task),
            comm: state.program.tasks[task as usize].comm,
            status: "stayed",
            seen_domain: Some(candidate.from),
            gain_ns: hindsight::gain_of_move(state, candidate, seen, task, interval_ns)?,
            subject: Some(task),
            before: of_task(state, task),
            ..row(state, (candidate.from, candidate.to), judged)
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
) -> Vec<Logged> {
    let mut rows = Vec::with_capacity(steals.len());
    for (judged, &gain_ns) in steals.iter().zip(gains_ns) {
        let pair = &judged.about;
        let waiting = pair.task_index.and_then(|index| seen.get(index));
        let comm = waiting.map(|&task| state.program.tasks[task as usize].comm);
        rows.push(Logged {
            kind: Kind::Steal,
            task: waiting.map(|&task| state.world.task(task).id),
            comm: comm.unwrap_or_default(),
            status: if judged.accepted { "permitted" } else { "denied" },
            seen_domain: None,
            gain_ns,
            before: of_pair(state, pair.from, pair.to),
            ..row(state, (pair.from, pair.to), judged)
        });
    }
    rows
}

/// What all rows have in common.
fn row<Q>(state: &State, (from, to): (usize, usize), judged: &Judged<Q>) -> Logged {
    Logged {
        at_ns: state.world.now_ns,
        kind: Kind::Balance,
        task: None,
        comm: Comm::default(),
        from,
        to,
        row: judged.row,
        score: judged.score,
        accepted: judged.accepted,
        status: "",
        reason: "",
        wait_ns: 0,
        run_ns: 0,
        window_ns: 0,
        migrations: 0,
        seen_domain: None,
        cold: 0.0,
        gain_ns: 0,
        subject: None,
        number: 0,
        before: Totals::default(),
    }
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
        .find(|row| row.kind == Kind::Balance && row.task == Some(task) && row.at_ns == at_ns);
    if let Some(row) = found {
        row.number = number;
        if let Some(reason) = refused {
            (row.status, row.reason) = ("refused", reason);
        }
    }
}

/// Moves the rows whose outcome can be seen to the log.
pub(super) fn settle(state: &State, open: &mut Vec<Logged>, log: &mut Vec<Logged>) {
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
        close(state, &mut row);
        log.push(row);
    }
    *open = waiting;
}

fn still_pending(state: &State, row: &Logged) -> bool {
    let order = row.subject.and_then(|task| state.world.task(task).order);
    order.is_some_and(|order| order.number == row.number && order.deadline_ns >= state.world.now_ns)
}

/// Fills in what came of it.
fn close(state: &State, row: &mut Logged) {
    let now = match row.subject {
        Some(task) => of_task(state, task),
        None => of_pair(state, row.from, row.to),
    };
    row.wait_ns = now.wait_ns.saturating_sub(row.before.wait_ns);
    row.run_ns = now.run_ns - row.before.run_ns;
    row.migrations = now.arrivals - row.before.arrivals;
    row.window_ns = state.world.now_ns - row.at_ns;
    let others = now.others - row.before.others;
    match row.subject {
        Some(task) => {
            row.cold = f64::from(u8::from(others > 0));
            row.seen_domain = Some(state.world.places.domain_of(state.world.task(task).cpu) as usize);
        }
        None => row.cold = row.migrations as f64 / others.max(1) as f64,
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
        arrivals: u64::from(seen.migrations),
        others: u64::from(seen.llc_changes),
    }
}

/// What the CPUs of a pair's domains have seen; of a domain and itself, once.
fn of_pair(state: &State, from: usize, to: usize) -> Totals {
    let places = &state.world.places;
    let both = [from, to];
    let domains = if from == to { &both[..1] } else { &both[..] };
    let cpus = domains.iter().flat_map(|&domain| &places.members[domain]);
    cpus.fold(Totals::default(), |sum, &cpu| {
        let core = &state.cores[cpu as usize];
        Totals {
            wait_ns: sum.wait_ns + core.waited_ns,
            run_ns: sum.run_ns + core.busy_ns,
            arrivals: sum.arrivals + core.arrivals,
            others: sum.others + core.runs,
        }
    })
}
