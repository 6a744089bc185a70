// SPDX-License-Identifier: GPL-2.0-only
//! How a policy is written everywhere: `name[key=value,…]`.

use crate::bounds::{self, Setting};
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A policy's name and arguments, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    name: String,
    arguments: Vec<(String, String)>,
}

/// An earlier name, which is still read.
const EARLIER: (&str, &str) = ("oracle", "clairvoyant");

/// A policy as it is written today, in every world.
pub fn current(text: &str) -> String {
    match text.strip_prefix(EARLIER.0) {
        Some(rest) if rest.is_empty() || rest.starts_with('[') => format!("{}{rest}", EARLIER.1),
        _ => text.to_owned(),
    }
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

    /// The argument `key` as text, if it was given.
    pub fn text(&self, key: &str) -> Option<&str> {
        let mut arguments = self.arguments.iter();
        arguments
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The argument `key` as a whole number, if it was given.
    ///
    /// # Errors
    /// One sentence that names the argument.
    pub fn integer(&self, key: &str) -> Result<Option<u64>> {
        let value = |text: &str| {
            let value = text.parse::<u64>().ok();
            value.with_context(|| {
                format!(
                    "policy '{}' needs a whole number for {key}, not '{text}'",
                    self.name
                )
            })
        };
        self.text(key).map(value).transpose()
    }

    /// The argument `key` as a number within bounds, if it was given.
    ///
    /// # Errors
    /// One sentence that names the argument and its bounds.
    pub fn real(&self, key: &str, bounds: RangeInclusive<f64>) -> Result<Option<f64>> {
        let value = |text: &str| {
            let value = text.parse::<f64>().ok().filter(|value| bounds.contains(value));
            let (name, needed) = (&self.name, bounds::needed(&bounds));
            value.with_context(|| format!("policy '{name}' needs {key} {needed}, not '{text}'"))
        };
        self.text(key).map(value).transpose()
    }

    /// The argument `key` as a whole number within bounds, or what it is where it was not given.
    ///
    /// # Errors
    /// One sentence that names the argument and its bounds.
    pub fn whole(&self, key: &str, default: u64, bounds: RangeInclusive<u64>) -> Result<u64> {
        let value = self.integer(key)?.unwrap_or(default);
        let most = Some(*bounds.end()).filter(|most| *most < u64::MAX);
        let needed = bounds::needed(&(*bounds.start() as f64..=most.map_or(f64::MAX, |most| most as f64)));
        ensure!(
            bounds.contains(&value),
            "policy '{self}' needs {key} {needed}, not {value}"
        );
        Ok(value)
    }

    /// Settings changed by the arguments, each of which is read as what the field is that it names: a number, a switch (0 or 1)
    /// or a word. Of arguments whose field is not there nothing is read.
    ///
    /// # Errors
    /// One sentence that names the argument that is not known or cannot be, and what could be.
    pub fn over<T: Serialize + DeserializeOwned>(&self, base: &T, settings: &[Setting<'_>]) -> Result<T> {
        let names: Vec<&str> = settings.iter().map(|setting| setting.0).collect();
        self.only(&names)?;
        let mut fields = serde_json::to_value(base)?;
        let mut changed = T::deserialize(&fields)?;
        for (key, field, bounds) in settings {
            let (Some(text), Some(field)) = (self.text(key), fields.pointer_mut(field)) else {
                continue;
            };
            let whole = field.is_u64() || field.is_boolean();
            // Whole numbers are that before they are within bounds.
            let count = if whole { self.integer(key)? } else { None };
            let number = if field.is_string() {
                None
            } else {
                self.real(key, bounds.clone())?
            };
            *field = match field {
                Value::String(_) => text.into(),
                Value::Bool(_) => (count != Some(0)).into(),
                _ if whole => count.into(),
                _ => number.into(),
            };
            changed = T::deserialize(&fields).map_err(|err| {
                let words = err.to_string().replace('`', "'");
                anyhow!(
                    "policy '{self}': {}",
                    words.replace("unknown variant", &format!("unknown {key}"))
                )
            })?;
        }
        Ok(changed)
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
