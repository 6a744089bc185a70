// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur` from the outside: what it prints, and what it says where it fails.
#![allow(dead_code, reason = "no program of tests uses all of it")]

use assert_cmd::Command;
use serde_json::Value;
use std::process::Output;

/// Runs the command to its end.
pub fn scx_augur(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("scx_augur").unwrap();
    command.env_remove("RUST_LOG").args(arguments).output().unwrap()
}

/// It succeeds, and prints this.
#[track_caller]
pub fn succeeds(arguments: &[&str]) -> String {
    let output = scx_augur(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// It succeeds, and prints this as JSON.
#[track_caller]
pub fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&succeeds(arguments)).unwrap()
}

/// It prints nothing, and fails with this exit code and one sentence that holds `words`.
#[track_caller]
pub fn fails(arguments: &[&str], code: i32, words: &str) {
    let output = scx_augur(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    assert!(
        said.starts_with("scx_augur: ") && said.contains(words),
        "{arguments:?} should name {words}: {said}"
    );
    assert!(output.stdout.is_empty(), "{arguments:?}");
}
