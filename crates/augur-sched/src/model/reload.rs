// SPDX-License-Identifier: GPL-2.0-only
//! A model that is loaded, watched and exchanged in the background; the daemon asks it and never waits for it.
//!
//! ```text
//! watcher thread ──(new model or refusal)──▶ ModelHandle ──(rows)──▶ guard's worker thread
//! ```
//! A new model is loaded and tried out aside, by the `watcher`; the old one serves until it passed.

use super::contract::FeatureRow;
use super::guard::Guarded;
use super::{Engine, ModelOptions, Predictor, watcher};
use augur_tensorflow::fault::Fault;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Something that happened to the model: one log line, one counter.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// The first model passed and serves.
    Loaded {
        /// Its name.
        name: String,
    },
    /// A new model passed and serves from now on.
    Reloaded {
        /// Its name.
        name: String,
    },
    /// A model was refused; the old one, where there is one, goes on.
    Refused {
        /// Why.
        fault: Fault,
    },
    /// The serving model failed too often.
    OutOfService {
        /// Why.
        fault: Fault,
    },
}

impl ModelEvent {
    /// A short, stable name for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Loaded { .. } => "loaded",
            Self::Reloaded { .. } => "reloaded",
            Self::Refused { .. } => "refused",
            Self::OutOfService { .. } => "out_of_service",
        }
    }
}

impl fmt::Display for ModelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded { name } => write!(f, "model `{name}` passed its checks and decides"),
            Self::Reloaded { name } => {
                write!(f, "new model `{name}` passed its checks and decides from now on")
            }
            Self::Refused { fault } => write!(f, "model refused: {fault}"),
            Self::OutOfService { fault } => write!(f, "the heuristic decides: {fault}"),
        }
    }
}

/// Starts models.
pub struct ModelSource;

impl ModelSource {
    /// Starts to load and watch `options.directory` in the background; returns at once.
    ///
    /// # Errors
    /// [`Fault::Failed`] when the thread cannot be started.
    pub fn spawn(options: ModelOptions) -> Result<ModelHandle, Fault> {
        let (found, news) = channel();
        let (stop, stopped) = channel();
        let for_watcher = options.clone();
        std::thread::Builder::new()
            .name("augur-reload".into())
            .spawn(move || watcher::watch(&for_watcher, &found, &stopped))
            .map_err(|err| Fault::Failed {
                cause: format!("cannot start a thread: {err}"),
            })?;
        Ok(ModelHandle {
            model: Err(Fault::Loading),
            news,
            events: Vec::new(),
            _stop: Some(stop),
        })
    }

    /// No model: every batch gives [`Fault::Off`].
    pub fn off() -> ModelHandle {
        ModelHandle {
            model: Err(Fault::Off),
            news: channel().1,
            events: Vec::new(),
            _stop: None,
        }
    }

    /// A fixed predictor behind the same guard, never reloaded.
    ///
    /// # Errors
    /// [`Fault::Failed`] when the thread cannot be started.
    pub fn fixed(predictor: Box<dyn Predictor>, options: &ModelOptions) -> Result<ModelHandle, Fault> {
        let model = Guarded::around(predictor, None, options)?;
        Ok(ModelHandle {
            model: Ok(model),
            ..Self::off()
        })
    }
}

/// The daemon's end: asks the model that serves now.
pub struct ModelHandle {
    /// The one that serves, or why none does.
    model: Result<Guarded, Fault>,
    news: Receiver<Result<Guarded, Fault>>,
    events: Vec<ModelEvent>,
    /// Dropped with the handle, which ends the watcher.
    _stop: Option<Sender<()>>,
}

impl ModelHandle {
    /// Scores every row into `scores` (cleared first; empty after a fault). Waits at most the batch limit.
    ///
    /// # Errors
    /// Why the heuristic has to decide this round.
    pub fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        self.take_news();
        scores.clear();
        let guarded = match &mut self.model {
            Ok(guarded) => guarded,
            Err(fault) => return Err(fault.clone()),
        };
        let served = !guarded.is_out_of_service();
        let outcome = guarded.score(rows, scores);
        if let (true, true, Err(fault)) = (served, guarded.is_out_of_service(), &outcome) {
            self.events
                .push(ModelEvent::OutOfService { fault: fault.clone() });
        }
        outcome
    }

    /// What happened since the last call, oldest first. Never waits.
    pub fn poll_events(&mut self) -> Vec<ModelEvent> {
        self.take_news();
        std::mem::take(&mut self.events)
    }

    /// Waits until the first load has ended, or `limit`; what happened until then.
    pub fn wait_loaded(&mut self, limit: Duration) -> Vec<ModelEvent> {
        let end = Instant::now() + limit;
        while matches!(self.model, Err(Fault::Loading)) {
            match self
                .news
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(news) => self.take(news),
                Err(_) => break,
            }
        }
        self.poll_events()
    }

    /// The serving model's name.
    pub fn name(&self) -> Option<&str> {
        self.model.as_ref().ok().map(Guarded::name)
    }

    /// What runs the serving model, where that is known.
    pub fn engine(&self) -> Option<Engine> {
        self.model.as_ref().ok().and_then(Guarded::engine)
    }

    fn take_news(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            self.take(news);
        }
    }

    fn take(&mut self, news: Result<Guarded, Fault>) {
        let event = match (news, &mut self.model) {
            (Ok(guarded), model) => {
                let name = guarded.name().to_owned();
                let first = model.is_err();
                *model = Ok(guarded);
                if first {
                    ModelEvent::Loaded { name }
                } else {
                    ModelEvent::Reloaded { name }
                }
            }
            (Err(fault), Ok(_)) => ModelEvent::Refused { fault },
            (Err(fault), Err(why)) => {
                *why = fault.clone();
                ModelEvent::Refused { fault }
            }
        };
        self.events.push(event);
    }
}

/// A policy may hold the handle as its predictor.
impl Predictor for ModelHandle {
    fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
        self.score(rows, scores)
    }

    fn name(&self) -> &str {
        self.name().unwrap_or("none")
    }

    fn threshold(&self) -> f32 {
        self.model.as_ref().map_or(f32::INFINITY, Guarded::threshold)
    }

    fn steal_threshold(&self) -> f32 {
        self.model
            .as_ref()
            .map_or(f32::INFINITY, Guarded::steal_threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FEATURE_COUNT;
    use crate::model::manifest::MANIFEST_FILE;
    use crate::model::manifest::tests::right;
    use tempfile::TempDir;

    const PATIENT: Duration = Duration::from_secs(20);

    /// A model directory whose manifest has this name.
    fn directory(name: &str) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        rename_model(&directory, name);
        directory
    }

    fn rename_model(directory: &TempDir, name: &str) {
        let mut manifest = right();
        manifest["name"] = name.into();
        std::fs::write(directory.path().join(MANIFEST_FILE), manifest.to_string()).unwrap();
    }

    fn spawn(directory: &TempDir) -> ModelHandle {
        let options = ModelOptions {
            directory: directory.path().into(),
            engine: Engine::Twin,
            poll: Duration::from_millis(20),
            batch_limit: PATIENT,
            canary_limit: PATIENT,
            ..ModelOptions::default()
        };
        ModelSource::spawn(options).unwrap()
    }

    fn next_event(handle: &mut ModelHandle) -> ModelEvent {
        let end = Instant::now() + PATIENT;
        loop {
            match handle.poll_events().as_slice() {
                [] if Instant::now() < end => std::thread::sleep(Duration::from_millis(5)),
                events => break events.first().expect("nothing happened").clone(),
            }
        }
    }

    fn score(handle: &mut ModelHandle) -> Result<f32, &'static str> {
        let mut scores = Vec::new();
        handle
            .score(&[[0.5; FEATURE_COUNT]], &mut scores)
            .map_err(|fault| fault.label())?;
        Ok(scores[0])
    }

    #[test]
    fn a_new_model_takes_over_and_a_bad_one_does_not() {
        let directory = directory("first");
        let mut handle = spawn(&directory);
        assert_eq!(
            handle.wait_loaded(PATIENT),
            [ModelEvent::Loaded { name: "first".into() }]
        );
        let before = score(&mut handle);
        assert!(before.is_ok(), "{before:?}");
        std::fs::write(directory.path().join(MANIFEST_FILE), "{").unwrap();
        assert_eq!(next_event(&mut handle).label(), "refused");
        assert_eq!(
            (score(&mut handle), handle.name()),
            (before, Some("first")),
            "the old one goes on"
        );
        rename_model(&directory, "second");
        assert_eq!(
            next_event(&mut handle),
            ModelEvent::Reloaded {
                name: "second".into()
            }
        );
        assert_eq!(handle.name(), Some("second"));
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_picked_up_later_and_not_complained_about_twice() {
        let directory = tempfile::tempdir().unwrap();
        let mut handle = spawn(&directory);
        let events = handle.wait_loaded(PATIENT);
        assert!(
            matches!(
                events.as_slice(),
                [ModelEvent::Refused {
                    fault: Fault::Missing { .. }
                }]
            ),
            "{events:?}"
        );
        assert_eq!(score(&mut handle), Err("missing"));
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(handle.poll_events(), []);
        rename_model(&directory, "late");
        assert_eq!(
            next_event(&mut handle),
            ModelEvent::Loaded { name: "late".into() }
        );
    }

    #[test]
    fn without_a_model_every_batch_says_why() {
        assert_eq!(score(&mut ModelSource::off()), Err("off"));
    }

    #[test]
    fn leaving_service_is_told_once() {
        struct Nan;
        impl Predictor for Nan {
            fn score(&mut self, rows: &[FeatureRow], scores: &mut Vec<f32>) -> Result<(), Fault> {
                scores.clear();
                scores.resize(rows.len(), f32::NAN);
                Ok(())
            }
            fn name(&self) -> &str {
                "nan"
            }
            fn threshold(&self) -> f32 {
                0.5
            }
        }
        let options = ModelOptions {
            batch_limit: PATIENT,
            ..ModelOptions::default()
        };
        let mut handle = ModelSource::fixed(Box::new(Nan), &options).unwrap();
        let labels: Vec<_> = (0..5).map(|_| score(&mut handle).unwrap_err()).collect();
        assert_eq!(
            labels,
            [
                "not_finite",
                "not_finite",
                "not_finite",
                "out_of_service",
                "out_of_service"
            ]
        );
        let events = handle.poll_events();
        assert_eq!(
            events.iter().map(ModelEvent::label).collect::<Vec<_>>(),
            ["out_of_service"]
        );
    }
}
