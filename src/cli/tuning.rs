// SPDX-License-Identifier: GPL-2.0-only
//! The settings of the kernel's half as options, made from their table.

use super::number::whole;
use augur_sched::policy::cpu::augur::{SETTINGS, Setting, Tuning};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

/// What the options came to.
#[derive(Clone, Debug)]
pub struct TuningArgs(pub Tuning);

impl Args for TuningArgs {
    fn augment_args(command: Command) -> Command {
        command
            .next_help_heading("The kernel's half")
            .args(SETTINGS.iter().map(option))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn option(setting: &'static Setting) -> Arg {
    let name = setting.name.replace('_', "-");
    let arg = Arg::new(setting.name).help(setting.help);
    if setting.is_switch() {
        return arg.long(format!("no-{name}")).action(ArgAction::SetTrue);
    }
    arg.long(name)
        .value_name(if setting.is_time() { "US" } else { "N" })
        .default_value(setting.default().to_string())
        .value_parser(whole::<u64>(setting.bounds()))
}

impl FromArgMatches for TuningArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<TuningArgs, Error> {
        let mut args = TuningArgs(Tuning::default());
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in &SETTINGS {
            if !setting.is_switch() {
                if let Some(value) = matches.get_one::<u64>(setting.name) {
                    setting.set(&mut self.0, *value);
                }
            } else if matches.get_flag(setting.name) {
                setting.set(&mut self.0, 0);
            }
        }
        Ok(())
    }
}
