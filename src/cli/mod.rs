// SPDX-License-Identifier: GPL-2.0-only
//! The subcommands, one small file each.

pub mod model;
