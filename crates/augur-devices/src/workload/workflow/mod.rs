// SPDX-License-Identifier: GPL-2.0-only
//! Workflows as other tools write them, as graphs of tasks on devices.
//!
//! ```text
//! wfcommons  JSON of WfCommons (wfformat 1.0 to 1.5)    dax  XML of Pegasus    dot  Graphviz
//! ```
//! None of them says what a task takes on which device. What they say is one figure, seconds or operations, and how many
//! bytes go from task to task; [`Site`] makes times and transfers of it.

pub mod dax;
pub mod dot;
pub mod wfcommons;

use super::Graph;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{HashMap, HashSet};

/// The most dependencies: memory is bounded.
const MOST_EDGES: usize = 5_000_000;

/// Who writes so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The JSON of this program, with a time for each device.
    Own,
    /// WfCommons.
    WfCommons,
    /// Pegasus.
    Dax,
    /// Graphviz.
    Dot,
}

impl Format {
    /// Names on the command line.
    pub const NAMES: [&str; 4] = ["json", "wfcommons", "dax", "dot"];

    /// The format of that name.
    pub fn by_name(name: &str) -> Option<Format> {
        let all = [Format::Own, Format::WfCommons, Format::Dax, Format::Dot];
        let at = Format::NAMES.iter().position(|other| *other == name)?;
        all.get(at).copied()
    }

    /// What a text seems to be, by its first words; JSON by its names.
    pub fn of(text: &str) -> Option<Format> {
        #[derive(Deserialize)]
        struct Probe {
            workflow: Option<IgnoredAny>,
        }
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.chars().next()? {
            '{' | '[' => {
                let probe = serde_json::from_str::<Probe>(text).ok();
                let workflow = probe.and_then(|probe| probe.workflow).is_some();
                Some(if workflow { Format::WfCommons } else { Format::Own })
            }
            '<' => Some(Format::Dax),
            _ => dot::begins(text).then_some(Format::Dot),
        }
    }
}

/// Tasks, what they take, and what goes from one to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workflow {
    /// In the order of the file.
    pub tasks: Vec<Step>,
    /// Who waits for whom: from, to, bytes.
    pub edges: Vec<Flow>,
    /// What was taken for something simpler than it is: one sentence each.
    pub notes: Vec<String>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name, each another.
    pub id: String,
    /// What it takes: seconds on a device of speed 1, or operations.
    pub work: f64,
}

/// A dependency.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The task that goes first, by its place.
    pub from: usize,
    /// The one that waits.
    pub to: usize,
    /// What goes between them.
    pub bytes: f64,
}

/// The devices that a workflow shall run on.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// How much of a task's work each does a second.
    pub speeds: Vec<f64>,
    /// Between any two of them.
    pub bandwidth_mb_per_s: f64,
}

impl Default for Site {
    fn default() -> Self {
        Site {
            speeds: vec![1.0; 4],
            bandwidth_mb_per_s: 125.0,
        }
    }
}

impl Site {
    /// Reads speeds, `1,1,0.5`.
    ///
    /// # Errors
    /// One sentence that names the one that cannot be.
    pub fn speeds(text: &str) -> Result<Vec<f64>> {
        let speed = |word: &str| -> Result<f64> {
            let speed = word.trim().parse().ok();
            speed
                .filter(|speed: &f64| *speed > 0.0 && speed.is_finite())
                .with_context(|| format!("the speed '{word}' is not a number above 0"))
        };
        text.split(',').map(speed).collect()
    }
}

impl Workflow {
    /// Reads a workflow.
    ///
    /// # Errors
    /// One sentence that names the place: the line, the task or the edge.
    pub fn read(text: &str, format: Format) -> Result<Workflow> {
        let text = text.trim_start_matches('\u{feff}');
        let workflow = match format {
            Format::Own => bail!("this program's own JSON has times for its devices already"),
            Format::WfCommons => wfcommons::read(text),
            Format::Dax => dax::read(text),
            Format::Dot => dot::read(text),
        }?;
        ensure!(
            !workflow.tasks.is_empty(),
            "there are no tasks in it; give at least one"
        );
        Ok(workflow)
    }

    /// The graph that list schedulers take: times in seconds.
    ///
    /// # Errors
    /// One sentence: a circle, a task that is there twice.
    pub fn graph(&self, site: &Site) -> Result<Graph> {
        let devices = (1..=site.speeds.len())
            .map(|number| format!("P{number}"))
            .collect();
        let tasks = self.tasks.iter().map(|task| {
            let times = site.speeds.iter().map(|speed| task.work / speed).collect();
            (task.id.clone(), 0.0, times)
        });
        let name = |task: usize| self.tasks[task].id.clone();
        let edges: Vec<(String, String, f64)> = self
            .edges
            .iter()
            .map(|edge| {
                let transfer_s = edge.bytes / 1e6 / site.bandwidth_mb_per_s;
                (name(edge.from), name(edge.to), transfer_s)
            })
            .collect();
        Graph::new(devices, tasks.collect(), &edges)
    }
}

/// Gathers a workflow whose tasks name files and each other.
#[derive(Default)]
struct Gathered {
    steps: Vec<Step>,
    /// Tasks by their names and by whatever else they are called.
    places: HashMap<String, usize>,
    /// Of each task: what it reads and its size, and what it writes.
    inputs: Vec<Vec<(String, f64)>>,
    outputs: Vec<HashSet<String>>,
    edges: Vec<(usize, usize)>,
    known: HashSet<(usize, usize)>,
}

impl Gathered {
    /// A task with its files.
    fn task(
        &mut self,
        id: String,
        work: f64,
        inputs: Vec<(String, f64)>,
        outputs: HashSet<String>,
    ) -> Result<usize> {
        let place = self.steps.len();
        ensure!(
            self.places.insert(id.clone(), place).is_none(),
            "task '{id}' is there twice"
        );
        ensure!(
            work >= 0.0 && work.is_finite(),
            "task '{id}' has the runtime {work}; it must be 0 or more"
        );
        if let Some((file, size)) = inputs
            .iter()
            .find(|(_, size)| !(*size >= 0.0 && size.is_finite()))
        {
            bail!("task '{id}' reads '{file}' of {size} bytes; it must be 0 or more");
        }
        self.steps.push(Step { id, work });
        self.inputs.push(inputs);
        self.outputs.push(outputs);
        Ok(place)
    }

    /// A dependency, said once or from both sides.
    fn edge(&mut self, from: usize, to: usize) -> Result<()> {
        ensure!(from != to, "task '{}' depends on itself", self.steps[from].id);
        if self.known.insert((from, to)) {
            ensure!(
                self.edges.len() < MOST_EDGES,
                "there are more than {MOST_EDGES} dependencies"
            );
            self.edges.push((from, to));
        }
        Ok(())
    }

    /// Where a task is that another one names.
    fn place(&self, name: &str, by: &str) -> Result<usize> {
        let place = self.places.get(name).copied();
        place.with_context(|| format!("task '{by}' names task '{name}', which is not there"))
    }

    /// What goes along a dependency is what the first task writes and the second one reads.
    fn finish(self, notes: Vec<String>) -> Workflow {
        let bytes = |from: usize, to: usize| {
            let written = &self.outputs[from];
            let read = self.inputs[to].iter();
            read.filter(|(file, _)| written.contains(file))
                .map(|(_, size)| size)
                .sum()
        };
        let edges = self.edges.iter().map(|&(from, to)| Flow {
            from,
            to,
            bytes: bytes(from, to),
        });
        Workflow {
            edges: edges.collect(),
            tasks: self.steps,
            notes,
        }
    }
}
