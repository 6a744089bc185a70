// SPDX-License-Identifier: GPL-2.0-only
//! How a policy is written everywhere: `name[key=value,…]`.

use anyhow::{Context, Result, bail, ensure};
use std::fmt;
use std::str::FromStr;

/// A policy's name and arguments, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    name: String,
    arguments: Vec<(String, String)>,
}

impl Spelling {
    /// A spelling of its parts.
    pub fn new<'a>(name: &str, arguments: impl IntoIterator<Item = (&'a str, String)>) -> Spelling {
        let arguments = arguments
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        Spelling {
            name: name.to_owned(),
            arguments,
        }
    }

    /// The policy's name, without its arguments.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses arguments that are not among `keys`.
    ///
    /// # Errors
    /// One sentence that names the argument and the valid ones.
    pub fn only(&self, keys: &[&str]) -> Result<()> {
        for (key, _) in &self.arguments {
            if keys.is_empty() {
                bail!("policy '{}' takes no '{key}': it takes no arguments", self.name);
            }
            ensure!(
                keys.contains(&key.as_str()),
                "policy '{}' takes no '{key}'; it takes {}",
                self.name,
                keys.join(", ")
            );
        }
        Ok(())
    }

    /// The same policy with only those of its arguments that are among `keys`.
    pub fn keep(&self, keys: &[&str]) -> Spelling {
        let kept = self
            .arguments
            .iter()
            .filter(|(key, _)| keys.contains(&key.as_str()));
        Spelling {
            name: self.name.clone(),
            arguments: kept.cloned().collect(),
        }
    }

    /// The argument `key` as text, if it was given.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.argument(key)
    }

    /// The argument `key` as a number in `0..=max`, if it was given.
    ///
    /// # Errors
    /// One sentence that names the argument and its bounds.
    pub fn number(&self, key: &str, max: f32) -> Result<Option<f32>> {
        let Some(text) = self.argument(key) else {
            return Ok(None);
        };
        let value = text
            .parse::<f32>()
            .ok()
            .filter(|value| (0.0..=max).contains(value));
        let name = &self.name;
        value
            .map(Some)
            .with_context(|| format!("policy '{name}' needs {key} between 0 and {max}, not '{text}'"))
    }

    /// The argument `key` as a whole number, if it was given.
    ///
    /// # Errors
    /// One sentence that names the argument.
    pub fn integer(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.argument(key) else {
            return Ok(None);
        };
        let name = &self.name;
        let value = text.parse::<u64>().ok();
        value
            .map(Some)
            .with_context(|| format!("policy '{name}' needs a whole number for {key}, not '{text}'"))
    }

    fn argument(&self, key: &str) -> Option<&str> {
        self.arguments
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

impl FromStr for Spelling {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Spelling> {
        let form = || format!("policy '{text}' is not of the form name or name[key=value,…]");
        let (name, inside) = match text.split_once('[') {
            None => (text, ""),
            Some((name, rest)) => (name, rest.strip_suffix(']').with_context(form)?),
        };
        ensure!(!name.is_empty() && !name.contains([']', '=', ',']), form());
        let mut arguments: Vec<(String, String)> = Vec::new();
        for part in inside
            .split(',')
            .map(str::trim)
            .filter(|_| !inside.trim().is_empty())
        {
            let (key, value) = part.split_once('=').with_context(form)?;
            let (key, value) = (key.trim(), value.trim());
            ensure!(
                !key.is_empty() && !value.is_empty() && !value.contains(['[', ']', '=']),
                form()
            );
            ensure!(
                arguments.iter().all(|(other, _)| other != key),
                "policy '{text}' sets '{key}' twice"
            );
            arguments.push((key.to_owned(), value.to_owned()));
        }
        Ok(Spelling {
            name: name.trim().to_owned(),
            arguments,
        })
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.arguments.is_empty() {
            return Ok(());
        }
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        write!(f, "[{}]", arguments.join(","))
    }
}
