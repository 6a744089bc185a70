// SPDX-License-Identifier: GPL-2.0-only
//! Whether anybody else could have put a file where it lies: whoever loads code as root must not take it from there.
//!
//! Every folder on the way, every link and every link's target is looked at. Each must belong to root, to who runs this
//! program or to who owns it, and nobody else may write to it. That a folder is sticky, like `/tmp`, is not enough: others may
//! make new entries there.

use nix::unistd::{geteuid, getuid};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// More links on the way than this are a circle.
const LINKS_MOST: usize = 40;
const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Users whose files are trusted.
#[derive(Clone, Debug)]
pub struct Trusted {
    users: Vec<u32>,
}

impl Trusted {
    /// Root, the user that runs this program, also before `sudo`, and the owner of the program: who could change that needs no
    /// library to be harmful.
    pub fn here() -> Trusted {
        let mut users = vec![0, getuid().as_raw(), geteuid().as_raw()];
        if geteuid().is_root() {
            let before = std::env::var("SUDO_UID").ok();
            users.extend(before.and_then(|user| user.parse::<u32>().ok()));
        }
        let program = std::env::current_exe().and_then(|path| path.metadata());
        users.extend(program.map(|file| file.uid()));
        Trusted { users }
    }

    /// Root and these users.
    pub fn users(users: &[u32]) -> Trusted {
        Trusted {
            users: users.iter().copied().chain([0]).collect(),
        }
    }

    /// Whether nobody else can write to `path` or to what leads to it.
    ///
    /// # Errors
    /// Half a sentence: who can write where.
    pub fn check(&self, path: &Path) -> Result<(), String> {
        self.check_below(Path::new("/"), path)
    }

    /// The same, where what lies above `top` is taken to be right.
    fn check_below(&self, top: &Path, path: &Path) -> Result<(), String> {
        let unreadable =
            |path: &Path, err: std::io::Error| format!("{} cannot be looked at ({err})", path.display());
        let whole = std::path::absolute(path).map_err(|err| unreadable(path, err))?;
        let mut rest = steps(&whole);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        self.judge(
            top,
            &here,
            &here.metadata().map_err(|err| unreadable(&here, err))?,
        )?;
        while let Some(step) = rest.pop_front() {
            if step == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&step);
            let found = next.symlink_metadata().map_err(|err| unreadable(&next, err))?;
            self.judge(top, &next, &found)?;
            if !found.is_symlink() {
                here = next;
                continue;
            }
            links += 1;
            if links > LINKS_MOST {
                return Err(format!("{} is a circle of links", path.display()));
            }
            let target = std::fs::read_link(&next).map_err(|err| unreadable(&next, err))?;
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            for step in steps(&target).into_iter().rev() {
                rest.push_front(step);
            }
        }
        Ok(())
    }

    /// One step of the way.
    fn judge(&self, top: &Path, path: &Path, found: &Metadata) -> Result<(), String> {
        if !path.starts_with(top) {
            return Ok(());
        }
        let (shown, user, group) = (path.display(), found.uid(), found.gid());
        // A link's mode says nothing: who may replace it is the affair of its folder.
        let mode = if found.is_symlink() { 0 } else { found.mode() };
        if !self.users.contains(&user) {
            return Err(format!("{shown} belongs to user {user}"));
        }
        if mode & WRITABLE_BY_ALL != 0 {
            return Err(format!("everybody can write to {shown}"));
        }
        if mode & WRITABLE_BY_GROUP != 0 && group != 0 {
            return Err(format!("group {group} can write to {shown}"));
        }
        Ok(())
    }
}

/// The names along a path, without the root.
fn steps(path: &Path) -> VecDeque<OsString> {
    let named = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    named.collect()
}

/// Whether everybody may replace `path`: it, or the folder that it lies in, is open to all. A sticky folder is not.
pub fn open_to_all(path: &Path) -> bool {
    let open = |path: &Path| {
        path.metadata().is_ok_and(|found| {
            found.mode() & WRITABLE_BY_ALL != 0 && (found.is_file() || found.mode() & 0o1000 == 0)
        })
    };
    open(path) || path.parent().is_some_and(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// What is said of `path`; what lies above `root` is this machine's affair: /tmp is open to everybody.
    fn said(root: &Path, path: &Path) -> Option<String> {
        let here = Trusted::users(&[getuid().as_raw()]);
        here.check_below(root, path).err()
    }

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn each_folder_file_and_link_on_the_way_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let inner = root.join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(root.join("c")).unwrap();
        let file = inner.join("lib.so");
        std::fs::write(&file, "").unwrap();
        for path in [root.join("a"), inner.clone(), root.join("c")] {
            chmod(&path, 0o755);
        }
        chmod(&file, 0o644);
        symlink("../a/b", root.join("c/link")).unwrap();
        symlink(&file, root.join("c/whole")).unwrap();
        let (through, whole) = (root.join("c/link/lib.so"), root.join("c/whole"));
        for path in [&file, &through, &whole] {
            assert_eq!(said(&root, path), None);
        }
        for (open, mode) in [("a", 0o777), ("a/b", 0o1777), ("a/b/lib.so", 0o666)] {
            let open = root.join(open);
            let named = format!("everybody can write to {}", open.display());
            let before = open.metadata().unwrap().mode();
            chmod(&open, mode);
            for path in [&file, &through, &whole] {
                assert_eq!(said(&root, path), Some(named.clone()), "{}", path.display());
            }
            chmod(&open, before);
        }
        // Whoever may write beside a link may replace it.
        chmod(&root.join("c"), 0o777);
        assert_eq!(said(&root, &file), None);
        assert!(said(&root, &through).unwrap().ends_with("/c"));
        symlink("round", root.join("round")).unwrap();
        assert!(said(&root, &root.join("round")).unwrap().contains("circle"));
        assert!(said(&root, &root.join("nothing")).is_some());
    }

    #[test]
    fn what_lies_in_tmp_is_never_trusted_and_what_the_system_brings_is() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let said = Trusted::here().check(folder.path()).unwrap_err();
        assert_eq!(said, "everybody can write to /tmp");
        assert_eq!(Trusted::here().check(Path::new("/usr/bin/env")), Ok(()));
        let stranger = Trusted { users: vec![12345] };
        assert_eq!(
            stranger.check(Path::new("/usr")).unwrap_err(),
            "/ belongs to user 0"
        );
    }

    #[test]
    fn open_to_all_is_a_file_or_a_folder_that_is_not_sticky() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lib.so");
        std::fs::write(&file, "").unwrap();
        chmod(&file, 0o664);
        assert!(!open_to_all(&file));
        chmod(folder.path(), 0o1777);
        assert!(!open_to_all(&file));
        chmod(folder.path(), 0o777);
        assert!(open_to_all(&file));
        chmod(folder.path(), 0o755);
        chmod(&file, 0o646);
        assert!(open_to_all(&file));
    }
}
