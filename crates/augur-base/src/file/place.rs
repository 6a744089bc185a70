// SPDX-License-Identifier: GPL-2.0-only
//! Where a path leads that is to be written.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// As many links as the kernel follows.
const LINKS_MAX: usize = 40;

/// What is at the end of a path.
#[derive(Debug)]
pub(super) enum Place {
    /// A plain file that is there, or a name that is free. No symbolic link is left in its last part.
    Plain(PathBuf, Option<Metadata>),
    /// Standard output, by the name `-`, `/dev/stdout` or one like it.
    Output,
    /// Standard error.
    Error,
    /// A file that this or another process holds open; what is in it stays, for it may be one that others write, too.
    Open(PathBuf),
    /// A device or a FIFO.
    Device(PathBuf),
    /// A socket that somebody may listen at.
    Socket(PathBuf),
    /// A folder, which cannot be written.
    Folder,
}

impl Place {
    /// Follows the path to its end.
    ///
    /// # Errors
    /// Where it cannot be followed.
    pub(super) fn find(path: &Path) -> io::Result<Place> {
        if path.as_os_str() == super::STANDARD {
            return Ok(Place::Output);
        }
        // The kernel is asked first: it knows which links may not be followed, such as a stranger's in /tmp.
        let there = match fs::metadata(path) {
            Ok(there) => Some(there),
            Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(err) => return Err(err),
        };
        let mut end = path.to_owned();
        for _ in 0..LINKS_MAX {
            if let Some(place) = descriptor(&end) {
                return Ok(place);
            }
            // What is not a link, or not there, is the end.
            let Ok(next) = fs::read_link(&end) else { break };
            end = end.parent().unwrap_or(Path::new("")).join(next);
        }
        Ok(match there {
            Some(there) if there.is_dir() => Place::Folder,
            Some(there) if there.file_type().is_socket() => Place::Socket(end),
            Some(there) if !there.is_file() => Place::Device(end),
            there => Place::Plain(end, there),
        })
    }
}

/// An entry of a process's table of open files. The kernel shows them as links, but they may lead to what has no name.
fn descriptor(path: &Path) -> Option<Place> {
    let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let mut parts = folder.iter().map(|part| part.to_str());
    if (parts.next(), parts.next()) != (Some(Some("/")), Some(Some("proc"))) || !folder.ends_with("fd") {
        return None;
    }
    let own = parts.next().flatten() == Some(std::process::id().to_string().as_str());
    Some(match number {
        1 if own => Place::Output,
        2 if own => Place::Error,
        _ => Place::Open(path.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink("two", path("one")).unwrap();
        symlink(path("three"), path("two")).unwrap();
        let end = |name: &str| match Place::find(&path(name)).unwrap() {
            Place::Plain(end, there) => (end, there.is_some()),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(end("one"), (path("three"), false));
        fs::write(path("three"), "x").unwrap();
        assert_eq!(end("one"), (path("three"), true));
        assert_eq!(end("four"), (path("four"), false));
        symlink("loop", path("loop")).unwrap();
        assert!(Place::find(&path("loop")).is_err());
        symlink("/proc/self/fd/1", path("out")).unwrap();
        for name in ["-", "/dev/fd/1", "/proc/self/fd/1", path("out").to_str().unwrap()] {
            let found = Place::find(Path::new(name)).unwrap();
            assert!(matches!(found, Place::Output), "{name}: {found:?}");
        }
        assert!(matches!(Place::find(folder.path()).unwrap(), Place::Folder));
    }
}
