// SPDX-License-Identifier: GPL-2.0-only
//! Machines of CPUs and GPUs, graphs of tasks, and queues, seen from outside: published schedules, closed forms, bounds,
//! properties of every policy, drift, the command line; and the daemon's decisions on simulated CPUs.
#![allow(clippy::unwrap_used)]

#[path = "device/bounds.rs"]
mod bounds;
#[path = "device/cli.rs"]
mod cli;
mod common;
#[path = "device/drift.rs"]
mod drift;
#[path = "device/experiment.rs"]
mod experiment;
#[path = "device/gantt.rs"]
mod gantt;
#[path = "device/graph.rs"]
mod graph;
#[path = "device/kept.rs"]
mod kept;
#[path = "device/learned.rs"]
mod learned;
#[path = "device/listed.rs"]
mod listed;
#[path = "device/physics.rs"]
mod physics;
#[path = "device/profile.rs"]
mod profile;
#[path = "device/queue.rs"]
mod queue;
#[path = "device/report.rs"]
mod report;
#[path = "device/run.rs"]
mod run;
#[path = "device/stand_in.rs"]
mod stand_in;
#[cfg(feature = "tensorflow")]
#[path = "device/trained.rs"]
mod trained;
#[path = "device/workflow.rs"]
mod workflow;
