// SPDX-License-Identifier: GPL-2.0-only
//! The `scx_augur` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    scx_augur::cli::run()
}
