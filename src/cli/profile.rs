// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur profile`: what this machine's CPU and GPU can do, for `simulate --profile`.

use super::console::{say, tell};
use super::number::whole;
use super::progress::Runs;
use super::{UsageError, interrupt, threads};
use anyhow::{Result, ensure};
use augur_base::file::{Output, STANDARD};
use augur_devices::experiment::profile::{self, Plan};
use augur_tensorflow::prepare_library;
use clap::Parser;
use std::io::Write;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Products of square matrices of f32, on all CPUs together: median, quartiles, 10⁹ operations a second. The memory \
bandwidth is that of a = b + s · c over three arrays of 64 MB (STREAM's triad, the best pass).

A GPU is asked through TensorFlow: where its library is found and sees one, products of the same sizes run there, in \
chains, so that what bringing the data there takes does not count; that is timed by itself, TensorFlow's own work \
included. The recommended share of the GPU is c/(c + g), with which both end together. (The GPU's side was tried out with \
TensorFlow's CPU device only; no GPU was at hand.)

In a simulation (`simulate --profile`) a product of N rows counts as a task of size N and intensity 1.";

/// Measure this machine's CPU, and a GPU where one is present.
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The profile to write; `-` is standard output, and nothing else is printed there then
    #[arg(
        short,
        long,
        alias = "out",
        value_name = "FILE",
        default_value = "hardware_profile.json"
    )]
    output: PathBuf,
    /// Rows of the matrices
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "256,512,1024,2048",
          value_parser = whole::<u64>(2..=16_384))]
    sizes: Vec<u64>,
    /// How often each size is measured
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = whole::<u32>(1..=10_000))]
    repeats: u32,
    /// Threads of the CPU [default: one a CPU]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=4096))]
    threads: Option<u32>,
    /// TensorFlow's library: the file, its directory, or a virtual environment [env: SCX_AUGUR_TENSORFLOW]
    #[arg(long, value_name = "PATH")]
    tensorflow: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    // Before the first thread. Where it is missing there is no GPU, which is told later.
    let _ = prepare_library(args.tensorflow.as_deref());
    interrupt::end_at_once()?;
    let standard = args.output.as_os_str() == STANDARD;
    ensure!(
        !(args.json && standard),
        UsageError("standard output cannot take the profile twice; leave out --json".to_owned())
    );
    let mut output = Output::create(&args.output)?;
    let sizes: Vec<usize> = args.sizes.iter().map(|&size| size as usize).collect();
    let progress = Runs::new();
    let plan = Plan {
        sizes: &sizes,
        repeats: args.repeats,
        threads: threads(args.threads),
        watch: &|_, share| progress.tell("profile".to_owned(), share),
    };
    let (profile, missing) = profile::measure(&plan);
    progress.end();
    let text = serde_json::to_string_pretty(&profile)?;
    writeln!(output, "{text}")?;
    output.finish()?;
    if let Some(missing) = missing {
        tell!("{missing}");
    }
    if standard {
        return Ok(());
    }
    if args.json {
        say!("{text}");
    } else {
        say!("{}", profile.to_string().trim_end());
    }
    Ok(())
}
