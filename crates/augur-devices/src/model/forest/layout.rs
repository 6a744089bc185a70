// SPDX-License-Identifier: GPL-2.0-only
//! A forest laid out for one row at a time: nodes of eight bytes, children side by side, and several trees walked at once
//! without a branch, so that waiting for memory overlaps.

use super::MOST_FEATURES;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

/// Trees that are walked at once.
const ABREAST: usize = 8;

/// A node: to its first child where the feature is at most the threshold, else to the one behind it. A leaf is its own
/// first child, and every feature is below its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(from = "[u32; 2]", into = "[u32; 2]")]
struct Node {
    threshold: f32,
    /// The feature in the highest bits, the child in the others.
    packed: u32,
}

/// Bits, for JSON knows no infinity.
impl From<[u32; 2]> for Node {
    fn from([threshold, packed]: [u32; 2]) -> Node {
        Node {
            threshold: f32::from_bits(threshold),
            packed,
        }
    }
}

impl From<Node> for [u32; 2] {
    fn from(node: Node) -> [u32; 2] {
        [node.threshold.to_bits(), node.packed]
    }
}

const FEATURE_SHIFT: u32 = 29;
const CHILD_MASK: u32 = (1 << FEATURE_SHIFT) - 1;
const _: () = assert!(MOST_FEATURES == 1 << (32 - FEATURE_SHIFT));

/// All trees behind each other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(super) struct Layout {
    nodes: Vec<Node>,
    /// What a leaf says; 0 for other nodes.
    values: Vec<f32>,
    /// Where trees begin, a multiple of [`ABREAST`] of them; the last ones may be empty.
    roots: Vec<u32>,
    /// The longest way of each group of trees.
    steps: Vec<u32>,
    offset: f64,
    factor: f64,
}

/// What a tree is made of, however it was grown.
struct Split {
    feature: usize,
    threshold: f64,
    value: f64,
    children: Option<(usize, usize)>,
}

#[derive(Deserialize)]
struct Bagged {
    forest_regressor: BaggedForest,
}

#[derive(Deserialize)]
struct BaggedForest {
    trees: Vec<BaggedTree>,
}

#[derive(Deserialize)]
struct BaggedTree {
    nodes: Vec<BaggedNode>,
}

#[derive(Deserialize)]
struct BaggedNode {
    output: f64,
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

#[derive(Deserialize)]
struct Boosted {
    regressors: Vec<BoostedNode>,
    parameters: BoostedParameters,
}

#[derive(Deserialize)]
struct BoostedParameters {
    learning_rate: f64,
    base_score: f64,
}

#[derive(Deserialize)]
struct BoostedNode {
    left: Option<Box<BoostedNode>>,
    right: Option<Box<BoostedNode>>,
    value: f64,
    threshold: f64,
    split_feature_idx: usize,
}

/// What smartcore grew, through the only door that shows its nodes.
fn open<T: for<'a> Deserialize<'a>>(grown: &impl Serialize) -> Result<T> {
    let bytes = rmp_serde::to_vec_named(grown).context("the forest cannot be read")?;
    rmp_serde::from_slice(&bytes).context("the forest cannot be read")
}

impl Layout {
    /// Whether every way through it stays inside of it and ends: a file may say anything.
    pub(super) fn is_whole(&self) -> bool {
        let count = self.nodes.len();
        let inside = |node: usize| node < count;
        let leads_on = |(at, node): (usize, &Node)| {
            let child = (node.packed & CHILD_MASK) as usize;
            match child == at {
                true => node.threshold == f32::INFINITY,
                false => inside(child) && inside(child + 1),
            }
        };
        self.values.len() == count
            && self.roots.len() == self.steps.len() * ABREAST
            && self.roots.iter().all(|&root| inside(root as usize))
            && self.steps.iter().all(|&steps| (steps as usize) <= count)
            && self.nodes.iter().enumerate().all(leads_on)
            && self.values.iter().all(|value| value.is_finite())
            && self.offset.is_finite()
            && self.factor.is_finite()
    }

    /// The mean of trees.
    pub(super) fn of_bagged(grown: &impl Serialize) -> Result<Layout> {
        let forest: Bagged = open(grown)?;
        let trees = forest.forest_regressor.trees;
        let factor = 1.0 / trees.len().max(1) as f64;
        let trees = trees
            .into_iter()
            .map(|tree| tree.nodes.into_iter().map(split).collect::<Vec<Split>>());
        Layout::of(trees, 0.0, factor)
    }

    /// The sum of trees.
    pub(super) fn of_boosted(grown: &impl Serialize) -> Result<Layout> {
        let forest: Boosted = open(grown)?;
        let trees = forest.regressors.iter().map(|root| {
            let mut splits = Vec::new();
            flatten(root, &mut splits);
            splits
        });
        Layout::of(
            trees,
            forest.parameters.base_score,
            forest.parameters.learning_rate,
        )
    }

    fn of(trees: impl Iterator<Item = Vec<Split>>, offset: f64, factor: f64) -> Result<Layout> {
        let mut layout = Layout {
            offset,
            factor,
            ..Layout::default()
        };
        let mut depths = Vec::new();
        for tree in trees {
            depths.push(layout.add(&tree)?);
        }
        while !layout.roots.len().is_multiple_of(ABREAST) {
            let nothing = Split {
                feature: 0,
                threshold: 0.0,
                value: 0.0,
                children: None,
            };
            depths.push(layout.add(&[nothing])?);
        }
        layout.steps = depths
            .chunks(ABREAST)
            .map(|depths| depths.iter().copied().max().unwrap_or(0))
            .collect();
        Ok(layout)
    }

    /// Adds a tree, level by level so that children lie side by side; returns its depth.
    fn add(&mut self, tree: &[Split]) -> Result<u32> {
        self.roots.push(u32::try_from(self.nodes.len())?);
        let mut level = vec![(0usize, self.grow()?)];
        let mut depth = 0;
        loop {
            let mut next = Vec::new();
            for (from, at) in level {
                let split = tree.get(from).context("the forest is damaged")?;
                self.values[at] = split.value as f32;
                let Some((low, high)) = split.children else {
                    continue;
                };
                ensure!(split.feature < MOST_FEATURES, "the forest is damaged");
                let child = self.grow()?;
                self.grow()?;
                self.nodes[at] = Node {
                    threshold: floor(split.threshold),
                    packed: (split.feature as u32) << FEATURE_SHIFT | child as u32,
                };
                next.extend([(low, child), (high, child + 1)]);
            }
            if next.is_empty() {
                return Ok(depth);
            }
            depth += 1;
            level = next;
        }
    }

    /// Adds a leaf.
    fn grow(&mut self) -> Result<usize> {
        let at = self.nodes.len();
        ensure!(at < CHILD_MASK as usize, "the forest is too large");
        self.nodes.push(Node {
            threshold: f32::INFINITY,
            packed: at as u32,
        });
        self.values.push(0.0);
        Ok(at)
    }

    /// What all trees together say of a row.
    pub(super) fn predict(&self, row: &[f32; MOST_FEATURES]) -> f64 {
        let mut sum = 0.0;
        for (roots, &steps) in self.roots.chunks_exact(ABREAST).zip(&self.steps) {
            let mut at: [u32; ABREAST] = std::array::from_fn(|tree| roots[tree]);
            for _ in 0..steps {
                for at in &mut at {
                    let node = self.nodes[*at as usize];
                    let beyond = row[(node.packed >> FEATURE_SHIFT) as usize] > node.threshold;
                    *at = (node.packed & CHILD_MASK) + u32::from(beyond);
                }
            }
            sum += at
                .iter()
                .map(|&leaf| f64::from(self.values[leaf as usize]))
                .sum::<f64>();
        }
        self.offset + self.factor * sum
    }
}

/// The highest number of 32 bits that is not above: a row's value of 32 bits is above the one where it is above the other.
fn floor(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold {
        near.next_down()
    } else {
        near
    }
}

fn split(node: BaggedNode) -> Split {
    Split {
        feature: node.split_feature,
        threshold: node.split_value.unwrap_or(f64::INFINITY),
        value: node.output,
        children: node.true_child.zip(node.false_child),
    }
}

/// Puts a node and all below it at the end; returns where it is.
fn flatten(node: &BoostedNode, splits: &mut Vec<Split>) -> usize {
    let at = splits.len();
    splits.push(Split {
        feature: node.split_feature_idx,
        threshold: node.threshold,
        value: node.value,
        children: None,
    });
    if let (Some(left), Some(right)) = (&node.left, &node.right) {
        let left = flatten(left, splits);
        let right = flatten(right, splits);
        splits[at].children = Some((left, right));
    }
    at
}
