// SPDX-License-Identifier: GPL-2.0-only
//! Policies: a snapshot in, decisions out. Pure code, one policy a file.
//!
//! A policy reads no clock, file, map or global, and no future; it never knows which world asked.

pub mod snapshot;

pub use snapshot::{Candidate, DomainState, Phase, Snapshot, TaskId, TaskState};
