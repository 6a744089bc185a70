// SPDX-License-Identifier: GPL-2.0-only
//! The decision log: every candidate, its features, what was decided, and what the task went through afterwards.
//!
//! A row is written one interval after its decision, when the outcome is known. The file gets its
//! name when it is closed, so that a log that is there is whole.

use super::bpf::intf::augur_task_row;
use super::collect::{Observation, task_totals};
use super::decisions::Sent;
use crate::file::Output;
use crate::policy::decision::{Kind, Outcome, Row, Spent, Totals, Writer};
use crate::policy::{Judged, Pair, TaskId};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// A row that waits for its outcome.
struct Open {
    row: Row,
    /// The decision's number, while nothing was heard of it.
    awaits: Option<u64>,
    /// The task, as it was.
    before: Option<augur_task_row>,
    /// The two domains, as they were.
    totals: Totals,
}

/// Writes the log.
pub struct DecisionLog {
    writer: Writer<Output>,
    path: PathBuf,
    open: Vec<Open>,
}

impl DecisionLog {
    /// Starts a log that will be `path` once it is closed.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn create(path: &Path) -> Result<DecisionLog> {
        let file = Output::create(path).context("there can be no decision log")?;
        let writer = Writer::new(file, false).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(DecisionLog {
            writer,
            path: path.to_owned(),
            open: Vec::new(),
        })
    }

    /// Takes a round in; the counters of now are what outcomes are measured from.
    pub fn open(&mut self, moves: &[Sent], steals: &[Judged<Pair>], seen: &Observation) {
        let now_ns = seen.snapshot.now_ns;
        for Sent { judged, seq } in moves {
            let before = seen.row(judged.about.task).copied();
            let comm = before.as_ref().map(comm).unwrap_or_default();
            self.open.push(Open {
                row: Row::of_move(now_ns, judged, comm),
                awaits: *seq,
                before,
                totals: Totals::default(),
            });
        }
        for judged in steals {
            let pair = &judged.about;
            // Where nobody waits there was nothing to take, and the answer made no difference.
            let Some(task) = pair.task_index else { continue };
            let before = seen.rows.get(task).copied();
            let id = seen.snapshot.tasks.get(task).map(|task| task.id);
            let comm = before.as_ref().map(comm).unwrap_or_default();
            self.open.push(Open {
                row: Row::of_steal(now_ns, judged, id, comm),
                awaits: None,
                before,
                totals: seen.pair_totals(pair.from, pair.to),
            });
        }
    }

    /// Notes what became of decisions.
    pub fn hear(&mut self, ended: &[(u64, Outcome)]) {
        for open in &mut self.open {
            if let Some(&(_, outcome)) = ended.iter().find(|(seq, _)| Some(*seq) == open.awaits) {
                open.row.outcome = outcome;
                open.awaits = None;
            }
        }
    }

    /// The pids whose outcome is still to be seen.
    pub fn watched(&self) -> impl Iterator<Item = i32> + '_ {
        self.open.iter().filter_map(|open| open.before.map(|row| row.pid))
    }

    /// Writes every row whose outcome the new snapshot shows.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn settle(&mut self, seen: &Observation) -> Result<()> {
        let (done, waiting) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open: &Open| open.awaits.is_none());
        self.open = waiting;
        for mut open in done {
            open.row.spent = spent(&open, seen);
            self.writer
                .write(&open.row)
                .with_context(|| format!("cannot write {}", self.path.display()))?;
        }
        Ok(())
    }

    /// Closes the log: the file gets its name. What still waits for an outcome is left out. Returns the rows written.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left behind then.
    pub fn close(self) -> Result<u64> {
        let rows = self.writer.rows();
        let file = self.writer.into_inner();
        let file = file.with_context(|| format!("cannot write {}", self.path.display()))?;
        file.sync()?;
        file.finish()?;
        Ok(rows)
    }
}

/// What was gone through since the decision; nothing where the task is no longer there.
fn spent(open: &Open, seen: &Observation) -> Spent {
    let row = &open.row;
    let window_ns = seen.snapshot.now_ns.saturating_sub(row.at_ns);
    if row.kind == Kind::Steal {
        return Spent::by_pair(open.totals, seen.pair_totals(row.from, row.to), window_ns);
    }
    let Some(before) = &open.before else {
        return Spent::default();
    };
    let id = TaskId {
        pid: before.pid,
        start_ns: before.start_ns,
    };
    seen.row(id).map_or_else(Spent::default, |now| {
        Spent::by_task(task_totals(before), task_totals(now), window_ns, now.dom as usize)
    })
}

fn comm(row: &augur_task_row) -> String {
    let bytes: Vec<u8> = row
        .comm
        .iter()
        .map(|&c| c as u8)
        .take_while(|&c| c != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
