// SPDX-License-Identifier: GPL-2.0-only
//! The decision log: every candidate, its features, what was decided, and what the task went through afterwards.
//!
//! A row is written one interval after its decision, when the outcome is known. The file gets its
//! name when it is closed, so that a log that is there is whole.

use super::bpf::intf::augur_task_row;
use super::collect::{Observation, Totals};
use super::decisions::{Outcome, Sent};
use crate::file::Output;
use crate::model::FeatureRow;
use crate::model::log::columns;
use crate::policy::{Judged, Pair, Snapshot, TaskId};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A task that the policy would move.
    Balance,
    /// A pair of domains, one of which may steal from the other; the task is the one that would go first.
    Steal,
}

/// What is known of a candidate when it is decided.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, on the scheduler's clock.
    pub at_ns: u64,
    /// What it is about.
    pub kind: Kind,
    /// Who; a pair without a task that waits has none.
    pub task: Option<TaskId>,
    /// From which domain.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What the model was told.
    pub row: FeatureRow,
    /// What it said, where it was asked.
    pub score: Option<f32>,
    /// Accepted?
    pub accepted: bool,
    /// The decision's number, where one was sent.
    pub seq: Option<u64>,
}

impl Entry {
    /// Of a move.
    pub fn of_move(at_ns: u64, Sent { judged, seq }: &Sent) -> Entry {
        Entry {
            at_ns,
            kind: Kind::Balance,
            task: Some(judged.about.task),
            from: judged.about.from,
            to: judged.about.to,
            row: judged.row,
            score: judged.score,
            accepted: judged.accepted,
            seq: *seq,
        }
    }

    /// Of a question about stealing. Where nobody waits there was nothing to take, and the answer made no difference.
    pub fn of_steal(snapshot: &Snapshot, judged: &Judged<Pair>) -> Option<Entry> {
        let task = judged.about.task_index?;
        Some(Entry {
            at_ns: snapshot.now_ns,
            kind: Kind::Steal,
            task: snapshot.tasks.get(task).map(|task| task.id),
            from: judged.about.from,
            to: judged.about.to,
            row: judged.row,
            score: judged.score,
            accepted: judged.accepted,
            seq: None,
        })
    }
}

/// An entry that waits for its outcome.
struct Open {
    entry: Entry,
    before: Option<augur_task_row>,
    totals: Totals,
    outcome: Option<Outcome>,
}

/// Writes the log.
pub struct DecisionLog {
    writer: csv::Writer<Output>,
    path: PathBuf,
    open: Vec<Open>,
    written: u64,
}

impl DecisionLog {
    /// Starts a log that will be `path` once it is closed.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn create(path: &Path) -> Result<DecisionLog> {
        let file = Output::create(path).context("there can be no decision log")?;
        let mut writer = csv::Writer::from_writer(file);
        writer
            .write_record(columns())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(DecisionLog {
            writer,
            path: path.to_owned(),
            open: Vec::new(),
            written: 0,
        })
    }

    /// Takes entries in; their tasks' counters now are what the outcome is measured from.
    pub fn open(&mut self, entries: impl IntoIterator<Item = Entry>, seen: &Observation) {
        self.open.extend(entries.into_iter().map(|entry| Open {
            before: entry.task.and_then(|id| seen.row(id)).copied(),
            totals: seen.pair_totals(entry.from, entry.to),
            entry,
            outcome: None,
        }));
    }

    /// Notes what became of decisions.
    pub fn hear(&mut self, ended: &[(u64, Outcome)]) {
        for open in &mut self.open {
            if let Some(&(_, outcome)) = ended.iter().find(|(seq, _)| Some(*seq) == open.entry.seq) {
                open.outcome = Some(outcome);
            }
        }
    }

    /// The pids whose outcome is still to be seen.
    pub fn watched(&self) -> impl Iterator<Item = i32> + '_ {
        self.open.iter().filter_map(|open| open.before.map(|row| row.pid))
    }

    /// Writes every entry whose outcome the new snapshot shows.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn settle(&mut self, seen: &Observation) -> Result<()> {
        let (done, waiting) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open: &Open| open.entry.seq.is_none() || open.outcome.is_some());
        self.open = waiting;
        for open in done {
            self.write(&open, seen)?;
        }
        Ok(())
    }

    fn write(&mut self, open: &Open, seen: &Observation) -> Result<()> {
        let entry = &open.entry;
        let after = open.before.as_ref().and_then(|row| {
            seen.row(TaskId {
                pid: row.pid,
                start_ns: row.start_ns,
            })
            .map(|now| (row, now))
        });
        let (status, reason) = status(open);
        let task = entry.task.unwrap_or(TaskId { pid: 0, start_ns: 0 });
        let comm = open.before.as_ref().map(comm).unwrap_or_default();
        let kind = if entry.kind == Kind::Balance {
            "balance"
        } else {
            "steal"
        };
        let mut record = vec![entry.at_ns.to_string(), kind.into(), task.pid.to_string()];
        record.extend([
            task.start_ns.to_string(),
            comm,
            entry.from.to_string(),
            entry.to.to_string(),
        ]);
        record.extend(entry.row.iter().map(f32::to_string));
        record.push(entry.score.map(|score| score.to_string()).unwrap_or_default());
        record.push(if entry.accepted { "move" } else { "stay" }.into());
        record.extend([status.into(), reason.into()]);
        let window_ns = seen.snapshot.now_ns.saturating_sub(entry.at_ns);
        record.extend(match entry.kind {
            Kind::Balance => outcome_columns(after, window_ns),
            Kind::Steal => {
                let spent = seen.pair_totals(entry.from, entry.to).since(open.totals);
                pair_columns(&spent, window_ns)
            }
        });
        self.written += 1;
        self.writer
            .write_record(&record)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Closes the log: the file gets its name. What still waits for an outcome is left out. Returns the rows written.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left behind then.
    pub fn close(self) -> Result<u64> {
        let named = || format!("cannot write {}", self.path.display());
        let file = self
            .writer
            .into_inner()
            .map_err(|err| anyhow::anyhow!("{}", err.error()))
            .with_context(named)?;
        file.sync()?;
        file.finish()?;
        Ok(self.written)
    }
}

fn status(open: &Open) -> (&'static str, &'static str) {
    match (open.entry.kind, open.entry.accepted, open.outcome) {
        (Kind::Steal, true, _) => ("permitted", ""),
        (Kind::Steal, false, _) => ("denied", ""),
        (Kind::Balance, _, Some(outcome)) => (outcome.status(), outcome.reason()),
        (Kind::Balance, _, None) => ("stayed", ""),
    }
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

/// wait_ns, run_ns, window_ns, migrations, seen_domain, cold: what the task went through since the decision; zeroes,
/// window included, where it is no longer there.
fn outcome_columns(after: Option<(&augur_task_row, &augur_task_row)>, window_ns: u64) -> [String; 6] {
    let Some((before, now)) = after else {
        return ["0", "0", "0", "0", "", "0"].map(String::from);
    };
    [
        now.total_wait_ns.saturating_sub(before.total_wait_ns).to_string(),
        now.total_run_ns.saturating_sub(before.total_run_ns).to_string(),
        window_ns.to_string(),
        now.migrations.wrapping_sub(before.migrations).to_string(),
        now.dom.to_string(),
        u8::from(now.llc_changes != before.llc_changes).to_string(),
    ]
}

/// The same columns for a pair of domains: what all tasks there went through. One permission touches many tasks a little, so the
/// one that would have gone first says next to nothing about it.
fn pair_columns(spent: &Totals, window_ns: u64) -> [String; 6] {
    let cold = spent.arrivals as f64 / spent.runs.max(1) as f64;
    [
        spent.wait_ns.to_string(),
        spent.run_ns.to_string(),
        window_ns.to_string(),
        spent.arrivals.to_string(),
        String::new(),
        format!("{cold:.4}"),
    ]
}
