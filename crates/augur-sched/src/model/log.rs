// SPDX-License-Identifier: GPL-2.0-only
//! The decision log: the columns that the live daemon writes, the trainer learns from, and `model explain` reads.

use super::contract::{FEATURE_COUNT, FEATURES, FeatureRow};
use anyhow::{Context, bail};
use augur_base::file;
use std::io::{self, Read};
use std::path::Path;

/// Columns before the features: when (boot clock), `balance` or `steal`, the task, and the domains of the move.
pub const BEFORE: [&str; 7] = ["at_ns", "kind", "pid", "start_ns", "comm", "from", "to"];

/// Columns after the features. `score` is the model's (empty without one); `decision` is `move` or `stay`; `status` is
/// what became of it: `applied`, `refused`, `expired` or `stayed` for balance, `permitted` or `denied` for steal;
/// `reason` says why a move was refused. Then the outcome: over the `window_ns` after the decision (0: none was seen)
/// the task waited `wait_ns` while runnable, ran `run_ns`, migrated `migrations` times and was last seen running in
/// `seen_domain`; `cold` is 1 when its first run was in another LLC than the run before. Of a steal, whose answer holds for a pair of
/// domains, they say what all tasks there went through, and `cold` is the share of their runs that began on another CPU than before.
pub const AFTER: [&str; 10] = [
    "score",
    "decision",
    "status",
    "reason",
    "wait_ns",
    "run_ns",
    "window_ns",
    "migrations",
    "seen_domain",
    "cold",
];

/// An extra column that rows may have: 1 where the move was right, 0 where it was not.
pub const LABEL: &str = "label";

/// Beside [`LABEL`]: by how many ns the move cost less than the other answer. 0: it made no difference.
pub const GAIN: &str = "gain_ns";

/// All columns of a decision log, in order.
pub fn columns() -> impl Iterator<Item = &'static str> {
    BEFORE.into_iter().chain(FEATURES).chain(AFTER)
}

/// The part of a log that a model can be asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedRows {
    /// One row a candidate.
    pub rows: Vec<FeatureRow>,
    /// Whether each move was right, where the log says so.
    pub labels: Option<Vec<bool>>,
}

/// Reads the features (and labels, where there are any) of every row of a CSV file with the features' columns.
///
/// # Errors
/// When the file cannot be read, lacks a feature, or a field is not a number; with file, line and column.
pub fn read_rows(path: &Path) -> anyhow::Result<LoggedRows> {
    let shown = path.display();
    let mut reader = csv::Reader::from_reader(ShortLines {
        input: file::open(path)?,
        length: 0,
    });
    let header = reader
        .headers()
        .with_context(|| format!("cannot read the log {shown}"))?
        .clone();
    let column = |name: &str| header.iter().position(|column| column == name);
    let mut places = [0; FEATURE_COUNT];
    for (place, name) in places.iter_mut().zip(FEATURES) {
        match column(name) {
            Some(found) => *place = found,
            None => bail!("{shown} has no column `{name}`; give a log that --log-decisions wrote"),
        }
    }
    let label = column(LABEL);
    let mut logged = LoggedRows {
        rows: Vec::new(),
        labels: label.map(|_| Vec::new()),
    };
    for (number, record) in reader.records().enumerate() {
        let line = number + 2;
        let record = record.with_context(|| format!("{shown}, line {line}"))?;
        let value = |place: usize| -> anyhow::Result<f32> {
            let text = record.get(place).unwrap_or_default();
            let column = header.get(place).unwrap_or_default();
            text.trim()
                .parse()
                .with_context(|| format!("{shown}, line {line}: `{text}` in `{column}` is not a number"))
        };
        let mut row = [0.0; FEATURE_COUNT];
        for (feature, place) in row.iter_mut().zip(places) {
            *feature = value(place)?;
        }
        logged.rows.push(row);
        if let (Some(labels), Some(place)) = (&mut logged.labels, label) {
            labels.push(value(place)? >= 0.5);
        }
    }
    if logged.rows.is_empty() {
        bail!("{shown} has no rows; record for longer");
    }
    Ok(logged)
}

/// A line of a log has some hundred bytes. What has no lines, such as a device, is not read for ever.
struct ShortLines<R> {
    input: R,
    length: usize,
}

/// Longest line that is read.
const LINE_MAX: usize = 1 << 20;

impl<R: Read> Read for ShortLines<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(bytes)?;
        let end = bytes[..count].iter().rposition(|byte| *byte == b'\n');
        self.length = end.map_or(self.length + count, |end| count - end - 1);
        if self.length > LINE_MAX {
            return Err(io::Error::other(
                "it has a line of more than 1 MB, so it is not a log",
            ));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<LoggedRows> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.csv");
        std::fs::write(&path, text).unwrap();
        read_rows(&path)
    }

    #[test]
    fn features_and_labels_are_found_by_name() {
        let header: Vec<_> = columns().chain([LABEL]).collect();
        let row: Vec<_> = (0..header.len()).map(|at| at.to_string()).collect();
        let logged = read(&format!("{}\n{}\n", header.join(","), row.join(","))).unwrap();
        assert_eq!(logged.rows[0][0], BEFORE.len() as f32);
        assert_eq!(logged.labels, Some(vec![true]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(read("a,b\n1,2\n").unwrap_err().to_string().contains("cpu_util"));
        let header = FEATURES.join(",");
        let row = vec!["x"; FEATURE_COUNT].join(",");
        assert!(
            format!("{:#}", read(&format!("{header}\n{row}\n")).unwrap_err())
                .contains("line 2: `x` in `cpu_util`")
        );
        assert!(
            read(&format!("{header}\n"))
                .unwrap_err()
                .to_string()
                .contains("no rows")
        );
    }
}
