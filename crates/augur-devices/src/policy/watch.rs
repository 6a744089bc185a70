// SPDX-License-Identifier: GPL-2.0-only
//! Whether what was learned still holds: detectors on a learner's inputs and on its error, and what was noticed.

use crate::model::detect::{Detector, Kind, Signal};
use crate::workload::{Task, generator};
use serde::Serialize;

/// The most notices that are kept of a run; later ones are only counted.
const MOST_NOTICES: usize = 4096;

/// The error, as a source of drift.
const ERROR: &str = "error";

/// What happened to a policy that watches itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// What is watched is no longer as it was.
    Drift {
        /// The task's feature, or `error`.
        source: &'static str,
        /// Who says so.
        detector: Kind,
    },
    /// From now on a rule decides instead of the model.
    FellBack {
        /// Which.
        rule: &'static str,
    },
    /// The model was trained again, on what came since.
    Retrained {
        /// On so many tasks.
        rows: u64,
    },
    /// The model decides again.
    CameBack,
}

/// An event, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The number of the task that had just been done.
    pub task: u64,
    /// When that task had come.
    pub arrival_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// All that was noticed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notices {
    /// The first ones, in order.
    pub all: Vec<Notice>,
    /// Those for which there was no room.
    pub dropped: u64,
}

impl Notices {
    /// Adds one, about the moment when this task was done.
    pub fn push(&mut self, task: &Task, event: Event) {
        if self.all.len() == MOST_NOTICES {
            self.dropped += 1;
            return;
        }
        self.all.push(Notice {
            task: task.number,
            arrival_ns: task.arrival_ns,
            event,
        });
    }
}

/// A feature's stream, brought to 0..=1 by the range that the model learned from.
struct Input {
    name: &'static str,
    of: fn(&Task) -> f64,
    range: [f64; 2],
    detector: Box<dyn Detector>,
}

impl Input {
    fn scaled(&self, task: &Task) -> f64 {
        let [from, to] = self.range;
        let value = (self.of)(task);
        if to > from {
            ((value - from) / (to - from)).clamp(0.0, 1.0)
        } else {
            0.5 + 0.5 * f64::from(i8::from(value > to) - i8::from(value < from))
        }
    }
}

/// Detectors of one kind. [`Kind::Ddm`] watches the error alone, for it takes nothing but right and wrong.
pub struct Watch {
    kind: Kind,
    ranges: [[f64; 2]; 3],
    wrong_above: f64,
    inputs: Vec<Input>,
    error: Option<Box<dyn Detector>>,
}

impl Watch {
    /// Watches for whatever differs from this workload; an error above `wrong_above` is wrong to who asks for right or wrong.
    pub fn new(kind: Kind, workload: &generator::Settings, wrong_above: f64) -> Watch {
        let mut watch = Watch {
            kind,
            ranges: [workload.size, workload.intensity, workload.memory_mb],
            wrong_above,
            inputs: Vec::new(),
            error: None,
        };
        watch.restart();
        watch
    }

    /// Forgets what it saw: what is new is what it expects from now on.
    pub fn restart(&mut self) {
        type Feature = (&'static str, fn(&Task) -> f64);
        let features: [Feature; 3] = [
            ("size", |task| task.size),
            ("compute_intensity", |task| task.intensity),
            ("memory_required", |task| task.memory_mb),
        ];
        self.error = self.kind.detector();
        self.inputs.clear();
        if self.kind == Kind::Ddm {
            return;
        }
        for ((name, of), range) in features.into_iter().zip(self.ranges) {
            self.inputs.extend(self.kind.detector().map(|detector| Input {
                name,
                of,
                range,
                detector,
            }));
        }
    }

    /// Takes a task that was done, and the model's error on it (0: none, 1 and more: useless). Where something drifts: what,
    /// and since how many tasks. An error that becomes less is no drift.
    pub fn observe(&mut self, task: &Task, error: f64) -> Option<(Event, u64)> {
        let mut found = None;
        for input in &mut self.inputs {
            let value = input.scaled(task);
            if let Signal::Drift { since, .. } = input.detector.observe(value) {
                found = Some((input.name, since));
            }
        }
        let error = match self.kind {
            Kind::Ddm => f64::from(u8::from(error > self.wrong_above)),
            _ => error.clamp(0.0, 1.0),
        };
        if let Some(detector) = &mut self.error
            && let Signal::Drift { since, rose: true } = detector.observe(error)
        {
            found = Some((ERROR, since));
        }
        found.map(|(source, since)| {
            let detector = self.kind;
            (Event::Drift { source, detector }, since)
        })
    }
}
