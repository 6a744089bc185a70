// SPDX-License-Identifier: GPL-2.0-only
//! Simulated machines of CPUs and GPUs: work as it arrives, policies that place it, and what came of it.
//!
//! ```text
//! workload    tasks, graphs of tasks, their physics; files of other tools
//! policy      a task and the fleet in, a placement out
//! model       what policies learn with: forests, drift detectors, networks
//! sim         tasks under a policy on a machine; queues of which theory knows everything
//! experiment  policies × workloads × seeds               report   their figures, tables, pictures, pages
//! ```

#![deny(unreachable_pub)]

pub mod experiment;
pub mod model;
pub mod policy;
pub mod report;
pub mod sim;
pub mod workload;
