// SPDX-License-Identifier: GPL-2.0-only
//! JSON whose objects keep their order, and names that stand twice: in a workload both have a meaning.

use anyhow::{Result, bail};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Node {
    /// `null`
    Null,
    /// `true`, `false`
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object.
    Map(#[serde(deserialize_with = "entries")] Vec<(String, Node)>),
}

/// Reads JSON with comments and trailing commas.
///
/// # Errors
/// What is wrong with it, with line and column.
pub(super) fn parse(text: &str) -> Result<Node> {
    let mut plain = text.to_owned();
    json_strip_comments::strip(&mut plain).map_err(|err| anyhow::anyhow!("a comment does not end: {err}"))?;
    serde_json::from_str(&plain).map_err(|err| anyhow::anyhow!("{err}"))
}

impl Node {
    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Flag(_) => "true or false",
            Node::Integer(_) => "a whole number",
            Node::Real(_) => "a number that is not whole",
            Node::Text(_) => "a string",
            Node::List(_) => "a list",
            Node::Map(_) => "an object",
        }
    }

    /// An object's entries.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn map(&self) -> Result<&[(String, Node)]> {
        match self {
            Node::Map(entries) => Ok(entries),
            other => bail!("it is {}, not an object", other.kind()),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn integer(&self) -> Result<i64> {
        match self {
            Node::Integer(number) => Ok(*number),
            other => bail!("it is {}, not a whole number", other.kind()),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn text(&self) -> Result<&str> {
        match self {
            Node::Text(text) => Ok(text),
            other => bail!("it is {}, not a string", other.kind()),
        }
    }
}

fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Node)>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Node)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| items.next_entry().transpose()).collect()
        }
    }

    deserializer.deserialize_map(Entries)
}
