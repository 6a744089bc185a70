// SPDX-License-Identifier: GPL-2.0-only
//! Programs that are started, watched and ended with all that they started themselves.

use super::Interrupted;
use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How often somebody who is waited for is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Of a log, what is read to find out why a program ended.
const TAIL_BYTES: u64 = 16 * 1024;
/// A reason is one line of a table.
const REASON_CHARS: usize = 200;

/// One command, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Where it runs.
    pub folder: PathBuf,
}

impl CommandLine {
    /// A command in a folder.
    pub fn new<W: Into<OsString>>(folder: &Path, words: impl IntoIterator<Item = W>) -> CommandLine {
        CommandLine {
            words: words.into_iter().map(Into::into).collect(),
            folder: folder.to_owned(),
        }
    }

    /// Starts it in a process group of its own, so that a Ctrl-C reaches only this program, which then ends all in
    /// order. What it prints goes to `log`.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn start(&self, log: &Path) -> Result<Child> {
        let name = self.words.first().cloned().unwrap_or_default();
        let output = std::fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let also = output
            .try_clone()
            .with_context(|| format!("cannot write {}", log.display()))?;
        Command::new(&name)
            .args(self.words.iter().skip(1))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(also)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", name.display()))
    }
}

/// How a command ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself, after so long.
    Alone(ExitStatus, Duration),
    /// It was ended, for there was no point any more.
    Pointless(String),
}

/// Runs a command to its end, unless `pointless` says why that is of no use any more.
///
/// # Errors
/// [`Interrupted`] on Ctrl-C; the command and all that it started is gone then.
pub fn run(
    command: &CommandLine,
    log: &Path,
    stop: &AtomicBool,
    mut pointless: impl FnMut() -> Option<String>,
) -> Result<Ended> {
    let start = Instant::now();
    let mut child = command.start(log)?;
    let group = Pid::from_raw(child.id().cast_signed());
    let (sender, receiver) = mpsc::channel();
    // The end is taken where it happens: looking for it ten times a second would cost a tenth of a second.
    let waiter = std::thread::spawn(move || {
        let status = child.wait();
        let _ = sender.send((status, start.elapsed()));
    });
    let ended = loop {
        match receiver.recv_timeout(LOOK) {
            Ok((status, took)) => {
                let status = status.context("cannot wait for a command")?;
                break Ok(Ended::Alone(status, took));
            }
            Err(_) if stop.load(Ordering::Relaxed) => break Err(Interrupted.into()),
            Err(_) => {
                if let Some(why) = pointless() {
                    break Ok(Ended::Pointless(why));
                }
            }
        }
    };
    if !matches!(ended, Ok(Ended::Alone(..))) {
        let _ = killpg(group, Signal::SIGKILL);
    }
    let _ = waiter.join();
    ended
}

/// Runs a command that has to succeed; how long it took.
///
/// # Errors
/// One sentence with the command's own last words; [`Interrupted`] on Ctrl-C.
pub fn succeed(command: &CommandLine, log: &Path, stop: &AtomicBool) -> Result<Duration> {
    match run(command, log, stop, || None)? {
        Ended::Alone(status, took) if status.success() => Ok(took),
        _ => anyhow::bail!(failure(command, log)),
    }
}

/// One sentence: which command failed, and its last words.
pub fn failure(command: &CommandLine, log: &Path) -> String {
    let words: Vec<_> = command.words.iter().map(|word| word.to_string_lossy()).collect();
    format!(
        "`{}` failed in {}: {}",
        words.join(" "),
        command.folder.display(),
        last_words(log)
    )
}

/// Why a program ended, as far as its log says.
pub fn last_words(log: &Path) -> String {
    let tail = || -> std::io::Result<String> {
        let mut file = std::fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    reason(&tail().unwrap_or_default())
}

/// The last line that speaks of an error, or else the last line.
fn reason(text: &str) -> String {
    let text = without_colours(text);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let speaks = |line: &&str| {
        let line = line.to_lowercase();
        [
            "error",
            "fatal",
            "panicked",
            "exit:",
            "scx_augur:",
            "cannot",
            "failed",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    let line = lines().rfind(speaks).or(lines().next_back());
    let line = line.unwrap_or("it said nothing");
    line.chars().take(REASON_CHARS).collect()
}

/// Without the escape sequences that colour a log.
fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '\x1b' => escaped = true,
            _ if escaped => escaped = !c.is_ascii_alphabetic(),
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> CommandLine {
        CommandLine::new(Path::new("/"), ["sh", "-c", script])
    }

    #[test]
    fn a_failure_has_the_commands_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let stop = AtomicBool::new(false);
        let err = succeed(
            &shell("echo begun; echo 'x.c:1: error: no' >&2; echo; exit 3"),
            &log,
            &stop,
        );
        let said = err.unwrap_err().to_string();
        assert!(said.ends_with("failed in /: x.c:1: error: no"), "{said}");
        succeed(&shell("true"), &log, &stop).unwrap();
    }

    #[test]
    fn who_is_pointless_or_interrupted_is_gone_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (log, pid) = (folder.path().join("log"), folder.path().join("pid"));
        let endless = shell(&format!("sleep 1000 & echo $! > {}; wait", pid.display()));
        let gone = || {
            let grandchild = std::fs::read_to_string(&pid).unwrap();
            let state = std::fs::read_to_string(format!("/proc/{}/stat", grandchild.trim()));
            // A zombie nobody waits for yet is gone as well.
            state.map_or(true, |state| state.contains(") Z"))
        };
        let settle = |what: &dyn Fn() -> bool| {
            (0..100).any(|_| {
                what() || {
                    std::thread::sleep(LOOK / 2);
                    false
                }
            })
        };
        let written = || std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n'));
        let why = || written().then(|| "no use".to_owned());
        let ended = run(&endless, &log, &AtomicBool::new(false), why).unwrap();
        assert!(matches!(ended, Ended::Pointless(why) if why == "no use"));
        assert!(settle(&gone));
        let err = run(&endless, &log, &AtomicBool::new(true), || None).unwrap_err();
        assert!(err.is::<Interrupted>());
    }

    #[test]
    fn the_reason_is_what_speaks_of_an_error() {
        assert_eq!(
            reason("a\n\x1b[31mError: EXIT: stall\x1b[0m\n\nbye\n"),
            "Error: EXIT: stall"
        );
        assert_eq!(reason("hello\nbye\n"), "bye");
        assert_eq!(reason(""), "it said nothing");
    }
}
