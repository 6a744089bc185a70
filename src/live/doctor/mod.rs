// SPDX-License-Identifier: GPL-2.0-only
//! What is in the way of the scheduler, for people and before an attach.
//!
//! ```text
//! Facts::probe ─▶ judge ───────┐
//! ModelFacts::probe ─▶ judge ──┴─▶ checks: what was found, verdict, remedy ─▶ `scx_augur doctor`, preconditions
//! ```
//! Looking and judging are apart: [`judge`] sees plain data, so that its tests need no broken kernel.

mod check;
mod facts;
mod judge;
mod kernel;
mod model;
mod system;

pub use check::{Check, Verdict};
pub use facts::{Facts, Kconfig, STATS_SOCKET, SchedExt, Size, Socket};
pub use judge::{judge, judge_recording};
pub use model::ModelFacts;

use anyhow::{Result, bail};

/// Ok where nothing forbids to attach; else the first thing that does, as one sentence with its remedy.
///
/// # Errors
/// No sched_ext, no privileges, another scheduler, a machine that is too large, and so on: see [`judge`].
pub fn preconditions(max_domain_cpus: Option<usize>) -> Result<()> {
    nothing_fails(&judge(&Facts::probe(max_domain_cpus)))
}

/// Ok where nothing forbids to record.
///
/// # Errors
/// No types of the kernel, no privileges, lockdown: see [`judge_recording`].
pub fn recordable(facts: &Facts) -> Result<()> {
    nothing_fails(&judge_recording(facts))
}

fn nothing_fails(checks: &[Check]) -> Result<()> {
    match checks.iter().find(|check| check.verdict == Verdict::Fail) {
        Some(check) => bail!("{check}"),
        None => Ok(()),
    }
}

/// The last line: whether `run` can work, and what is wrong.
pub fn summary(checks: &[Check]) -> String {
    let named = |verdict| {
        let names: Vec<_> = checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .map(|check| check.name)
            .collect();
        (names.len(), names.join(", "))
    };
    match (named(Verdict::Fail), named(Verdict::Warn)) {
        ((0, _), (0, _)) => "scx_augur can run here".into(),
        ((0, _), (_, warned)) => format!("scx_augur can run here; worth a look: {warned}"),
        ((_, failed), _) => format!("scx_augur cannot run here because of: {failed}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_names_what_failed_else_what_to_look_at() {
        let ok = check::ok("found").named("kernel");
        let warn = check::warn("found", "remedy").named("tracefs");
        let fail = check::fail("found", "remedy").named("privileges");
        assert_eq!(summary(std::slice::from_ref(&ok)), "scx_augur can run here");
        assert_eq!(
            summary(&[ok.clone(), warn.clone()]),
            "scx_augur can run here; worth a look: tracefs"
        );
        assert_eq!(
            summary(&[ok, warn, fail]),
            "scx_augur cannot run here because of: privileges"
        );
    }
}
