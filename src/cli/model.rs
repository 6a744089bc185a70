// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur model check | bench | explain`: look at a model directory before trusting it.

use super::engine::EngineArgs;
use super::interrupt;
use super::number::{real, whole};
use augur_sched::model::canary::{self, fixed_rows};
use augur_sched::model::explain;
use augur_sched::model::manifest::Normaliser;
use augur_sched::model::{Engine, FeatureRow, Manifest, Mlp, ModelOptions, ModelSource, Predictor, log};
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Checks, measures or explains a model directory.
#[derive(Debug, Parser)]
pub struct Args {
    #[command(flatten)]
    engine: EngineArgs,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Load a model and try it out, exactly as the scheduler does
    Check {
        /// The model directory
        directory: PathBuf,
        /// Refuse a model that takes longer
        #[arg(long = "timeout", alias = "limit", value_name = "SECS", default_value_t = 5.0, value_parser = real(0.01..=600.0))]
        limit: f64,
    },
    /// Measure the time to score batches, TensorFlow and the Rust twin side by side
    Bench {
        /// The model directory
        directory: PathBuf,
        /// Batch sizes
        #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = [1, 16, 64, 512, 1000, 4096],
              value_parser = whole::<usize>(1..=1_000_000))]
        batches: Vec<usize>,
        /// Measurements of each batch size
        #[arg(long = "repeats", alias = "samples", value_name = "N", default_value_t = 200, value_parser = whole::<u32>(5..=100_000))]
        samples: u32,
    },
    /// Which features the model's decisions hang on: shuffle one column at a time and score again
    Explain {
        /// The model directory
        directory: PathBuf,
        /// A decision log, `-` for standard input; with a `label` column, the loss of balanced accuracy is shown too
        #[arg(long, value_name = "FILE")]
        log: PathBuf,
        /// Shuffle with this seed
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(..))]
        seed: u64,
        /// Shuffle each column so often
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = whole::<u32>(1..=1000))]
        repeats: u32,
    },
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> anyhow::Result<()> {
    args.engine.prepare();
    let engine = args.engine.strict_engine();
    interrupt::end_at_once()?;
    match &args.command {
        Command::Check { directory, limit } => {
            check(directory, engine, Duration::from_secs_f64(*limit), args.json)
        }
        Command::Bench {
            directory,
            batches,
            samples,
        } => bench(directory, engine, batches, *samples, args.json),
        Command::Explain {
            directory,
            log,
            seed,
            repeats,
        } => {
            let mut model = canary::load(directory, engine, ModelOptions::default().canary_limit)?;
            let logged = log::read_rows(log)?;
            let found = explain::importance(model.predictor.as_mut(), &logged, *seed, *repeats)?;
            if args.json {
                super::print_json(&found)
            } else {
                print_importance(&found)
            }
        }
    }
}

/// What `check` found.
#[derive(Serialize)]
struct Check<'a> {
    directory: &'a Path,
    ok: bool,
    load_ms: f64,
    /// What runs it: `TensorFlow` or `the Rust twin`.
    engine: String,
    tensorflow: Option<String>,
    twin: bool,
    name: &'a str,
    threshold: f32,
    scores: &'a Option<augur_sched::model::manifest::Scores>,
    trained_on: &'a augur_sched::model::manifest::TrainedOn,
}

/// What `check` says of a refused model.
#[derive(Serialize)]
struct Refused<'a> {
    directory: &'a Path,
    ok: bool,
    fault: &'a str,
    error: String,
}

fn check(directory: &Path, engine: Engine, limit: Duration, json: bool) -> anyhow::Result<()> {
    let started = Instant::now();
    let model = match canary::load(directory, engine, limit) {
        Ok(model) => model,
        Err(fault) => {
            if json {
                super::print_json(&Refused {
                    directory,
                    ok: false,
                    fault: fault.label(),
                    error: fault.to_string(),
                })?;
            }
            return Err(fault.into());
        }
    };
    let manifest = &model.manifest;
    let report = Check {
        directory,
        ok: true,
        load_ms: started.elapsed().as_secs_f64() * 1e3,
        engine: model.engine.to_string(),
        tensorflow: augur_tensorflow::version(),
        twin: manifest.weights.is_some(),
        name: &manifest.name,
        threshold: manifest.threshold,
        scores: &manifest.scores,
        trained_on: &manifest.trained_on,
    };
    if json {
        return super::print_json(&report);
    }
    super::say!("{}: model `{}` is fit for use", directory.display(), report.name);
    let version = report
        .tensorflow
        .as_deref()
        .filter(|_| model.engine == Engine::TensorFlow);
    super::say!(
        "  loaded and tried out in {:.0} ms by {}{}",
        report.load_ms,
        report.engine,
        version.map(|version| format!(" {version}")).unwrap_or_default()
    );
    if model.engine == Engine::Twin
        && let Err(fault) = augur_tensorflow::load_library()
    {
        super::say!("  {fault}");
    }
    super::say!("  accepts a move from score {} on", report.threshold);
    super::say!(
        "  {}",
        if report.twin {
            "agrees with the weights in its manifest"
        } else {
            "has no weights in its manifest, so no Rust twin"
        }
    );
    match report.scores {
        Some(scores) => super::say!(
            "  held out: balanced accuracy {:.3}, Brier {:.4}, calibration error {:.4}",
            scores.balanced_accuracy,
            scores.brier,
            scores.ece
        ),
        None => super::say!("  was never measured on held-out rows"),
    }
    super::say!("  made by: {}", report.trained_on.how);
    Ok(())
}

/// Times of one batch size, in microseconds.
#[derive(Serialize)]
struct BenchLine {
    batch: usize,
    /// Unknown where there is no library.
    tensorflow: Option<Times>,
    /// The engine that the scheduler would use, through the guard's thread, as it asks it.
    guarded: Times,
    twin: Option<Times>,
    /// Median of the twin through median of TensorFlow: above 1, TensorFlow is faster.
    ratio: Option<f64>,
}

/// Median and spread, in microseconds.
#[derive(Serialize)]
struct Times {
    median_us: f64,
    p10_us: f64,
    p90_us: f64,
}

impl Times {
    fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| samples[((samples.len() - 1) as f64 * share).round() as usize];
        Self {
            median_us: at(0.5),
            p10_us: at(0.1),
            p90_us: at(0.9),
        }
    }
}

fn bench(
    directory: &Path,
    engine: Engine,
    batches: &[usize],
    samples: u32,
    json: bool,
) -> anyhow::Result<()> {
    // Here a slow batch is a result, not a fault.
    let options = ModelOptions {
        batch_limit: Duration::from_secs(60),
        ..ModelOptions::default()
    };
    let load = || canary::load(directory, engine, options.canary_limit);
    let mut model = load()?;
    let mut guarded = ModelSource::fixed(load()?.predictor, &options)?;
    let mut twin = Mlp::from_manifest(&model.manifest)?;
    let mut lines = Vec::new();
    for batch in batches {
        let rows = rows_for(&model.manifest, *batch)?;
        let mut engines: Vec<&mut dyn Predictor> = vec![&mut guarded];
        engines.extend(twin.as_mut().map(|twin| twin as &mut dyn Predictor));
        if model.engine == Engine::TensorFlow {
            engines.push(model.predictor.as_mut());
        }
        let mut times = measure(&mut engines, &rows, samples)?.into_iter().map(Times::of);
        let Some(guarded) = times.next() else {
            continue;
        };
        let twin = twin.is_some().then(|| times.next()).flatten();
        let tensorflow = times.next();
        let ratio = twin
            .as_ref()
            .zip(tensorflow.as_ref())
            .map(|(twin, tensorflow)| twin.median_us / tensorflow.median_us);
        lines.push(BenchLine {
            batch: rows.len(),
            tensorflow,
            guarded,
            twin,
            ratio,
        });
    }
    if json {
        return super::print_json(&lines);
    }
    print_bench(&lines)
}

fn print_bench(lines: &[BenchLine]) -> anyhow::Result<()> {
    super::say!("median (p10…p90) in µs");
    super::say!(
        "{:>6} {:>24} {:>24} {:>24} {:>9}",
        "batch",
        "TensorFlow",
        "through the guard",
        "Rust twin",
        "twin/TF"
    );
    for line in lines {
        let text =
            |times: &Times| format!("{:.1} ({:.1}…{:.1})", times.median_us, times.p10_us, times.p90_us);
        let twin = line.twin.as_ref().map_or("-".into(), text);
        let ratio = line.ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let plain = line.tensorflow.as_ref().map_or("-".into(), text);
        let guarded = text(&line.guarded);
        super::say!(
            "{:>6} {plain:>24} {guarded:>24} {twin:>24} {ratio:>9}",
            line.batch
        );
    }
    Ok(())
}

fn rows_for(manifest: &Manifest, count: usize) -> anyhow::Result<Vec<FeatureRow>> {
    let normaliser = Normaliser::new(&manifest.normalisation).map_err(anyhow::Error::msg)?;
    Ok(fixed_rows(&normaliser, count))
}

/// Each engine in turn, so that whatever else the machine does meets all alike; samples in µs, one list an engine.
fn measure(
    engines: &mut [&mut dyn Predictor],
    rows: &[FeatureRow],
    samples: u32,
) -> anyhow::Result<Vec<Vec<f64>>> {
    const WARM_UP: u32 = 10;
    let mut scores = Vec::with_capacity(rows.len());
    let mut times = vec![Vec::new(); engines.len()];
    for sample in 0..samples + WARM_UP {
        for (engine, times) in engines.iter_mut().zip(&mut times) {
            let started = Instant::now();
            engine.score(rows, &mut scores)?;
            if sample >= WARM_UP {
                times.push(started.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    Ok(times)
}

fn print_importance(found: &explain::Explained) -> anyhow::Result<()> {
    super::say!(
        "{} rows, {:.1} % accepted",
        found.rows,
        found.share_accepted * 100.0
    );
    if let Some(accuracy) = found.balanced_accuracy {
        super::say!("balanced accuracy {accuracy:.3}");
    }
    super::say!(
        "{:<18} {:>16} {:>18} {:>16}",
        "feature",
        "mean |Δ score|",
        "decisions changed",
        "accuracy lost"
    );
    for feature in &found.features {
        let lost = feature
            .accuracy_lost
            .map_or("-".into(), |lost| format!("{lost:.4}"));
        let changed = format!("{:.2} %", feature.decisions_changed * 100.0);
        super::say!(
            "{:<18} {:>16.4} {changed:>18} {lost:>16}",
            feature.feature,
            feature.score_change
        );
    }
    Ok(())
}
