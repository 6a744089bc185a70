// SPDX-License-Identifier: GPL-2.0-only
//! Models through the real TensorFlow library: right ones score what Python says, wrong ones are refused with their
//! reason and never hang, new ones take over.
//!
//! The library is found as the program finds it, or in `.venv`. Without it these tests fail; only
//! `SCX_AUGUR_SKIP_TENSORFLOW=1` leaves them out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "all of this file is tests"
)]

#[path = "model/busy.rs"]
mod busy;

use assert_cmd::Command;
use augur_sched::model::{
    Engine, FEATURES, FeatureRow, Manifest, Mlp, ModelEvent, ModelHandle, ModelOptions, ModelSource, canary,
};
use augur_tensorflow::{library, prepare_library};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longer than a busy machine needs for anything here.
const PATIENT: Duration = Duration::from_secs(60);

/// Where TensorFlow is; `None` when these tests are to be left out. Looked for once: preparing it sets the variable
/// that names the place.
fn tensorflow() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(find_tensorflow).clone()
}

fn find_tensorflow() -> Option<PathBuf> {
    if std::env::var_os("SCX_AUGUR_SKIP_TENSORFLOW").is_some_and(|value| value == "1") {
        eprintln!("left out: SCX_AUGUR_SKIP_TENSORFLOW=1");
        return None;
    }
    let virtual_environment = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv");
    let found = library::find(None).or_else(|_| library::find(Some(&virtual_environment)));
    let remedy =
        "run `scripts/setup tensorflow-lib .tensorflow`; SCX_AUGUR_SKIP_TENSORFLOW=1 leaves these tests out";
    Some(found.unwrap_or_else(|fault| panic!("{fault}\n{remedy}")).library)
}

/// Makes TensorFlow ready in this process; `false` when these tests are to be left out.
///
/// Test threads run by now, but none of them reads the environment past the standard library's lock.
fn ready() -> bool {
    tensorflow()
        .map(|path| prepare_library(Some(&path)).unwrap())
        .is_some()
}

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/models")
        .join(name)
}

/// What `profile` asks of a GPU, asked of TensorFlow's CPU: products are right, and a device that is not there is a fault.
#[test]
fn a_device_multiplies_matrices_and_says_how_long_it_took() {
    use augur_devices::experiment::profile::on_device;
    use augur_tensorflow::product;
    if !ready() {
        return;
    }
    let measured = on_device(product::CPU, &[64, 96], 2).unwrap();
    let sizes: Vec<usize> = measured.products.iter().map(|product| product.size).collect();
    assert_eq!(sizes, [64, 96]);
    assert!(measured.products.iter().all(|product| product.repeats == 2));
    assert!(measured.transfer_bandwidth_mb_per_s > 0.0);
    let fault = on_device("/device:GPU:77", &[64], 1).unwrap_err();
    assert!(fault.to_string().contains("GPU:77"), "{fault}");
}

/// `scx_augur model …` with TensorFlow; `None` when these tests are to be left out.
fn command(arguments: &[&str]) -> Option<Command> {
    let mut command = Command::cargo_bin("scx_augur").unwrap();
    command
        .arg("model")
        .args(arguments)
        .arg("--tensorflow")
        .arg(tensorflow()?)
        .timeout(PATIENT);
    Some(command)
}

fn options(directory: &Path) -> ModelOptions {
    ModelOptions {
        directory: directory.into(),
        canary_limit: PATIENT,
        batch_limit: PATIENT,
        poll: Duration::from_millis(20),
        ..ModelOptions::default()
    }
}

fn next_event(handle: &mut ModelHandle) -> ModelEvent {
    let end = Instant::now() + PATIENT;
    loop {
        match handle.poll_events().as_slice() {
            [] if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            events => break events.first().expect("nothing happened").clone(),
        }
    }
}

fn scores(handle: &mut ModelHandle, rows: &[FeatureRow]) -> Vec<f32> {
    let mut scores = Vec::new();
    handle.score(rows, &mut scores).unwrap();
    scores
}

/// The scheduling policies of this process's threads of that name.
fn policies_of(name: &str) -> Vec<i32> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let stats = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    let of_name = stats.filter(|stat| stat.contains(&format!("({name})")));
    // The policy is the 41st field; the third comes after the name.
    of_name
        .map(|stat| {
            stat.rsplit(") ")
                .next()
                .unwrap()
                .split(' ')
                .nth(38)
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

/// Puts a model where another one was, all of it at once: whoever looks while files are copied sees a half of each.
fn install(name: &str, place: &Path) {
    let new = place.with_extension("new");
    std::os::unix::fs::symlink(model(name), &new).unwrap();
    std::fs::rename(&new, place).unwrap();
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4)
}

#[test]
fn tensorflow_the_twin_and_python_agree() {
    if !ready() {
        return;
    }
    #[derive(serde::Deserialize)]
    struct Golden {
        rows: Vec<FeatureRow>,
        scores: Vec<f32>,
    }
    let golden = std::fs::read_to_string(model("mlp").join("golden.json")).unwrap();
    let golden: Golden = serde_json::from_str(&golden).unwrap();
    let mut loaded = canary::load(&model("mlp"), Engine::TensorFlow, PATIENT).unwrap();
    let mut twin = Mlp::from_manifest(&Manifest::read(&model("mlp")).unwrap())
        .unwrap()
        .unwrap();
    let (mut of_model, mut of_twin) = (Vec::new(), Vec::new());
    loaded.predictor.score(&golden.rows, &mut of_model).unwrap();
    augur_sched::model::Predictor::score(&mut twin, &golden.rows, &mut of_twin).unwrap();
    assert!(
        close(&of_model, &golden.scores),
        "TensorFlow {of_model:?}\nPython {:?}",
        golden.scores
    );
    assert!(
        close(&of_twin, &golden.scores),
        "twin {of_twin:?}\nPython {:?}",
        golden.scores
    );
    let spread =
        golden.scores.iter().copied().fold(0.0, f32::max) - golden.scores.iter().copied().fold(1.0, f32::min);
    assert!(spread > 0.5, "golden scores that are all alike prove nothing");
}

#[test]
fn every_batch_size_gets_one_score_a_row_whatever_the_last_one_was() {
    if !ready() {
        return;
    }
    let mut handle = ModelSource::spawn(options(&model("mlp"))).unwrap();
    assert_eq!(
        handle.wait_loaded(PATIENT).first().map(ModelEvent::label),
        Some("loaded")
    );
    let row = |seed: usize| std::array::from_fn(|column| ((seed * 31 + column * 7) % 13) as f32);
    let all: Vec<FeatureRow> = (0..1000).map(row).collect();
    let whole = scores(&mut handle, &all);
    for count in [1, 64, 0, 1, 1000, 3] {
        assert!(
            close(&scores(&mut handle, &all[..count]), &whole[..count]),
            "{count} rows"
        );
    }
}

#[test]
fn constant_models_are_swapped_without_a_restart() {
    if !ready() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("model");
    install("stay", &place);
    let mut handle = ModelSource::spawn(options(&place)).unwrap();
    assert_eq!(
        handle.wait_loaded(PATIENT),
        [ModelEvent::Loaded {
            name: "dummy-stay".into()
        }]
    );
    let rows = [[1.0; FEATURES.len()]; 3];
    assert_eq!(scores(&mut handle, &rows), [0.0; 3]);
    install("bad/nan", &place);
    assert_eq!(next_event(&mut handle).label(), "refused");
    assert_eq!(
        scores(&mut handle, &rows),
        [0.0; 3],
        "a refused model changes nothing"
    );
    install("move", &place);
    assert_eq!(
        next_event(&mut handle),
        ModelEvent::Reloaded {
            name: "dummy-move".into()
        }
    );
    assert_eq!(scores(&mut handle, &rows), [1.0; 3]);
}

#[test]
fn a_model_that_loops_forever_is_given_up_once_and_its_successor_serves() {
    if !ready() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("model");
    install("bad/endless", &place);
    // Long enough for the right model that comes next, on a machine that the endless one keeps busy.
    let limit = Duration::from_secs(10);
    let mut handle = ModelSource::spawn(ModelOptions {
        canary_limit: limit,
        ..options(&place)
    })
    .unwrap();
    let started = Instant::now();
    let mut out = Vec::new();
    assert_eq!(
        handle
            .score(&[[0.0; FEATURES.len()]], &mut out)
            .unwrap_err()
            .label(),
        "loading"
    );
    assert!(started.elapsed() < limit, "the daemon never waits for a load");
    let events = handle.wait_loaded(PATIENT);
    assert!(
        matches!(events.as_slice(), [ModelEvent::Refused { fault }] if fault.label() == "hangs"),
        "{events:?}"
    );
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(handle.poll_events(), [], "it is not tried again");
    // Other tests' canaries may be at work too.
    let policies = policies_of("augur-canary");
    assert!(
        policies.contains(&libc::SCHED_IDLE),
        "it takes CPU time from others: {policies:?}"
    );
    install("move", &place);
    assert_eq!(
        next_event(&mut handle),
        ModelEvent::Loaded {
            name: "dummy-move".into()
        }
    );
}

#[test]
fn a_model_that_becomes_too_slow_leaves_the_service() {
    if !ready() {
        return;
    }
    // Quick for the canary's rows and small batches, slow for those of more rows.
    let limit = Duration::from_millis(100);
    let options = ModelOptions {
        batch_limit: limit,
        ..options(&model("bad/slow"))
    };
    let mut handle = ModelSource::spawn(options).unwrap();
    assert_eq!(
        handle.wait_loaded(PATIENT).first().map(ModelEvent::label),
        Some("loaded")
    );
    let rows = vec![[0.0; FEATURES.len()]; 2000];
    let mut out = Vec::new();
    // On a busy machine the model's thread may be waiting for a CPU, which is not held against it.
    let labels: Vec<_> = (0..200)
        .map(|_| {
            let started = Instant::now();
            let label = handle.score(&rows, &mut out).unwrap_err().label();
            assert!(
                started.elapsed() < limit + Duration::from_secs(5),
                "the daemon waited {:?}",
                started.elapsed()
            );
            label
        })
        .filter(|&label| label != "waiting")
        .take(4)
        .collect();
    assert_eq!(labels, ["too_slow", "too_slow", "too_slow", "out_of_service"]);
    assert_eq!(
        handle
            .poll_events()
            .iter()
            .map(ModelEvent::label)
            .collect::<Vec<_>>(),
        ["out_of_service"]
    );
}

#[test]
fn every_bad_model_is_refused_with_its_reason() {
    let reasons = [
        ("above-one", "out_of_range"),
        ("corrupt", "malformed"),
        ("endless", "hangs"),
        ("manifest-not-json", "malformed"),
        ("missing-variables", "malformed"),
        ("nan", "not_finite"),
        ("no-manifest", "missing"),
        ("no-saved-model", "missing"),
        ("not-there-at-all", "missing"),
        ("one-score-only", "wrong_shape"),
        ("twin-disagrees", "twin_disagrees"),
        ("wrong-contract", "contract"),
        ("wrong-dtype", "wrong_type"),
        ("wrong-features", "contract"),
        ("wrong-name", "wrong_name"),
        ("wrong-output-shape", "wrong_shape"),
        ("wrong-shape", "wrong_shape"),
        ("wrong-signature", "wrong_name"),
    ];
    for (name, label) in reasons {
        let limit = if name == "endless" { "2" } else { "60" };
        let directory = model("bad").join(name);
        let Some(mut command) = command(&["check", directory.to_str().unwrap(), "--json", "--limit", limit])
        else {
            return;
        };
        let output = command.assert().code(1).get_output().clone();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["fault"], label, "{name}: {said}");
        let error = String::from_utf8(output.stderr).unwrap();
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("scx_augur: "), "{name}: {error}");
    }
}

#[test]
fn a_missing_or_wrong_library_is_an_ordinary_error() {
    let directory = model("mlp");
    let text = model("make_models.py");
    let other = "/lib/x86_64-linux-gnu/libc.so.6";
    for (path, label) in [
        ("/nonexistent", "library_missing"),
        (text.to_str().unwrap(), "library_broken"),
        (other, "library_broken"),
    ] {
        let mut command = Command::cargo_bin("scx_augur").unwrap();
        command.args([
            "model",
            "check",
            directory.to_str().unwrap(),
            "--json",
            "--tensorflow",
            path,
        ]);
        if path == other && !Path::new(other).exists() {
            continue;
        }
        let output = command.timeout(PATIENT).assert().code(1).get_output().clone();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["fault"], label, "{said}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "one sentence: {error}");
    }
}

#[test]
fn check_says_what_a_right_model_is() {
    let Some(mut command) = command(&["check", model("mlp").to_str().unwrap()]) else {
        return;
    };
    let output = command.assert().success().get_output().clone();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("`dummy-mlp` is fit for use") && text.contains("agrees with the weights"),
        "{text}"
    );
}

#[test]
fn bench_measures_both_engines() {
    let Some(mut command) = command(&[
        "bench",
        model("mlp").to_str().unwrap(),
        "--json",
        "--samples",
        "5",
    ]) else {
        return;
    };
    let output = command.assert().success().get_output().clone();
    let lines: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let batches: Vec<_> = lines.iter().map(|line| line["batch"].as_u64().unwrap()).collect();
    assert_eq!(batches, [1, 16, 64, 512, 1000, 4096]);
    for line in &lines {
        let median = |engine: &str| line[engine]["median_us"].as_f64().unwrap();
        assert!(
            median("tensorflow") > 0.0 && median("guarded") > 0.0 && median("twin") > 0.0,
            "{line}"
        );
    }
}

#[test]
fn explain_orders_the_features() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log.csv");
    let mut text = format!("{},label\n", FEATURES.join(","));
    for at in 0..200 {
        let row: Vec<_> = (0..FEATURES.len())
            .map(|column| ((at * 7 + column * 3) % 11).to_string())
            .collect();
        text += &format!("{},{}\n", row.join(","), at % 2);
    }
    std::fs::write(&log, text).unwrap();
    let arguments = [
        "explain",
        model("mlp").to_str().unwrap(),
        "--json",
        "--log",
        log.to_str().unwrap(),
    ]
    .map(String::from);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(mut command) = command(&arguments) else {
        return;
    };
    let output = command.assert().success().get_output().clone();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let changes: Vec<_> = found["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["score_change"].as_f64().unwrap())
        .collect();
    assert_eq!(changes.len(), FEATURES.len());
    assert!(
        changes[0] > 0.0 && changes.is_sorted_by(|a, b| a >= b),
        "{changes:?}"
    );
    assert!(found["balanced_accuracy"].is_number() && found["features"][0]["accuracy_lost"].is_number());
}

#[test]
fn wrong_use_is_exit_code_2() {
    for arguments in [
        &["model"][..],
        &["model", "check"],
        &["model", "bench", ".", "--batches", "0"],
    ] {
        Command::cargo_bin("scx_augur")
            .unwrap()
            .args(arguments)
            .assert()
            .code(2);
    }
}
