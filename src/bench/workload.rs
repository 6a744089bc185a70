// SPDX-License-Identifier: GPL-2.0-only
//! Work to measure: what makes everything ready, and the one command whose time counts.

use super::child::{self, CommandLine, Ended};
use super::project;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Where the virtual machine's image has a kernel tree that is ready to compile, and a script that does.
pub const KBUILD: &str = "/opt/kbuild";
/// Messages of every sender in hackbench.
const LOOPS: u32 = 100;

/// Some work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name in tables.
    pub name: String,
    /// So much of it at a time.
    pub jobs: usize,
    /// Takes away what the last run made.
    pub clean: Clean,
    /// What comes before the run and does not count.
    pub prepare: Vec<CommandLine>,
    /// The run.
    pub timed: CommandLine,
}

/// How the last run's results go away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clean {
    /// There are none, or the run itself does it.
    Nothing,
    /// By a command.
    Command(CommandLine),
    /// What a compiler left below a folder.
    Objects(PathBuf),
}

impl Workload {
    /// A parallel compile: of a folder with a Makefile; else what the virtual machine's image has; else of a C project
    /// that is made in `scratch`.
    ///
    /// # Errors
    /// One sentence where the folder is of no use.
    pub fn compile(source: Option<&Path>, jobs: usize, scratch: &Path) -> Result<Workload> {
        let script = Path::new(KBUILD).join("compile");
        let Some(source) = source else {
            if !script.is_file() {
                return project::make(scratch, jobs);
            }
            return Ok(Workload {
                name: "compile: 26 objects of a kernel".to_owned(),
                jobs,
                clean: Clean::Nothing,
                prepare: Vec::new(),
                timed: CommandLine::new(
                    Path::new(KBUILD),
                    [script.into_os_string(), jobs.to_string().into()],
                ),
            });
        };
        ensure!(
            ["Makefile", "makefile", "GNUmakefile"]
                .iter()
                .any(|name| source.join(name).is_file()),
            "{} has no Makefile; name a folder with one",
            source.display()
        );
        Ok(Workload {
            name: format!("compile: make in {}", source.display()),
            jobs,
            clean: Clean::Command(CommandLine::new(source, ["make", "-s", "clean"])),
            prepare: Vec::new(),
            timed: CommandLine::new(source, ["make".to_owned(), "-s".to_owned(), format!("-j{jobs}")]),
        })
    }

    /// Groups of 20 senders and 20 receivers that pass messages: nothing but wakeups.
    pub fn hackbench(jobs: usize) -> Workload {
        let (groups, loops) = (jobs.to_string(), LOOPS.to_string());
        Workload {
            name: format!("hackbench: groups of 40 tasks, {loops} messages of each sender to each receiver"),
            jobs,
            clean: Clean::Nothing,
            prepare: Vec::new(),
            timed: CommandLine::new(Path::new("/"), ["hackbench", "-g", &groups, "-l", &loops]),
        }
    }

    /// Makes everything ready for a run.
    ///
    /// # Errors
    /// One sentence where that fails; [`super::Interrupted`] on Ctrl-C.
    pub fn make_ready(&self, log: &Path, stop: &AtomicBool) -> Result<()> {
        match &self.clean {
            Clean::Nothing => (),
            Clean::Command(command) => {
                // The first time there may be nothing that could be cleaned.
                child::run(command, log, stop, || None)?;
            }
            Clean::Objects(folder) => remove_objects(folder)
                .with_context(|| format!("cannot remove the objects in {}", folder.display()))?,
        }
        for command in &self.prepare {
            child::succeed(command, log, stop)?;
        }
        Ok(())
    }

    /// Runs it; how long it took, or why it was `pointless` to go on.
    ///
    /// # Errors
    /// One sentence where it fails; [`super::Interrupted`] on Ctrl-C.
    pub fn run(
        &self,
        log: &Path,
        stop: &AtomicBool,
        pointless: impl FnMut() -> Option<String>,
    ) -> Result<Result<Duration, String>> {
        match child::run(&self.timed, log, stop, pointless)? {
            Ended::Pointless(why) => Ok(Err(why)),
            Ended::Alone(status, took) => {
                ensure!(status.success(), child::failure(&self.timed, log));
                Ok(Ok(took))
            }
        }
    }
}

/// Objects, archives and what make remembers of them; programs that were made to build others stay.
fn remove_objects(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() {
            remove_objects(&path)?;
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if [".o", ".a", ".o.cmd", ".a.cmd"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_compiles_and_is_clean_again() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        let log = folder.path().join("log");
        let stop = AtomicBool::new(false);
        let objects = || {
            let entries = fs::read_dir(&project).unwrap();
            entries
                .filter(|entry| {
                    entry
                        .as_ref()
                        .unwrap()
                        .path()
                        .extension()
                        .is_some_and(|end| end == "o")
                })
                .count()
        };
        let workload = project::make(&project, 2).unwrap();
        workload.run(&log, &stop, || None).unwrap().unwrap();
        assert_eq!(objects(), 32);
        workload.make_ready(&log, &stop).unwrap();
        assert_eq!(objects(), 0);
        assert!(project.join("unit_00.c").exists());
    }

    #[test]
    fn a_folder_without_a_makefile_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let said = Workload::compile(Some(folder.path()), 1, folder.path()).unwrap_err();
        assert!(said.to_string().contains("has no Makefile"), "{said}");
    }
}
