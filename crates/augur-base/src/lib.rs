// SPDX-License-Identifier: GPL-2.0-only
//! What all of scx_augur rests on, and what knows nothing of schedulers.
//!
//! ```text
//! topology    machines: CPUs, caches, nodes, domains, and devices beside them
//! file        outputs that are whole or absent, inputs that may be packed      spool      lists longer than memory
//! engine      events in order of time, and their hash                          invariant  what must hold in a simulation
//! random      times drawn at random                                            spelling   `name[key=value,…]`
//! statistics  percentiles, intervals, fairness, queueing theory                side_by_side  units of work on threads
//! table, cells, picture   how figures are shown; cells in Parquet or CSV          bounds  of settings
//! ```

#![deny(unreachable_pub)]

pub mod bounds;
pub mod cells;
pub mod engine;
pub mod file;
pub mod invariant;
pub mod picture;
pub mod random;
pub mod side_by_side;
pub mod spelling;
pub mod spool;
pub mod statistics;
pub mod table;
pub mod topology;
