// SPDX-License-Identifier: GPL-2.0-only
//! `--list-policies`: what there is to choose from, out of the tables that also make them.

use super::console::tell;
use super::parse::has_flag;
use augur_devices::experiment;
use augur_devices::policy;
use augur_devices::policy::list::registry as graph;
use augur_sched::policy::cpu::augur::Tuning;
use augur_sched::policy::{Settings, cpu};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

const FLAG: &str = "list-policies";

/// The words that name a command, and what it says of its policies.
type List = (&'static [&'static str], fn() -> String);

/// Commands that take policies.
const LISTS: &[List] = &[
    #[cfg(feature = "live")]
    (&["run"], daemon),
    (&["replay"], run_queues),
    (&["simulate"], devices),
    (&["simulate", "graph"], graphs),
    (&["simulate", "queue"], queues),
    (&["simulate", "train"], learners),
    (&["experiment"], devices),
];

/// Gives those commands the option.
pub fn with_lists(command: Command) -> Command {
    LISTS
        .iter()
        .fold(command, |command, (path, _)| with_list(command, path))
}

fn with_list(command: Command, path: &[&'static str]) -> Command {
    let Some((name, rest)) = path.split_first() else {
        let list = Arg::new(FLAG).long(FLAG).action(ArgAction::SetTrue);
        // Nothing else has to be given, not even what is needed otherwise.
        return command.arg(list.exclusive(true).help("List all policies with their settings"));
    };
    command.mut_subcommand(*name, |command| with_list(command, rest))
}

/// Prints the list that was asked for, if one was.
pub fn listed(matches: &ArgMatches) -> Option<ExitCode> {
    let (_, list) = LISTS.iter().find(|(path, _)| {
        let mut matches = Some(matches);
        for name in *path {
            matches = matches.and_then(|matches| matches.subcommand_matches(name));
        }
        matches.is_some_and(|matches| has_flag(matches, FLAG))
    })?;
    let printed = std::io::stdout().lock().write_all(list().as_bytes());
    Some(match printed {
        Err(err) if err.kind() != std::io::ErrorKind::BrokenPipe => {
            tell!("scx_augur: cannot write to standard output: {err}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    })
}

#[cfg(feature = "live")]
fn daemon() -> String {
    table(augur_sched::policy::registry::described()) + &settings()
}

fn run_queues() -> String {
    let names = table(cpu::registry::NAMES);
    names
        + &settings()
        + &format!(
            "\nand those of the kernel's half, as `run --help` explains them (switches are 0 or 1): {}\n",
            Tuning::names().join(", ")
        )
}

fn devices() -> String {
    table(policy::registry::NAMES) + "\nSettings of those that learn: `scx_augur simulate --help`.\n"
}

fn graphs() -> String {
    table(graph::NAMES) + &table([(experiment::graph::OPTIMAL, "the best that branch and bound finds")])
}

fn queues() -> String {
    table(experiment::queue::NAMES)
}

fn learners() -> String {
    let known = policy::registry::NAMES.into_iter();
    table(known.filter(|(name, _)| policy::registry::LEARNERS.contains(name)))
        + "\nTheir settings: `scx_augur simulate train --help`.\n"
}

fn table<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, what) in rows {
        let _ = writeln!(text, "{name:<13} {what}");
    }
    text
}

fn settings() -> String {
    let mut text = "\nSettings of augur, as augur[key=value,...], with their defaults:\n".to_owned();
    for (name, default, what) in Settings::table() {
        let _ = writeln!(text, "  {:<20} {what}", format!("{name}={default}"));
    }
    text
}
