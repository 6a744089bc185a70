// SPDX-License-Identifier: GPL-2.0-only
//! A graph of tasks with given times on each device and given transfers between tasks: the input of list scheduling.

use super::kin;
use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// Sums and squares of what is less are finite.
const TIME_MOST: f64 = 1e150;
/// Longest graph that is taken: positions are kept in tables of tasks × devices.
const MOST_CELLS: usize = 50_000_000;
/// Longest time that is taken: sums of all of them are still numbers.
const MOST_TIME: f64 = 1e100;

/// A directed acyclic graph of tasks. Times are in one unit, whatever it is.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    devices: Vec<String>,
    tasks: Vec<String>,
    release: Vec<f64>,
    /// Task by task, a time for each device; infinite where it cannot run.
    times: Vec<f64>,
    parents: Vec<Vec<Edge>>,
    children: Vec<Vec<Edge>>,
    order: Vec<usize>,
}

/// The other end of a dependency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// The task there.
    pub task: usize,
    /// What the data takes from one device to another; nothing within a device.
    pub transfer: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    devices: Vec<String>,
    tasks: Vec<FileTask>,
    #[serde(default)]
    edges: Vec<FileEdge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTask {
    id: String,
    time: Vec<Option<f64>>,
    #[serde(default)]
    release: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEdge {
    from: String,
    to: String,
    #[serde(default)]
    transfer: f64,
}

impl Graph {
    /// Reads `{"devices":["P1",…],"tasks":[{"id":"T1","time":[14,null,9],"release":0}],"edges":[{"from":"T1","to":"T2",
    /// "transfer":18}]}`; `null`: cannot run there.
    ///
    /// # Errors
    /// One sentence that names the place: the line, the task or the edge.
    pub fn from_json(text: &str) -> Result<Graph> {
        let file: File = serde_json::from_str(text).map_err(|err| anyhow!("{err}"))?;
        let time = |time: Vec<Option<f64>>| {
            time.into_iter()
                .map(|time| time.unwrap_or(f64::INFINITY))
                .collect()
        };
        let tasks = file
            .tasks
            .into_iter()
            .map(|task| (task.id, task.release, time(task.time)))
            .collect();
        let edges: Vec<_> = file
            .edges
            .into_iter()
            .map(|edge| (edge.from, edge.to, edge.transfer))
            .collect();
        Graph::new(file.devices, tasks, &edges)
    }

    /// A graph of its parts: tasks as (id, release, time on each device, infinite where it cannot run), edges as (from,
    /// to, transfer).
    ///
    /// # Errors
    /// One sentence that names the task or the edge.
    pub fn new(
        devices: Vec<String>,
        tasks: Vec<(String, f64, Vec<f64>)>,
        edges: &[(String, String, f64)],
    ) -> Result<Graph> {
        ensure!(!devices.is_empty(), "there are no devices; name at least one");
        ensure!(!tasks.is_empty(), "there are no tasks; give at least one");
        ensure!(
            tasks.len() * devices.len() <= MOST_CELLS,
            "there are more than {MOST_CELLS} times"
        );
        let longest = |times: &[f64]| {
            times
                .iter()
                .filter(|time| time.is_finite())
                .fold(0.0, |a: f64, &b| a.max(b))
        };
        let all = tasks
            .iter()
            .map(|(_, release, times)| release + longest(times))
            .sum::<f64>()
            + edges.iter().map(|(_, _, transfer)| transfer).sum::<f64>();
        ensure!(
            all.is_nan() || all < TIME_MOST,
            "its times add up to more than {TIME_MOST:e}; give them in a larger unit"
        );
        if let Some(twice) = devices
            .iter()
            .enumerate()
            .find(|(at, name)| devices[..*at].contains(name))
        {
            bail!("device '{}' is named twice", twice.1);
        }
        let mut numbers: HashMap<&str, usize> = HashMap::with_capacity(tasks.len());
        for (number, (id, release, time)) in tasks.iter().enumerate() {
            ensure!(numbers.insert(id, number).is_none(), "task '{id}' is there twice");
            check_task(id, *release, time, &devices)?;
        }
        let mut graph = Graph {
            release: tasks.iter().map(|task| task.1).collect(),
            times: tasks.iter().flat_map(|task| task.2.iter().copied()).collect(),
            parents: vec![Vec::new(); tasks.len()],
            children: vec![Vec::new(); tasks.len()],
            ..Graph::default()
        };
        let mut known: HashSet<(usize, usize)> = HashSet::with_capacity(edges.len());
        for (from, to, transfer) in edges {
            let number = |id: &String| {
                let known = numbers.get(id.as_str()).copied();
                known.with_context(|| {
                    format!("the edge from '{from}' to '{to}' names task '{id}', which is not there")
                })
            };
            let ends = (number(from)?, number(to)?);
            ensure!(
                known.insert(ends),
                "the edge from '{from}' to '{to}' is there twice"
            );
            graph.connect(ends.0, ends.1, *transfer, from, to)?;
        }
        drop(numbers);
        graph.devices = devices;
        graph.tasks = tasks.into_iter().map(|task| task.0).collect();
        graph.sort()?;
        Ok(graph)
    }

    fn connect(&mut self, from: usize, to: usize, transfer: f64, a: &str, b: &str) -> Result<()> {
        ensure!(
            (0.0..=MOST_TIME).contains(&transfer),
            "the edge from '{a}' to '{b}' has the transfer {transfer}; it must be 0 to {MOST_TIME:e}"
        );
        ensure!(from != to, "task '{a}' depends on itself");
        self.children[from].push(Edge { task: to, transfer });
        self.parents[to].push(Edge { task: from, transfer });
        Ok(())
    }

    /// Puts parents before children, otherwise in the order of the input.
    fn sort(&mut self) -> Result<()> {
        let parents = self
            .parents
            .iter()
            .map(|edges| edges.iter().map(|edge| edge.task).collect());
        self.order = kin::order(&parents.collect::<Vec<Vec<usize>>>(), |task| task).map_err(|circle| {
            let tasks = kin::words(&circle, |task| self.id(task));
            anyhow!("the tasks {tasks} depend on each other in a circle")
        })?;
        Ok(())
    }

    /// How many tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are none; there always are.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Names of the devices.
    pub fn devices(&self) -> &[String] {
        &self.devices
    }

    /// A task's id.
    pub fn id(&self, task: usize) -> &str {
        &self.tasks[task]
    }

    /// What a task takes on a device; infinite where it cannot run.
    pub fn time(&self, task: usize, device: usize) -> f64 {
        self.times[task * self.devices.len() + device]
    }

    /// What a task takes on each device.
    pub fn times(&self, task: usize) -> &[f64] {
        &self.times[task * self.devices.len()..(task + 1) * self.devices.len()]
    }

    /// The mean over the devices where it can run.
    pub fn mean_time(&self, task: usize) -> f64 {
        let able = self.times(task).iter().filter(|time| time.is_finite());
        let (sum, count) = able.fold((0.0, 0.0), |(sum, count), time| (sum + time, count + 1.0));
        sum / count
    }

    /// The least over the devices.
    pub fn least_time(&self, task: usize) -> f64 {
        self.times(task).iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// A task does not begin before this.
    pub fn release(&self, task: usize) -> f64 {
        self.release[task]
    }

    /// What a task waits for.
    pub fn parents(&self, task: usize) -> &[Edge] {
        &self.parents[task]
    }

    /// Who waits for a task.
    pub fn children(&self, task: usize) -> &[Edge] {
        &self.children[task]
    }

    /// All tasks, parents before children.
    pub fn order(&self) -> &[usize] {
        &self.order
    }
}

fn check_task(id: &str, release: f64, time: &[f64], devices: &[String]) -> Result<()> {
    ensure!(
        time.len() == devices.len(),
        "task '{id}' has {} times, but there are {} devices; give one for each, null where it cannot run",
        time.len(),
        devices.len()
    );
    ensure!(
        (0.0..=MOST_TIME).contains(&release),
        "task '{id}' has the release {release}; it must be 0 to {MOST_TIME:e}"
    );
    for (time, device) in time.iter().zip(devices) {
        ensure!(
            (0.0..=MOST_TIME).contains(time) || *time == f64::INFINITY,
            "task '{id}' has the time {time} on '{device}'; it must be 0 to {MOST_TIME:e}"
        );
    }
    ensure!(
        time.iter().any(|time| time.is_finite()),
        "task '{id}' fits no device; give it a time on at least one"
    );
    Ok(())
}
