// SPDX-License-Identifier: GPL-2.0-only
//! JSON whose objects keep their order, and names that stand twice: in a workload both have a meaning.

use anyhow::{Result, bail};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
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
    Map(Vec<(String, Node)>),
}

/// Reads JSON with comments and trailing commas.
///
/// # Errors
/// What is wrong with it, with line and column.
pub fn parse(text: &str) -> Result<Node> {
    let mut plain = text.to_owned();
    json_strip_comments::strip(&mut plain).map_err(|err| anyhow::anyhow!("a comment does not end: {err}"))?;
    serde_json::from_str(&plain).map_err(|err| anyhow::anyhow!("{err}"))
}

impl Node {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
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
    pub fn map(&self) -> Result<&[(String, Node)]> {
        match self {
            Node::Map(entries) => Ok(entries),
            other => bail!("it is {}, not an object", other.kind()),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn integer(&self) -> Result<i64> {
        match self {
            Node::Integer(number) => Ok(*number),
            other => bail!("it is {}, not a whole number", other.kind()),
        }
    }

    /// A string.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn text(&self) -> Result<&str> {
        match self {
            Node::Text(text) => Ok(text),
            other => bail!("it is {}, not a string", other.kind()),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Node, E> {
        Ok(Node::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(i64::try_from(number).map_or(Node::Real(number as f64), Node::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Node::Real(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = items.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
