// SPDX-License-Identifier: GPL-2.0-only
//! Who is measured: `[LABEL=]NAME[:OPTIONS]`, several separated by commas.

use anyhow::{Result, bail, ensure};
use augur_sched::policy;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The kernel's own scheduler, which every figure is compared with.
pub const EEVDF: &str = "EEVDF";

/// What `frontier` stands for: every setting that moves this scheduler along the line between few migrations and
/// short waits.
const FRONTIER: &str = "eevdf,augur,augur+model,\
    slice 5 ms=augur:--slice-us 5000,\
    slice 40 ms=augur:--slice-us 40000,\
    wait < 0.1 ms=augur:--short-wait-us 100 --steal-llc-us 100 --steal-far-us 200,\
    wait < 2 ms=augur:--short-wait-us 2000 --steal-llc-us 2000 --steal-far-us 4000,\
    short < 4 ms=augur:--short-run-us 4000,\
    no preemption=augur:--no-wake-preempt";

/// A scheduler with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Its name in tables.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// What its command line gets besides.
    pub options: Vec<String>,
}

/// Where a scheduler comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The kernel: nothing is attached.
    Eevdf,
    /// This program's `run`.
    Augur {
        /// `name[key=value,…]`.
        policy: String,
        /// With the model.
        model: bool,
    },
    /// Another program.
    Program(PathBuf),
}

impl Contender {
    /// Reads a list. A program is looked for on `path` (the variable PATH) where it is not named with a `/`.
    ///
    /// # Errors
    /// One sentence: an unknown name, a program that is not there, a name twice, nothing at all.
    pub fn parse_list(text: &str, path: &str) -> Result<Vec<Contender>> {
        let mut all = Vec::new();
        for item in items(text) {
            if item == "frontier" {
                for item in items(FRONTIER) {
                    all.push(Contender::parse(item, path)?);
                }
            } else {
                all.push(Contender::parse(item, path)?);
            }
        }
        ensure!(
            !all.is_empty(),
            "no scheduler is named; try eevdf,augur,augur+model"
        );
        let mut labels = BTreeSet::new();
        for contender in &all {
            ensure!(
                labels.insert(&contender.label),
                "scheduler '{0}' is named twice; name it once, or label it: OTHER={0}",
                contender.label
            );
        }
        Ok(all)
    }

    fn parse(text: &str, path: &str) -> Result<Contender> {
        let (label, rest) = labelled(text);
        let (name, options) = rest.split_once(':').unwrap_or((rest, ""));
        let kind = kind(name.trim(), path)?;
        ensure!(
            kind != Kind::Eevdf || options.is_empty(),
            "eevdf takes no options, for it is the kernel's own; leave out ':{options}'"
        );
        let options: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        Ok(Contender {
            label: label.map_or_else(|| own_label(&kind, &options), str::to_owned),
            kind,
            options,
        })
    }

    /// As it is written; read again, it means the same.
    pub fn spelling(&self) -> String {
        let name = match &self.kind {
            Kind::Program(program) => program.display().to_string(),
            kind => own_label(kind, &[]).replace(EEVDF, "eevdf"),
        };
        // A label of its own may hold what a label may not.
        let label = match own_label(&self.kind, &self.options) == self.label {
            true => String::new(),
            false => format!("{}=", self.label),
        };
        format!("{label}{}", with_options(&name, &self.options))
    }

    /// The command that attaches it; none for the kernel's own. `program` is this program, `model` the model directory
    /// where another than the usual one is meant.
    pub fn command(&self, program: &Path, model: Option<&Path>) -> Option<Vec<OsString>> {
        let mut command: Vec<OsString> = match &self.kind {
            Kind::Eevdf => return None,
            Kind::Program(other) => vec![other.into()],
            Kind::Augur {
                policy,
                model: with_model,
            } => {
                let mut command = vec![program.into()];
                command.extend(["run", "--json", "--policy", policy].map(OsString::from));
                match model {
                    _ if !with_model => command.extend(["--model", "off"].map(OsString::from)),
                    Some(directory) => command.extend(["--model".into(), directory.into()]),
                    None => (),
                }
                command
            }
        };
        command.extend(self.options.iter().map(OsString::from));
        Some(command)
    }
}

/// What it is called where it has no other label.
fn own_label(kind: &Kind, options: &[String]) -> String {
    let name = match kind {
        Kind::Eevdf => EEVDF.to_owned(),
        Kind::Augur { policy, model } => format!("{policy}{}", if *model { "+model" } else { "" }),
        Kind::Program(program) => {
            let file = program.file_name().unwrap_or_default();
            file.to_string_lossy().into_owned()
        }
    };
    with_options(&name, options)
}

fn with_options(name: &str, options: &[String]) -> String {
    match options {
        [] => name.to_owned(),
        some => format!("{name}:{}", some.join(" ")),
    }
}

/// Splits at the commas that are outside of brackets.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

/// A label ends at the first `=`, unless that belongs to what follows a name.
fn labelled(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((label, rest)) if !label.contains(['[', ':', '/']) => (Some(label.trim()), rest.trim()),
        _ => (None, text),
    }
}

fn kind(name: &str, path: &str) -> Result<Kind> {
    if name == "eevdf" {
        return Ok(Kind::Eevdf);
    }
    if name.contains('/') && !name.starts_with("augur") {
        ensure!(
            Path::new(name).is_file(),
            "there is no scheduler {name}; name a program"
        );
        return Ok(Kind::Program(name.into()));
    }
    if name.starts_with("scx_") {
        let folders = std::env::split_paths(path);
        let Some(found) = folders
            .map(|folder| folder.join(name))
            .find(|place| place.is_file())
        else {
            bail!("{name} is not on PATH; install it (cargo install {name}) or name it with its folder");
        };
        return Ok(Kind::Program(found));
    }
    let (policy, model) = name
        .strip_suffix("+model")
        .map_or((name, false), |policy| (policy, true));
    if let Err(err) = policy::parse(policy) {
        bail!(
            "'{name}' is no scheduler: {err:#}; others are eevdf, NAME+model, frontier, and programs named scx_… or with a /"
        );
    }
    Ok(Kind::Augur {
        policy: policy.to_owned(),
        model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<Contender> {
        Contender::parse_list(text, "").unwrap()
    }

    fn command(text: &str) -> String {
        let command = list(text)[0]
            .command(Path::new("me"), Some(Path::new("m")))
            .unwrap();
        command
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn commands() {
        assert_eq!(list("eevdf")[0].command(Path::new("me"), None), None);
        assert_eq!(command("augur"), "me run --json --policy augur --model off");
        assert_eq!(
            command("augur[high=0.2,low=0.1]+model:--slice-us 5000"),
            "me run --json --policy augur[high=0.2,low=0.1] --model m --slice-us 5000"
        );
        assert_eq!(command("/bin/sh:--slice 3"), "/bin/sh --slice 3");
    }

    #[test]
    fn labels() {
        let labels = |text| -> Vec<String> { list(text).into_iter().map(|who| who.label).collect() };
        assert_eq!(
            labels("eevdf, augur[high=0.2,low=0.1],/bin/sh:-x"),
            ["EEVDF", "augur[high=0.2,low=0.1]", "sh:-x"]
        );
        assert_eq!(labels("short slices=augur:--slice-us 1000"), ["short slices"]);
        assert_eq!(labels("frontier,/bin/sh").len(), 10);
    }

    #[test]
    fn a_spelling_means_the_same_again() {
        for text in [
            "frontier",
            "x=/bin/sh:-a -b",
            "augur[high=0.2,low=0.1]+model",
            "augur:--policy=never",
        ] {
            let once = list(text);
            let spelled: Vec<String> = once.iter().map(Contender::spelling).collect();
            assert_eq!(list(&spelled.join(",")), once);
        }
    }

    #[test]
    fn a_name_is_looked_for_on_the_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("scx_other"), "").unwrap();
        let path = folder.path().to_str().unwrap();
        let found = Contender::parse_list("scx_other", path).unwrap();
        assert_eq!(found[0].kind, Kind::Program(folder.path().join("scx_other")));
        assert_eq!(found[0].label, "scx_other");
    }

    #[test]
    fn wrong_ones_are_explained() {
        for (text, part) in [
            ("", "no scheduler is named"),
            ("nobody", "'nobody' is no scheduler"),
            ("augur,augur", "named twice"),
            ("/no/where", "there is no scheduler /no/where"),
            ("scx_nowhere", "not on PATH"),
            ("eevdf:--slice 3", "takes no options"),
        ] {
            let said = Contender::parse_list(text, "").unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
