// SPDX-License-Identifier: GPL-2.0-only
//! What policies are called in pictures, where their whole names would leave no room for what is shown.
//!
//! A name that is short stays. A long one keeps the fewest settings that tell it from all others of its kind. Labels that the
//! settings give come first.

use std::collections::BTreeMap;

/// Longer names are shortened.
const MOST: usize = 24;

/// Labels of those that are not called by their names.
pub(super) fn labels(names: &[&str], given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for name in names {
        let kind = parts(name).0;
        let family: Vec<&str> = names
            .iter()
            .copied()
            .filter(|other| parts(other).0 == kind)
            .collect();
        if let Some(label) = given.get(*name) {
            labels.insert((*name).to_owned(), label.clone());
        } else if name.chars().count() > MOST {
            labels.insert((*name).to_owned(), short(name, &family));
        }
    }
    labels.retain(|name, label| name != label);
    // Two of one label would not be told apart.
    let all: Vec<String> = labels.values().cloned().collect();
    labels.retain(|_, label| {
        all.iter().filter(|other| *other == label).count() == 1 && !names.contains(&label.as_str())
    });
    labels
}

/// A kind and its settings.
fn parts(name: &str) -> (&str, Vec<&str>) {
    match name.split_once('[') {
        Some((kind, settings)) => (kind, settings.trim_end_matches(']').split(',').collect()),
        None => (name, Vec::new()),
    }
}

/// A kind with the fewest settings that no other one of the family has together; dots stand for the others.
fn short(name: &str, family: &[&str]) -> String {
    let (kind, settings) = parts(name);
    let own = |some: &[&str]| {
        let has = |other: &&&str| some.iter().all(|setting| parts(other).1.contains(setting));
        family.iter().filter(has).count() == 1
    };
    let fewest = (0..=settings.len()).find_map(|count| {
        settings
            .windows(count.max(1))
            .map(|some| &some[..count])
            .find(|some| own(some))
    });
    match fewest {
        Some(some) if some.len() < settings.len() => {
            let shown: Vec<&str> = some.iter().copied().chain(["…"]).collect();
            format!("{kind}[{}]", shown.join(","))
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_what_tells_it_from_others() {
        let names = [
            "eft",
            "dqn[queues=1]",
            "hybrid_ml[trees=10,depth=12,alone=1,drift=adwin]",
            "hybrid_ml[trees=10,depth=12,drift=ddm]",
            "graph[long_name_of_a_setting=1]",
        ];
        let given = BTreeMap::from([("eft".to_owned(), "earliest finish".to_owned())]);
        let found = labels(&names, &given);
        let label = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(
            names.map(label),
            [
                Some("earliest finish"),
                None,
                Some("hybrid_ml[alone=1,…]"),
                Some("hybrid_ml[drift=ddm,…]"),
                Some("graph[…]")
            ]
        );
    }

    #[test]
    fn nobody_takes_the_name_of_another_one() {
        let names = [
            "a[long_setting=1,other_setting=2]",
            "a[other_setting=2,long_setting=1]",
        ];
        assert!(labels(&names, &BTreeMap::new()).is_empty());
    }
}
