// SPDX-License-Identifier: GPL-2.0-only
//! The command line: what all commands share, and what is said where it is wrong.

use super::console::{Colour, plain, tell};
use super::{Arguments, absent, list};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, ArgMatches, ColorChoice, Command, CommandFactory, FromArgMatches, ValueEnum};
use std::process::ExitCode;

/// The command line as it was meant; or the exit code, after all was said.
///
/// # Errors
/// The exit code where there is nothing to do any more: help, a list, or wrong use.
pub fn parse() -> Result<Arguments, ExitCode> {
    let matches = command().try_get_matches().map_err(|err| said(&err))?;
    if let Some(code) = list::listed(&matches) {
        return Err(code);
    }
    Arguments::from_arg_matches(&matches).map_err(|err| said(&err))
}

/// The command that some words name, for whoever needs its help.
fn asked<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let (mut command, mut path) = (command(), "scx_augur".to_owned());
    for word in words {
        let next = command.find_subcommand(word).cloned();
        if let Some(next) = next {
            path = format!("{path} {word}");
            command = next;
        }
    }
    path
}

fn words() -> Vec<String> {
    let words = std::env::args_os().skip(1);
    words.map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The description of all commands.
pub fn command() -> Command {
    let command = list::with_lists(Arguments::command());
    numbers_may_be_negative(command).color(colour())
}

/// A negative number is a wrong value, and not an option that nobody knows.
fn numbers_may_be_negative(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_action() {
        ArgAction::Set | ArgAction::Append => arg.allow_negative_numbers(true),
        _ => arg,
    });
    command.mut_subcommands(numbers_may_be_negative)
}

/// What help texts need to know before anything is parsed.
fn colour() -> ColorChoice {
    let words = words();
    let after = words.iter().position(|word| word == "--color");
    let next = after.and_then(|at| words.get(at + 1)).map(String::as_str);
    let value = words.iter().find_map(|word| word.strip_prefix("--color="));
    let colour = value.or(next).map(|value| Colour::from_str(value, true));
    match colour {
        Some(Ok(Colour::Always)) => ColorChoice::Always,
        Some(Ok(Colour::Never)) => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Prints help to standard output, and what is wrong to standard error in one sentence.
fn said(err: &clap::Error) -> ExitCode {
    if !err.use_stderr() {
        // Who stopped reading has seen enough.
        let _ = err.print();
        return ExitCode::SUCCESS;
    }
    match err.kind() {
        // Nothing was asked for: the whole help is the answer.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = err.print();
        }
        ErrorKind::InvalidSubcommand if lacks(err).is_some() => {
            tell!("scx_augur: {}", lacks(err).unwrap_or_default());
        }
        _ => {
            let asked = asked(words().iter().map(String::as_str));
            tell!("scx_augur: {}; see `{asked} --help`", plain(&sentence(err)));
        }
    }
    ExitCode::from(2)
}

/// What is said of a command that this build lacks.
fn lacks(err: &clap::Error) -> Option<String> {
    match err.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => absent::sentence(name),
        _ => None,
    }
}

/// In our words where clap's are about programs, in clap's else.
fn sentence(err: &clap::Error) -> String {
    let text = |kind| match err.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let option = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    match (err.kind(), std::error::Error::source(err)) {
        (ErrorKind::ValueValidation, Some(why)) => format!("{option} cannot be '{value}': {why}"),
        _ => paragraphs(&err.to_string()),
    }
}

/// What clap says is wrong, and its tip, on one line.
fn paragraphs(text: &str) -> String {
    let plain = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split("\n\n").map(plain);
    let said = parts.filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more information"));
    let said = said.collect::<Vec<_>>().join("; ");
    said.strip_prefix("error: ").unwrap_or(&said).to_owned()
}

/// Whether a flag was given to whichever command was named.
pub fn has_flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        let said = |words: &[&str]| {
            let err = command()
                .try_get_matches_from([&["scx_augur"], words].concat())
                .unwrap_err();
            sentence(&err)
        };
        assert_eq!(
            said(&["simulate", "--tasks", "-5"]),
            "--tasks <N> cannot be '-5': it is not a whole number from 1 to 1000000000000"
        );
        let unknown = said(&["replay", "x", "--polices", "y"]);
        assert!(
            unknown.contains("--polices") && unknown.contains("--policies") && !unknown.contains('\n'),
            "{unknown}"
        );
        assert!(said(&["nonsense"]).contains("nonsense"));
        assert_eq!(
            asked(["-q", "simulate", "--tasks", "x", "train"]),
            "scx_augur simulate train"
        );
        assert!(said(&["experiment"]).contains("--out"));
    }
}
