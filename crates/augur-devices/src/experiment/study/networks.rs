// SPDX-License-Identifier: GPL-2.0-only
//! Phase three, networks: they learn by doing, on tasks that are drawn anew in each episode; phase four then schedules with what
//! came of it.

use super::store::Store;
use super::{Plan, Settings};
use crate::experiment::{simulate, train};
use crate::policy::{Context, DevicePolicy, registry};
use anyhow::Result;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Episodes between checkpoints: what a break costs at most.
const CHECKPOINT_INTERVAL: u64 = 5;

/// The unit of a network: its reward curve. The number keeps names apart that differ only in what a file's name cannot say.
pub(super) fn unit(settings: &Settings, at: usize) -> String {
    format!("{}.json", name(settings, at))
}

fn name(settings: &Settings, at: usize) -> String {
    format!("train/{at:02}-{}", simulate::plain(&settings.networks[at]))
}

fn folder(store: &Store, settings: &Settings, at: usize) -> PathBuf {
    store.path(&name(settings, at))
}

/// Trains a network, or goes on with it, on the workload as it is before it drifts: what changes later is not to be known.
///
/// # Errors
/// Where TensorFlow's library or the network's graph is missing, a file cannot be written, or it was stopped.
pub(super) fn learn(store: &Store, plan: &Plan<'_>, at: usize) -> Result<()> {
    let settings = &plan.config.experiment;
    let mut config = plan.config.clone();
    config.workload.drift = Default::default();
    let out = folder(store, settings, at);
    let training = train::Plan {
        config: &config,
        policy: &settings.networks[at],
        episodes: settings.episodes,
        seed: settings.seed,
        load: None,
        vary: false,
        checkpoint_interval: CHECKPOINT_INTERVAL,
        resume: train::has_begun(&out),
        out: &out,
        networks: plan.networks,
    };
    let stop = || plan.stop.load(Ordering::Relaxed);
    let curve = train::run(&training, &|_| (), &stop)?;
    store.keep(&unit(settings, at), &curve)
}

/// The policy that a network became.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn learned(
    store: &Store,
    settings: &Settings,
    context: &Context,
    at: usize,
) -> Result<Box<dyn DevicePolicy>> {
    registry::trained(&settings.networks[at], &folder(store, settings, at), context)
}
