// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur experiment`: profile, generate, train, schedule and evaluate in one go, with one report.

use super::console::{note, say};
use super::number::whole;
use super::progress::Progress;
use super::simulate::{self, train::NETWORKS};
use super::{UsageError, interrupt, policies, threads};
use anyhow::{Context, Result};
use augur_devices::experiment::simulate::Config;
use augur_devices::experiment::study::{self, Plan, Step};
use augur_devices::policy::registry;
use augur_devices::report::study::Made;
use augur_sched::model::place::installed;
use augur_tensorflow::prepare_library;
use clap::Parser;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

const AFTER_HELP: &str = "\
Phases:
  profile   where it runs, and what its hardware can do (--profile,    profile.json
            --no-profile); for the report: it changes no result
  generate  the tasks of each seed, as every policy gets them        tasks/SEED.csv, tasks/SEED.parquet
  train     forests on more and more tasks and trees, tried on       train/LEARNER-SEED.json
            tasks that they have not seen; networks by doing           train/LEARNER-SEED.forest.json
                                                                     train/NETWORK.json
  schedule  each policy on the tasks of each seed                    runs/POLICY-SEED.json
                                                                     decisions/POLICY-SEED.csv
  evaluate  results, utilisation, gpu_fraction, summary, win_loss, regret, heatmap, learning, importance, timeline, completion, schedule, timing and, where there was one, drift and training as .csv and .parquet; \
pictures as .png, .svg and .pdf; summary.json; report.html, one file that needs no network

Each unit is a file that is written whole. After Ctrl-C or an error the same command goes on with what is missing; other settings \
in the same folder are refused. One set of settings gives the same tables each time, bit by bit, on any number of threads; only \
timing.csv (what decisions took) and profile.json are about the machine that it ran on.

Settings (--config): those of `simulate`, with workload.tasks = 2000, and these, with their defaults:
  [experiment]
  title = \"Scheduling policies on a simulated machine of CPUs and GPUs\"
  seed = 1, seeds = 5
  policies = [\"round_robin\", \"random\", \"greedy\", \"least_work\", \"eft\", \"hybrid_ml\", \"clairvoyant\"]
  networks = [\"dqn\", \"graph\"]  trained here as by `simulate train`, for which TensorFlow is needed; none by default
  episodes = 25                so many, of workload.tasks each
  hardware_profile = FILE      what `scx_augur profile` left, for the report, in place of measuring it
  measure = true               measure what the hardware can do, where no profile is given
  heatmap = [5, 5]             cells of sizes, of intensities
  windows = 20                 of the timeline
  learning_tasks = [25, 50, 100, 200, 400, 800, 1600], learning_trees = [1, 3, 10, 30, 100], held_out_tasks = 1000
  shifts = [{ task = 1000, what = \"larger tasks\" }]    marks on the timeline beside those of workload.drift.at; none by default
  labels = { \"eft\" = \"earliest\" }   what pictures call policies; by default long names are shortened

The environment's NUM_GPUS and RETRAIN_INTERVAL (of hybrid_ml) go before --config, and the command line before both.

examples/experiment.toml is one of them.";

/// Compare policies on simulated machines in one go: tables, pictures and one report
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// Settings of machine, laws, workload, learning and the experiment, as TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder for all files; made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Begin anew in a folder that holds another run's files, and remove those
    #[arg(long)]
    force: bool,
    /// How many tasks each run has [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(1..=1_000_000_000))]
    tasks: Option<u64>,
    /// Policies, `name[key=value,...]`, separated by commas
    #[arg(long, alias = "policy", value_name = "P,...")]
    policies: Option<String>,
    /// The first seed [default: 1]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(..))]
    seed: Option<u64>,
    /// So many seeds, each one more than the last [default: 5]
    #[arg(long, value_name = "K", value_parser = whole::<u64>(1..=10_000))]
    seeds: Option<u64>,
    /// What `scx_augur profile` measured on this machine, for the report, in place of measuring it now
    #[arg(long, value_name = "FILE", conflicts_with = "no_profile")]
    profile: Option<PathBuf>,
    /// Do not measure this machine
    #[arg(long)]
    no_profile: bool,
    /// Print the summary as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// TensorFlow's library, for networks: the file, its directory, or a virtual environment [env: SCX_AUGUR_TENSORFLOW]
    #[arg(long, value_name = "PATH")]
    tensorflow: Option<PathBuf>,
    /// Threads [default: one a CPU]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=4096))]
    threads: Option<u32>,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    // Before the first thread: TensorFlow reads the environment. A missing library is told when it is needed.
    let _ = prepare_library(args.tensorflow.as_deref());
    let config = config(args)?;
    let wrong = |err: anyhow::Error| UsageError(format!("{err:#}"));
    config
        .experiment
        .check_policies(&config.context()?)
        .map_err(wrong)?;
    let networks = installed(NETWORKS);
    match args.force {
        true => study::forget(&args.out)?,
        false if study::has_begun(&args.out) => {}
        false => super::unused(&args.out)?,
    }
    let stop = interrupt::flag()?;
    let plan = Plan {
        config: &config,
        out: &args.out,
        threads: threads(args.threads),
        networks: &networks,
        stop: &stop,
        made: made(),
    };
    let bar: Mutex<Option<Progress>> = Mutex::new(None);
    let study = study::run(&plan, &|step| show(&bar, &step))?;
    if args.json {
        say!("{}", serde_json::to_string_pretty(&study)?);
    } else {
        say!("{study}\n{}", args.out.join("report.html").display());
    }
    Ok(())
}

/// How the report is made: what was typed, now, and from which state of the source, where the build was told.
fn made() -> Made {
    let arguments: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    Made {
        command: Some(quoted(&arguments)),
        at: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .map(|since| utc(since.as_secs())),
        commit: option_env!("SCX_AUGUR_COMMIT")
            .filter(|commit| !commit.is_empty())
            .map(str::to_owned),
    }
}

/// Words as a shell reads them.
fn quoted(words: &[String]) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "+-./:@]_".contains(sign);
    let quote = |word: &String| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quote).collect::<Vec<String>>().join(" ")
}

/// A moment by its date, to the minute. The date is reckoned from a 1 March, behind which leap days come last (Howard Hinnant,
/// "chrono-compatible low-level date algorithms").
fn utc(since_epoch_s: u64) -> String {
    let days = since_epoch_s / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        ..10 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    let minutes = since_epoch_s / 60;
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02} UTC",
        minutes / 60 % 24,
        minutes % 60
    )
}

fn show(bar: &Mutex<Option<Progress>>, step: &Step) {
    let Ok(mut bar) = bar.lock() else { return };
    match step {
        Step::Phase { name, units, kept } => {
            if let Some(bar) = bar.take() {
                bar.finish();
            }
            match kept {
                0 => note!("{name}: {units} to do"),
                kept if kept == units => note!("{name}: done before ({units})"),
                kept => note!("{name}: {} to do, {kept} done before", units - kept),
            }
            *bar = (units > kept).then(|| Progress::new((units - kept) as u64, name));
        }
        Step::Unit => {
            if let Some(bar) = bar.as_ref() {
                bar.one();
            }
        }
    }
}

fn config(args: &Args) -> Result<Config> {
    let path = args.config.as_deref();
    let mut config = simulate::settings(path, study::defaults())?;
    config.workload.tasks = args.tasks.unwrap_or(config.workload.tasks);
    let experiment = &mut config.experiment;
    experiment.seed = args.seed.unwrap_or(experiment.seed);
    experiment.seeds = args.seeds.unwrap_or(experiment.seeds);
    if args.profile.is_some() {
        experiment.hardware_profile.clone_from(&args.profile);
    }
    experiment.measure &= !args.no_profile;
    if let Some(names) = &args.policies {
        experiment.policies = policies::split(names)?;
    }
    for policy in &mut experiment.policies {
        *policy = registry::current(policy);
    }
    let checked = config
        .experiment
        .check()
        .and_then(|()| config.context().map(|_| ()));
    checked.with_context(|| simulate::wrong(path))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_date() {
        let found = [0, 951_782_399, 951_782_400, 1_767_225_599, 1_772_323_140].map(utc);
        let dates = [
            "1970-01-01 00:00 UTC",
            "2000-02-28 23:59 UTC",
            "2000-02-29 00:00 UTC",
            "2025-12-31 23:59 UTC",
            "2026-02-28 23:59 UTC",
        ];
        assert_eq!(found, dates);
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        let words = ["scx_augur", "hybrid_ml[trees=3]", "it's", ""].map(str::to_owned);
        assert_eq!(quoted(&words), r"scx_augur 'hybrid_ml[trees=3]' 'it'\''s' ''");
    }
}
