// SPDX-License-Identifier: GPL-2.0-only
//! A control: no task is ever moved.

use super::{Candidate, Policy, Snapshot};

/// Proposes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

impl Policy for Never {
    fn name(&self) -> String {
        "never".to_owned()
    }

    fn decide(&mut self, _snapshot: &Snapshot, candidates: &mut Vec<Candidate>) {
        candidates.clear();
    }
}
