// SPDX-License-Identifier: GPL-2.0-only
//! The same benchmark by the same program in an emulated machine, for a host whose kernel has no sched_ext.
//!
//! The guest's half prints a line of JSON for each run as it ends, so that what was measured is here whatever becomes of
//! the guest.

use super::contender::{Contender, Kind};
use super::{Interrupted, child};
use crate::bench::report::Line;
use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

const SCRIPT: &str = "vm/vm";
/// What lies beside it in the source tree: other trees may have a `vm/vm`, too, which is not to be run.
const BESIDE: &str = "bpf/main.bpf.c";
/// Where things lie in the guest; commands run in its /root.
const PROGRAM: &str = "/bin/scx_augur";
const MODEL: &str = "/root/model_dir/augur";
const SOURCE: &str = "/root/source";
const PEERS: &str = "/root/schedulers";
/// Exit code of the script where the guest took too long.
const TIMED_OUT: i32 = 124;
const LOOK: Duration = Duration::from_millis(200);

/// What to run in which machine.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// A series or a version.
    pub kernel: String,
    /// As `vm/vm` writes it.
    pub topology: String,
    /// What the guest's clock counts: `host` or `instructions`.
    pub clock: String,
    /// The guest is ended after so long.
    pub timeout_s: u64,
    /// Arguments of `bench` but schedulers and source.
    pub arguments: Vec<OsString>,
    /// Who is measured.
    pub contenders: Vec<Contender>,
    /// The model of `+model`.
    pub model: PathBuf,
    /// A tree to put into the guest.
    pub source: Option<PathBuf>,
}

impl Order {
    /// Carries it out; `each` is told of each line.
    ///
    /// # Errors
    /// One sentence; [`Interrupted`] on Ctrl-C. What the guest said before has been told.
    pub fn carry_out(&self, scratch: &Path, stop: &AtomicBool, mut each: impl FnMut(Line)) -> Result<()> {
        let script = find_script()?;
        let words = self.words(&stripped(scratch, stop)?)?;
        have_image(&script, stop)?;
        // In a process group of its own: a Ctrl-C that it got twice would cut its tidying up short.
        let mut child = Command::new(script)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {SCRIPT}"))?;
        let output = child.stdout.take().context("the guest has no output")?;
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let (mut last, mut told) = (String::new(), false);
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(line) => match serde_json::from_str(&line) {
                    Ok(known) => each(known),
                    // What is said here about each line anyhow.
                    Err(_) if line.starts_with("bench: ") || line.starts_with("{\"summary\"") => (),
                    Err(_) => {
                        eprintln!("{line}");
                        last = line;
                    }
                },
                Err(RecvTimeoutError::Disconnected) => break,
                // It takes the guest down in order.
                Err(RecvTimeoutError::Timeout) if !told && stop.load(Ordering::Relaxed) => {
                    told = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).is_ok();
                }
                Err(RecvTimeoutError::Timeout) => (),
            }
        }
        let _ = reader.join();
        let status = child.wait().context("cannot wait for the guest")?;
        if stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        match status.code() {
            Some(0) => Ok(()),
            Some(TIMED_OUT) => bail!(
                "not all was measured in {} s, and the guest was ended; raise --timeout",
                self.timeout_s
            ),
            // The guest's half has said its one sentence.
            Some(code) if last.starts_with("scx_augur: ") => {
                bail!("the benchmark in the guest ended with exit code {code}, see above")
            }
            _ => bail!("the guest ended with {status}; what it said is above"),
        }
    }

    /// Arguments of `vm/vm`.
    fn words(&self, program: &Path) -> Result<Vec<OsString>> {
        let mut words: Vec<OsString> = ["run", "--kernel", &self.kernel, "--topology", &self.topology]
            .map(OsString::from)
            .to_vec();
        words.extend(["--clock".into(), OsString::from(&self.clock)]);
        words.extend(["--timeout".into(), self.timeout_s.to_string().into()]);
        words.extend(put(program, Path::new(PROGRAM))?);
        let mut contenders = self.contenders.clone();
        if wants_model(&contenders) {
            words.extend(put(&self.model, Path::new(MODEL))?);
        }
        if let Some(source) = &self.source {
            words.extend(put(source, Path::new(SOURCE))?);
        }
        for (index, contender) in contenders.iter_mut().enumerate() {
            if let Kind::Program(program) = &mut contender.kind {
                let name = program.file_name().context("a scheduler without a name")?;
                // Two may have the same name.
                let guest = Path::new(PEERS).join(index.to_string()).join(name);
                words.extend(put(program, &guest)?);
                *program = guest;
            }
        }
        words.extend(["--", PROGRAM, "bench"].map(OsString::from));
        words.extend(self.arguments.iter().cloned());
        words.push("--json".into());
        if self.source.is_some() {
            words.extend(["--source", SOURCE].map(OsString::from));
        }
        for contender in &contenders {
            words.extend(["--schedulers".into(), contender.spelling().into()]);
        }
        Ok(words)
    }
}

fn wants_model(contenders: &[Contender]) -> bool {
    contenders
        .iter()
        .any(|contender| matches!(contender.kind, Kind::Augur { model: true, .. }))
}

fn put(host: &Path, guest: &Path) -> Result<[OsString; 2]> {
    ensure!(
        host.exists(),
        "there is no {} to put into the guest",
        host.display()
    );
    let mut both = host.as_os_str().to_owned();
    both.push(":");
    both.push(guest);
    Ok(["--put".into(), both])
}

/// The script, from where the user is or from where this program lies.
fn find_script() -> Result<PathBuf> {
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    script_above(here.iter().chain(&program)).with_context(|| {
        format!("{SCRIPT} is not found from here; start this in the source tree of scx_augur")
    })
}

/// The script of the first source tree that one of the places lies in.
fn script_above<'a>(places: impl Iterator<Item = &'a PathBuf>) -> Option<PathBuf> {
    places
        .flat_map(|place| place.ancestors())
        .filter(|folder| folder.join(BESIDE).is_file())
        .map(|folder| folder.join(SCRIPT))
        .find(|script| script.is_file())
}

/// The guest's disk, which may have to be built first; then root's password may be asked for, at the terminal.
fn have_image(script: &Path, stop: &AtomicBool) -> Result<()> {
    let mut image = Command::new(script);
    let status = image.arg("image").stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {}", script.display()))?;
    if stop.load(Ordering::Relaxed) {
        return Err(Interrupted.into());
    }
    ensure!(
        status.success(),
        "there is no disk for the virtual machine, see above"
    );
    Ok(())
}

/// This program without its debug information, which is most of it: all goes through a serial port.
fn stripped(scratch: &Path, stop: &AtomicBool) -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let copy = scratch.join("scx_augur");
    let words: [OsString; 4] = [
        "strip".into(),
        "-o".into(),
        copy.clone().into(),
        program.clone().into(),
    ];
    let strip = child::CommandLine::new(scratch, words);
    match child::succeed(&strip, &scratch.join("strip.log"), stop) {
        Ok(_) => Ok(copy),
        Err(err) if err.is::<Interrupted>() => Err(err),
        Err(_) => Ok(program),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedulers_are_put_into_the_guest_and_named_as_they_lie_there() {
        let order = Order {
            kernel: "6.18".to_owned(),
            topology: "2x2".to_owned(),
            clock: "instructions".to_owned(),
            timeout_s: 60,
            arguments: vec!["compile".into()],
            contenders: Contender::parse_list("eevdf,/bin/sh:-x,other=/bin/sh", "").unwrap(),
            ..Order::default()
        };
        let words = order.words(Path::new("/bin/true")).unwrap();
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        let (vm, guest) = words.split_at(words.iter().position(|&word| word == "--").unwrap());
        let puts: Vec<&str> = vm.iter().copied().filter(|word| word.contains(':')).collect();
        assert_eq!(
            puts,
            [
                "/bin/true:/bin/scx_augur",
                "/bin/sh:/root/schedulers/1/sh",
                "/bin/sh:/root/schedulers/2/sh"
            ]
        );
        assert_eq!(
            guest.join(" "),
            "-- /bin/scx_augur bench compile --json --schedulers eevdf \
            --schedulers /root/schedulers/1/sh:-x --schedulers other=/root/schedulers/2/sh"
        );
    }

    #[test]
    fn the_script_is_that_of_the_source_tree_and_of_no_other() {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR"));
        let found = script_above([tree.join("target/debug/scx_augur")].iter());
        assert_eq!(found, Some(tree.join("vm/vm")));

        let other = tempfile::tempdir().unwrap();
        std::fs::create_dir(other.path().join("vm")).unwrap();
        std::fs::write(other.path().join("vm/vm"), "").unwrap();
        assert_eq!(script_above([other.path().join("target")].iter()), None);
    }

    #[test]
    fn a_model_that_is_wanted_has_to_be_there() {
        let order = Order {
            contenders: Contender::parse_list("augur+model", "").unwrap(),
            model: "/no/where".into(),
            ..Order::default()
        };
        let said = order.words(Path::new("/bin/true")).unwrap_err().to_string();
        assert!(said.contains("/no/where"), "{said}");
    }
}
