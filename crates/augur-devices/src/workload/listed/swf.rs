// SPDX-License-Identifier: GPL-2.0-only
//! The Standard Workload Format (Chapin et al., JSSPP 1999; Feitelson's Parallel Workloads Archive, version 2.2): a line of
//! eighteen numbers for each job, -1 for what is not known, and comments behind semicolons.
//!
//! A job becomes one task of its runtime times its processors. What may be known of it before it ran is what its user
//! asked for, where that is there.

use super::{MOST_S, Row, push};
use crate::workload::Physics;
use crate::workload::task::{NEVER_NS, Task, Work};
use anyhow::{Context, Result, ensure};

/// Numbers of a line.
const FIELDS: usize = 18;
const NUMBER: usize = 0;
const SUBMIT_S: usize = 1;
const RUN_S: usize = 3;
const PROCESSORS: usize = 4;
const USED_KB: usize = 6;
const ASKED_PROCESSORS: usize = 7;
const ASKED_S: usize = 8;
const ASKED_KB: usize = 9;
const PRECEDING: usize = 16;
const THINK_S: usize = 17;

/// Whether a text is in that format: its first line is a comment, or as many numbers.
pub(super) fn is_one(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    first.is_some_and(|line| {
        let numbers = || {
            line.split_ascii_whitespace()
                .filter(|word| word.parse::<f64>().is_ok())
                .count()
        };
        line.starts_with(';') || numbers() >= FIELDS
    })
}

/// What was made simpler, counted.
#[derive(Default)]
struct Counts {
    never_ran: u64,
    parallel: u64,
    no_memory: u64,
    thinks: u64,
}

/// Reads a log.
///
/// # Errors
/// One sentence that names the line and the field.
pub(super) fn read(text: &str, physics: &Physics, notes: &mut Vec<String>) -> Result<Vec<Row>> {
    ensure!(
        physics.size_exponent > 0.0,
        "a log's runtimes fit no size where physics.size_exponent is 0"
    );
    let mut rows: Vec<Row> = Vec::new();
    let mut counts = Counts::default();
    let mut skipped = std::collections::HashSet::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        let number = at as u64 + 1;
        let fields = fields(line).with_context(|| format!("line {number}"))?;
        match job(number, &fields, physics, &mut counts).with_context(|| format!("line {number}"))? {
            Some(row) => push(&mut rows, row)?,
            None => _ = skipped.insert(id(fields[NUMBER])),
        }
    }
    // Whoever followed a job that never ran does not wait for it.
    for row in &mut rows {
        row.parents.retain(|parent| !skipped.contains(parent));
    }
    let said = [
        (
            counts.never_ran,
            "jobs never ran, or their runtime is not known; they are left out",
        ),
        (
            counts.parallel,
            "jobs used several processors; each is one task of its runtime times its processors",
        ),
        (
            counts.no_memory,
            "jobs do not say what memory they need; it is taken to be none",
        ),
        (
            counts.thinks,
            "jobs came some time after the one before them ended; they come when the log says, and wait for that one",
        ),
    ];
    notes.extend(
        said.iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}")),
    );
    Ok(rows)
}

fn fields(line: &str) -> Result<[f64; FIELDS]> {
    let mut fields = [-1.0; FIELDS];
    let mut count = 0;
    for word in line.split_ascii_whitespace() {
        if let Some(field) = fields.get_mut(count) {
            let number: Option<f64> = word.parse().ok();
            *field = number.filter(|number| number.is_finite()).with_context(|| {
                let word: String = word.chars().take(40).collect();
                format!("field {} '{}' is not a number", count + 1, word.escape_debug())
            })?;
        }
        count += 1;
    }
    ensure!(count == FIELDS, "it has {count} fields; a job has {FIELDS}");
    Ok(fields)
}

fn id(number: f64) -> String {
    format!("{number}")
}

/// What is known, of two that say it.
fn known(first: f64, second: f64) -> Option<f64> {
    [first, second].into_iter().find(|value| *value > 0.0)
}

/// The task of a job; `None`: it never ran.
fn job(at: u64, fields: &[f64; FIELDS], physics: &Physics, counts: &mut Counts) -> Result<Option<Row>> {
    let submit_s = fields[SUBMIT_S];
    ensure!(
        (0.0..=MOST_S).contains(&submit_s),
        "the submit time (field 2) {submit_s} is not from 0 to {MOST_S}"
    );
    let run_s = fields[RUN_S];
    ensure!(run_s <= MOST_S, "the runtime (field 4) {run_s} is above {MOST_S}");
    if run_s <= 0.0 {
        counts.never_ran += 1;
        return Ok(None);
    }
    let processors = known(fields[PROCESSORS], fields[ASKED_PROCESSORS]).unwrap_or(1.0);
    ensure!(
        processors <= 1e9,
        "the number of processors (field 5) {processors} is above 1e9"
    );
    counts.parallel += u64::from(processors > 1.0);
    let memory_kb = known(fields[USED_KB], fields[ASKED_KB]);
    counts.no_memory += u64::from(memory_kb.is_none());
    let memory_mb = memory_kb.unwrap_or(0.0) * processors / 1000.0;
    ensure!(memory_mb <= 1e9, "its memory, {memory_mb} MB, is above 1e9 MB");
    let asked_s = known(fields[ASKED_S], run_s).unwrap_or(run_s).min(MOST_S);
    let task = Task {
        size: size(asked_s * processors, physics),
        memory_mb,
        arrival_ns: (submit_s * 1e9).round() as u64,
        deadline_ns: NEVER_NS,
        ..Task::default()
    };
    counts.thinks += u64::from(fields[PRECEDING] >= 0.0 && fields[THINK_S] > 0.0);
    Ok(Some(Row {
        at,
        id: id(fields[NUMBER]),
        work: Some(Work {
            cpu_s: run_s * processors,
            ..physics.work(&task)
        }),
        task,
        parents: (fields[PRECEDING] >= 0.0)
            .then(|| id(fields[PRECEDING]))
            .into_iter()
            .collect(),
    }))
}

/// The size of a task of intensity 0 that takes so long on a CPU of speed 1.
fn size(seconds: f64, physics: &Physics) -> f64 {
    let grown = seconds * physics.intensity_offset / physics.duration_scale_s;
    grown.powf(1.0 / physics.size_exponent)
}
