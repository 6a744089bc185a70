// SPDX-License-Identifier: GPL-2.0-only
//! A command that is held before its first instruction until the recording is attached.

use anyhow::{Context, Result, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

/// What ends a recording.
#[derive(Debug)]
pub enum Message {
    /// The command has ended.
    Ended(io::Result<ExitStatus>),
    /// Somebody asked for the end.
    Stop,
}

/// A command that has its process, but not its program yet.
pub struct Held {
    name: String,
    go: PipeWriter,
    starting: JoinHandle<io::Result<Child>>,
}

impl Held {
    /// Makes the process; `apart`: what it prints goes to standard error. Dropped without [`Held::release`], it ends without having run anything.
    ///
    /// # Errors
    /// Where there can be no further process.
    pub fn new(words: &[OsString], apart: bool) -> Result<Held> {
        let (program, arguments) = words.split_first().context("there is no command to record")?;
        let name = program.to_string_lossy().into_owned();
        let failed = || format!("cannot start {name}");
        let (mut ready, is_ready) = io::pipe().with_context(failed)?;
        let (may_go, go) = io::pipe().with_context(failed)?;
        let mut command = Command::new(program);
        command.args(arguments);
        if apart {
            command.stdout(io::stderr());
        }
        let own = go.as_raw_fd();
        let hold = move || hold(&is_ready, &may_go, own);
        // SAFETY: between fork and exec `hold` only reads, writes and closes descriptors, and allocates nothing.
        unsafe { command.pre_exec(hold) };
        // `spawn` returns after exec, so it waits on a thread.
        let starting = std::thread::spawn(move || command.spawn());
        // No byte: the process could not be made, which the thread tells at the release.
        let _ = ready.read(&mut [0]);
        Ok(Held { name, go, starting })
    }

    /// Lets the command run; its end is told to `tell`.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn release(mut self, tell: Sender<Message>) -> Result<Running> {
        let failed = || format!("cannot start {}", self.name);
        // Nobody reads where the process could not be made: the thread tells why.
        let _ = self.go.write_all(&[1]);
        let started = self.starting.join().map_err(|_| anyhow!("{}", failed()))?;
        let mut child = started.map_err(|err| NotStarted {
            missing: err.kind() == ErrorKind::NotFound,
            said: format!("cannot start {}; name a program that is there: {err}", self.name),
        })?;
        let pid = Pid::from_raw(i32::try_from(child.id()).with_context(failed)?);
        std::thread::spawn(move || tell.send(Message::Ended(child.wait())));
        Ok(Running { pid })
    }
}

/// In the child, until the parent says go. Where the parent is gone, the child goes, too.
fn hold(mut is_ready: &PipeWriter, mut may_go: &PipeReader, own: i32) -> io::Result<()> {
    // Without this, the child would wait for itself if the parent dies.
    // SAFETY: the child's copy of the parent's end; nothing in the child uses it.
    unsafe { libc::close(own) };
    is_ready.write_all(&[1])?;
    loop {
        match may_go.read(&mut [0]) {
            Ok(1) => return Ok(()),
            Err(err) if err.kind() == ErrorKind::Interrupted => {}
            _ => return Err(io::Error::from_raw_os_error(libc::ECANCELED)),
        }
    }
}

/// A command that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct NotStarted {
    missing: bool,
    said: String,
}

impl NotStarted {
    /// The exit code that shells have for it: 127 where there is no such program, 126 where it is not one that can run.
    pub fn exit_code(&self) -> u8 {
        if self.missing { 127 } else { 126 }
    }
}

/// A command that runs.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    pid: Pid,
}

impl Running {
    /// Its process.
    pub fn pid(self) -> i32 {
        self.pid.as_raw()
    }

    /// Asks it to end, or with `force` ends it.
    pub fn end(self, force: bool) {
        let signal = if force { Signal::SIGKILL } else { Signal::SIGTERM };
        // It may have ended already.
        let _ = kill(self.pid, signal);
    }
}

/// The exit code to pass on: the command's own, or 128 and the signal that ended it, as shells have it.
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn a_command_does_nothing_before_its_release_and_its_end_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = format!("touch {}; exit 7", mark.display());
        let held = Held::new(&words(&["sh", "-c", &script]), false).unwrap();
        assert!(!mark.exists());
        let (tell, hear) = channel();
        held.release(tell).unwrap();
        let Message::Ended(status) = hear.recv().unwrap() else {
            panic!("it was not told")
        };
        assert_eq!(exit_code(status.unwrap()), 7);
        assert!(mark.exists());
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error_and_one_that_is_killed_has_its_signal() {
        let (tell, hear) = channel();
        let held = Held::new(&words(&["/nonexistent/program"]), false).unwrap();
        let said = format!("{:#}", held.release(tell.clone()).unwrap_err());
        assert!(
            said.contains("/nonexistent/program") && said.contains("No such file"),
            "{said}"
        );
        let running = Held::new(&words(&["sleep", "1000"]), false)
            .unwrap()
            .release(tell)
            .unwrap();
        running.end(false);
        let Message::Ended(status) = hear.recv().unwrap() else {
            panic!("it was not told")
        };
        assert_eq!(exit_code(status.unwrap()), 128 + 15);
    }
}
