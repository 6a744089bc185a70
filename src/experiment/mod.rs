// SPDX-License-Identifier: GPL-2.0-only
//! Whole runs: policies × workloads × seeds.

pub mod replay;
