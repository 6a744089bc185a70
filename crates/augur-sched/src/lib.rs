// SPDX-License-Identifier: GPL-2.0-only
//! The scheduler's half of scx_augur that needs no kernel: what is observed, what is decided, and the model that is asked.
//!
//! ```text
//! policy      a snapshot in, decisions out; the twins of schedulers' rules on run queues
//! model       features in, scores out: manifest, twin, canary, guard, reload
//! sim         run queues: a program under a policy on a machine
//! rtapp       what threads do, as rt-app has it
//! experiment  replays, and a stand-in for the live scheduler          report  their figures
//! ```

#![deny(unreachable_pub)]

pub mod experiment;
pub mod model;
pub mod policy;
pub mod report;
pub mod rtapp;
pub mod sim;
