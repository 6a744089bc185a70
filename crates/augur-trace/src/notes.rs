// SPDX-License-Identifier: GPL-2.0-only
//! What a reader could not read, and why.

use super::EventKind;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most skipped lines that are kept with their reason; the rest is only counted.
const KEPT: usize = 1000;
/// Most names of foreign events that are kept.
const NAMES: usize = 1000;
/// Most threads whose processes are kept.
const GROUPS: usize = 1 << 20;
/// What foreign events beyond that are called.
const OTHER: &str = "other events";
/// What reasons beyond those that are kept are called.
const OTHER_REASONS: &str = "other reasons";

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
    reasons: BTreeMap<String, u64>,
    foreign: BTreeMap<String, u64>,
    asides: BTreeMap<String, u64>,
    read: u64,
    switches: u64,
    damaged_switches: u64,
    known_from: BTreeMap<u32, u64>,
    overwritten: Option<u64>,
    doubt: Option<String>,
    torn: Option<String>,
    span: Option<(u64, u64)>,
    groups: BTreeMap<i32, i32>,
}

impl Notes {
    /// Reports a line that is skipped.
    pub fn skip(&mut self, line: u64, why: impl Into<Cow<'static, str>>) {
        let why = why.into();
        self.skipped += 1;
        bounded(&mut self.reasons, &why, OTHER_REASONS);
        if self.kept.len() < KEPT {
            let why = why.into_owned();
            self.kept.push(Skip { line, why });
        } else if self.first_unkept == 0 {
            self.first_unkept = line;
        }
    }

    /// Reports a switch that is skipped.
    pub fn skip_switch(&mut self, line: u64, why: impl Into<Cow<'static, str>>) {
        self.damaged_switches += 1;
        self.skip(line, why);
    }

    /// Counts an event that was read.
    pub fn take(&mut self, kind: &EventKind) {
        self.read += 1;
        self.switches += u64::from(matches!(kind, EventKind::Switch { .. }));
    }

    /// Counts an event that is fine but none of the scheduler's that are read.
    pub fn foreign(&mut self, name: &[u8]) {
        self.read += 1;
        bounded(&mut self.foreign, &String::from_utf8_lossy(name), OTHER);
    }

    /// Counts something that is known, is no event and is left out on purpose, such as the lines of a stack.
    pub fn aside(&mut self, what: &str) {
        bounded(&mut self.asides, what, "other things");
    }

    /// Nothing is known of that CPU before that time: its buffer had been overwritten until there, or was started then.
    pub fn buffer_started(&mut self, cpu: u32, time_ns: u64) {
        self.known_from.entry(cpu).or_insert(time_ns);
    }

    /// So many events more were overwritten before they were read.
    pub fn overwrite(&mut self, events: u64) {
        self.overwritten = Some(self.overwritten.unwrap_or(0).saturating_add(events));
    }

    /// Reports that what was read cannot be trusted as a whole; the first reason stays.
    pub fn doubt(&mut self, why: impl Into<String>) {
        self.doubt.get_or_insert_with(|| why.into());
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

    /// That thread belongs to that process (thread group); the last word counts.
    pub fn belongs(&mut self, pid: i32, tgid: i32) {
        if pid > 0 && tgid > 0 && (self.groups.len() < GROUPS || self.groups.contains_key(&pid)) {
            self.groups.insert(pid, tgid);
        }
    }

    /// The processes of threads, as far as the trace tells.
    pub fn groups(&self) -> &BTreeMap<i32, i32> {
        &self.groups
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

    /// The first moment that is known of a CPU, for those whose buffer began after the trace.
    pub fn known_from(&self) -> &BTreeMap<u32, u64> {
        &self.known_from
    }

    /// How many events were overwritten before they were read; `None` where the trace does not say.
    pub fn overwritten(&self) -> Option<u64> {
        self.overwritten
    }

    /// How often something was skipped, by reason.
    pub fn reasons(&self) -> &BTreeMap<String, u64> {
        &self.reasons
    }

    /// What is no event and was left out on purpose, by its name.
    pub fn asides(&self) -> &BTreeMap<String, u64> {
        &self.asides
    }

    /// Why what was read cannot be trusted, as the reader found.
    pub fn doubtful(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Why the trace as a whole is not to be trusted, as the end of a sentence: its times are none, or most of it could
    /// not be read.
    pub fn verdict(&self) -> Option<String> {
        if self.doubt.is_some() {
            return self.doubt.clone();
        }
        let worst = self.reasons.iter().max_by_key(|&(_, count)| count)?.0;
        if self.damaged_switches > self.switches {
            let (damaged, all) = (self.damaged_switches, self.damaged_switches + self.switches);
            return Some(format!(
                "{damaged} of its {all} switches cannot be read ({worst})"
            ));
        }
        (self.skipped > self.read).then(|| {
            let all = self.skipped.saturating_add(self.read);
            format!(
                "{} of its {all} lines or packets cannot be read ({worst})",
                self.skipped
            )
        })
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

/// Counts under a name; names beyond those that are kept are counted as `other`.
fn bounded(counts: &mut BTreeMap<String, u64>, name: &str, other: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else {
        let fits = counts.len() < NAMES && name.len() <= 100;
        let name = if fits { name } else { other };
        *counts.entry(name.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{State, Task};

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
        assert_eq!(notes.reasons()["no"], 5000);
    }

    #[test]
    fn a_trace_is_judged_by_what_could_be_read_of_it() {
        let switch = EventKind::Switch {
            prev: Task::default(),
            prev_state: State::default(),
            next: Task::default(),
        };
        let mut notes = Notes::default();
        assert_eq!(notes.verdict(), None);
        notes.take(&switch);
        notes.foreign(b"irq");
        notes.skip_switch(1, "no");
        assert_eq!(notes.verdict(), None);
        notes.skip_switch(2, "no");
        let why = "2 of its 3 switches cannot be read (no)";
        assert_eq!(notes.verdict().as_deref(), Some(why));
        notes.take(&switch);
        assert_eq!(notes.verdict(), None);
        notes.skip(3, "no");
        notes.skip(4, "never");
        let why = "4 of its 7 lines or packets cannot be read (no)";
        assert_eq!(notes.verdict().as_deref(), Some(why));
        notes.doubt("its clock stands");
        assert_eq!(notes.verdict().as_deref(), Some("its clock stands"));
    }
}
