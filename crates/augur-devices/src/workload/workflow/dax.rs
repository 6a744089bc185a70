// SPDX-License-Identifier: GPL-2.0-only
//! Pegasus DAX, versions 2 and 3: `job` with `uses`, and `child` with `parent`. Runtimes are not part of the format: they
//! stand as `runtime` where a generator wrote it, or as a profile of Pegasus.

use super::{Gathered, Workflow};
use anyhow::{Context, Result, bail, ensure};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::HashSet;

/// The most elements and attributes: memory is bounded.
const MOST_NODES: u32 = 20_000_000;

/// Reads a workflow.
///
/// # Errors
/// One sentence that names the line.
pub fn read(text: &str) -> Result<Workflow> {
    let options = ParsingOptions {
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document =
        Document::parse_with_options(text, options).map_err(|err| anyhow::anyhow!("wrong XML: {err}"))?;
    let root = document.root_element();
    ensure!(
        root.tag_name().name() == "adag",
        "its outermost element is '{}'; that of a DAX is 'adag'",
        root.tag_name().name()
    );
    let mut gathered = Gathered::default();
    let mut unknown = 0u64;
    for node in root.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "job" => job(&document, node, &mut gathered, &mut unknown)?,
            other @ ("dax" | "dag") => bail!(
                "line {}: '{other}' is a workflow within the workflow, of which only a name is there; give one that is \
                 planned in one piece",
                line(&document, node)
            ),
            _ => {}
        }
    }
    for node in elements(root, "child") {
        let to = attribute(&document, node, "ref")?;
        let child = gathered.place(to, to)?;
        for parent in elements(node, "parent") {
            let from = gathered.place(attribute(&document, parent, "ref")?, to)?;
            gathered.edge(from, child)?;
        }
    }
    let notes = match unknown {
        0 => Vec::new(),
        _ => vec![format!(
            "{unknown} files that tasks read have no size; they are taken to cost no transfer"
        )],
    };
    Ok(gathered.finish(notes))
}

fn elements<'a>(of: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    of.children().filter(move |node| node.tag_name().name() == name)
}

fn line(document: &Document, node: Node) -> u32 {
    document.text_pos_at(node.range().start).row
}

fn attribute<'a>(document: &Document, node: Node<'a, 'a>, name: &str) -> Result<&'a str> {
    node.attribute(name).with_context(|| {
        format!(
            "line {}: '{}' has no {name}",
            line(document, node),
            node.tag_name().name()
        )
    })
}

fn number(document: &Document, node: Node, name: &str, text: &str) -> Result<f64> {
    text.trim().parse().ok().with_context(|| {
        format!(
            "line {}: the {name} '{text}' is not a number",
            line(document, node)
        )
    })
}

fn job(document: &Document, node: Node<'_, '_>, gathered: &mut Gathered, unknown: &mut u64) -> Result<()> {
    let at = line(document, node);
    let id = node
        .attribute("id")
        .with_context(|| format!("line {at}: a job has no id"))?;
    let profile = node.children().find(|child| {
        let is = |name, wanted: &str| {
            child
                .attribute(name)
                .is_some_and(|it| it.eq_ignore_ascii_case(wanted))
        };
        child.tag_name().name() == "profile" && is("namespace", "pegasus") && is("key", "runtime")
    });
    let runtime = node
        .attribute("runtime")
        .or_else(|| profile.and_then(|profile| profile.text()))
        .with_context(|| format!("line {at}: job '{id}' has no runtime"))?;
    let runtime_s = number(document, node, "runtime", runtime)?;
    let (mut inputs, mut outputs) = (Vec::new(), HashSet::new());
    for uses in node.children().filter(|child| child.tag_name().name() == "uses") {
        let at = line(document, uses);
        let file = uses.attribute("file").or_else(|| uses.attribute("name"));
        let file = file.with_context(|| format!("line {at}: 'uses' names no file"))?;
        let link = uses.attribute("link").unwrap_or("input");
        if link.contains("in") {
            let size = match uses.attribute("size") {
                Some(size) => number(document, uses, "size", size)?,
                None => {
                    *unknown += 1;
                    0.0
                }
            };
            inputs.push((file.to_owned(), size));
        }
        if link.contains("out") {
            outputs.insert(file.to_owned());
        }
    }
    gathered
        .task(id.to_owned(), runtime_s, inputs, outputs)
        .with_context(|| format!("line {at}"))?;
    Ok(())
}
