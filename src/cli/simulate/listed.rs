// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur simulate --workload`: tasks of a file.

use crate::cli::UsageError;
use crate::cli::console::tell;
use anyhow::{Context, Result, bail};
use augur_base::file;
use augur_devices::experiment::simulate::Config;
use augur_devices::workload::Listed;
use std::path::Path;
use std::sync::Arc;

/// Has a file's tasks in place of drawn ones.
///
/// # Errors
/// One sentence: what is wrong with the file, and where.
pub fn apply(path: &Path, config: &mut Config) -> Result<()> {
    if !config.workload.drift.at.is_empty() {
        bail!(UsageError(
            "workload.drift changes tasks that are drawn; leave it out with --workload".to_owned()
        ));
    }
    let shown = path.display();
    let wrong = || format!("cannot take tasks from {shown}");
    let listed = Listed::read(file::bytes(path)?, &config.physics).with_context(wrong)?;
    config.workload = listed.settings(&config.workload);
    let listed = Arc::new(listed);
    config.listed = Some(listed.clone());
    config.context().with_context(wrong)?;
    for note in &listed.notes {
        tell!("{shown}: {note}");
    }
    Ok(())
}
