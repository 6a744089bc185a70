// SPDX-License-Identifier: GPL-2.0-only
//! Workloads of rt-app: JSON that says what threads do, phase after phase. Read as rt-app reads it: comments and trailing
//! commas are allowed, an event is told by what its name begins with, and a name may stand twice.
//!
//! What has no meaning for a simulated machine (logs, calibration) is left out; what has one and is not simulated is said
//! in [`Taskset::notes`].

mod ordered;
mod step;

pub use step::{Step, Tick};

use anyhow::{Context, Result, bail, ensure};
use ordered::Node;
use std::collections::BTreeMap;

/// The most threads, as many as an export writes.
pub const MOST_THREADS: u64 = 1 << 15;

/// What threads do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taskset {
    /// Kinds of threads, in the order of the file.
    pub tasks: Vec<Thread>,
    /// How long it runs; `None`: until all threads are done.
    pub duration_ns: Option<u64>,
    /// What is not simulated, one sentence each.
    pub notes: Vec<String>,
}

/// A thread, or several that do the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// How many there are from the beginning.
    pub instances: u64,
    /// When they begin.
    pub delay_ns: u64,
    /// How they are scheduled.
    pub policy: Policy,
    /// The only CPUs that they may use; empty: all.
    pub cpus: Vec<u32>,
    /// How often the phases are gone through; `None`: for ever.
    pub loops: Option<u64>,
    /// One after the other.
    pub phases: Vec<Phase>,
}

/// A phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// How often; `None`: for ever.
    pub loops: Option<u64>,
    /// What is done.
    pub steps: Vec<Step>,
}

/// How a thread is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// By nice value.
    Fair {
        /// -20 to 19.
        nice: i32,
    },
    /// When nobody else wants to run.
    Idle,
    /// Ahead of all of these, by priority.
    RealTime {
        /// 1 to 99.
        priority: i32,
    },
    /// Ahead of all others.
    Deadline,
}

/// Whether a text seems to be a workload of rt-app: JSON, maybe behind a comment, with `tasks` and without a trace's events.
pub fn seems_one(text: &str) -> bool {
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    (begins.starts_with('{') || begins.starts_with("/*") || begins.starts_with("//"))
        && text.contains("\"tasks\"")
        && !text.contains("raceEvents\"")
}

impl Taskset {
    /// How many CPUs a machine must have for all that are named.
    pub fn cpus(&self) -> u32 {
        let named = self.tasks.iter().flat_map(|task| &task.cpus);
        named.max().map_or(0, |&last| last + 1)
    }
}

/// Reads a workload.
///
/// # Errors
/// One sentence that names the line, or the task, the phase and the event.
pub fn read(text: &str) -> Result<Taskset> {
    let Node::Map(entries) = ordered::parse(text)? else {
        bail!("it is not a JSON object with 'tasks' in it");
    };
    let mut left_out = LeftOut::default();
    let mut taskset = Taskset::default();
    let mut policy = Policy::Fair { nice: 0 };
    for (name, node) in &entries {
        match name.as_str() {
            "global" => {
                (taskset.duration_ns, policy) = global(node, &mut left_out).context("'global'")?;
            }
            "tasks" | "resources" => {}
            other => left_out.add("outside", other),
        }
    }
    let tasks = entries.iter().filter(|(name, _)| name == "tasks");
    for (_, node) in tasks {
        for (name, node) in node.map().context("'tasks'")? {
            let task = thread(name, node, policy, &mut left_out);
            taskset
                .tasks
                .push(task.with_context(|| format!("task '{name}'"))?);
        }
    }
    ensure!(!taskset.tasks.is_empty(), "there are no tasks; give at least one");
    let threads: u64 = taskset.tasks.iter().map(|task| task.instances).sum();
    ensure!(
        threads <= MOST_THREADS,
        "there are {threads} threads; {MOST_THREADS} is the most"
    );
    taskset.notes = left_out.notes();
    Ok(taskset)
}

/// What is not simulated, and how often it was there.
#[derive(Default)]
struct LeftOut(BTreeMap<(&'static str, String), u64>);

impl LeftOut {
    fn add(&mut self, kind: &'static str, name: &str) {
        *self.0.entry((kind, name.to_owned())).or_default() += 1;
    }

    fn notes(self) -> Vec<String> {
        let note = |((kind, name), count): ((&str, String), u64)| {
            let name: String = name.escape_debug().take(60).collect();
            match kind {
                "event" => format!("'{name}' ({count} times) is left out: it is not simulated"),
                "phase" => format!(
                    "'{name}' of a phase ({count} times) is left out: a thread keeps what its task says"
                ),
                "deadline" => format!(
                    "{count} tasks of SCHED_DEADLINE run ahead of all others; their budgets are not simulated"
                ),
                _ => format!("'{name}' ({count} times) is not known, and left out"),
            }
        };
        self.0.into_iter().map(note).collect()
    }
}

fn global(node: &Node, left_out: &mut LeftOut) -> Result<(Option<u64>, Policy)> {
    const SILENT: [&str; 16] = [
        "calibration",
        "pi_enabled",
        "lock_pages",
        "logdir",
        "log_basename",
        "log_size",
        "log_level",
        "logtofile",
        "ftrace",
        "gnuplot",
        "frag",
        "io_device",
        "mem_buffer_size",
        "cumulative_slack",
        "resources",
        "spacing",
    ];
    let (mut duration_ns, mut policy) = (None, Policy::Fair { nice: 0 });
    for (name, node) in node.map()? {
        match name.as_str() {
            "duration" => {
                let seconds = node.integer().context("'duration'")?;
                duration_ns = u64::try_from(seconds)
                    .ok()
                    .map(|seconds| seconds.saturating_mul(1_000_000_000));
            }
            "default_policy" => policy = policy_of(node.text()?, None)?,
            other if SILENT.contains(&other) => {}
            other => left_out.add("outside", other),
        }
    }
    Ok((duration_ns, policy))
}

/// The policy of that name; without a priority rt-app's: 0, or 10 for real-time ones.
fn policy_of(name: &str, priority: Option<i64>) -> Result<Policy> {
    let within = |from: i64, to: i64, default: i64| -> Result<i32> {
        let priority = priority.unwrap_or(default);
        ensure!(
            (from..=to).contains(&priority),
            "the priority of {name} must be {from} to {to}, not {priority}"
        );
        Ok(i32::try_from(priority)?)
    };
    match name {
        "SCHED_OTHER" | "SCHED_BATCH" => Ok(Policy::Fair {
            nice: within(-20, 19, 0)?,
        }),
        "SCHED_IDLE" => Ok(Policy::Idle),
        "SCHED_FIFO" | "SCHED_RR" => Ok(Policy::RealTime {
            priority: within(1, 99, 10)?,
        }),
        "SCHED_DEADLINE" => Ok(Policy::Deadline),
        other => bail!(
            "there is no policy '{other}'; there are SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR and \
             SCHED_DEADLINE"
        ),
    }
}

fn name_of(policy: Policy) -> &'static str {
    match policy {
        Policy::Fair { .. } => "SCHED_OTHER",
        Policy::Idle => "SCHED_IDLE",
        Policy::RealTime { .. } => "SCHED_FIFO",
        Policy::Deadline => "SCHED_DEADLINE",
    }
}

/// A number of rounds; below 0: for ever.
fn loops(node: &Node) -> Result<Option<u64>> {
    let count = node.integer().context("'loop'")?;
    ensure!(count != 0, "'loop' is 0; give 1 or more, or -1 for ever");
    Ok(u64::try_from(count).ok())
}

fn thread(name: &str, node: &Node, default: Policy, left_out: &mut LeftOut) -> Result<Thread> {
    let entries = node.map()?;
    let get = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, node)| node);
    let (phases, forever) = match get("phases") {
        Some(node) => {
            let phases =
                node.map().context("'phases'")?.iter().map(|(of, node)| {
                    phase(node, name, true, left_out).with_context(|| format!("phase '{of}'"))
                });
            (phases.collect::<Result<Vec<Phase>>>()?, true)
        }
        // What stands in the task itself is its only phase, and `loop` the phase's.
        None => (vec![phase(node, name, false, left_out)?], get("loop").is_none()),
    };
    let whole = get("phases").is_some();
    ensure!(!phases.is_empty(), "it has no phases; give at least one");
    let priority = get("priority")
        .map(Node::integer)
        .transpose()
        .context("'priority'")?;
    let policy = match get("policy") {
        Some(node) => node.text().context("'policy'")?,
        None => name_of(default),
    };
    let policy = policy_of(policy, priority)?;
    let mut task = Thread {
        name: name.to_owned(),
        instances: 1,
        delay_ns: 0,
        policy,
        cpus: Vec::new(),
        loops: (!forever).then_some(1),
        phases,
    };
    for (key, node) in entries {
        match key.as_str() {
            "phases" | "policy" | "priority" => {}
            "loop" if whole => task.loops = loops(node)?,
            "loop" => {}
            "instance" => task.instances = count(node).context("'instance'")?,
            "delay" => task.delay_ns = count(node).context("'delay'")?.saturating_mul(1000),
            "cpus" => task.cpus = cpus(node).context("'cpus'")?,
            "dl-runtime" | "dl-period" | "dl-deadline" => {}
            other if !whole && step::is_event(other) => {}
            other => left_out.add("outside", other),
        }
    }
    if policy == Policy::Deadline {
        left_out.add("deadline", "");
    }
    Ok(task)
}

fn count(node: &Node) -> Result<u64> {
    let count = node.integer()?;
    u64::try_from(count)
        .ok()
        .with_context(|| format!("{count} is below 0"))
}

fn cpus(node: &Node) -> Result<Vec<u32>> {
    /// Far more than any machine has.
    const MOST: i64 = 1 << 16;
    let Node::List(nodes) = node else {
        bail!("it is {}, not a list of CPUs", node.kind());
    };
    let mut cpus = Vec::with_capacity(nodes.len().min(MOST as usize));
    for node in nodes {
        let cpu = node.integer()?;
        ensure!((0..MOST).contains(&cpu), "there is no CPU {cpu}");
        cpus.push(cpu as u32);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// The events of a phase, or of a task that is one.
fn phase(node: &Node, task: &str, inner: bool, left_out: &mut LeftOut) -> Result<Phase> {
    let mut found = Phase {
        loops: Some(1),
        steps: Vec::new(),
    };
    let mut events = 0u64;
    for (key, node) in node.map()? {
        if step::is_event(key) {
            events += 1;
            match step::read(key, node, task).with_context(|| format!("'{key}'"))? {
                Some(step) => found.steps.push(step),
                None => left_out.add("event", step::kind(key)),
            }
        } else if key == "loop" {
            found.loops = loops(node)?;
        } else if inner {
            let known = [
                "cpus",
                "policy",
                "priority",
                "dl-runtime",
                "dl-period",
                "dl-deadline",
            ];
            let kind = if known.contains(&key.as_str()) {
                "phase"
            } else {
                "outside"
            };
            left_out.add(kind, key);
        }
    }
    ensure!(
        events > 0,
        "it has no events; give at least one, such as \"run\": 1000"
    );
    Ok(found)
}
