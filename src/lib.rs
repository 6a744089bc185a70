// SPDX-License-Identifier: GPL-2.0-only
//! scx_augur: a `sched_ext` scheduler whose task migrations are decided by a machine-learning model.
//!
//! One policy, three worlds: the live kernel (`live`), recorded traces and simulated machines all give a
//! [`policy::Snapshot`] and take decisions; a policy never knows which of them asked.
//!
//! Features: `live` (the kernel: `live` and `bench`; needs clang 19, libelf and zlib to build) and `tensorflow` (SavedModels
//! through TensorFlow's library, which is looked for at run time). Both are on by default; without them all that reads,
//! replays and simulates is still there.

#[cfg(feature = "live")]
pub mod bench;
pub mod cli;
#[cfg(feature = "live")]
pub mod live;
