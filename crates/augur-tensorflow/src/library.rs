// SPDX-License-Identifier: GPL-2.0-only
//! Where TensorFlow's library is: a file, a directory or a virtual environment, named by the user or found.
//!
//! The current directory is never searched, and nothing is taken that others could have put there ([`Trusted`]): the scheduler
//! runs as root, and nobody else must be able to hand it code. What the user names is taken unless everybody can write there.

use super::fault::Fault;
use super::trust::{Trusted, open_to_all};
use augur_base::file::Leftover;
use std::fs::DirBuilder;
use std::hash::BuildHasher;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// The only name that the Rust binding looks for.
pub const BINDING_NAME: &str = "libtensorflow.so";
/// The library's names in the order of preference: of the C archive, then of the Python wheel.
const NAMES: [&str; 4] = [
    BINDING_NAME,
    "libtensorflow.so.2",
    "libtensorflow_cc.so.2",
    "libtensorflow_cc.so",
];
/// The second half, which the first looks for beside itself.
const FRAMEWORK_NAME: &str = "libtensorflow_framework.so.2";
/// Places inside a directory that a user may name; `*` stands for any Python version.
const PLACES: [&str; 6] = [
    "",
    "lib",
    "tensorflow",
    "lib/*/site-packages/tensorflow",
    "lib64/*/site-packages/tensorflow",
    "site-packages/tensorflow",
];
/// Variables that name one place; the first that is set decides.
const VARIABLES: [&str; 2] = ["SCX_AUGUR_TENSORFLOW", "TENSORFLOW_DIR"];

/// A library and its second half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The file with the C interface.
    pub library: PathBuf,
    /// Its second half, where it lies beside it.
    pub framework: Option<PathBuf>,
    /// Libraries that were passed over before: where, and why.
    pub skipped: Vec<String>,
}

/// Finds the library in `path` (a file, a directory or a virtual environment), and nowhere else when it is given.
///
/// Else in `$SCX_AUGUR_TENSORFLOW`, `$TENSORFLOW_DIR`, the directories of `$LD_LIBRARY_PATH`, `/opt/tensorflow`,
/// `/usr/local/lib`, and a directory `.tensorflow` beside or above this program; these are trusted only where nobody else can write.
///
/// # Errors
/// [`Fault::LibraryMissing`] with every place that was tried.
pub fn find(path: Option<&Path>) -> Result<Found, Fault> {
    find_trusted(path, &Trusted::here())
}

fn find_trusted(path: Option<&Path>, trusted: &Trusted) -> Result<Found, Fault> {
    let named = path.map(PathBuf::from).or_else(|| {
        VARIABLES
            .iter()
            .find_map(std::env::var_os)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    });
    match named {
        Some(place) => search(&[place], &|found| {
            let open = found.files().find(|file| open_to_all(file));
            open.map_or(Ok(()), |file| {
                Err(format!("everybody can write to {}", file.display()))
            })
        }),
        None => search(&usual_places(), &|found| {
            found.files().try_for_each(|file| trusted.check(file))
        }),
    }
}

/// The first library in `places` that `allowed` has nothing against.
fn search(places: &[PathBuf], allowed: &dyn Fn(&Found) -> Result<(), String>) -> Result<Found, Fault> {
    let (mut tried, mut skipped) = (Vec::new(), Vec::new());
    for place in places {
        let shown = place.display();
        match find_in(place).map(|found| (allowed(&found), found)) {
            Some((Ok(()), found)) => return Ok(Found { skipped, ..found }),
            Some((Err(why), found)) => {
                skipped.push(format!("{} is not used, for {why}", found.library.display()));
                tried.push(format!("{shown} (not used, for {why})"));
            }
            None => tried.push(shown.to_string()),
        }
    }
    Err(Fault::LibraryMissing {
        tried: tried.join(", "),
    })
}

impl Found {
    /// What is loaded.
    fn files(&self) -> impl Iterator<Item = &Path> {
        [Some(self.library.as_path()), self.framework.as_deref()]
            .into_iter()
            .flatten()
    }
}

/// Where to look when nobody named a place.
fn usual_places() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::var_os("LD_LIBRARY_PATH")
        .map(|paths| {
            std::env::split_paths(&paths)
                .filter(|path| path.is_absolute())
                .collect()
        })
        .unwrap_or_default();
    places.extend(["/opt/tensorflow", "/usr/local/lib"].map(PathBuf::from));
    // Built in `target/release` or `target/debug/deps`, the program lies two to four floors below the project.
    if let Ok(program) = std::env::current_exe() {
        places.extend(
            program
                .ancestors()
                .skip(1)
                .take(4)
                .map(|floor| floor.join(".tensorflow")),
        );
    }
    places
}

fn find_in(place: &Path) -> Option<Found> {
    if place.is_file() {
        return Some(with_framework(place.canonicalize().ok()?));
    }
    let directories = PLACES.iter().flat_map(|inner| expand(place, inner));
    let library = directories
        .flat_map(|directory| NAMES.map(|name| directory.join(name)))
        .find(|path| path.is_file())?;
    // Not canonical: a directory of links that someone prepared is meant to be used as it is.
    Some(with_framework(std::path::absolute(library).ok()?))
}

fn with_framework(library: PathBuf) -> Found {
    let framework = library.with_file_name(FRAMEWORK_NAME);
    Found {
        framework: framework.is_file().then_some(framework),
        library,
        skipped: Vec::new(),
    }
}

/// `place/inner`, with `*` as every directory that is there, in order.
fn expand(place: &Path, inner: &str) -> Vec<PathBuf> {
    let Some((before, after)) = inner.split_once("/*/") else {
        return vec![place.join(inner)];
    };
    let Ok(entries) = std::fs::read_dir(place.join(before)) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries.flatten().map(|entry| entry.path().join(after)).collect();
    found.sort();
    found
}

/// Links to a library, in a directory that only this user can enter; both go when this is dropped.
#[derive(Debug)]
pub struct Links {
    directory: PathBuf,
    /// For where the program ends before it is dropped.
    _leftover: Leftover,
}

impl Links {
    /// A path for such a directory, which nobody can guess; nothing is made yet.
    pub fn directory() -> PathBuf {
        // The standard library's hasher is the one source of system randomness that it offers.
        let random = || std::hash::RandomState::new().hash_one(std::process::id());
        std::env::temp_dir().join(format!("scx_augur-tensorflow-{:016x}{:016x}", random(), random()))
    }

    /// Makes `directory`, and in it the library under the name that the binding looks for.
    ///
    /// The library finds its second half beside the link, so that is linked too.
    ///
    /// # Errors
    /// When the directory is there already, or it or a link cannot be made.
    pub fn make(directory: &Path, found: &Found) -> std::io::Result<Self> {
        DirBuilder::new().mode(0o700).create(directory)?;
        let links = Self {
            directory: directory.into(),
            _leftover: Leftover::new(directory),
        };
        symlink(found.library.canonicalize()?, directory.join(BINDING_NAME))?;
        if let Some(framework) = &found.framework {
            symlink(framework.canonicalize()?, directory.join(FRAMEWORK_NAME))?;
        }
        Ok(links)
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        // What cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn touch(path: PathBuf) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn a_file_a_directory_and_a_virtual_environment_are_understood() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let wheel = root.join("lib/python3.11/site-packages/tensorflow");
        let library = touch(wheel.join("libtensorflow_cc.so.2"));
        let framework = touch(wheel.join(FRAMEWORK_NAME));
        let wanted = Found {
            library: library.clone(),
            framework: Some(framework),
            skipped: Vec::new(),
        };
        for path in [&root, &wheel, &library] {
            assert_eq!(find(Some(path)).unwrap(), wanted, "{}", path.display());
        }
    }

    #[test]
    fn what_others_can_write_is_passed_over_and_said_once() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (open, mine) = (root.join("open"), root.join("mine"));
        let bad = touch(open.join("libtensorflow.so"));
        let good = touch(mine.join("libtensorflow.so"));
        let allowed = |found: &Found| {
            let good = found.library.starts_with(&mine);
            if good {
                Ok(())
            } else {
                Err("others can write".into())
            }
        };
        let found = search(&[root.join("none"), open.clone(), mine.clone()], &allowed).unwrap();
        assert_eq!(found.library, good);
        assert_eq!(
            found.skipped,
            [format!("{} is not used, for others can write", bad.display())]
        );
        let fault = search(&[open], &allowed).unwrap_err().to_string();
        assert!(
            fault.contains("open (not used, for others can write); run"),
            "{fault}"
        );
    }

    #[test]
    fn a_library_that_is_named_is_taken_unless_everybody_can_write_there() {
        let root = tempfile::tempdir().unwrap();
        let library = touch(root.path().join("libtensorflow.so"));
        touch(root.path().join(FRAMEWORK_NAME));
        assert!(find(Some(root.path())).is_ok());
        let chmod = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for (path, open, closed) in [
            (root.path(), 0o777, 0o755),
            (library.as_path(), 0o666, 0o644),
            (&root.path().join(FRAMEWORK_NAME), 0o666, 0o644),
        ] {
            chmod(path, open);
            let fault = find(Some(root.path())).unwrap_err();
            assert_eq!(fault.label(), "library_missing");
            assert!(fault.to_string().contains("everybody can write to"), "{fault}");
            chmod(path, closed);
        }
        assert!(find(Some(root.path())).is_ok());
    }

    #[test]
    fn the_links_are_private_and_have_the_bindings_name() {
        let root = tempfile::tempdir().unwrap();
        let library = touch(root.path().join("libtensorflow_cc.so.2"));
        touch(root.path().join(FRAMEWORK_NAME));
        let directory = root.path().join("links");
        let links = Links::make(&directory, &find(Some(&library)).unwrap()).unwrap();
        assert_eq!(
            std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(directory.join(BINDING_NAME).is_file() && directory.join(FRAMEWORK_NAME).is_file());
        drop(links);
        assert!(!directory.exists() && library.is_file());
    }

    #[test]
    fn a_directory_that_somebody_else_made_is_not_used() {
        let root = tempfile::tempdir().unwrap();
        let library = touch(root.path().join("libtensorflow_cc.so.2"));
        assert!(Links::make(root.path(), &find(Some(&library)).unwrap()).is_err());
        assert!(library.is_file());
        assert_ne!(Links::directory(), Links::directory());
    }

    #[test]
    fn a_missing_library_is_an_ordinary_error_that_says_what_to_do() {
        let fault = find(Some(Path::new("/nonexistent"))).unwrap_err();
        assert_eq!(fault.label(), "library_missing");
        assert!(
            fault.to_string().contains("/nonexistent") && fault.to_string().contains("scripts/setup"),
            "{fault}"
        );
    }
}
