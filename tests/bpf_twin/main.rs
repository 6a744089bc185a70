// SPDX-License-Identifier: GPL-2.0-only
//! The rules of the kernel's half, `bpf/`, and their twin in Rust, `policy::cpu::augur`, driven by the same random events: a
//! rule that changes on one side alone fails here.
//!
//! ```text
//! shim       what stands in for the kernel's headers and helpers, so that `bpf/main.bpf.c` compiles for the host as it is
//! kernel     that library, loaded
//! event      random machines, tasks, settings, and what happens to them
//! machine    both sides, driven alike
//! compare    whether they are the same
//! mutations  rules that are changed on purpose, each of which has to be seen
//! ```
#![allow(clippy::unwrap_used)]

mod compare;
mod event;
mod kernel;
mod machine;
mod mutations;

use event::{Event, Setup};
use kernel::Kernel;
use machine::Machine;
use proptest::prelude::*;
use std::path::Path;

const EVENTS: usize = 400;

/// Runs a machine through `events`; what differed first, and after which event.
fn run(kernel: &Kernel, setup: &Setup, events: &[Event]) -> Result<(), String> {
    let mut machine = Machine::new(kernel, setup);
    for (number, event) in events.iter().enumerate() {
        let checked = machine.step(event);
        checked.map_err(|difference| format!("event {number}, {event:?}: {difference}"))?;
    }
    Ok(())
}

fn histories() -> impl Strategy<Value = (Setup, Vec<Event>)> {
    (
        event::setup(),
        prop::collection::vec(event::event(), EVENTS / 2..EVENTS),
    )
}

#[test]
fn the_rules_and_their_twin_decide_alike() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("rules.so");
    kernel::compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf"), &library);
    let kernel = Kernel::load(&library);
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let checked = runner.run(&histories(), |(setup, events)| {
        run(&kernel, &setup, &events).map_err(TestCaseError::fail)
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
