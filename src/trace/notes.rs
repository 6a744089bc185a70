// SPDX-License-Identifier: GPL-2.0-only
//! What a reader could not read, and why.

use serde::Serialize;
use std::collections::BTreeMap;

/// Most skipped lines that are kept with their reason; the rest is only counted.
const KEPT: usize = 1000;
/// Most names of foreign events that are kept.
const NAMES: usize = 1000;
/// What foreign events beyond that are called.
const OTHER: &str = "other events";

/// A line that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Its number, from 1: of the line in a text, of the packet or chunk in a binary file.
    pub line: u64,
    /// Why it could not be read.
    pub why: String,
}

/// Everything that a reader has to say beside the events.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    kept: Vec<Skip>,
    skipped: u64,
    first_unkept: u64,
    foreign: BTreeMap<String, u64>,
    torn: Option<String>,
    span: Option<(u64, u64)>,
}

impl Notes {
    /// Reports a line that is skipped.
    pub fn skip(&mut self, line: u64, why: impl Into<String>) {
        self.skipped += 1;
        if self.kept.len() < KEPT {
            let why = why.into();
            self.kept.push(Skip { line, why });
        } else if self.first_unkept == 0 {
            self.first_unkept = line;
        }
    }

    /// Counts an event that is fine but none of the scheduler's that are read.
    pub fn foreign(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(name);
        if let Some(count) = self.foreign.get_mut(name.as_ref()) {
            *count += 1;
        } else {
            let fits = self.foreign.len() < NAMES && name.len() <= 100;
            let name = if fits { name.into_owned() } else { OTHER.into() };
            *self.foreign.entry(name).or_default() += 1;
        }
    }

    /// Reports that the file ends where it should not. What is missing is unknown.
    pub fn tear(&mut self, why: impl Into<String>) {
        self.torn.get_or_insert_with(|| why.into());
    }

    /// Something of that time was read, be it an event of the scheduler or not: the trace is known from there, or until
    /// there.
    pub fn saw(&mut self, time_ns: u64) {
        let (first_ns, last_ns) = self.span.unwrap_or((time_ns, time_ns));
        self.span = Some((first_ns.min(time_ns), last_ns.max(time_ns)));
    }

    /// The first and the last moment of which anything was read.
    pub fn span(&self) -> Option<(u64, u64)> {
        self.span
    }

    /// How many lines were skipped.
    pub fn skipped_count(&self) -> u64 {
        self.skipped
    }

    /// The skipped lines, in order. Where there were too many to keep, a last entry says how many more, and where
    /// they begin; where the file is torn, one says so.
    pub fn skipped(&self) -> Vec<Skip> {
        let mut skipped = self.kept.clone();
        let unkept = self.skipped - skipped.len() as u64;
        if unkept > 0 {
            let (line, why) = (self.first_unkept, format!("from here on, {unkept} more"));
            skipped.push(Skip { line, why });
        }
        if let Some(why) = &self.torn {
            let (line, why) = (0, why.clone());
            skipped.push(Skip { line, why });
        }
        skipped
    }

    /// Events that were not read, by name.
    pub fn foreign_events(&self) -> &BTreeMap<String, u64> {
        &self.foreign
    }

    /// Where and how the file is torn, if it is.
    pub fn torn(&self) -> Option<&str> {
        self.torn.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut notes = Notes::default();
        for line in 1..=5000 {
            notes.skip(line, "no");
            notes.foreign(line.to_string().as_bytes());
        }
        let skipped = notes.skipped();
        assert_eq!(skipped.len(), KEPT + 1);
        assert_eq!(skipped[KEPT].line, 1001);
        assert_eq!(skipped[KEPT].why, "from here on, 4000 more");
        assert_eq!(notes.foreign_events().len(), NAMES + 1);
        assert_eq!(notes.foreign_events()[OTHER], 4000);
    }
}
