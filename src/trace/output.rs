// SPDX-License-Identifier: GPL-2.0-only
//! A file that is there whole or not at all.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that grows under a temporary name beside its own, and gets its own in [`Output::finish`]. Dropped before
/// that, it is gone.
pub struct Output {
    file: NamedTempFile,
    path: PathBuf,
}

impl Output {
    /// Starts a file that will be `path`.
    ///
    /// # Errors
    /// Where the folder cannot be written, or `path` is a folder.
    pub fn create(path: &Path) -> Result<Output> {
        ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        ensure!(
            folder.is_dir(),
            "cannot write {}: there is no folder {}; make it first",
            path.display(),
            folder.display()
        );
        let file = tempfile::Builder::new()
            .prefix(".scx_augur-")
            .suffix(".part")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)
            // Without the temporary name, which helps nobody.
            .map_err(|err| io::Error::from(err.kind()))
            .with_context(|| format!("cannot write in {}; name another place", folder.display()))?;
        Ok(Output {
            file,
            path: path.to_owned(),
        })
    }

    /// A file that will be `path` and holds this.
    ///
    /// # Errors
    /// As [`Output::create`], and where it cannot be written.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Output> {
        let mut output = Output::create(path)?;
        let written = output.write_all(bytes).and_then(|()| output.flush());
        written.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(output)
    }

    /// Gives the file its name; what was there before is replaced.
    ///
    /// # Errors
    /// Where it cannot be renamed; then it is gone.
    pub fn finish(self) -> Result<()> {
        self.file
            .persist(&self.path)
            .map(|_| ())
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// The file itself.
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(entries(), 0);
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"whole").unwrap();
        output.finish().unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), entries()), (b"whole".to_vec(), 1));
        assert!(Output::create(folder.path()).is_err());
        assert!(Output::create(&folder.path().join("no/where")).is_err());
    }
}
