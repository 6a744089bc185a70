// SPDX-License-Identifier: GPL-2.0-only
//! The forest of `hybrid_ml` by itself, for `scripts/forest-parity`:
//!
//! ```text
//! forest draw TASKS SEED                      tasks' features and labels, as CSV
//! forest fit TRAIN.csv TEST.csv MODEL SEED    grows on the one, prints what it predicts for the other
//! ```
#![allow(missing_docs)]

use anyhow::{Context, Result, bail};
use augur_base::topology::device::Settings;
use augur_devices::model::forest::{Forest, Kind, Parameters, Row};
use augur_devices::policy::hybrid_ml::{FEATURES, features, label};
use augur_devices::workload::{Batch, Generator, Physics, generator};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["draw", tasks, seed] => draw(tasks.parse()?, seed.parse()?),
        ["fit", train, test, model, seed] => fit(train, test, model, seed.parse()?),
        _ => bail!("use: forest draw TASKS SEED, or forest fit TRAIN.csv TEST.csv MODEL SEED"),
    }
}

fn draw(tasks: u64, seed: u64) -> Result<()> {
    let devices = Settings::default().devices()?;
    let settings = generator::Settings {
        tasks,
        ..generator::Settings::default()
    };
    let mut generator = Generator::new(&settings, &Physics::default(), seed);
    let mut batch = Batch::default();
    println!("{},optimal_gpu_fraction", FEATURES.join(","));
    while generator.next(&mut batch) {
        for (task, work) in batch.tasks.iter().zip(&batch.works) {
            features(task)
                .as_slice()
                .iter()
                .for_each(|value| print!("{value},"));
            println!("{}", label(&devices, work));
        }
    }
    Ok(())
}

fn fit(train: &str, test: &str, model: &str, seed: u64) -> Result<()> {
    let kind = match model {
        "random_forest" => Kind::RandomForest,
        "gradient_boosting" => Kind::GradientBoosting,
        other => bail!("there is no model {other}"),
    };
    let (rows, labels) = read(train)?;
    let forest = Forest::fit(
        &rows,
        &labels,
        &Parameters {
            kind,
            seed,
            ..Parameters::default()
        },
    )?;
    read(test)?
        .0
        .iter()
        .for_each(|row| println!("{}", forest.predict(row)));
    Ok(())
}

fn read(path: &str) -> Result<(Vec<Row>, Vec<f64>)> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {path}"))?;
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for record in reader.deserialize::<Vec<f64>>() {
        let record = record.with_context(|| format!("cannot read {path}"))?;
        let (label, features) = record.split_last().context("a row is empty")?;
        rows.push(Row::of(features));
        labels.push(*label);
    }
    Ok((rows, labels))
}
