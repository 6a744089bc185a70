// SPDX-License-Identifier: GPL-2.0-only
//! Phase one: where the experiment runs.
//!
//! What `scx_augur profile` measures joins here: its `hardware_profile.json` is passed on to the report as it is, or the same
//! is measured now, with fewer repeats. It changes no result.

use super::Settings;
use super::store::Store;
use crate::experiment::profile::{Plan, measure};
use crate::report::study::Profile;
use anyhow::{Context, Result};
use augur_base::file;
use std::path::Path;

/// The unit.
pub(super) const UNIT: &str = "profile.json";

/// The sizes of `scx_augur profile`, and how often each is measured: some seconds in all.
const SIZES: [usize; 4] = [256, 512, 1024, 2048];
const REPEATS: u32 = 3;

/// Looks at this machine, and reads the hardware profile if one was named, or measures it.
///
/// # Errors
/// Where that profile cannot be read, or is not JSON.
pub(super) fn profile(store: &Store, settings: &Settings, threads: usize) -> Result<()> {
    let measured = match &settings.hardware_profile {
        Some(path) => Some(read(path)?),
        None if settings.measure => {
            let plan = Plan {
                sizes: &SIZES,
                repeats: REPEATS,
                threads,
                watch: &|_, _| (),
            };
            // That there is no GPU is seen in the report.
            Some(serde_json::to_value(measure(&plan).0)?)
        }
        None => None,
    };
    let first = |path: &str, key: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).map(str::to_owned);
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let memory_kb =
        first("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let found = Profile {
        cpu: first("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mb: memory_kb.unwrap_or(0) / 1024,
        kernel: kernel.trim().to_owned(),
        hardware: measured,
    };
    store.keep(UNIT, &found)
}

/// Whether the hardware profile that was named, if one was, can be read.
///
/// # Errors
/// Where it cannot, or is not JSON.
pub(super) fn check(hardware: Option<&Path>) -> Result<()> {
    hardware.map_or(Ok(()), |path| read(path).map(drop))
}

fn read(path: &Path) -> Result<serde_json::Value> {
    let shown = path.display();
    let text = file::bytes(path).context("there is no hardware profile")?;
    serde_json::from_slice(&text).with_context(|| format!("the hardware profile {shown} is not JSON"))
}
