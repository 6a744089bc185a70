// SPDX-License-Identifier: GPL-2.0-only
//! What runs the model where TensorFlow's library is not there, or lies where others can write: the twin, and it says so.
//!
//! The library is hidden by naming one that is not there in the environment, as a service's settings would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SIMULATED: [&str; 7] = [
    "run",
    "--simulate",
    "--topology",
    "2x2",
    "--duration",
    "1",
    "--json",
];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a program that nothing around it helps to find a library.
fn run(program: &Path, here: &Path, arguments: &[&str], named: Option<&str>) -> Output {
    let mut command = Command::new(program);
    for variable in [
        "TENSORFLOW_DIR",
        "LD_LIBRARY_PATH",
        "RUST_LOG",
        "SCX_AUGUR_TENSORFLOW",
    ] {
        command.env_remove(variable);
    }
    if let Some(named) = named {
        command.env("SCX_AUGUR_TENSORFLOW", named);
    }
    command.current_dir(here).args(arguments).output().unwrap()
}

/// In the project's folder, without a library.
fn hidden(arguments: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    run(&cargo_bin("scx_augur"), root, arguments, Some("/nonexistent"))
}

fn last_json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// The twin decided, and one line says why, and how to get the library.
fn twin_decided(output: &Output) {
    let metrics = last_json(output);
    let engine = metrics["engine"].as_str().unwrap();
    assert_eq!(
        (metrics["model"].as_str().unwrap(), engine),
        ("augur", "the Rust twin")
    );
    assert!(metrics["model_rounds"].as_u64().unwrap() > 0, "{metrics}");
    assert_eq!(metrics["fallback_rounds"], 0, "{metrics}");
    let said = said(output);
    let told: Vec<_> = said
        .lines()
        .filter(|line| line.contains("the Rust twin"))
        .collect();
    assert_eq!(told.len(), 1, "{said}");
    assert!(told[0].contains("scripts/setup tensorflow-lib"), "{said}");
}

#[test]
fn without_a_library_the_twin_decides_and_says_so() {
    let output = hidden(&SIMULATED);
    twin_decided(&output);
    assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
}

#[test]
fn an_engine_that_is_named_is_meant() {
    let output = hidden(&[&SIMULATED[..], &["--engine", "tensorflow"]].concat());
    let metrics = last_json(&output);
    assert_eq!(metrics["model"], "none (failed to load): the heuristic decides");
    assert_eq!(
        (&metrics["engine"], &metrics["model_rounds"]),
        (&"".into(), &0.into())
    );
    assert!(
        said(&output).contains("no TensorFlow library in /nonexistent"),
        "{}",
        said(&output)
    );
    let twin = hidden(&[&SIMULATED[..], &["--engine", "twin"]].concat());
    assert_eq!(last_json(&twin)["engine"], "the Rust twin");
    assert_eq!(said(&twin), "");
    // What is missing without a library is not found by asking for it.
    let strict = hidden(&["model", "check", "model_dir/augur", "--engine", "tensorflow"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(
        said(&strict).contains("scripts/setup tensorflow-lib"),
        "{}",
        said(&strict)
    );
}

#[test]
fn check_bench_and_doctor_say_which_engine() {
    let output = hidden(&["model", "check", "model_dir/augur"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said(&output).is_empty(),
        "{}",
        said(&output)
    );
    assert!(text.contains("`augur` is fit for use"), "{text}");
    assert!(
        text.contains("by the Rust twin\n") && text.contains("no TensorFlow library in /nonexistent"),
        "{text}"
    );
    let json = hidden(&["model", "check", "model_dir/augur", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["engine"], &json["tensorflow"]),
        (&"the Rust twin".into(), &Value::Null)
    );
    let bench = hidden(&[
        "model",
        "bench",
        "model_dir/augur",
        "--batches",
        "1",
        "--samples",
        "5",
        "--json",
    ]);
    let bench: Value = serde_json::from_slice(&bench.stdout).unwrap();
    assert!(
        bench[0]["tensorflow"].is_null() && bench[0]["ratio"].is_null(),
        "{bench}"
    );
    assert!(bench[0]["twin"]["median_us"].as_f64().unwrap() > 0.0, "{bench}");
    let report: Value = serde_json::from_slice(&hidden(&["doctor", "--json"]).stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    let found = check("model")["found"].as_str().unwrap();
    assert!(
        found.ends_with("is fit for use; the Rust twin runs it"),
        "{found}"
    );
    let remedy = check("TensorFlow")["remedy"].as_str().unwrap();
    assert!(
        remedy.ends_with("until then the Rust twin runs the model"),
        "{remedy}"
    );
}

/// `make install` into a folder; where the program is then.
fn installed(folder: &Path) -> PathBuf {
    let made = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-s", "install", "PREFIX=/usr/local"])
        .arg(format!("DESTDIR={}", folder.display()))
        .arg(format!("BINARY={}", cargo_bin("scx_augur").display()))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    folder.join("usr/local/bin/scx_augur")
}

#[test]
fn what_make_install_leaves_decides_with_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let program = installed(folder.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let output = run(&program, elsewhere.path(), &SIMULATED, Some("/nonexistent"));
    twin_decided(&output);
    let doctor = run(
        &program,
        elsewhere.path(),
        &["doctor", "--json"],
        Some("/nonexistent"),
    );
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let model = folder.path().join("usr/local/share/scx_augur/model_dir/augur");
    assert!(
        doctor.contains(&format!("`augur` in {} is fit", model.display())),
        "{doctor}"
    );
    let unit = folder
        .path()
        .join("usr/local/lib/systemd/system/scx_augur.service");
    assert!(
        std::fs::read_to_string(unit)
            .unwrap()
            .contains("ExecStart=/usr/local/bin/scx_augur run")
    );
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn make_install_brings_the_manual_and_completions_and_uninstall_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path());
    let share = folder.path().join("usr/local/share");
    let files = [
        "man/man1/scx_augur.1",
        "man/man1/scx_augur-simulate-train.1",
        "bash-completion/completions/scx_augur",
        "zsh/site-functions/_scx_augur",
        "fish/vendor_completions.d/scx_augur.fish",
    ];
    for file in files {
        let metadata = std::fs::metadata(share.join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o644, "{file}");
        assert!(metadata.len() > 500, "{file}");
    }
    let removed = Command::new("make")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-s", "uninstall", "PREFIX=/usr/local"])
        .arg(format!("DESTDIR={}", folder.path().display()))
        .status()
        .unwrap();
    assert!(removed.success());
    let left = walk(folder.path());
    assert!(left.is_empty(), "{left:?}");
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[test]
fn a_library_where_others_can_write_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let program = installed(folder.path());
    let place = folder.path().join("usr/.tensorflow");
    std::fs::create_dir(&place).unwrap();
    // Were it loaded, it would be called no usable library.
    std::fs::write(place.join("libtensorflow.so"), "not a library").unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = run(&program, folder.path(), &SIMULATED, None);
    let said = said(&output);
    assert!(!said.contains("not a usable TensorFlow library"), "{said}");
    assert!(
        said.contains(&format!("{} (not used, for ", place.display())),
        "{said}"
    );
    assert_eq!(last_json(&output)["engine"], "the Rust twin");
}
