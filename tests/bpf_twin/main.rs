// SPDX-License-Identifier: GPL-2.0-only
//! The rules of the kernel's half, `bpf/`, and their twin in Rust, `policy::cpu::augur`, driven by the same random events: a
//! rule that changes on one side alone fails here.
//!
//! ```text
//! shim       what stands in for the kernel's headers and helpers, so that `bpf/main.bpf.c` compiles for the host as it is
//! kernel     that library, loaded
//! event      random machines, tasks, settings, and what happens to them
//! machine    both sides, driven alike and compared
//! mutations  rules that are changed on purpose, each of which has to be seen
//! ```
#![allow(clippy::unwrap_used)]

mod event;
mod kernel;
mod machine;
mod mutations;

use event::{Event, Setup};
use kernel::Kernel;
use machine::Machine;
use proptest::prelude::*;
use std::cell::Cell;
use std::path::Path;

/// How long a machine runs, in events: half of that on average.
const EVENTS: usize = 400;

/// So many machines run through far more than 100 000 events together.
const MACHINES: u32 = 600;

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
    (event::setup(), prop::collection::vec(event::event(), 1..EVENTS))
}

#[test]
fn the_rules_and_their_twin_decide_alike() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("rules.so");
    kernel::compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf"), &library);
    let kernel = Kernel::load(&library);
    let config = ProptestConfig {
        cases: MACHINES,
        failure_persistence: None,
        max_shrink_iters: 10_000,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let happened = Cell::new(0);
    let checked = runner.run(&histories(), |(setup, events)| {
        happened.set(happened.get() + events.len());
        run(&kernel, &setup, &events).map_err(TestCaseError::fail)
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
    assert!(happened.get() > 100_000, "{} events are too few", happened.get());
}
