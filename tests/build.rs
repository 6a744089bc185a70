// SPDX-License-Identifier: GPL-2.0-only
//! What `build.rs` decides before it compiles anything.
#![allow(clippy::unwrap_used, reason = "all of this file is tests")]

#[path = "../build/clang.rs"]
mod clang;

/// A machine with these compilers, by name and what they say.
fn chosen(named: Option<&str>, there: &[(&str, &str)]) -> Result<String, String> {
    clang::choose(named, |name| {
        let found = there.iter().find(|(other, _)| *other == name);
        found.map(|(_, said)| (*said).to_owned())
    })
}

const DEBIAN: &str = "Debian clang version 19.1.7 (3~deb12u1)\nTarget: x86_64-pc-linux-gnu\n";

#[test]
fn the_newest_that_works_is_taken() {
    let there = [
        ("clang", "clang version 14.0.6"),
        ("clang-19", DEBIAN),
        ("clang-20", "Ubuntu clang version 20.1.2 (0ubuntu1)"),
    ];
    assert_eq!(chosen(None, &there).unwrap(), "clang-20");
    assert_eq!(chosen(None, &there[..2]).unwrap(), "clang-19");
    // One that says nothing does not run.
    assert_eq!(
        chosen(None, &[("clang-22", ""), ("clang-19", DEBIAN)]).unwrap(),
        "clang-19"
    );
}

#[test]
fn one_without_a_number_is_taken_by_its_version() {
    assert_eq!(
        chosen(None, &[("clang", "clang version 21.1.0")]).unwrap(),
        "clang"
    );
    let said = chosen(None, &[("clang", "Debian clang version 14.0.6")]).unwrap_err();
    assert!(
        said.contains("install clang-19") && said.contains("--no-default-features"),
        "{said}"
    );
    assert_eq!(chosen(None, &[]).unwrap_err(), said);
}

#[test]
fn one_that_is_named_is_meant() {
    let there = [
        ("clang-19", DEBIAN),
        ("/opt/clang", "clang version 23.0.0git"),
        ("old", "clang version 18.1.8"),
    ];
    assert_eq!(chosen(Some("/opt/clang"), &there).unwrap(), "/opt/clang");
    let said = chosen(Some("old"), &there).unwrap_err();
    assert!(said.contains("old, which is clang 18"), "{said}");
    let said = chosen(Some("gcc"), &[("gcc", "gcc (Debian 12.2.0)")]).unwrap_err();
    assert!(
        said.contains("gcc, which is not a clang that runs here"),
        "{said}"
    );
    assert_eq!(
        chosen(Some("missing"), &there).unwrap_err(),
        said.replace("gcc", "missing")
    );
}
