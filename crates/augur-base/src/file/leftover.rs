// SPDX-License-Identifier: GPL-2.0-only
//! What has to go where the program ends at once, by a signal: nothing is dropped then.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Paths that are only there for now.
static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
/// Threads that wait for somebody to open the other end of a FIFO.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Whether an output got its name already.
static NAMED: AtomicBool = AtomicBool::new(false);

/// Held while a name is given: nobody ends the program in the middle of that.
pub(super) struct Naming {
    _paths: MutexGuard<'static, Vec<PathBuf>>,
}

fn paths() -> MutexGuard<'static, Vec<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until nobody else gives a name.
pub(super) fn naming() -> Naming {
    Naming { _paths: paths() }
}

impl Naming {
    /// It has its name.
    pub(super) fn done(self) {
        NAMED.store(true, Ordering::Relaxed);
    }
}

/// Whether an output got its name already, so that not all is lost.
pub fn something_was_named() -> bool {
    NAMED.load(Ordering::Relaxed)
}

/// A file or folder that is removed by [`abandon`]. Who holds this removes it in all other cases.
#[derive(Debug)]
pub struct Leftover(PathBuf);

impl Leftover {
    /// From now on it may be there.
    pub fn new(path: &Path) -> Leftover {
        paths().push(path.to_owned());
        Leftover(path.to_owned())
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        paths().retain(|path| *path != self.0);
    }
}

/// Removes what is only there for now. Afterwards no output gets a name any more, and whoever tries waits for ever: the
/// caller ends the program.
pub fn abandon() {
    let paths = paths();
    for path in paths.iter() {
        let _ = match path.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
    }
    std::mem::forget(paths);
}

/// Whether a thread waits for the other end of a FIFO, which may never come. No flag reaches it.
pub fn is_waiting() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

/// Does what may wait for ever.
pub(super) fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    WAITING.fetch_add(1, Ordering::Relaxed);
    let done = wait();
    WAITING.fetch_sub(1, Ordering::Relaxed);
    done
}
