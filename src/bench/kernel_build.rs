// SPDX-License-Identifier: GPL-2.0-only
//! Building a Linux kernel, or a part of it.
//!
//! A tree that is configured in place is built in place, as it is; a clean one is left clean, and built beside it.

use super::child::CommandLine;
use super::workload::{Clean, KBUILD, Workload};
use anyhow::{Result, bail, ensure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What is built of a tree that is complete.
const WHOLE: &str = "vmlinux";
/// And of the guest's tree, which has little more: some minutes under emulation.
const PART: &str = "lib/";
/// A configuration that builds in minutes.
const CONFIG: &str = "tinyconfig";
const SOURCES: &str = "/usr/src";

/// What to build.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// A kernel tree; by default the guest's or Debian's.
    pub source: Option<PathBuf>,
    /// `tinyconfig`, `defconfig`, …; by default what the tree is configured for, or else [`CONFIG`].
    pub config: Option<String>,
    /// `vmlinux`, `lib/`, …; by default all that is there.
    pub target: Option<String>,
}

/// The workload of a request; `scratch` is for what a clean tree is built in.
///
/// # Errors
/// One sentence where there is no such tree.
pub fn workload(request: &Request, jobs: usize, scratch: &Path) -> Result<Workload> {
    let source = match &request.source {
        Some(source) => source.clone(),
        None => find(&[Path::new(KBUILD).join("linux")], Path::new(SOURCES))?,
    };
    let source = fs::canonicalize(&source).unwrap_or(source);
    ensure!(
        source.join("Makefile").is_file() && source.join("Kconfig").is_file(),
        "{} is no kernel tree; name an unpacked one (apt-get install linux-source)",
        source.display()
    );
    let target = request.target.clone().unwrap_or_else(|| {
        // A tree without its beginning is the guest's.
        let whole = source.join("init/main.c").is_file();
        if whole { WHOLE } else { PART }.to_owned()
    });
    let in_place = source.join(".config").is_file();
    ensure!(
        !in_place || request.config.is_none(),
        "{0} is configured already; leave out --config to build it as it is, or clean it (make -C {0} mrproper)",
        source.display()
    );
    let (build, mut make) = match in_place {
        true => (source.clone(), words(["make", "-s"])),
        false => {
            let mut output = OsString::from("O=");
            output.push(scratch);
            (scratch.to_owned(), [words(["make", "-s"]), vec![output]].concat())
        }
    };
    let order = |last: &[&str]| -> CommandLine {
        let words = make.iter().cloned().chain(last.iter().map(OsString::from));
        CommandLine::new(&source, words)
    };
    let config = request.config.as_deref().unwrap_or(CONFIG);
    let mut prepare = vec![order(&["prepare"])];
    if !in_place {
        prepare.insert(0, order(&[config]));
    }
    let clean = match target.ends_with('/') {
        true => Clean::Objects(build.join(&target)),
        false => Clean::Command(order(&["clean"])),
    };
    make.extend([format!("-j{jobs}"), target.clone()].map(OsString::from));
    let configured = if in_place { "as configured" } else { config };
    Ok(Workload {
        name: format!("kernel build: {target} {configured}"),
        jobs,
        clean,
        prepare,
        timed: CommandLine::new(&source, make),
    })
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.map(OsString::from).to_vec()
}

/// The first of some places that is there, or else the newest of Debian's trees.
fn find(places: &[PathBuf], sources: &Path) -> Result<PathBuf> {
    if let Some(place) = places.iter().find(|place| place.is_dir()) {
        return Ok(place.clone());
    }
    let entries = fs::read_dir(sources).into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("linux-source-"))
        })
        .collect();
    names.sort_by_key(|path| version(path));
    if let Some(tree) = names.iter().rfind(|path| path.is_dir()) {
        return Ok(tree.clone());
    }
    match names.last() {
        Some(packed) => bail!(
            "{} is packed; unpack it (tar -xf) and name the tree with --source",
            packed.display()
        ),
        None => bail!(
            "no kernel tree is found; name one with --source, or install Debian's (apt-get install linux-source, then unpack it)"
        ),
    }
}

/// 6.18 is newer than 6.9.
fn version(path: &Path) -> Vec<u64> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(folder: &Path, files: &[&str]) -> PathBuf {
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::canonicalize(folder).unwrap()
    }

    fn of(source: &Path, config: Option<&str>) -> Result<Workload> {
        let request = Request {
            source: Some(source.to_owned()),
            config: config.map(str::to_owned),
            target: None,
        };
        workload(&request, 3, Path::new("/scratch"))
    }

    #[test]
    fn a_configured_part_is_built_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let source = tree(folder.path(), &["Makefile", "Kconfig", ".config", "lib/a.c"]);
        let found = of(&source, None).unwrap();
        assert_eq!(
            found.timed,
            CommandLine::new(&source, ["make", "-s", "-j3", "lib/"])
        );
        assert_eq!(found.clean, Clean::Objects(source.join("lib/")));
        assert!(
            of(&source, Some("defconfig"))
                .unwrap_err()
                .to_string()
                .contains("configured already")
        );
    }

    #[test]
    fn a_clean_tree_stays_clean() {
        let folder = tempfile::tempdir().unwrap();
        let source = tree(folder.path(), &["Makefile", "Kconfig", "init/main.c"]);
        let found = of(&source, Some("defconfig")).unwrap();
        let all = found.prepare.iter().chain([&found.timed]);
        assert!(
            all.into_iter()
                .all(|command| command.words.contains(&"O=/scratch".into()))
        );
        assert_eq!(found.prepare[0].words.last().unwrap(), "defconfig");
        assert_eq!(found.timed.words.last().unwrap(), "vmlinux");
    }

    #[test]
    fn the_newest_tree_is_taken_and_a_packed_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sources = tree(folder.path(), &["linux-source-6.18.tar.xz", "linux-headers-9/x"]);
        let said = find(&[], &sources).unwrap_err().to_string();
        assert!(said.contains("linux-source-6.18.tar.xz is packed"), "{said}");
        tree(
            folder.path(),
            &["linux-source-6.9/Makefile", "linux-source-6.12/Makefile"],
        );
        assert!(find(&[], &sources).unwrap().ends_with("linux-source-6.12"));
        assert!(find(&[], Path::new("/no/where")).is_err());
    }

    #[test]
    fn what_is_no_kernel_tree_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            of(folder.path(), None)
                .unwrap_err()
                .to_string()
                .contains("is no kernel tree")
        );
    }
}
