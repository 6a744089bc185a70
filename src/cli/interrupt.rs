// SPDX-License-Identifier: GPL-2.0-only
//! Ctrl-C ends a command in order.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Becomes true at Ctrl-C, or where the program is told to end.
///
/// # Errors
/// One sentence where signals cannot be caught, or somebody catches them already.
pub fn flag() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    ctrlc::set_handler(move || seen.store(true, Ordering::Relaxed)).context("cannot catch Ctrl-C")?;
    Ok(flag)
}
