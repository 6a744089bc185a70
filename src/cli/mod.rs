// SPDX-License-Identifier: GPL-2.0-only
//! The subcommands, one small file each.

pub mod doctor;
pub mod model;
pub mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A sched_ext scheduler whose task migrations are decided by a machine-learning model.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Attach as this machine's scheduler, until Ctrl-C
    Run(Box<run::Args>),
    /// Explain what keeps the scheduler from running on this machine
    Doctor(doctor::Args),
    /// Check, measure or explain a model directory
    Model(model::Args),
}

/// The user asked for something that cannot be: exit code 2 instead of 1.
#[derive(Debug)]
pub struct WrongUse(pub String);

impl std::fmt::Display for WrongUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// Runs the command that was asked for. Exit code 0, 1 (failed) or 2 (wrong use).
pub fn run(arguments: Arguments) -> ExitCode {
    let outcome = match arguments.command {
        Command::Run(args) => run::run(&args).map(|()| true),
        Command::Doctor(args) => doctor::run(&args),
        Command::Model(args) => model::run(&args).map(|()| true),
    };
    match outcome {
        Ok(well) => ExitCode::from(u8::from(!well)),
        Err(err) => {
            eprintln!("scx_augur: {err:#}");
            ExitCode::from(if err.is::<WrongUse>() { 2 } else { 1 })
        }
    }
}

/// Seconds of an interval or a duration.
fn seconds(text: &str) -> Result<std::time::Duration, String> {
    match text.parse() {
        Ok(seconds @ 0.05..=1e7) => Ok(std::time::Duration::from_secs_f64(seconds)),
        _ => Err(format!("`{text}` is no number of seconds from 0.05 up")),
    }
}

/// Log lines go to standard error, so that standard output stays for results.
fn init_logging(verbose: u8) {
    let level = if verbose > 0 { "debug" } else { "info" };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = log.with_ansi(colours).with_target(false).try_init();
}
