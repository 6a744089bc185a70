// SPDX-License-Identifier: GPL-2.0-only
//! A check as plain data: what was looked at, what was found, and what to do about it.

use serde::Serialize;
use std::fmt;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Something works less well; the scheduler can be attached.
    Warn,
    /// The scheduler cannot be attached.
    Fail,
}

/// One check: what was looked at, what was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// One word or two; stable.
    pub name: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, and where.
    pub found: String,
    /// What to do, unless all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What a check comes to, before it has its name.
pub(super) struct Finding {
    verdict: Verdict,
    found: String,
    remedy: Option<String>,
}

pub(super) fn ok(found: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Ok,
        found: found.into(),
        remedy: None,
    }
}

pub(super) fn warn(found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Warn,
        remedy: Some(remedy.into()),
        ..ok(found)
    }
}

pub(super) fn fail(found: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        verdict: Verdict::Fail,
        ..warn(found, remedy)
    }
}

impl Finding {
    pub(super) fn named(self, name: &'static str) -> Check {
        Check {
            name,
            verdict: self.verdict,
            found: self.found,
            remedy: self.remedy,
        }
    }
}

/// One sentence: what, where, what to do.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remedy {
            Some(remedy) => write!(f, "{}: {remedy}", self.found),
            None => f.write_str(&self.found),
        }
    }
}
