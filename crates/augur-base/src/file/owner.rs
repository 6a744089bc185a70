// SPDX-License-Identifier: GPL-2.0-only
//! Whose files are. Who runs a command through sudo wants to read, replace and remove what it made, without sudo.

use std::fs::{File, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown, lchown};
use std::path::Path;

/// Of a file that is new; the process's umask takes away from it.
pub(super) const MODE: u32 = 0o644;

/// The user and group that called sudo, where this is root by sudo.
fn caller() -> Option<(u32, u32)> {
    let number = |name| std::env::var(name).ok()?.parse().ok();
    let (user, group) = (number("SUDO_UID")?, number("SUDO_GID")?);
    (nix::unistd::geteuid().is_root() && user != 0).then_some((user, group))
}

/// Gives a new file the owner and the mode of the one that it replaces, or else its owner: whoever called sudo. Where that is
/// not allowed the file is as good with ours.
pub(super) fn hand_over(file: &File, replaced: Option<&Metadata>) {
    let Some(there) = replaced else {
        if let Some((user, group)) = caller() {
            let _ = fchown(file, Some(user), Some(group));
        }
        return;
    };
    let ours = file.metadata().map(|own| (own.uid(), own.gid())).ok();
    if ours != Some((there.uid(), there.gid())) {
        let _ = fchown(file, Some(there.uid()), Some(there.gid()));
    }
    let _ = file.set_permissions(Permissions::from_mode(there.mode() & 0o777));
}

/// Gives a new folder to whoever called sudo.
pub(super) fn hand_over_folder(path: &Path) {
    if let Some((user, group)) = caller() {
        let _ = lchown(path, Some(user), Some(group));
    }
}
