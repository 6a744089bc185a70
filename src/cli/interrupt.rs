// SPDX-License-Identifier: GPL-2.0-only
//! Ctrl-C, and being told to end, ends a command in order.
//!
//! A command says what that means for it: that it ends at once ([`end_at_once`]), that it looks at a flag and keeps what
//! it has ([`flag`]), or something else ([`call`]). Whoever says it last decides. Nothing is left behind in any case.

use super::console::tell;
use anyhow::{Result, ensure};
use augur_base::file;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

/// The exit code of what was interrupted.
pub const EXIT_CODE: u8 = 130;

static MEANING: Mutex<Meaning> = Mutex::new(Meaning::End);
static CAME: AtomicBool = AtomicBool::new(false);
static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

enum Meaning {
    End,
    Flag,
    #[cfg(feature = "live")]
    Tell(Box<dyn Fn() + Send>),
}

/// Whether the command was interrupted.
pub fn came() -> bool {
    CAME.load(Ordering::Relaxed)
}

/// From now on the program ends at once. What it was writing is gone, and what has its name is whole. To be said before there is
/// an output, and after TensorFlow's library was looked for: that needs a program with one thread.
///
/// # Errors
/// One sentence where signals cannot be caught.
pub fn end_at_once() -> Result<()> {
    listen(Meaning::End)
}

/// Becomes true at Ctrl-C, or where the program is told to end.
///
/// # Errors
/// One sentence where signals cannot be caught.
pub fn flag() -> Result<Arc<AtomicBool>> {
    listen(Meaning::Flag)?;
    Ok(FLAG.clone())
}

/// Calls this at Ctrl-C, or where the program is told to end; each time.
///
/// # Errors
/// One sentence where signals cannot be caught.
#[cfg(feature = "live")]
pub fn call(what: impl Fn() + Send + 'static) -> Result<()> {
    listen(Meaning::Tell(Box::new(what)))
}

fn meaning() -> MutexGuard<'static, Meaning> {
    MEANING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(what: Meaning) -> Result<()> {
    static LISTENS: OnceLock<bool> = OnceLock::new();
    *meaning() = what;
    ensure!(
        *LISTENS.get_or_init(|| ctrlc::set_handler(signalled).is_ok()),
        "cannot catch Ctrl-C"
    );
    Ok(())
}

fn signalled() {
    CAME.store(true, Ordering::Relaxed);
    let meaning = meaning();
    match &*meaning {
        // Who waits for the other end of a FIFO looks at no flag.
        _ if file::is_waiting() => leave(),
        Meaning::End => leave(),
        Meaning::Flag => FLAG.store(true, Ordering::Relaxed),
        #[cfg(feature = "live")]
        Meaning::Tell(what) => what(),
    }
}

fn leave() -> ! {
    file::abandon();
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        // Over a bar that shows how far it was.
        let _ = terminal.write_all(b"\r\x1b[K");
    }
    match file::something_was_named() {
        true => tell!("scx_augur: interrupted; the files that are there are whole"),
        false => tell!("scx_augur: interrupted; nothing was written"),
    }
    std::process::exit(EXIT_CODE.into())
}
