// SPDX-License-Identifier: GPL-2.0-only
//! What all of scx_augur rests on, and what knows nothing of schedulers.
//!
//! ```text
//! topology   machines: CPUs, caches, nodes, domains, and devices beside them
//! file       outputs that are whole or absent, inputs that may be packed
//! ```

#![deny(unreachable_pub)]

pub mod file;
pub mod topology;
