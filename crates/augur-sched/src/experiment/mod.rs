// SPDX-License-Identifier: GPL-2.0-only
//! Whole runs of programs on run queues: replays under policies, and a stand-in for the live scheduler.

pub mod replay;
pub mod stand_in;
