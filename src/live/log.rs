// SPDX-License-Identifier: GPL-2.0-only
//! The decision log: every candidate, its features, what was decided, and what the task went through afterwards.
//!
//! A row is written one interval after its decision, when the outcome is known. The file gets its
//! name when it is closed, so that a log that is there is whole.

use super::bpf::intf::augur_task_row;
use super::collect::{Observation, task_totals};
use super::decisions::Sent;
use anyhow::{Context, Result};
use augur_base::file::Output;
use augur_sched::policy::decision::{Kind, Outcome, Row, Spent, Totals, Writer};
use augur_sched::policy::{Judged, Pair, TaskId};
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

    /// Closes the log: the file gets its name. A decision that ended after the last snapshot is written with nothing seen
    /// of it; what else waits for the next one is left out. Returns the rows written.
    ///
    /// # Errors
    /// Where the file cannot be written; nothing is left behind then.
    pub fn close(mut self) -> Result<u64> {
        let failed = || format!("cannot write {}", self.path.display());
        for open in &self.open {
            if open.awaits.is_none() && open.row.outcome.is_end() {
                self.writer.write(&open.row).with_context(failed)?;
            }
        }
        let rows = self.writer.rows();
        let file = self.writer.into_inner().with_context(failed)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::pod;
    use augur_base::topology::Machine;
    use augur_sched::model::FEATURE_COUNT;
    use augur_sched::policy::{Candidate, Phase, Snapshot, TaskState};
    use std::sync::Arc;

    const ID: TaskId = TaskId { pid: 7, start_ns: 70 };

    /// Two domains, of which the first has run 10 ns for each 100 ns, and one task in the second.
    fn seen(now_ns: u64, run_ns: u64) -> Observation {
        let mut row: augur_task_row = pod::read(&[0; 1024]).unwrap();
        (row.pid, row.start_ns, row.dom) = (ID.pid, ID.start_ns, 1);
        (row.total_wait_ns, row.total_run_ns) = (now_ns / 2, run_ns);
        row.comm[..2].copy_from_slice(&[b'm' as _, b'e' as _]);
        let of_first = Totals {
            run_ns: now_ns / 10,
            ..Totals::default()
        };
        Observation {
            snapshot: Snapshot {
                now_ns,
                machine: Arc::new(Machine::from_spec("2x1").unwrap()),
                domains: Vec::new(),
                tasks: vec![task()],
            },
            rows: vec![row],
            totals: vec![of_first, Totals::default()],
            dropped: 0,
        }
    }

    fn task() -> TaskState {
        TaskState {
            id: ID,
            domain: 1,
            phase: Phase::Queued,
            load: 1.0,
            weight: 1.0,
            avg_run_us: 0.0,
            avg_sleep_us: 0.0,
            since_run_us: 0.0,
            wakeups_hz: 0.0,
            last_migration_us: 0.0,
            last_domain_move_us: 0.0,
            waker_domain: None,
            allowed_capacity: vec![1.0, 1.0],
            pinned: false,
        }
    }

    fn judged<Q>(about: Q, accepted: bool) -> Judged<Q> {
        Judged {
            about,
            row: [0.5; FEATURE_COUNT],
            score: None,
            accepted,
        }
    }

    fn a_move(seq: Option<u64>) -> Sent {
        let candidate = Candidate {
            task: ID,
            task_index: 0,
            from: 1,
            to: 0,
        };
        Sent {
            judged: judged(candidate, seq.is_some()),
            seq,
        }
    }

    /// The columns around the features.
    fn around(line: &str) -> String {
        line.replacen(&",0.5".repeat(FEATURE_COUNT), " …", 1)
    }

    #[test]
    fn a_row_is_written_when_its_outcome_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.csv");
        let mut log = DecisionLog::create(&path).unwrap();
        let pair = |task_index| Pair {
            from: 0,
            to: 1,
            task_index,
        };
        // Nobody waits in the second pair: that has no row.
        let steals = [judged(pair(Some(0)), false), judged(pair(None), true)];
        log.open(&[a_move(Some(5)), a_move(None)], &steals, &seen(100, 30));
        assert_eq!(log.watched().collect::<Vec<_>>(), [7, 7, 7]);
        log.settle(&seen(200, 40)).unwrap();
        assert_eq!(
            log.watched().collect::<Vec<_>>(),
            [7],
            "the one that was sent is under way"
        );
        log.hear(&[(4, Outcome::Expired), (5, Outcome::Moved)]);
        log.settle(&seen(300, 60)).unwrap();
        // The last one is given up when there is no snapshot any more: it counts as expired, so it has a row.
        log.open(&[a_move(Some(6)), a_move(None)], &[], &seen(300, 60));
        log.hear(&[(6, Outcome::Expired)]);
        assert_eq!(log.close().unwrap(), 4);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<String> = text.lines().skip(1).map(around).collect();
        assert_eq!(
            lines,
            [
                "100,balance,7,70,me,1,0 …,,stay,stayed,,50,10,100,0,1,0",
                "100,steal,7,70,me,0,1 …,,stay,denied,,0,10,100,0,,0.0000",
                "100,balance,7,70,me,1,0 …,,move,refused,moved,100,30,200,0,1,0",
                "300,balance,7,70,me,1,0 …,,move,expired,,0,0,0,0,,0",
            ]
        );
    }
}
