// SPDX-License-Identifier: GPL-2.0-only
//! A question of a round as it is logged: what was asked, what was answered, what came of it. One row, and one writer, for the
//! daemon's log and for a replay's.

use super::{Candidate, Judged, Pair, TaskId};
use crate::model::FeatureRow;
use crate::model::log::{GAIN, LABEL, columns};
use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize, Serializer};
use std::io::Write;

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A task that the policy would move.
    Balance,
    /// A pair of domains, one of which may steal from the other; the task is the one that would go first.
    Steal,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Moved: the task was seen to run in the domain that the decision named.
    Applied,
    /// Refused: the task had ended.
    Gone,
    /// Refused: the task was no longer in the domain that it should leave.
    Moved,
    /// Refused: its affinity allows no CPU of the other domain.
    Affinity,
    /// Refused: it is bound to its CPU, with one CPU allowed or migration disabled.
    Pinned,
    /// It did not run in time.
    Expired,
    /// The gate did not let the move through.
    Stayed,
    /// The pair may steal.
    Permitted,
    /// It may not.
    Denied,
}

impl Outcome {
    /// Every outcome, in the order of tables.
    pub const ALL: [Outcome; 9] = [
        Outcome::Applied,
        Outcome::Gone,
        Outcome::Moved,
        Outcome::Affinity,
        Outcome::Pinned,
        Outcome::Expired,
        Outcome::Stayed,
        Outcome::Permitted,
        Outcome::Denied,
    ];

    /// Whether a decision that was sent ended so.
    pub fn is_end(self) -> bool {
        !matches!(self, Outcome::Stayed | Outcome::Permitted | Outcome::Denied)
    }

    /// Whether the kernel's half refused the move.
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Outcome::Gone | Outcome::Moved | Outcome::Affinity | Outcome::Pinned
        )
    }
}

/// The outcome as the column `status` has it: all refusals are one; `reason` tells them apart.
struct Status(Outcome);

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0.is_refusal() {
            true => serializer.serialize_str("refused"),
            false => self.0.serialize(serializer),
        }
    }
}

/// What a task, or the CPUs of some domains, have gone through since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How long the task waited; of CPUs, how long the tasks that started to run there had waited.
    pub wait_ns: u64,
    /// How long it ran; of CPUs, how long tasks ran there.
    pub run_ns: u64,
    /// Migrations; of CPUs, runs of tasks that had run on another CPU before.
    pub migrations: u64,
    /// Of CPUs: how often a task started to run there.
    pub runs: u64,
    /// Of a task: migrations to another last-level cache.
    pub llc_changes: u64,
}

impl Totals {
    /// Both together.
    pub fn plus(self, other: Totals) -> Totals {
        self.each(other, |mine, other| mine + other)
    }

    /// What the domains of a pair have gone through; a domain and itself, once.
    pub fn of_pair(from: usize, to: usize, of: impl Fn(usize) -> Totals) -> Totals {
        match from == to {
            true => of(from),
            false => of(from).plus(of(to)),
        }
    }

    fn since(self, earlier: Totals) -> Totals {
        self.each(earlier, u64::saturating_sub)
    }

    fn each(self, other: Totals, of: fn(u64, u64) -> u64) -> Totals {
        Totals {
            wait_ns: of(self.wait_ns, other.wait_ns),
            run_ns: of(self.run_ns, other.run_ns),
            migrations: of(self.migrations, other.migrations),
            runs: of(self.runs, other.runs),
            llc_changes: of(self.llc_changes, other.llc_changes),
        }
    }
}

/// What was gone through in the time after a decision; all 0 where that was not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Waited so long,
    pub wait_ns: u64,
    /// ran so long,
    pub run_ns: u64,
    /// (how long was watched)
    pub window_ns: u64,
    /// migrated so often,
    pub migrations: u64,
    /// and was last seen in this domain,
    pub seen_domain: Option<usize>,
    /// after it went to another last-level cache (0 or 1; of a pair, the share of runs that began on another CPU).
    pub cold: f64,
}

impl Spent {
    /// By a task that is in `domain` now.
    pub fn by_task(before: Totals, now: Totals, window_ns: u64, domain: usize) -> Spent {
        let spent = now.since(before);
        Spent {
            seen_domain: Some(domain),
            cold: f64::from(u8::from(spent.llc_changes > 0)),
            ..Spent::of(spent, window_ns)
        }
    }

    /// By all tasks in the domains of a pair. One permission touches many tasks a little, so the one that would have gone first
    /// says next to nothing about it.
    pub fn by_pair(before: Totals, now: Totals, window_ns: u64) -> Spent {
        let spent = now.since(before);
        Spent {
            cold: spent.migrations as f64 / spent.runs.max(1) as f64,
            ..Spent::of(spent, window_ns)
        }
    }

    fn of(spent: Totals, window_ns: u64) -> Spent {
        Spent {
            wait_ns: spent.wait_ns,
            run_ns: spent.run_ns,
            window_ns,
            migrations: spent.migrations,
            ..Spent::default()
        }
    }
}

/// One row of a decision log.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When.
    pub at_ns: u64,
    /// What it is about.
    pub kind: Kind,
    /// Who; a pair without a task that waits has none.
    pub task: Option<TaskId>,
    /// Its name.
    pub comm: String,
    /// From which domain.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// What a model is told.
    pub features: FeatureRow,
    /// What it said, where it was asked.
    pub score: Option<f32>,
    /// Let through by the gate?
    pub accepted: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// What was gone through afterwards.
    pub spent: Spent,
    /// How much less the move, or the permission, costs than the other answer; only a simulation can try both.
    pub gain_ns: i64,
}

impl Row {
    /// Of a move that was judged. Until something else becomes of it, the task stayed.
    pub fn of_move(at_ns: u64, judged: &Judged<Candidate>, comm: String) -> Row {
        let Candidate { task, from, to, .. } = judged.about;
        Row {
            task: Some(task),
            comm,
            ..Row::of(at_ns, Kind::Balance, (from, to), judged, Outcome::Stayed)
        }
    }

    /// Of a permission to steal that was judged; `task` is the one that would go first.
    pub fn of_steal(at_ns: u64, judged: &Judged<Pair>, task: Option<TaskId>, comm: String) -> Row {
        let Pair { from, to, .. } = judged.about;
        let outcome = match judged.accepted {
            true => Outcome::Permitted,
            false => Outcome::Denied,
        };
        Row {
            task,
            comm,
            ..Row::of(at_ns, Kind::Steal, (from, to), judged, outcome)
        }
    }

    fn of<Q>(
        at_ns: u64,
        kind: Kind,
        (from, to): (usize, usize),
        judged: &Judged<Q>,
        outcome: Outcome,
    ) -> Row {
        Row {
            at_ns,
            kind,
            task: None,
            comm: String::new(),
            from,
            to,
            features: judged.row,
            score: judged.score,
            accepted: judged.accepted,
            outcome,
            spent: Spent::default(),
            gain_ns: 0,
        }
    }

    /// Whether moving, or permitting, was right.
    pub fn label(&self) -> bool {
        self.gain_ns > 0
    }
}

/// Writes rows as CSV, in the columns of [`columns`].
pub struct Writer<W: Write> {
    csv: csv::Writer<W>,
    hindsight: bool,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins with the header. With `hindsight`, rows also say what would have been right.
    ///
    /// # Errors
    /// Where `to` cannot be written.
    pub fn new(to: W, hindsight: bool) -> Result<Writer<W>> {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(to);
        let more = if hindsight { &[LABEL, GAIN][..] } else { &[] };
        csv.write_record(columns().chain(more.iter().copied()))?;
        Ok(Writer {
            csv,
            hindsight,
            rows: 0,
        })
    }

    /// One row.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, row: &Row) -> Result<()> {
        let task = row.task.unwrap_or_default();
        let question = (
            row.at_ns,
            row.kind,
            (task.pid, task.start_ns, &row.comm),
            (row.from, row.to),
        );
        // Floats as Rust prints them: `1`, where serde's way would be `1.0`.
        let told: Vec<String> = row.features.iter().map(f32::to_string).collect();
        let answer = (
            row.score.map(|score| score.to_string()),
            if row.accepted { "move" } else { "stay" },
            Status(row.outcome),
            row.outcome.is_refusal().then_some(row.outcome),
        );
        let spent = &row.spent;
        let became = (
            (spent.wait_ns, spent.run_ns, spent.window_ns),
            spent.migrations,
            spent.seen_domain,
            match row.kind {
                Kind::Balance => spent.cold.to_string(),
                Kind::Steal => format!("{:.4}", spent.cold),
            },
        );
        let asked = (question, told, answer, became);
        match self.hindsight {
            true => self.csv.serialize((asked, u8::from(row.label()), row.gain_ns))?,
            false => self.csv.serialize(asked)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What was written to.
    ///
    /// # Errors
    /// Where the rest cannot be written.
    pub fn into_inner(self) -> Result<W> {
        self.csv.into_inner().map_err(|err| anyhow!("{}", err.error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;

    fn row() -> Row {
        let mut features = [0.0; FEATURE_COUNT];
        features[..3].copy_from_slice(&[1.0, 0.25, 1e8]);
        let judged = Judged {
            about: Candidate {
                task: TaskId { pid: 7, start_ns: 9 },
                task_index: 0,
                from: 1,
                to: 2,
            },
            row: features,
            score: Some(0.5),
            accepted: true,
        };
        Row::of_move(3, &judged, "a, b".to_owned())
    }

    fn written(row: &Row, hindsight: bool) -> String {
        let mut writer = Writer::new(Vec::new(), hindsight).unwrap();
        writer.write(row).unwrap();
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        text.lines().nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_row_has_a_field_for_each_column() {
        let zeroes = ",0".repeat(FEATURE_COUNT - 3);
        let begin = format!("3,balance,7,9,\"a, b\",1,2,1,0.25,100000000{zeroes},0.5,move");
        let mut row = row();
        assert_eq!(written(&row, false), format!("{begin},stayed,,0,0,0,0,,0"));
        row.outcome = Outcome::Affinity;
        let totals = |wait_ns, run_ns, migrations| Totals {
            wait_ns,
            run_ns,
            migrations,
            runs: 4,
            llc_changes: migrations,
        };
        row.spent = Spent::by_task(totals(5, 5, 1), totals(10, 25, 2), 40, 1);
        assert_eq!(
            written(&row, false),
            format!("{begin},refused,affinity,5,20,40,1,1,1")
        );
        row.gain_ns = -8;
        assert_eq!(
            written(&row, true),
            format!("{begin},refused,affinity,5,20,40,1,1,1,0,-8")
        );
    }

    #[test]
    fn a_pair_has_no_domain_and_a_share_of_cold_runs() {
        let judged = Judged {
            about: Pair {
                from: 0,
                to: 1,
                task_index: None,
            },
            row: [0.0; FEATURE_COUNT],
            score: None,
            accepted: false,
        };
        let mut row = Row::of_steal(1, &judged, None, String::new());
        let now = Totals {
            wait_ns: 6,
            run_ns: 7,
            migrations: 1,
            runs: 3,
            llc_changes: 0,
        };
        row.spent = Spent::by_pair(Totals::default(), now, 9);
        let zeroes = ",0".repeat(FEATURE_COUNT);
        let expected = format!("1,steal,0,0,,0,1{zeroes},,stay,denied,,6,7,9,1,,0.3333");
        assert_eq!(written(&row, false), expected);
        let of = |domain: usize| Totals {
            wait_ns: 1 << domain,
            ..Totals::default()
        };
        assert_eq!(Totals::of_pair(1, 2, of).wait_ns, 6);
        assert_eq!(Totals::of_pair(2, 2, of).wait_ns, 4);
    }

    #[test]
    fn every_outcome_has_its_place() {
        for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, place);
        }
        assert_eq!(
            Outcome::ALL.iter().filter(|outcome| outcome.is_refusal()).count(),
            4
        );
    }
}
