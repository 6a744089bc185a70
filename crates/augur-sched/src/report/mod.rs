// SPDX-License-Identifier: GPL-2.0-only
//! The figures of a replay and how they are shown: plain numbers in, tables and JSON out.

pub mod replay;
pub mod task;
