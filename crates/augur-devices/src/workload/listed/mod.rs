// SPDX-License-Identifier: GPL-2.0-only
//! Tasks that a file lists, in place of drawn ones: a table of one's own (CSV or Parquet), or a log in the Standard Workload
//! Format.
//!
//! ```text
//! table  columns by name, from  csv  or  parquet        swf  eighteen numbers a job
//! ```
//! A batch is what comes at one moment, in parts of [`MOST_PER_BATCH`], parents before children. A task whose parents come
//! later is taken in with the last of them; it has come when the file says so all the same.

mod columns;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;
mod swf;

use super::physics::Physics;
use super::task::{Batch, NEVER_NS, Parents, Task, Work};
use super::{generator, kin};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::HashMap;

/// The most tasks: memory is bounded.
pub const MOST_TASKS: usize = 5_000_000;
/// The most tasks of a batch; more that come at one moment are several.
const MOST_PER_BATCH: usize = 1000;
/// The latest time, in s: 30 years.
const MOST_S: f64 = 1e9;

/// A task of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its line, or its row where there are no lines.
    pub at: u64,
    /// What others call it.
    pub id: String,
    /// What may be known of it; its number is given later.
    pub task: Task,
    /// What is true of it, where that is another thing than the machine's laws say.
    pub work: Option<Work>,
    /// Tasks that it waits for.
    pub parents: Vec<String>,
}

/// Adds a row that is not one too many; where no column names tasks they are called by their numbers.
fn push(rows: &mut Vec<Row>, mut row: Row) -> Result<()> {
    ensure!(rows.len() < MOST_TASKS, "there are more than {MOST_TASKS} tasks");
    if row.id.is_empty() {
        row.id = rows.len().to_string();
    }
    rows.push(row);
    Ok(())
}

/// All tasks of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    tasks: Vec<Task>,
    works: Vec<Work>,
    /// By numbers, lower than the task's own.
    parents: Vec<Vec<u32>>,
    /// When each is taken in.
    taken_ns: Vec<u64>,
    /// What was left out or made simpler, one sentence each.
    pub notes: Vec<String>,
}

impl Listed {
    /// Reads a file's bytes: Parquet, the Standard Workload Format, or CSV, as its content says.
    ///
    /// # Errors
    /// One sentence that names the line or row, and the column.
    pub fn read(bytes: Vec<u8>, physics: &Physics) -> Result<Listed> {
        let mut notes = Vec::new();
        let (rows, what) = if bytes.starts_with(b"PAR1") {
            #[cfg(not(feature = "parquet"))]
            bail!(augur_base::file::NO_PARQUET);
            #[cfg(feature = "parquet")]
            (parquet::read(bytes, physics, &mut notes)?, "row")
        } else {
            let text = String::from_utf8(bytes).map_err(|err| {
                let before = &err.as_bytes()[..err.utf8_error().valid_up_to()];
                let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
                anyhow!("line {line} is not UTF-8")
            })?;
            let text = text.trim_start_matches('\u{feff}');
            if swf::is_one(text) {
                (swf::read(text, physics, &mut notes)?, "line")
            } else {
                (csv::read(text, physics, &mut notes)?, "line")
            }
        };
        ensure!(!rows.is_empty(), "there are no tasks in it; give at least one");
        let mut listed = Listed::of(rows, physics, what)?;
        if listed.tasks.iter().all(|task| task.deadline_ns == NEVER_NS) {
            notes.push("no task has a deadline, so that none is missed".to_owned());
        }
        listed.notes = notes;
        Ok(listed)
    }

    /// Puts tasks into the order in which they are taken in.
    fn of(rows: Vec<Row>, physics: &Physics, what: &str) -> Result<Listed> {
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            if let Some(first) = places.insert(&row.id, place) {
                bail!(
                    "{what} {}: task '{}' is there twice, also in {what} {}",
                    row.at,
                    row.id,
                    rows[first].at
                );
            }
        }
        let mut parents = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut known = Vec::with_capacity(row.parents.len());
            for parent in &row.parents {
                let place = places.get(parent.as_str()).copied();
                let place = place.with_context(|| {
                    format!(
                        "{what} {}: task '{}' waits for task '{parent}', which is not there",
                        row.at, row.id
                    )
                })?;
                if !known.contains(&place) {
                    known.push(place);
                }
            }
            parents.push(known);
        }
        let mut taken_ns: Vec<u64> = rows.iter().map(|row| row.task.arrival_ns).collect();
        let order = |taken_ns: &[u64]| {
            kin::order(&parents, |place| taken_ns[place]).map_err(|circle| {
                let tasks = kin::words(&circle, |place| &rows[place].id);
                anyhow!("the tasks {tasks} wait for each other in a circle")
            })
        };
        // A task is taken in when it comes, and not before its parents are.
        for place in order(&taken_ns)? {
            let of = parents[place].iter().map(|&parent| taken_ns[parent]);
            taken_ns[place] = of.fold(taken_ns[place], u64::max);
        }
        // By time; at one moment as in the file, but parents before children.
        let order = order(&taken_ns)?;
        let mut numbers = vec![0u32; rows.len()];
        for (number, &place) in order.iter().enumerate() {
            numbers[place] = number as u32;
        }
        let mut listed = Listed::default();
        for (number, &place) in order.iter().enumerate() {
            let task = Task {
                number: number as u64,
                ..rows[place].task
            };
            listed
                .works
                .push(rows[place].work.unwrap_or_else(|| physics.work(&task)));
            listed.tasks.push(task);
            listed.taken_ns.push(taken_ns[place]);
            let of = parents[place].iter().map(|&parent| numbers[parent]);
            listed.parents.push(of.collect());
        }
        Ok(listed)
    }

    /// All tasks, in order.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// What is true of them.
    pub fn works(&self) -> &[Work] {
        &self.works
    }

    /// Settings under which a generator draws tasks such as these: for what learns before anything came.
    pub fn settings(&self, base: &generator::Settings) -> generator::Settings {
        let ends = |of: fn(&Task) -> f64, most: f64| {
            let values = self.tasks.iter().map(of);
            values.fold([most, 0.0f64], |[low, high], value| {
                [low.min(value), high.max(value).min(most)]
            })
        };
        let last_s = self.tasks.last().map_or(0.0, |task| task.arrival_ns as f64 / 1e9);
        let first_s = self
            .tasks
            .first()
            .map_or(0.0, |task| task.arrival_ns as f64 / 1e9);
        let span_s = last_s - first_s;
        let count = self.tasks.len();
        let priorities = self.tasks.iter().map(|task| task.priority).max().unwrap_or(0);
        generator::Settings {
            tasks: count as u64,
            rate_per_s: match span_s > 0.0 {
                true => (count as f64 / span_s).clamp(1e-9, 1e9),
                false => base.rate_per_s,
            },
            size: ends(|task| task.size, 1e9),
            intensity: ends(|task| task.intensity, 1.0),
            memory_mb: ends(|task| task.memory_mb, 1e9),
            priorities: priorities.saturating_add(1),
            ..base.clone()
        }
    }
}

/// Goes through the batches.
#[derive(Clone, Debug)]
pub struct Batches {
    listed: std::sync::Arc<Listed>,
    next: usize,
}

impl Batches {
    /// From the first on.
    pub fn of(listed: std::sync::Arc<Listed>) -> Batches {
        Batches { listed, next: 0 }
    }

    /// The next batch, which replaces what is in `batch`; false: there are no more.
    pub fn next(&mut self, batch: &mut Batch) -> bool {
        batch.clear();
        let listed = &self.listed;
        let Some(&at_ns) = listed.taken_ns.get(self.next) else {
            return false;
        };
        let first = self.next;
        let same = listed.taken_ns[first..]
            .iter()
            .take_while(|&&other| other == at_ns);
        let count = same.take(MOST_PER_BATCH).count();
        batch.arrival_ns = at_ns;
        for number in first..first + count {
            let mut own = Vec::new();
            for &parent in &listed.parents[number] {
                match (parent as usize).checked_sub(first) {
                    Some(place) => own.push(place as u16),
                    None => batch.earlier.push(((number - first) as u16, u64::from(parent))),
                }
            }
            batch.tasks.push(listed.tasks[number]);
            batch.works.push(listed.works[number]);
            batch.parents.push(Parents::of(own));
        }
        self.next = first + count;
        true
    }
}
