// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur doctor`: explains what keeps the scheduler from running here.

use super::number::whole;
use crate::live::doctor::{self, Check, Facts, ModelFacts, Verdict};
use anyhow::Result;
use augur_sched::model::place::Place;
use clap::Parser;
use serde::Serialize;
use std::fmt::{self, Display};
use std::path::PathBuf;

/// Look for everything that could keep the scheduler from running on this machine.
#[derive(Debug, Parser)]
#[command(after_help = "\
Changes nothing. Exit code 0: `scx_augur run` can work here, perhaps with warnings. 1: something prevents it.

A line for each check: `ok`, `warn` (it works less well) or `FAIL` (it cannot be attached), what was found, and \
below it what to do. `run` makes the same checks before it attaches.")]
pub struct Args {
    /// The model directory to try out [default: model_dir/augur, else the model that is built in]
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// TensorFlow's library: the file, its directory, or a virtual environment [env: SCX_AUGUR_TENSORFLOW]
    #[arg(long, value_name = "PATH")]
    tensorflow: Option<PathBuf>,
    /// Split a last-level cache with more CPUs into domains of at most so many
    #[arg(long, value_name = "CPUS", value_parser = whole::<u32>(1..=512))]
    max_domain_cpus: Option<u32>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    summary: String,
    checks: &'a [Check],
}

/// Runs the command. True: the scheduler can run here.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args) -> Result<bool> {
    // First, as it needs a program with one thread.
    let model = ModelFacts::probe(args.tensorflow.as_deref(), Place::of(args.model.as_deref()));
    let facts = Facts::probe(args.max_domain_cpus.map(|cpus| cpus as usize));
    let mut checks = doctor::judge(&facts);
    checks.extend(model.judge());
    let ok = checks.iter().all(|check| check.verdict != Verdict::Fail);
    let report = Report {
        ok,
        summary: doctor::summary(&checks),
        checks: &checks,
    };
    super::print(&report, args.json)?;
    Ok(ok)
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in self.checks {
            let mark = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            writeln!(f, "{mark:<5} {:<16} {}", check.name, check.found)?;
            if let Some(remedy) = &check.remedy {
                writeln!(f, "{:<22} -> {remedy}", "")?;
            }
        }
        writeln!(f, "{}", self.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: Verdict, remedy: Option<&str>) -> Check {
        Check {
            name: "kernel",
            verdict,
            found: "found".into(),
            remedy: remedy.map(String::from),
        }
    }

    fn report(checks: &[Check]) -> Report<'_> {
        Report {
            ok: true,
            summary: doctor::summary(checks),
            checks,
        }
    }

    #[test]
    fn a_failed_check_is_shown_with_its_remedy_and_the_verdict_is_last() {
        let checks = [
            check(Verdict::Ok, None),
            check(Verdict::Fail, Some("boot another")),
        ];
        let text = report(&checks).to_string();
        let lines: Vec<_> = text.lines().map(str::trim_start).collect();
        assert_eq!(
            lines,
            [
                "ok    kernel           found",
                "FAIL  kernel           found",
                "-> boot another",
                "scx_augur cannot run here because of: kernel"
            ]
        );
    }

    #[test]
    fn json_has_the_verdicts_as_words() {
        let value = serde_json::to_value(report(&[check(Verdict::Warn, Some("mount it"))])).unwrap();
        assert_eq!(value["ok"], true);
        assert_eq!(value["checks"][0]["verdict"], "warn");
        assert_eq!(value["checks"][0]["remedy"], "mount it");
    }
}
