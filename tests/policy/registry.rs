// SPDX-License-Identifier: GPL-2.0-only
//! How policies are written, read back and refused; and the two controls.

use crate::world::{World, decide};
use augur_sched::policy;

#[test]
fn a_name_reads_back_as_itself() {
    let check = |text: &str, expected: &str| {
        let name = policy::parse(text).unwrap().name();
        assert_eq!(name, expected);
        assert_eq!(policy::parse(&name).unwrap().name(), name);
    };
    check("augur", "augur");
    check("augur[]", "augur");
    check("augur[budget=32]", "augur");
    check("augur[ budget=8, high=0.3 ]", "augur[high=0.3,budget=8]");
    check("augur[cooldown_us=1500000]", "augur[cooldown_us=1500000]");
    check("never", "never");
    check(
        "random[seed=18446744073709551615]",
        "random[seed=18446744073709551615]",
    );
}

#[test]
fn what_is_wrong_is_said_in_one_sentence() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            policy::parse(text)
                .err()
                .map(|error| format!("{error:#}"))
                .as_deref(),
            Some(expected)
        );
    };
    check(
        "rusty",
        "there is no policy 'rusty'; there are augur, never, random",
    );
    check(
        "augur[size=1]",
        "policy 'augur' takes no 'size'; it takes high, low, floor, cooldown_us, budget, share",
    );
    check(
        "never[seed=1]",
        "policy 'never' takes no 'seed': it takes no arguments",
    );
    check(
        "augur[high=2]",
        "policy 'augur' needs high between 0 and 1, not '2'",
    );
    check(
        "augur[low=NaN]",
        "policy 'augur' needs low between 0 and 1, not 'NaN'",
    );
    check(
        "augur[budget=1.5]",
        "policy 'augur' needs a whole number for budget, not '1.5'",
    );
    check(
        "augur[budget=5000]",
        "policy 'augur' needs budget between 0 and 4096, not '5000'",
    );
    check(
        "augur[low=0.5]",
        "policy 'augur[low=0.5]' has low=0.5 above high=0.15; low must be at most high",
    );
    check(
        "random[seed=-1]",
        "policy 'random' needs a whole number for seed, not '-1'",
    );
    check(
        "augur[high=0.2,high=0.3]",
        "policy 'augur[high=0.2,high=0.3]' sets 'high' twice",
    );
    for text in [
        "",
        "augur[",
        "augur]",
        "augur[high]",
        "augur[high=]",
        "augur[=1]",
        "[high=1]",
        "augur[high=0.2,]",
    ] {
        check(
            text,
            &format!("policy '{text}' is not of the form name or name[key=value,…]"),
        );
    }
}

#[test]
fn a_setting_has_an_effect() {
    let check = |text: &str, expected: usize| {
        let snapshot = World::full("2x2", &[8, 0]).snapshot();
        assert_eq!(
            decide(&mut *policy::parse(text).unwrap(), &snapshot).len(),
            expected,
            "{text}"
        );
    };
    check("augur", 4);
    check("augur[budget=1]", 1);
    check("never", 0);
    check("random", 8);
    check("random[budget=3]", 3);
}

#[test]
fn random_is_its_seeds_and_allowed() {
    let mut world = World::full("2x2x2", &[6, 0, 0, 0]);
    world.tasks[0].pinned = true;
    world.tasks[1].allowed_capacity = vec![1.0, 0.0, 1.0];
    let snapshot = world.snapshot();
    let moves = |text: &str| decide(&mut *policy::parse(text).unwrap(), &snapshot);
    assert_eq!(moves("random[seed=3]"), moves("random[seed=3]"));
    assert_ne!(moves("random[seed=3]"), moves("random[seed=4]"));
    for seed in 0..20 {
        let moves = moves(&format!("random[seed={seed}]"));
        assert_eq!(moves.len(), 5);
        assert!(
            moves
                .iter()
                .all(|&(index, _, to)| snapshot.tasks[index].may_move_to(to)),
            "{moves:?}"
        );
    }
}
