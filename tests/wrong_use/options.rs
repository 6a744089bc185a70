// SPDX-License-Identifier: GPL-2.0-only
//! Rows out of the command line's own description.

use super::Row;

/// An option of a command.
pub struct Taken {
    pub path: Vec<String>,
    pub option: String,
    pub value: String,
}

/// All options that take a value, of all commands.
fn options() -> Vec<Taken> {
    let mut found = Vec::new();
    let mut open = vec![(scx_augur::cli::command(), Vec::<String>::new())];
    while let Some((command, path)) = open.pop() {
        for sub in command.get_subcommands() {
            open.push((
                sub.clone(),
                [path.clone(), vec![sub.get_name().to_owned()]].concat(),
            ));
        }
        for arg in command.get_arguments() {
            let takes = matches!(arg.get_action(), clap::ArgAction::Set | clap::ArgAction::Append);
            if let (Some(long), true) = (arg.get_long(), takes && !path.is_empty()) {
                let value = arg
                    .get_value_names()
                    .and_then(|names| names.first())
                    .map(ToString::to_string);
                let value = value.unwrap_or_else(|| arg.get_id().to_string().to_uppercase());
                found.push(Taken {
                    path: path.clone(),
                    option: format!("--{long}"),
                    value,
                });
            }
        }
    }
    found
}

/// What makes a command complete and quick.
fn base(path: &[String]) -> Vec<&'static str> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["run"] => vec!["--simulate", "--duration=0.1", "--model=off"],
        ["replay"] => vec!["trace.txt"],
        ["trace", "info"] => vec!["trace.txt"],
        ["import"] => vec!["trace.txt", "--output=new"],
        ["export"] => vec!["trace.txt", "--output=new", "--format=ftrace"],
        ["model", "explain"] => vec!["model", "--log=missing", "--engine=twin"],
        ["model", _] => vec!["model", "--engine=twin"],
        ["simulate"] => vec!["--tasks=9", "--policies=eft"],
        ["simulate", "graph"] => vec!["graph.json"],
        ["simulate", "queue"] => vec!["--jobs=9"],
        ["simulate", "train"] => vec!["--policy=dqn", "--out=new", "--networks=missing"],
        ["experiment"] => vec!["--out=new", "--tasks=9", "--policies=eft", "--seeds=1"],
        ["bench", _] => vec!["--vm"],
        ["record"] => vec!["--duration=0.05"],
        ["calibrate"] => vec!["--repeats=1"],
        ["profile"] => vec!["--repeats=1", "--sizes=2"],
        _ => Vec::new(),
    }
}

/// The command with this option in place of its usual one.
fn row(taken: &Taken, value: &str) -> Vec<String> {
    let given = format!("{}=", taken.option);
    let kept = base(&taken.path)
        .into_iter()
        .filter(|word| !word.starts_with(&given));
    let mut row = taken.path.clone();
    row.extend(kept.map(str::to_owned));
    row.push(format!("{given}{value}"));
    row
}

/// A row for each such option and value.
pub fn rows(values: &[&str], code: Option<i32>, which: impl Fn(&Taken) -> bool) -> Vec<Row> {
    let options = options();
    let chosen = options.iter().filter(|taken| which(taken));
    chosen
        .flat_map(|taken| values.iter().map(move |value| (row(taken, value), code)))
        .collect()
}
