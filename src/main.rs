// SPDX-License-Identifier: GPL-2.0-only
//! The `scx_augur` command.

use clap::{Parser, Subcommand};
use scx_augur::cli;
use std::process::ExitCode;

/// A sched_ext scheduler whose task migrations are decided by a machine-learning model.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check, measure or explain a model directory
    Model(cli::model::Args),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Model(args) => cli::model::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("scx_augur: {err:#}");
            ExitCode::FAILURE
        }
    }
}
