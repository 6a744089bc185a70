// SPDX-License-Identifier: GPL-2.0-only
//! Splitting a very large last-level cache into domains.

use super::Cpu;
use std::collections::BTreeMap;

/// Splits `members` (indices into `cpus`, all behind one cache, ascending) into the fewest parts of at most `max`
/// CPUs that an even split along the cores gives; one core a part where even that is too much. A core is never torn: siblings slow each other down, which only
/// a domain that holds both can see.
pub(super) fn along_cores(cpus: &[Cpu], members: &[usize], max: Option<usize>) -> Vec<Vec<usize>> {
    let max = max.unwrap_or(usize::MAX).max(1);
    let mut by_core: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &index in members {
        by_core.entry(cpus[index].core).or_default().push(index);
    }
    // Neighbours in the kernel's numbering are neighbours in the machine more often than core numbers are.
    let mut cores: Vec<Vec<usize>> = by_core.into_values().collect();
    cores.sort_unstable();

    let fewest = members.len().div_ceil(max);
    (fewest..cores.len())
        .map(|parts| evenly(&cores, parts))
        .find(|split| split.iter().all(|part| part.len() <= max))
        .unwrap_or(cores)
}

/// `parts` runs of whole cores, as equal in CPUs as whole cores allow; a part that would stay empty is left out.
fn evenly(cores: &[Vec<usize>], parts: usize) -> Vec<Vec<usize>> {
    let total: usize = cores.iter().map(Vec::len).sum();
    let mut split = vec![Vec::new(); parts];
    let mut before = 0;
    for core in cores {
        // A core belongs where its middle falls, so that uneven cores do not all pile up at one end.
        let middle = 2 * before + core.len();
        split[middle * parts / (2 * total)].extend_from_slice(core);
        before += core.len();
    }
    split
        .iter_mut()
        .for_each(|part: &mut Vec<usize>| part.sort_unstable());
    split.retain(|part| !part.is_empty());
    split
}
