// SPDX-License-Identifier: GPL-2.0-only
//! Policies: a snapshot in, decisions out. Pure code, one policy a file.
//!
//! ```text
//! Observed (integers) ─▶ Snapshot
//! Snapshot ─▶ Policy::decide ─▶ candidates ─▶ features::rows ─┐               ┌─▶ accepted moves
//!      └────▶ steal::pairs ───▶ pairs ──────▶ steal::rows ────┴▶ Gate::judge ─┴─▶ Permissions
//! ```
//!
//! [`Rounds`] is all of that, for every world.
//!
//! A policy reads no clock, file, map or global, and no future; it never knows which world asked. Randomness comes
//! from a generator that it was handed. Whatever the snapshot holds, no row has a value that is not finite.

pub mod augur;
pub mod cpu;
pub mod decision;
pub mod features;
pub mod gate;
pub mod metrics;
pub mod never;
pub mod observed;
pub mod permissions;
mod projection;
pub mod random;
pub mod registry;
pub mod round;
pub mod rusty;
pub mod settings;
pub mod snapshot;
pub mod steal;

pub use augur::Augur;
pub use gate::{Gate, Judged, Mode, Question, Questions, Verdicts};
pub use never::Never;
pub use permissions::Permissions;
pub use random::Random;
pub use registry::parse;
pub use round::{Rounds, Stealing, Tally};
pub use settings::Settings;
pub use snapshot::{Candidate, DomainState, Phase, Snapshot, TaskId, TaskState};
pub use steal::Pair;

/// Names moves that seem worth making. Whether they are made is for the gate and for the world to say.
pub trait Policy: Send {
    /// How the policy is written, `name[key=value,…]`, with the settings that differ from their defaults;
    /// [`registry::parse`] reads it back.
    fn name(&self) -> String;

    /// Puts the moves that it proposes, best first and at most one a task, into `candidates` (cleared first).
    fn decide(&mut self, snapshot: &Snapshot, candidates: &mut Vec<Candidate>);
}
pub use augur_base::{bounds, spelling};
