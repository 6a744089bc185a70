// SPDX-License-Identifier: GPL-2.0-only
//! Tasks as they arrive, drawn one batch after the other: the same for a seed whoever schedules them, and with memory for
//! one batch.

use super::drift::Drift;
use super::physics::Physics;
use super::service::exponential;
use super::task::{Batch, MOST_PARENTS, Parents, Task};
use anyhow::{Result, ensure};
use augur_base::bounds::{self, COUNT, POSITIVE, Setting};
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// The generator of all draws.
type Draws = rand::rngs::Xoshiro256PlusPlus;

/// The most tasks of a graph.
const MOST_PER_GRAPH: usize = 1000;
/// Sets the generator of true values apart from that of the features, which has the same seed.
const TRUTH: u64 = 0xd1b5_4a32_d192_ed03;

/// What tasks come, and how often.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many tasks.
    pub tasks: u64,
    /// Tasks a second; batches come as a Poisson stream.
    pub rate_per_s: f64,
    /// The size N, evenly between these.
    pub size: [f64; 2],
    /// The intensity I, evenly between these.
    pub intensity: [f64; 2],
    /// The memory M, evenly between these.
    pub memory_mb: [f64; 2],
    /// Tasks that come together as a graph; 1: each alone.
    pub tasks_per_graph: usize,
    /// The most parents of a task of a graph, drawn from 0 or, behind the first task, 1 on.
    pub parents_most: usize,
    /// The deadline, in durations on a CPU after the arrival of the task, evenly between these.
    pub deadline_durations: [f64; 2],
    /// Priorities are 0 to one less than this.
    pub priorities: u8,
    /// Durations scatter by this share of themselves (the standard deviation of a lognormal factor).
    pub noise: f64,
    /// A control: durations are those of other tasks, so that features tell nothing.
    pub shuffled: bool,
    /// What changes on the way, and when.
    pub drift: Drift,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            tasks: 2_000,
            rate_per_s: 100.0,
            size: [100.0, 5000.0],
            intensity: [0.0, 1.0],
            memory_mb: [10.0, 500.0],
            tasks_per_graph: 1,
            parents_most: 3,
            deadline_durations: [2.0, 6.0],
            priorities: 5,
            noise: 0.0,
            shuffled: false,
            drift: Drift::default(),
        }
    }
}

const SETTINGS: [Setting<'_>; 6] = [
    ("", "/tasks", COUNT),
    ("", "/rate_per_s", POSITIVE),
    ("", "/tasks_per_graph", 1.0..=MOST_PER_GRAPH as f64),
    ("", "/parents_most", 0.0..=MOST_PARENTS as f64),
    ("", "/priorities", COUNT),
    ("", "/noise", 0.0..=10.0),
];

impl Settings {
    /// Whether every setting can be.
    ///
    /// # Errors
    /// One sentence that names the one that cannot.
    pub fn check(&self) -> Result<()> {
        bounds::check("workload", self, &SETTINGS)?;
        if self.drift.rate_per_s.is_some() {
            bounds::check("workload", self, &[("", "/drift/rate_per_s", POSITIVE)])?;
        }
        let drift = |range: Option<[f64; 2]>| range.unwrap_or_default();
        let ranges = [
            ("size", self.size, 1e9),
            ("intensity", self.intensity, 1.0),
            ("memory_mb", self.memory_mb, 1e9),
            ("deadline_durations", self.deadline_durations, 1e9),
            ("drift.size", drift(self.drift.size), 1e9),
            ("drift.intensity", drift(self.drift.intensity), 1.0),
            ("drift.memory_mb", drift(self.drift.memory_mb), 1e9),
        ];
        for (name, [from, to], most) in ranges {
            ensure!(
                0.0 <= from && from <= to && to <= most,
                "workload.{name} must be two numbers from 0 to {most}, the smaller one first, not [{from}, {to}]"
            );
        }
        ensure!(
            self.drift.at.last().is_none_or(|&at| at < self.tasks),
            "workload.drift.at (or --drift-at) must be numbers of tasks below workload.tasks, {}, not {:?}",
            self.tasks,
            self.drift.at
        );
        self.drift.check()
    }
}

/// Draws batches of tasks.
#[derive(Clone, Debug)]
pub struct Generator {
    settings: Settings,
    /// The same as drift makes them.
    drifted: Settings,
    /// Whether it does now.
    is_drifted: bool,
    physics: Physics,
    draws: Draws,
    /// What is true is drawn apart, so that features are the same with and without noise.
    truth: Draws,
    now_ns: f64,
    count: u64,
}

impl Generator {
    /// A stream of tasks by a seed.
    pub fn new(settings: &Settings, physics: &Physics, seed: u64) -> Generator {
        Generator {
            settings: settings.clone(),
            drifted: settings.drift.settings(settings),
            is_drifted: false,
            physics: physics.clone(),
            draws: Draws::seed_from_u64(seed),
            truth: Draws::seed_from_u64(seed ^ TRUTH),
            now_ns: 0.0,
            count: 0,
        }
    }

    /// All tasks of a seed together; who waits for whom is left out.
    pub fn all(settings: &Settings, physics: &Physics, seed: u64) -> Batch {
        let mut generator = Generator::new(settings, physics, seed);
        let (mut batch, mut all) = (Batch::default(), Batch::default());
        while generator.next(&mut batch) {
            all.tasks.append(&mut batch.tasks);
            all.works.append(&mut batch.works);
        }
        all
    }

    /// Draws the next batch, which replaces what is in `batch`; false: there are no more.
    pub fn next(&mut self, batch: &mut Batch) -> bool {
        batch.clear();
        let left = self.settings.tasks - self.count;
        if left == 0 {
            return false;
        }
        let size = left.min(self.settings.tasks_per_graph as u64);
        self.is_drifted = self.settings.drift.is_on(self.count);
        let rate_per_s = self.settings().rate_per_s;
        self.now_ns += exponential(&mut self.draws) * 1e9 * size as f64 / rate_per_s;
        batch.arrival_ns = self.now_ns as u64;
        for place in 0..size {
            let parents = self.parents(place);
            let task = self.task();
            let work = self.work(&task);
            batch.tasks.push(task);
            batch.parents.push(parents);
            batch.works.push(work);
        }
        true
    }

    /// The settings that the next batch is drawn by: after a drift the drifted ones.
    fn settings(&self) -> &Settings {
        if self.is_drifted {
            &self.drifted
        } else {
            &self.settings
        }
    }

    /// What sizes, intensities and memories are drawn from.
    fn ranges(&self) -> [[f64; 2]; 3] {
        let Settings {
            size,
            intensity,
            memory_mb,
            ..
        } = self.settings();
        [*size, *intensity, *memory_mb]
    }

    fn task(&mut self) -> Task {
        let mut task = features(self.ranges(), &mut self.draws);
        let [from, to] = self.settings.deadline_durations;
        let slack = from + (to - from) * self.draws.random::<f64>();
        task.number = self.count;
        task.arrival_ns = self.now_ns as u64;
        task.deadline_ns = (self.now_ns + slack * self.physics.work(&task).cpu_s * 1e9) as u64;
        task.priority = self.draws.random_range(0..self.settings.priorities);
        self.count += 1;
        task
    }

    fn work(&mut self, task: &Task) -> super::task::Work {
        let mut work = if self.settings.shuffled {
            // Drawn as the features are, but apart: the durations of other tasks. What it takes in memory stays.
            let other = features(self.ranges(), &mut self.truth);
            self.physics.work(&Task {
                memory_mb: task.memory_mb,
                ..other
            })
        } else {
            self.physics.work(task)
        };
        if self.settings.noise > 0.0 {
            work.cpu_s *= lognormal(self.settings.noise, &mut self.truth);
        }
        work
    }

    /// Behind the first task of a graph each has at least one parent before it.
    fn parents(&mut self, place: u64) -> Parents {
        let mut parents = Parents::default();
        if place > 0 && self.settings.parents_most > 0 {
            for _ in 0..self.draws.random_range(1..=self.settings.parents_most) {
                parents.add(self.draws.random_range(0..place) as u16);
            }
        }
        parents
    }
}

fn features([size, intensity, memory_mb]: [[f64; 2]; 3], draws: &mut Draws) -> Task {
    let mut between = |[from, to]: [f64; 2]| from + (to - from) * draws.random::<f64>();
    Task {
        size: between(size),
        intensity: between(intensity),
        memory_mb: between(memory_mb),
        ..Task::default()
    }
}

/// A factor of mean 1 with this standard deviation.
fn lognormal(deviation: f64, draws: &mut Draws) -> f64 {
    let variance = (1.0 + deviation * deviation).ln();
    // Box and Muller, 1958.
    let radius = (2.0 * exponential(draws)).sqrt();
    let normal = radius * (std::f64::consts::TAU * draws.random::<f64>()).cos();
    (variance.sqrt() * normal - variance / 2.0).exp()
}
