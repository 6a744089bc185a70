// SPDX-License-Identifier: GPL-2.0-only
//! The `scx_augur` command.

fn main() {}
