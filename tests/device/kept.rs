// SPDX-License-Identifier: GPL-2.0-only
//! What an experiment keeps: tasks and decisions with what they wait for, forests, and how much GPUs did.

use super::experiment::{SMALL, number, rows};
use augur_devices::experiment::simulate::{Config, Scenario};
use augur_devices::experiment::study::{self, Plan};
use augur_devices::policy::parse;
use augur_devices::report::study::Made;
use augur_devices::sim::{Done, Options};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Tasks and decisions with what they wait for, the forest as a file, how good it is, and how much GPUs did.
#[test]
fn tasks_decisions_and_forests_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let text = SMALL.replace("tasks = 60\n", "tasks = 60\ntasks_per_graph = 4\n");
    let config = Config::from_toml(&text, Scenario::CpuGpu).unwrap();
    let plan = Plan {
        config: &config,
        out,
        threads: 2,
        networks: Path::new(""),
        stop: &AtomicBool::new(false),
        made: Made::default(),
    };
    study::run(&plan, &|_| ()).unwrap();
    let tasks = rows(out, "tasks/1");
    let decisions = rows(out, "decisions/01-eft-1");
    assert_eq!((tasks.len(), decisions.len()), (60, 60));
    let of: BTreeMap<&str, _> = decisions.iter().map(|row| (row["task"].as_str(), row)).collect();
    let mut edges = 0;
    let mut bins = [(0u64, 0.0); 20];
    for task in &tasks {
        let done = of[task["task"].as_str()];
        assert_eq!(task["dependencies"], done["dependencies"]);
        let waited = task["dependencies"]
            .split(';')
            .filter(|number| !number.is_empty());
        let ready_ns = waited.map(|number| {
            edges += 1;
            number_of(of[number], "finish_ns")
        });
        // It is placed when it has come and all that it waits for is done, not before and not later.
        let ready_ns = ready_ns.max().unwrap_or(0).max(number_of(task, "arrival_ns"));
        assert_eq!(number_of(done, "placed_ns"), ready_ns, "{done:?}");
        let bin = &mut bins[(number(task, "compute_intensity") * 20.0) as usize];
        (bin.0, bin.1) = (bin.0 + 1, bin.1 + number(done, "gpu_share"));
    }
    assert!(edges >= 45, "each behind the first of four has a parent: {edges}");
    // The other seed's are added to them.
    for row in rows(out, "decisions/01-eft-2") {
        let bin = &mut bins[(number(&row, "compute_intensity") * 20.0) as usize];
        (bin.0, bin.1) = (bin.0 + 1, bin.1 + number(&row, "gpu_share"));
    }
    let fractions = rows(out, "gpu_fraction");
    let fractions = fractions.iter().filter(|row| row["policy"] == "eft");
    for (row, (tasks, sum)) in fractions.zip(bins) {
        assert_eq!(number_of(row, "tasks"), tasks);
        assert!(tasks == 0 || (number(row, "gpu_share_mean") - sum / tasks as f64).abs() < 1e-12);
    }
    let wide = rows(out, "results");
    for row in rows(out, "utilisation") {
        let run = wide
            .iter()
            .find(|run| run["policy"] == row["policy"] && run["seed"] == row["seed"]);
        assert_eq!(
            run.unwrap()[&format!("utilisation_{}", row["device"])],
            row["utilisation"]
        );
    }
    forest_is_read_again(out, &config);
}

fn forest_is_read_again(out: &Path, config: &Config) {
    let r2: Vec<f64> = rows(out, "learning")
        .iter()
        .filter(|row| row["learner"] == "random_forest" && row["by"] == "tasks")
        .map(|row| number(row, "r2"))
        .collect();
    assert!(
        r2.len() == 2 && r2[0] < r2[1] && r2[1] > 0.5 && r2[1] < 1.0,
        "{r2:?}"
    );
    let path = out.join("train/random_forest-1.forest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let forest = augur_devices::model::forest::Forest::from_json(&text).unwrap();
    assert_eq!(serde_json::to_string(&forest).unwrap(), text.trim());
    let context = config.context().unwrap();
    let read = format!("hybrid_ml[forest={},retrain_interval=0]", path.display());
    let mut left = |_: &Done| ControlFlow::Continue(());
    let mut mean_ns = |policy: &str| {
        let mut policy = parse(policy, &context, 1).unwrap();
        let options = Options::of(&context, 1);
        let outcome = augur_devices::sim::run(&options, &mut *policy, &mut left).unwrap();
        outcome.completion_mean_ns
    };
    // It knows something: it is ahead of one that was never taught.
    let untaught = mean_ns("hybrid_ml[pretrain_tasks=0,retrain_interval=0]");
    assert!(mean_ns(&read) < untaught, "{untaught}");
    let damaged = text.replacen("\"roots\":[0", "\"roots\":[4000000000", 1);
    assert_ne!(damaged, text);
    assert!(augur_devices::model::forest::Forest::from_json(&damaged).is_err());
}

fn number_of(row: &BTreeMap<String, String>, column: &str) -> u64 {
    row[column].parse().unwrap()
}
