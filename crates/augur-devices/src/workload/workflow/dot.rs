// SPDX-License-Identifier: GPL-2.0-only
//! Graphviz DOT: nodes are tasks, arrows are dependencies; what they take stands in their attributes.
//!
//! The language is small, and this follows its published grammar: ports, chains, subgraphs as ends of arrows, defaults by
//! `node [...]` and `edge [...]`, joined strings, HTML strings. Parsers that are to be had as libraries recurse with the
//! input's depth, end the program on what they do not know, or lose the order of nodes and their defaults.

mod lexer;

use super::{Flow, MOST_EDGES, Step, Workflow};
use anyhow::{Context, Result, bail, ensure};
use lexer::{Lexer, Token};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What a task takes, the first that is there.
pub const WORK: [&str; 5] = ["runtime", "time", "cost", "weight", "size"];
/// What goes along an arrow, in bytes, the first that is there. Below 0: nothing, as SimGrid has it.
pub const BYTES: [&str; 3] = ["size", "bytes", "data"];

type Attributes = BTreeMap<String, String>;

/// Whether a text begins as DOT does.
pub fn begins(text: &str) -> bool {
    let first = Lexer::new(text).next();
    matches!(first, Ok((_, Token::Word(word))) if ["strict", "graph", "digraph"].iter().any(|key| word.eq_ignore_ascii_case(key)))
}

/// A graph or subgraph that is being read.
#[derive(Default)]
struct Scope {
    nodes: Attributes,
    arrows: Attributes,
    /// All nodes that were named within, some several times.
    members: Vec<usize>,
    /// Ends of the statement that is being read: each one node, or a subgraph's.
    chain: Vec<Vec<usize>>,
    /// The last of them is a node by itself, so that attributes are its own.
    single: bool,
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    token: (usize, Token),
    names: HashMap<String, usize>,
    ids: Vec<(String, Attributes)>,
    edges: Vec<(usize, usize, usize, Attributes)>,
}

/// Reads a graph.
///
/// # Errors
/// One sentence that names the line, the node or the arrow.
pub fn read(text: &str) -> Result<Workflow> {
    let mut reader = Reader {
        lexer: Lexer::new(text),
        token: (1, Token::End),
        names: HashMap::new(),
        ids: Vec::new(),
        edges: Vec::new(),
    };
    reader.advance()?;
    reader.header()?;
    reader.body()?;
    if reader.token.1 != Token::End {
        bail!("line {}: there is more behind the graph's end", reader.token.0);
    }
    let tasks = reader.ids.iter().map(|(id, attributes)| {
        let work = figure(attributes, &WORK).with_context(|| format!("node '{id}'"))?;
        let work = work.with_context(|| {
            format!(
                "node '{id}' does not say what it takes; give it one of {}",
                WORK.join(", ")
            )
        })?;
        ensure!(
            work >= 0.0 && work.is_finite(),
            "node '{id}' takes {work}; it must be 0 or more"
        );
        Ok(Step { id: id.clone(), work })
    });
    let tasks = tasks.collect::<Result<Vec<Step>>>()?;
    let name = |at: usize| &reader.ids[at].0;
    let mut edges: Vec<Flow> = Vec::new();
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    for (line, from, to, attributes) in &reader.edges {
        let bytes = figure(attributes, &BYTES)
            .with_context(|| format!("line {line}: the arrow from '{}' to '{}'", name(*from), name(*to)))?;
        let bytes = bytes.unwrap_or(0.0).max(0.0);
        // Several arrows between two nodes are one dependency that brings the data of all.
        let at = *places.entry((*from, *to)).or_insert(edges.len());
        if at == edges.len() {
            let (from, to, bytes) = (*from, *to, 0.0);
            edges.push(Flow { from, to, bytes });
        }
        edges[at].bytes += bytes;
    }
    Ok(Workflow {
        edges,
        tasks,
        notes: Vec::new(),
    })
}

/// The first of these attributes.
fn figure(attributes: &Attributes, keys: &[&str]) -> Result<Option<f64>> {
    let Some((key, text)) = keys.iter().find_map(|key| attributes.get_key_value(*key)) else {
        return Ok(None);
    };
    let figure: Option<f64> = text.trim().parse().ok();
    let figure = figure.filter(|figure| figure.is_finite());
    Ok(Some(figure.with_context(|| {
        format!("its {key} '{text}' is not a number")
    })?))
}

impl Reader<'_> {
    fn advance(&mut self) -> Result<Token> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next).1)
    }

    fn is(&self, sign: char) -> bool {
        self.token.1 == Token::Sign(sign)
    }

    fn is_word(&self, key: &str) -> bool {
        matches!(&self.token.1, Token::Word(word) if word.eq_ignore_ascii_case(key))
    }

    fn skip(&mut self, sign: char) -> Result<bool> {
        let there = self.is(sign);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn wrong<T>(&self, wanted: &str) -> Result<T> {
        bail!("line {}: {} where {wanted} should be", self.token.0, self.token.1)
    }

    /// A name or a value.
    fn id(&mut self, wanted: &str) -> Result<String> {
        match self.token.1 {
            Token::Word(_) | Token::Text(_) => match self.advance()? {
                Token::Word(text) | Token::Text(text) => Ok(text),
                _ => self.wrong(wanted),
            },
            _ => self.wrong(wanted),
        }
    }

    fn header(&mut self) -> Result<()> {
        if self.is_word("strict") {
            self.advance()?;
        }
        if self.is_word("graph") {
            bail!(
                "line {}: the graph has lines and no arrows, so that it does not say who goes first; give a digraph",
                self.token.0
            );
        }
        if !self.is_word("digraph") {
            return self.wrong("'digraph'");
        }
        self.advance()?;
        self.open()
    }

    /// A name, if there is one, and what stands before statements.
    fn open(&mut self) -> Result<()> {
        if !self.is('{') {
            self.id("a name or '{'")?;
        }
        match self.skip('{')? {
            true => Ok(()),
            false => self.wrong("'{'"),
        }
    }

    /// All statements, those of subgraphs on a stack of scopes.
    fn body(&mut self) -> Result<()> {
        let mut scopes = vec![Scope::default()];
        while let Some(scope) = scopes.last_mut() {
            if self.skip('}')? {
                ensure!(
                    scope.chain.is_empty(),
                    "line {}: an arrow leads nowhere",
                    self.token.0
                );
                let mut done = scopes.pop().unwrap_or_default();
                let mut seen = HashSet::new();
                done.members.retain(|member| seen.insert(*member));
                if let Some(outer) = scopes.last_mut() {
                    outer.members.extend(&done.members);
                    outer.chain.push(done.members);
                    outer.single = false;
                    self.behind(outer)?;
                }
                continue;
            }
            if scope.chain.is_empty() && (self.skip(';')? || self.skip(',')?) {
                continue;
            }
            if self.is('{') || self.is_word("subgraph") {
                if !self.is('{') {
                    self.advance()?;
                }
                self.open()?;
                let inner = Scope {
                    nodes: scope.nodes.clone(),
                    arrows: scope.arrows.clone(),
                    ..Scope::default()
                };
                scopes.push(inner);
                continue;
            }
            self.statement(scope)?;
        }
        Ok(())
    }

    /// Defaults, an attribute of the graph, or a node that may begin or go on a chain of arrows.
    fn statement(&mut self, scope: &mut Scope) -> Result<()> {
        if scope.chain.is_empty() {
            for key in ["graph", "node", "edge"] {
                if self.is_word(key) {
                    self.advance()?;
                    let found = self.attributes()?;
                    match key {
                        "node" => scope.nodes.extend(found),
                        "edge" => scope.arrows.extend(found),
                        _ => {}
                    }
                    return Ok(());
                }
            }
        }
        let name = self.id("a node")?;
        if scope.chain.is_empty() && self.skip('=')? {
            self.id("a value")?;
            return Ok(());
        }
        while self.skip(':')? {
            self.id("a port")?;
        }
        let node = match self.names.get(&name) {
            Some(&node) => node,
            None => {
                self.names.insert(name.clone(), self.ids.len());
                self.ids.push((name, scope.nodes.clone()));
                self.ids.len() - 1
            }
        };
        scope.members.push(node);
        scope.single = scope.chain.is_empty();
        scope.chain.push(vec![node]);
        self.behind(scope)
    }

    /// Behind an end of a chain: an arrow and the next end, or attributes and the statement's end.
    fn behind(&mut self, scope: &mut Scope) -> Result<()> {
        match self.token.1 {
            Token::Arrow => {
                self.advance()?;
                let begins = self.is('{') || matches!(self.token.1, Token::Word(_) | Token::Text(_));
                return if begins { Ok(()) } else { self.wrong("a node") };
            }
            Token::Line => bail!(
                "line {}: '--' does not say who goes first; write '->'",
                self.token.0
            ),
            _ => {}
        }
        let line = self.token.0;
        let found = self.attributes()?;
        let chain = std::mem::take(&mut scope.chain);
        if let [ends] = chain.as_slice() {
            if let (true, Some(&node)) = (scope.single, ends.first()) {
                self.ids[node].1.extend(found);
            }
            return Ok(());
        }
        let mut attributes = scope.arrows.clone();
        attributes.extend(found);
        for pair in chain.windows(2) {
            let count = pair[0].len().saturating_mul(pair[1].len());
            ensure!(
                count <= MOST_EDGES - self.edges.len().min(MOST_EDGES),
                "line {line}: there are more than {MOST_EDGES} arrows"
            );
            for &from in &pair[0] {
                for &to in &pair[1] {
                    self.edges.push((line, from, to, attributes.clone()));
                }
            }
        }
        Ok(())
    }

    /// Lists of attributes, as many as there are.
    fn attributes(&mut self) -> Result<Attributes> {
        let mut found = Attributes::new();
        while self.skip('[')? {
            while !self.skip(']')? {
                let key = self.id("an attribute or ']'")?;
                let value = match self.skip('=')? {
                    true => self.id("a value")?,
                    false => "true".to_owned(),
                };
                found.insert(key, value);
                let _ = self.skip(',')? || self.skip(';')?;
            }
        }
        Ok(found)
    }
}
