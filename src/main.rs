// SPDX-License-Identifier: GPL-2.0-only
//! The `scx_augur` command.

use clap::Parser;
use scx_augur::cli::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    scx_augur::cli::run(Arguments::parse())
}
