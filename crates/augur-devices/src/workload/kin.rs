// SPDX-License-Identifier: GPL-2.0-only
//! Who waits for whom: an order in which nobody comes before those that it waits for, or a circle of them.

use std::collections::{BTreeSet, HashMap};

/// The places of all, parents before children; of those that could be next the one with the least key, then the first (Kahn,
/// CACM 5(11), 1962).
///
/// # Errors
/// A circle: each waits for the one before it, and the first for the last, which is itself.
pub(super) fn order<K: Ord>(
    parents: &[Vec<usize>],
    key: impl Fn(usize) -> K,
) -> Result<Vec<usize>, Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    let mut missing: Vec<usize> = parents.iter().map(Vec::len).collect();
    for (place, of) in parents.iter().enumerate() {
        of.iter().for_each(|&parent| children[parent].push(place));
    }
    let first = (0..parents.len()).filter(|&place| missing[place] == 0);
    let mut ready: BTreeSet<(K, usize)> = first.map(|place| (key(place), place)).collect();
    let mut order = Vec::with_capacity(parents.len());
    while let Some((_, place)) = ready.pop_first() {
        order.push(place);
        for &child in &children[place] {
            missing[child] -= 1;
            if missing[child] == 0 {
                ready.insert((key(child), child));
            }
        }
    }
    match missing.iter().position(|&count| count > 0) {
        None => Ok(order),
        Some(first) => Err(circle(parents, &missing, first)),
    }
}

/// Whoever misses a parent has one that misses one, too.
fn circle(parents: &[Vec<usize>], missing: &[usize], first: usize) -> Vec<usize> {
    let (mut path, mut seen) = (vec![first], HashMap::from([(first, 0)]));
    while let Some(&last) = path.last() {
        let Some(&next) = parents[last].iter().find(|&&parent| missing[parent] > 0) else {
            break;
        };
        path.push(next);
        // Back at one that was there: the way from it to itself is left.
        if let Some(at) = seen.insert(next, path.len() - 1) {
            path.drain(..at);
            break;
        }
    }
    path.reverse();
    path
}

/// A circle in words.
pub(super) fn words<'a>(circle: &[usize], name: impl Fn(usize) -> &'a str) -> String {
    /// A circle may be as long as the file.
    const SHOWN: usize = 20;
    let more = if circle.len() > SHOWN { " → …" } else { "" };
    let names = circle
        .iter()
        .take(SHOWN)
        .map(|&place| format!("'{}'", name(place)));
    names.collect::<Vec<String>>().join(" → ") + more
}
