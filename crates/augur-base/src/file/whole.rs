// SPDX-License-Identifier: GPL-2.0-only
//! A plain file that is there whole or not at all.
//!
//! It grows without a name, so that nothing is left of it however the program ends. Where the filesystem knows no such
//! files, it has a name of its own for now, which [`super::abandon`] removes.

use super::leftover::{self, Leftover};
use super::owner::{self, MODE};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A file on its way to its name.
pub(super) struct Whole {
    file: Growing,
    place: PathBuf,
    folder: PathBuf,
}

enum Growing {
    Unnamed(File),
    Named(NamedTempFile, Leftover),
}

impl Whole {
    /// Begins a file that will be `place`; `there` is what it replaces.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub(super) fn begin(place: PathBuf, there: Option<&Metadata>) -> io::Result<Whole> {
        let folder = folder_of(&place);
        let file = match unnamed(&folder) {
            Some(file) => Growing::Unnamed(file),
            None => {
                let file = named(&folder)?;
                let leftover = Leftover::new(file.path());
                Growing::Named(file, leftover)
            }
        };
        let whole = Whole { file, place, folder };
        owner::hand_over(whole.file(), there);
        Ok(whole)
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        match &self.file {
            Growing::Unnamed(file) => file,
            Growing::Named(file, _) => file.as_file(),
        }
    }

    /// Gives the file its name; what was there before is replaced.
    ///
    /// # Errors
    /// Where it cannot be; then it is gone, and what was there before is still there.
    pub(super) fn give_name(self) -> io::Result<()> {
        let naming = leftover::naming();
        if std::fs::symlink_metadata(&self.place).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::other("something else has taken its place meanwhile"));
        }
        match self.file {
            Growing::Unnamed(file) => link(file, &self.folder, &self.place)?,
            Growing::Named(file, leftover) => {
                file.persist(&self.place).map_err(|err| err.error)?;
                drop(naming);
                drop(leftover);
                leftover::naming().done();
                return Ok(());
            }
        }
        naming.done();
        Ok(())
    }
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// A file without a name, where there can be one.
fn unnamed(folder: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(MODE);
    let file = options.custom_flags(libc::O_TMPFILE).open(folder).ok()?;
    // It gets its name through this.
    Path::new(&own_path(&file)).exists().then_some(file)
}

fn named(folder: &Path) -> io::Result<NamedTempFile> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(MODE);
    // Opened here, for the builder's own errors name the temporary file, which helps nobody.
    builder().make_in(folder, |path| options.open(path))
}

fn builder() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".scx_augur-").suffix(".part");
    builder
}

fn own_path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// A link never replaces; so where the name is taken, the file gets another one first.
fn link(mut file: File, folder: &Path, place: &Path) -> io::Result<()> {
    let own = own_path(&file);
    let link = |to: &Path| {
        let linked = linkat(AT_FDCWD, own.as_str(), AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW);
        linked.map_err(io::Error::from)
    };
    match link(place) {
        Ok(()) => return Ok(()),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
        // There are filesystems that know files without a name, but cannot give them one.
        Err(_) => {
            let mut copy = named(folder)?;
            let about = file.metadata()?;
            file.rewind()?;
            io::copy(&mut file, copy.as_file_mut())?;
            owner::hand_over(copy.as_file(), Some(&about));
            return copy.persist(place).map(drop).map_err(|err| err.error);
        }
    }
    let second = builder().make_in(folder, link)?;
    second.persist(place).map(drop).map_err(|err| err.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_with_a_name_for_now_is_as_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("file");
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name())
                .collect::<Vec<_>>()
        };
        let begin = || {
            let file = named(folder.path()).unwrap();
            let leftover = Leftover::new(file.path());
            Whole {
                file: Growing::Named(file, leftover),
                place: place.clone(),
                folder: folder.path().to_owned(),
            }
        };
        let whole = begin();
        assert_eq!(names().len(), 1);
        drop(whole);
        assert_eq!(names().len(), 0);
        let whole = begin();
        whole.file().write_all(b"x").unwrap();
        whole.give_name().unwrap();
        assert_eq!(names(), ["file"]);
        assert_eq!(std::fs::read(&place).unwrap(), b"x");
    }
}
