// SPDX-License-Identifier: GPL-2.0-only
//! What ARCHITECTURE.md says is never so, as far as cargo does not keep it already: read off the sources.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// The rooms of each package, and the floor of each: a room uses only rooms of lower floors. Which package uses which is
/// kept by cargo.
const FLOORS: [(&str, &[(&str, u32)]); 3] = [
    (
        "crates/augur-sched/src",
        &[
            ("model", 1),
            ("rtapp", 1),
            ("policy", 2),
            ("sim", 3),
            ("report", 4),
            ("experiment", 5),
        ],
    ),
    (
        "crates/augur-devices/src",
        &[
            ("model", 1),
            ("workload", 1),
            ("policy", 2),
            ("sim", 3),
            ("report", 4),
            ("experiment", 5),
        ],
    ),
    ("src", &[("live", 1), ("bench", 2), ("cli", 3)]),
];
/// A file with more than that covers more than one noun.
const MOST_LINES: usize = 500;

/// A line of code, without its comment.
struct Line {
    file: PathBuf,
    number: usize,
    text: String,
}

impl Line {
    fn place(&self) -> String {
        format!("{}:{}: {}", self.file.display(), self.number, self.text.trim())
    }
}

/// The code below a folder of the package, as it is built: no comments, nothing of the unit tests at a file's end, and an
/// import of several lines in one.
fn code(folder: &str) -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join(folder));
    assert!(!files.is_empty(), "{folder} has no sources");
    let mut found: Vec<Line> = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let built = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let file = path.strip_prefix(root).unwrap();
        let mut open = false;
        for (index, line) in built.lines().enumerate() {
            let text = line.split("//").next().unwrap();
            match found.last_mut().filter(|_| open) {
                Some(last) => last.text.push_str(text),
                None => found.push(Line {
                    file: file.to_owned(),
                    number: index + 1,
                    text: text.to_owned(),
                }),
            }
            let begins = ["use ", "pub use ", "pub(crate) use "]
                .iter()
                .any(|word| text.trim_start().starts_with(word));
            open = (open || begins) && !text.contains(';');
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The rooms that a line of code names as `crate::room` or `crate::{room, room::…}`.
fn rooms(text: &str) -> Vec<&str> {
    let ident = |text: &str| text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let group = rest.strip_prefix('{');
        let mut depth = 0;
        for part in group.unwrap_or(rest).split_inclusive([',', '{', '}']) {
            if depth == 0 {
                let name = part.trim_start();
                let name = &name[..ident(name).unwrap_or(name.len())];
                found.extend(Some(name).filter(|name| !name.is_empty()));
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            if group.is_none() || depth < 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn rooms_are_found_in_imports() {
    assert_eq!(rooms("use crate::sim::{cpu, device};"), ["sim"]);
    assert_eq!(rooms("use crate::{live::{a, b}, sim};"), ["live", "sim"]);
    assert_eq!(
        rooms("x(crate::model::Fault, crate::policy::Gate)"),
        ["model", "policy"]
    );
    assert_eq!(rooms("pub(crate) fn x() {}"), [""; 0]);
}

/// So there is no circle between rooms, and no policy knows who asked.
#[test]
fn rooms_use_only_rooms_below() {
    for (package, floors) in FLOORS {
        for (room, floor) in floors {
            let above: Vec<&str> = floors
                .iter()
                .filter(|(other, their)| other != room && their >= floor)
                .map(|(other, _)| *other)
                .collect();
            for line in code(&format!("{package}/{room}")) {
                let wrong = rooms(&line.text).into_iter().find(|name| above.contains(name));
                assert_eq!(wrong, None, "{room} may not use it: {}", line.place());
            }
        }
    }
}

/// A room that is on no floor would be bound by nothing.
#[test]
fn every_room_has_a_floor() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (package, floors) in FLOORS {
        for entry in std::fs::read_dir(root.join(package)).unwrap() {
            let path = entry.unwrap().path();
            let room = path.file_stem().unwrap().to_str().unwrap();
            let known = ["lib", "main"].contains(&room) || floors.iter().any(|(name, _)| *name == room);
            assert!(known, "{} is on no floor", path.display());
        }
    }
}

/// The two products, as cargo sees them: neither is below the other, and what both rest on knows neither.
#[test]
fn packages_use_only_packages_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let below: [(&str, &[&str]); 5] = [
        ("augur-base", &[]),
        ("augur-trace", &["augur-base"]),
        ("augur-tensorflow", &["augur-base"]),
        ("augur-sched", &["augur-base", "augur-tensorflow", "augur-trace"]),
        ("augur-devices", &["augur-base", "augur-tensorflow"]),
    ];
    assert_eq!(std::fs::read_dir(&root).unwrap().count(), below.len());
    for (package, may) in below {
        let text = std::fs::read_to_string(root.join(package).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = manifest.get(kind).and_then(toml::Value::as_table);
            let ours = names.into_iter().flat_map(toml::Table::keys);
            for name in ours.filter(|name| name.starts_with("augur-") || *name == "scx_augur") {
                assert!(may.contains(&name.as_str()), "{package} may not use {name}");
            }
        }
    }
}

/// Fails at the first line below a folder that has one of the words, but in the files that are exempt.
fn never(folder: &str, words: &[&str], exempt: &[&str]) {
    for line in code(folder) {
        if !exempt.iter().any(|path| line.file.starts_with(path)) {
            let found = words.iter().find(|word| line.text.contains(**word));
            assert_eq!(found, None, "{}", line.place());
        }
    }
}

#[test]
fn foreign_crates_are_named_in_one_room() {
    let kernel = ["libbpf_rs::", "scx_utils::", "scx_stats::"];
    never("src", &kernel, &["src/live"]);
    never("crates", &kernel, &[]);
    // Whatever begins with the name of the crate, but for our own that begins with `augur_`.
    let network = [
        " ::tensorflow::",
        " tensorflow::",
        "(tensorflow::",
        "tensorflow_sys",
    ];
    never("src", &network, &[]);
    never("crates", &network, &["crates/augur-tensorflow/src/binding"]);
}

#[test]
fn code_is_unsafe_in_two_rooms() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"];
    never("src", &words, &["src/live"]);
    never("crates", &words, &["crates/augur-tensorflow"]);
}

/// Their outcome depends on what they are handed, and on nothing else.
#[test]
fn policies_and_simulations_have_no_clock_and_no_files() {
    let words = [
        "Instant::",
        "SystemTime",
        "std::fs",
        " fs::",
        "File::",
        "std::net",
        "std::env",
        " env::",
        "std::process",
        "rand::rng()",
        "OsRng",
        "println!",
        "eprintln!",
    ];
    for package in ["crates/augur-sched/src", "crates/augur-devices/src"] {
        // Registries read what a spelling names, before there is a policy.
        let registries =
            ["policy/registry.rs", "policy/cpu/registry.rs"].map(|file| format!("{package}/{file}"));
        let registries: Vec<&str> = registries.iter().map(String::as_str).collect();
        never(&format!("{package}/policy"), &words, &registries);
        never(&format!("{package}/sim"), &words, &[]);
    }
}

#[test]
fn no_file_covers_more_than_one_noun() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["src", "crates"]
        .iter()
        .flat_map(|folder| sources(&root.join(folder)))
    {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
    }
}
