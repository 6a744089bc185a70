// SPDX-License-Identifier: GPL-2.0-only
//! The contract between policies and models: which features, in which order, of which type.
//!
//! A model names its features in its manifest; loading refuses a model whose list is not this one, so that a
//! column can never silently mean something else.

/// Version of the feature contract. Raise it when a feature changes its meaning, order or unit.
pub const CONTRACT_VERSION: u32 = 1;

/// The migration features, in the order of a model's input columns. All are float32.
pub const FEATURES: [&str; 20] = [
    "cpu_util",
    "idle_cpus",
    "active_cpus",
    "src_load",
    "dst_load",
    "imbalance",
    "src_queue",
    "dst_queue",
    "src_idle",
    "dst_idle",
    "task_load",
    "task_weight",
    "avg_run_us",
    "avg_sleep_us",
    "since_run_us",
    "wakeups_hz",
    "last_migration_us",
    "distance",
    "waker_in_dst",
    "capacity_ratio",
];

/// How many features a row has.
pub const FEATURE_COUNT: usize = FEATURES.len();

/// One candidate's features, in the order of [`FEATURES`].
pub type FeatureRow = [f32; FEATURE_COUNT];
