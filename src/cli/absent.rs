// SPDX-License-Identifier: GPL-2.0-only
//! What a build without a feature lacks, and what whoever asks for it is told.

/// The commands of the live half: they need BPF, or what only libraries beside it tell of this machine.
const LIVE: [&str; 5] = ["run", "doctor", "record", "bench", "calibrate"];
/// What is written for shells and for man(1).
const MANUAL: [&str; 2] = ["completions", "man"];

/// Whether this build lacks a command that others have.
pub fn is_absent(command: &str) -> bool {
    sentence(command).is_some()
}

/// What is said where somebody asks for such a command.
pub fn sentence(command: &str) -> Option<String> {
    if !cfg!(feature = "live") && LIVE.contains(&command) {
        Some(format!(
            "this build has no live half and therefore no `{command}`; build it with the feature `live`"
        ))
    } else if !cfg!(feature = "manual") && MANUAL.contains(&command) {
        Some(format!(
            "this build writes no manual and therefore has no `{command}`; build it with the feature `manual`"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    #[test]
    fn a_command_is_there_or_absent() {
        let there = |name: &str| command().find_subcommand(name).is_some();
        for name in LIVE.into_iter().chain(MANUAL) {
            assert_ne!(there(name), is_absent(name), "{name}");
            assert_eq!(sentence(name).is_some(), is_absent(name));
        }
        assert!(there("replay") && sentence("replay").is_none() && sentence("nonsense").is_none());
    }
}
