// SPDX-License-Identifier: GPL-2.0-only
//! Policies, seen from outside: what they do to a small world that applies their decisions.
#![allow(clippy::unwrap_used)]

#[path = "policy/world.rs"]
mod world;

#[path = "policy/augur.rs"]
mod augur;
#[path = "policy/features.rs"]
mod features;
#[path = "policy/gate.rs"]
mod gate;
#[path = "policy/registry.rs"]
mod registry;
#[path = "policy/round.rs"]
mod round;
#[path = "policy/steal.rs"]
mod steal;
