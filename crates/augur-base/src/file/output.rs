// SPDX-License-Identifier: GPL-2.0-only
//! What a command writes.

use super::leftover;
use super::place::Place;
use super::whole::{Whole, folder_of};
use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{AccessFlags, access};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// A plain file that is there whole or not at all: it gets its name in [`Output::finish`], and dropped before that, it
/// is gone. Anything else (a device, a FIFO, a socket, standard output) is opened and written to as the bytes come.
///
/// Each error of writing names the output, and not what it is called for now.
pub struct Output {
    path: PathBuf,
    to: To,
}

enum To {
    Whole(Whole),
    Through(File),
    /// It has to be gone back in, which `through` does not allow: it gets its bytes at the end.
    Spooled {
        spool: File,
        through: File,
    },
}

impl Output {
    /// Starts what will be `path`; `-` is standard output.
    ///
    /// # Errors
    /// Where it cannot be written, or is a folder.
    pub fn create(path: &Path) -> Result<Output> {
        let named = || format!("cannot write {}", path.display());
        let to = match Place::find(path).with_context(named)? {
            Place::Folder => bail!("{}: it is a folder", named()),
            Place::Plain(place, there) => {
                check(path, &place)?;
                let write = |_: &_| access(&place, AccessFlags::W_OK);
                there.as_ref().map_or(Ok(()), write).with_context(named)?;
                let whole = Whole::begin(place, there.as_ref());
                To::Whole(whole.with_context(|| format!("{}; name another place", named()))?)
            }
            Place::Output => To::Through(copy(io::stdout()).with_context(named)?),
            Place::Error => To::Through(copy(io::stderr()).with_context(named)?),
            Place::Open(place) => To::Through(open(&place, true).with_context(named)?),
            Place::Device(place) => To::Through(open(&place, false).with_context(named)?),
            Place::Socket(place) => {
                let stream = UnixStream::connect(place).with_context(named)?;
                To::Through(File::from(OwnedFd::from(stream)))
            }
        };
        Ok(Output {
            path: path.to_owned(),
            to,
        })
    }

    /// The same, for a format that goes back in what it wrote ([`Seek`]).
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn seekable(path: &Path) -> Result<Output> {
        let mut output = Output::create(path)?;
        if let To::Through(through) = output.to {
            let spool = tempfile::tempfile_in(super::spool_folder())
                .with_context(|| format!("cannot write {}: no room for a temporary file", path.display()))?;
            output.to = To::Spooled { spool, through };
        }
        Ok(output)
    }

    /// What will be `path` and holds this.
    ///
    /// # Errors
    /// As [`Output::create`], and where it cannot be written.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Output> {
        let mut output = Output::create(path)?;
        output.write_all(bytes)?;
        output.flush()?;
        Ok(output)
    }

    /// Gives a file its name; what was there before is replaced.
    ///
    /// # Errors
    /// Where it cannot be; then it is gone.
    pub fn finish(self) -> Result<()> {
        let Output { path, to } = self;
        match to {
            To::Whole(whole) => whole.give_name(),
            To::Through(_) => Ok(()),
            To::Spooled {
                mut spool,
                mut through,
            } => spool
                .rewind()
                .and_then(|()| io::copy(&mut spool, &mut through).map(drop)),
        }
        .with_context(|| format!("cannot write {}", path.display()))
    }

    /// What it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has it on the disk, not only with the kernel; where it lies on one.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn sync(&self) -> Result<()> {
        match &self.to {
            To::Whole(whole) => whole
                .file()
                .sync_all()
                .with_context(|| format!("cannot write {}", self.path.display())),
            To::Through(_) | To::Spooled { .. } => Ok(()),
        }
    }

    fn file(&self) -> &File {
        match &self.to {
            To::Whole(whole) => whole.file(),
            To::Through(file) | To::Spooled { spool: file, .. } => file,
        }
    }

    /// With the output's name.
    fn named<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|err| match err.kind() {
            ErrorKind::Interrupted | ErrorKind::WouldBlock => err,
            kind => io::Error::new(kind, format!("cannot write {}: {err}", self.path.display())),
        })
    }
}

/// What is told of a name before anything is made.
fn check(path: &Path, place: &Path) -> Result<()> {
    let shown = path.display();
    ensure!(
        place.file_name().is_some() && !place.as_os_str().as_bytes().ends_with(b"/"),
        "cannot write `{shown}`: that does not name a file"
    );
    let folder = folder_of(place);
    ensure!(
        folder.is_dir(),
        "cannot write {shown}: there is no folder {}; make it first",
        folder.display()
    );
    Ok(())
}

/// Another hold of the same open file, so that what others write there stays in order with it.
fn copy(stream: impl AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

fn open(place: &Path, append: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).append(append).custom_flags(libc::O_NOCTTY);
    leftover::waiting(|| options.open(place))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.named(self.file().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.named(self.file().flush())
    }
}

/// Of [`Output::seekable`], or of a plain file.
impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.named(self.file().seek(to))
    }
}
