// SPDX-License-Identifier: GPL-2.0-only
//! Looks after a model's directory: loads what is there, then whatever changes.
//!
//! A directory that was refused for what is in it is not tried again before it changes. A trial that was too slow goes
//! on, and its late answer counts; what may have been the machine's doing is tried again at growing intervals, for ever.

use super::ModelOptions;
use super::canary::{self, Trial};
use super::guard::Guarded;
use super::pauses::Pauses;
use super::place::Place;
use augur_tensorflow::fault::Fault;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// The files whose change means a new model.
const WATCHED: [&str; 4] = [
    "manifest.json",
    "saved_model.pb",
    "variables/variables.index",
    "variables/variables.data-00000-of-00001",
];

/// What a directory looked like: size, inode and times of each watched file that is there.
type Stamp = [Option<(u64, u64, i64, i64, i64)>; WATCHED.len()];

fn stamp_of(directory: &Path) -> Stamp {
    WATCHED.map(|file| {
        let meta = std::fs::metadata(directory.join(file)).ok()?;
        Some((
            meta.size(),
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime_nsec(),
        ))
    })
}

/// Whether a directory changed and came to rest again (an export takes a moment), looked at now and then.
struct Stamps<'a> {
    directory: &'a Path,
    seen: Stamp,
    last: Stamp,
    looked_at: Instant,
}

impl<'a> Stamps<'a> {
    fn new(directory: &'a Path) -> Stamps<'a> {
        let seen = stamp_of(directory);
        Stamps {
            directory,
            seen,
            last: seen,
            looked_at: Instant::now(),
        }
    }

    fn changed(&mut self, poll: Duration) -> bool {
        if self.looked_at.elapsed() < poll {
            return false;
        }
        self.looked_at = Instant::now();
        let now = stamp_of(self.directory);
        let rests = now == self.last;
        self.last = now;
        rests && now != self.seen
    }
}

/// The watcher: loads what is there, then whatever changes, until the handle is gone.
pub(super) fn watch(options: &ModelOptions, found: &Sender<Result<Guarded, Fault>>, stopped: &Receiver<()>) {
    let place = Place {
        directory: options.directory.clone(),
        built_in: options.built_in,
    };
    let begin = || Trial::begin(&place, options.engine, options.canary_limit);
    let mut pauses = Pauses::new(options.retry);
    while let Some(changed) = watch_once(options, found, stopped, &mut pauses, &begin) {
        if changed {
            pauses.reset();
        }
    }
}

/// Tries out what is there and waits until there is a reason to do so again: whether the directory changed. `None`: the
/// handle is gone.
fn watch_once(
    options: &ModelOptions,
    found: &Sender<Result<Guarded, Fault>>,
    stopped: &Receiver<()>,
    pauses: &mut Pauses,
    begin: &impl Fn() -> Result<Trial, Fault>,
) -> Option<bool> {
    let mut stamps = Stamps::new(&options.directory);
    let mut again_at = None;
    let mut late = false;
    let (mut trial, mut answer) = match begin() {
        Ok(trial) => (Some(trial), None),
        Err(fault) => (None, Some(Err(fault))),
    };
    loop {
        if let Some(answer) = answer.take() {
            trial = None;
            let outcome = answer.and_then(|model| Guarded::new(model, options));
            let passes = outcome.as_ref().err().is_some_and(Fault::may_pass);
            again_at = passes.then(|| Instant::now() + pauses.next());
            found.send(outcome).ok()?;
        }
        if let Some(fault) = trial.as_mut().and_then(Trial::overdue)
            && !std::mem::replace(&mut late, true)
        {
            found.send(Err(fault)).ok()?;
        }
        if again_at.is_some_and(|at| Instant::now() >= at) {
            return Some(false);
        }
        if stamps.changed(options.poll) {
            return Some(true);
        }
        // While a model is tried out, its answer is waited for, and the handle is looked at in between.
        let mut rest = options.poll;
        if let Some(trial) = &trial {
            answer = match trial.answer().recv_timeout(trial.pause().min(options.poll)) {
                Ok(answer) => Some(answer),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err(canary::panicked())),
            };
            rest = Duration::ZERO;
        }
        if stopped.recv_timeout(rest) != Err(RecvTimeoutError::Timeout) {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::canary::Checked;
    use crate::model::manifest::MANIFEST_FILE;
    use crate::model::manifest::tests::right;
    use crate::model::watched::tests::burn;
    use crate::model::{Constant, Engine, Manifest};
    use std::cell::Cell;
    use std::sync::mpsc::channel;

    /// The labels of what a watcher told whose trials do this, in turn, until it told so many things.
    fn told(count: usize, works: &[fn() -> Result<Checked, Fault>]) -> (Vec<&'static str>, usize) {
        let (found, news) = channel();
        let (stop, stopped) = channel::<()>();
        let directory = tempfile::tempdir().unwrap();
        let options = ModelOptions {
            directory: directory.path().into(),
            retry: Duration::from_millis(1),
            poll: Duration::from_millis(5),
            ..ModelOptions::default()
        };
        let tries = Cell::new(0);
        let begin = || {
            tries.set(tries.get() + 1);
            Trial::of(
                Duration::from_millis(50),
                works[(tries.get() - 1).min(works.len() - 1)],
            )
        };
        let mut pauses = Pauses::new(options.retry);
        let labels = std::thread::scope(|scope| {
            let listener = scope.spawn(move || {
                // As the handle does, it ends the watcher when it goes.
                let _handle = stop;
                let heard = news.iter().take(count);
                heard
                    .map(|told: Result<Guarded, Fault>| told.map_or_else(|fault| fault.label(), |_| "passed"))
                    .collect()
            });
            while watch_once(&options, &found, &stopped, &mut pauses, &begin).is_some() {}
            listener.join().unwrap()
        });
        (labels, tries.get())
    }

    fn passes() -> Result<Checked, Fault> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(MANIFEST_FILE), right().to_string()).unwrap();
        Ok(Checked {
            manifest: Manifest::read(directory.path())?.into(),
            predictor: Box::new(Constant::STAY),
            engine: Engine::Twin,
        })
    }

    fn busy() -> Result<Checked, Fault> {
        Err(Fault::Failed {
            cause: "cannot start a thread".into(),
        })
    }

    #[test]
    fn what_was_too_slow_decides_once_it_answers_though_nothing_changes() {
        let (labels, tries) = told(
            2,
            &[|| {
                burn(Duration::from_millis(150));
                passes()
            }],
        );
        assert_eq!((labels, tries), (vec!["hangs", "passed"], 1));
    }

    #[test]
    fn what_the_machine_may_have_spoilt_is_tried_again_for_ever() {
        let (labels, tries) = told(5, &[busy, busy, busy, busy, passes]);
        assert_eq!(labels, ["failed", "failed", "failed", "failed", "passed"]);
        assert_eq!(tries, 5);
    }
}
