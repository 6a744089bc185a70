// SPDX-License-Identifier: GPL-2.0-only
//! Workloads of rt-app for `scx_augur replay`.

use super::UsageError;
use super::console::tell;
use super::replay::DEFAULT_POLICIES;
use anyhow::{Context, Result, bail};
use augur_base::file;
use augur_sched::rtapp::{self, Taskset};
use augur_sched::sim::burst::Rebuilt;
use augur_sched::sim::taskset;
use std::io::Read;
use std::path::Path;

/// CPUs of a machine that nobody named, where the workload names none beyond.
const FEWEST_CPUS: u32 = 4;

/// The workload, where a file is one; `None`: it is something else, such as a trace.
///
/// # Errors
/// One sentence: what is wrong with it, and where.
pub fn read(path: &Path) -> Result<Option<Taskset>> {
    if !may_be_one(path) {
        return Ok(None);
    }
    let Ok(text) = String::from_utf8(file::bytes(path)?) else {
        return Ok(None);
    };
    if !rtapp::seems_one(&text) {
        return Ok(None);
    }
    let taskset =
        rtapp::read(&text).with_context(|| format!("cannot read the workload {}", path.display()))?;
    for note in &taskset.notes {
        tell!("{}: {note}", path.display());
    }
    Ok(Some(taskset))
}

/// By a plain file's first bytes, so that a trace is not read twice.
fn may_be_one(path: &Path) -> bool {
    let begins = || -> Result<bool> {
        if !std::fs::metadata(path)?.is_file() {
            return Ok(false);
        }
        let mut bytes = Vec::new();
        file::open(path)?.take(4096).read_to_end(&mut bytes)?;
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(matches!(first, Some(b'{' | b'/')))
    };
    begins().unwrap_or(false)
}

/// What it does, as a replay wants it.
///
/// # Errors
/// One sentence: it does not end, or is too large.
pub fn rebuilt(path: &Path, taskset: &Taskset) -> Result<Rebuilt> {
    let cpus = taskset.cpus().max(FEWEST_CPUS);
    taskset::rebuilt(taskset, cpus).with_context(|| format!("cannot replay the workload {}", path.display()))
}

/// Nothing was recorded: not in the default, and not to be asked for.
///
/// # Errors
/// Wrong use, where it was named.
pub fn leave_out_recorded(policies: &mut Vec<String>, named: &str) -> Result<()> {
    if named == DEFAULT_POLICIES {
        policies.retain(|policy| policy != "recorded");
    } else if policies.iter().any(|policy| policy == "recorded") {
        bail!(UsageError(
            "a workload says what tasks do, and nothing of it was recorded; leave 'recorded' out".to_owned()
        ));
    }
    Ok(())
}
