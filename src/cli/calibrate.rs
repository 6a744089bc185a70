// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur calibrate`: what a migration costs on this machine, as the cost table of `replay`.

use super::console::note;
use super::number::whole;
use super::progress::Runs;
use super::{UsageError, interrupt};
use crate::live::calibrate::{self, Access, Refill, WORKING_SETS_KB};
use crate::live::machine;
use anyhow::{Result, ensure};
use augur_base::file::{Output, STANDARD};
use augur_base::topology::{Distance, Machine};
use augur_sched::sim::cpu::{Costs, Curve};
use clap::Parser;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use std::fmt::{self, Display};
use std::io::Write;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
A thread writes a working set (32 KB to 8 MB) on one CPU, is sent to another, and reads it; and the same \
without the move. The difference is what a migration costs in refilled caches, for each distance that this machine has: \
to the sibling of a core, within a last-level cache, to another cache, to another node. Medians of many moves; beside \
them the quartiles, for other work on the machine shows in them. What the move itself takes (a system call and a switch) \
is not in it.

The table is TOML, for `replay --costs FILE`. Distances that this machine does not have keep replay's defaults, and so do \
three assumptions that cannot be measured here and may be edited: working_set_kb, the working set of a task with long \
bursts; footprint_halflife_ns, the burst after which a task has half of it; cooling_halflife_ns, the time in which half \
of what a task left behind is gone.

Needs no privilege. Takes half a minute at most for each distance; best on an idle machine.";

/// Measure what a migration costs on this machine.
#[derive(Debug, Parser)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The cost table to write; `-` is standard output, and nothing else is printed there then
    #[arg(short, long, value_name = "FILE", default_value = "costs.toml")]
    output: PathBuf,
    /// Moves for each working set and distance; fewer where they take too long
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = whole::<u32>(1..=100_000))]
    repeats: u32,
    /// How the working set is touched: `stream`, in order, where prefetchers hide much; `chase`, at random, each line
    /// known only from the one before: nothing is hidden, and no task pays more
    #[arg(long, default_value = "stream", value_parser = PossibleValuesParser::new(["stream", "chase"]).map(access))]
    access: Access,
    /// Print the measurements as JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// [`Access`], as it is named on the command line.
fn access(name: String) -> Access {
    match name.as_str() {
        "chase" => Access::Chase,
        _ => Access::Stream,
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    machine: String,
    access: Access,
    refills: &'a [Refill],
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    let machine = machine::read(None)?;
    let pairs = calibrate::pairs(&machine)?;
    let standard = args.output.as_os_str() == STANDARD;
    ensure!(
        !(args.json && standard),
        UsageError("standard output cannot take both the table and --json; name a file for -o".to_owned())
    );
    let stop = interrupt::flag()?;
    let mut output = Output::create(&args.output)?;
    let repeats = args.repeats as usize;
    let runs = Runs::new();
    let progress = |done, all| runs.tell("calibrate".to_owned(), done as f64 / f64::max(all as f64, 1.0));
    let refills = calibrate::measure(&pairs, args.access, repeats, &stop, progress)?;
    runs.end();
    let text = table(&refills).to_toml(&comments(&machine, args.access, &refills))?;
    output.write_all(text.as_bytes())?;
    output.finish()?;
    if standard {
        return Ok(());
    }
    let report = Report {
        file: &args.output,
        machine: machine.to_string(),
        access: args.access,
        refills: &refills,
    };
    super::print(&report, args.json)?;
    note!(
        "{0}: for `scx_augur replay TRACE --costs {0}`",
        args.output.display()
    );
    Ok(())
}

/// The defaults, and what was measured in their place. A refill that vanishes in the noise costs nothing.
fn table(refills: &[Refill]) -> Costs {
    let mut costs = Costs::default();
    for distance in [Distance::Core, Distance::Llc, Distance::Node, Distance::Remote] {
        let mut curve = Curve::default();
        for refill in refills.iter().filter(|refill| refill.distance == distance) {
            curve.working_set_kb.push(refill.working_set_kb);
            curve.refill_ns.push(refill.refill_ns.max(0.0).round() as u64);
        }
        if !curve.refill_ns.is_empty() {
            costs.measured(distance, curve);
        }
    }
    costs
}

fn comments(machine: &Machine, access: Access, refills: &[Refill]) -> Vec<String> {
    let distances: Vec<&str> = [Distance::Core, Distance::Llc, Distance::Node, Distance::Remote]
        .into_iter()
        .filter(|&distance| refills.iter().any(|refill| refill.distance == distance))
        .map(Distance::label)
        .collect();
    let how = match access {
        Access::Stream => "touching working sets in order",
        Access::Chase => "touching working sets at random",
    };
    vec![
        format!("What migrations cost on {machine}: measured by `scx_augur calibrate`, {how}."),
        format!("Measured here: {}. All else are defaults.", distances.join(", ")),
    ]
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.machine)?;
        writeln!(
            f,
            "{:<11} {:>8} {:>12} {:>24} {:>12} {:>8}",
            "moved", "KB", "refill µs", "quartiles", "stayed µs", "moves"
        )?;
        let micros = |ns: f64| format!("{:.1}", ns / 1e3);
        for refill in self.refills {
            let quartiles = [refill.lower_quartile_ns, refill.upper_quartile_ns].map(micros);
            writeln!(
                f,
                "{:<11} {:>8} {:>12} {:>24} {:>12} {:>8}",
                refill.distance.label().replace('_', " "),
                refill.working_set_kb,
                micros(refill.refill_ns),
                quartiles.join(" … "),
                micros(refill.stay_ns),
                refill.samples
            )?;
        }
        match self.refills {
            [first, ..] if self.refills.len() == WORKING_SETS_KB.len() => writeln!(
                f,
                "\nAll CPUs that may be used here are as far apart as each other ({}): other distances keep their defaults.",
                first.distance.label().replace('_', " ")
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refill(distance: Distance, working_set_kb: u64, refill_ns: f64) -> Refill {
        Refill {
            distance,
            working_set_kb,
            refill_ns,
            lower_quartile_ns: refill_ns / 2.0,
            upper_quartile_ns: refill_ns * 2.0,
            stay_ns: 100.0,
            samples: 9,
        }
    }

    #[test]
    fn what_was_measured_stands_in_the_table_and_noise_does_not() {
        let refills = [
            refill(Distance::Llc, 32, -5.0),
            refill(Distance::Llc, 512, 1234.4),
            refill(Distance::Remote, 32, 7.5),
        ];
        let costs = table(&refills);
        let curve = costs.same_llc.clone().unwrap();
        assert_eq!(
            (curve.working_set_kb, curve.refill_ns),
            (vec![32, 512], vec![0, 1234])
        );
        assert_eq!((costs.same_llc_ns, costs.cross_node_ns), (1234, 8));
        assert_eq!(
            (costs.cross_llc_ns, costs.cross_llc),
            (Costs::default().cross_llc_ns, None)
        );
    }

    #[test]
    fn the_table_that_is_written_can_be_read() {
        let refills = [refill(Distance::Core, 32, 7.0)];
        let machine = Machine::from_spec("1x1x1x2").unwrap();
        let text = table(&refills)
            .to_toml(&comments(&machine, Access::Chase, &refills))
            .unwrap();
        assert_eq!(Costs::from_toml(&text).unwrap(), table(&refills));
        assert!(text.contains("Measured here: same_core."), "{text}");
    }
}
