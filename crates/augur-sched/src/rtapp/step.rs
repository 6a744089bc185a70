// SPDX-License-Identifier: GPL-2.0-only
//! Events of a phase.

use super::ordered::Node;
use anyhow::{Context, Result, bail};

/// What a thread does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Works, in ns of a CPU of full speed.
    Run(u64),
    /// Sleeps, in ns.
    Sleep(u64),
    /// Sleeps until a timer's next tick.
    Timer(Tick),
    /// Sleeps until somebody wakes whoever sleeps under this name.
    Wait(String),
    /// Wakes the first that sleeps under this name.
    Signal(String),
    /// Wakes the first that sleeps under this name, and sleeps there itself.
    Sync(String),
    /// Wakes all of them.
    Broadcast(String),
    /// Sleeps until all that come to this place are there.
    Barrier(String),
    /// Adds one to a semaphore.
    Post(String),
    /// Takes one from a semaphore, sleeping until there is one.
    Take(String),
    /// Begins another thread of this task.
    Fork(String),
}

/// A timer.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Its name; `None`: the thread's own.
    pub name: Option<String>,
    /// From tick to tick.
    pub period_ns: u64,
    /// Who comes late has the next tick a period after that.
    pub relative: bool,
}

/// What events' names begin with, the longer of two that begin alike first.
const EVENTS: [&str; 18] = [
    "lock", "unlock", "wait", "signal", "broad", "sync", "sleep", "runtime", "run", "timer", "suspend",
    "resume", "mem", "iorun", "yield", "barrier", "fork", "sem_",
];

/// Whether a name is an event's.
pub(super) fn is_event(key: &str) -> bool {
    EVENTS.iter().any(|event| key.starts_with(event))
}

/// An event's name without what was added to make it another one.
pub(super) fn kind(key: &str) -> &'static str {
    let event = EVENTS.iter().find(|event| key.starts_with(*event));
    event.copied().unwrap_or("event")
}

/// The step of an event of `task`; `None`: it is not simulated.
///
/// # Errors
/// Where its value is of the wrong kind.
pub(super) fn read(key: &str, node: &Node, task: &str) -> Result<Option<Step>> {
    let micros = || -> Result<u64> {
        let micros = node.integer()?;
        let micros = u64::try_from(micros)
            .ok()
            .with_context(|| format!("{micros} µs are below 0"))?;
        Ok(micros.saturating_mul(1000))
    };
    let name = || node.text().map(str::to_owned);
    let part = |key: &str| -> Result<Option<&Node>> {
        let part = node.map()?.iter().find(|(name, _)| name == key);
        Ok(part.map(|(_, node)| node))
    };
    let step = match kind(key) {
        "run" | "runtime" => Step::Run(micros()?),
        "sleep" => Step::Sleep(micros()?),
        "timer" => {
            let period = part("period")?.context("it has no period")?.integer()?;
            let period = u64::try_from(period)
                .ok()
                .with_context(|| format!("its period {period} is below 0"))?;
            let named = part("ref")?.map(Node::text).transpose()?.unwrap_or("unknown");
            let mode = part("mode")?.map(Node::text).transpose()?.unwrap_or("relative");
            Step::Timer(Tick {
                name: (!named.starts_with("unique")).then(|| named.to_owned()),
                period_ns: period.saturating_mul(1000),
                relative: !mode.starts_with("absolute"),
            })
        }
        // Without a name, or with none that is one, a thread sleeps under its task's.
        "suspend" => Step::Wait(match node {
            Node::Text(name) => name.clone(),
            _ => task.to_owned(),
        }),
        "resume" | "broad" => Step::Broadcast(name()?),
        "signal" => Step::Signal(name()?),
        "wait" | "sync" => {
            let on = part("ref")?.context("it has no ref")?.text()?.to_owned();
            match kind(key) {
                "wait" => Step::Wait(on),
                _ => Step::Sync(on),
            }
        }
        "barrier" => Step::Barrier(name()?),
        "fork" => Step::Fork(name()?),
        "sem_" if key.starts_with("sem_post") => Step::Post(name()?),
        "sem_" if key.starts_with("sem_wait") => Step::Take(name()?),
        "sem_" => bail!("there is no such event"),
        _ => return Ok(None),
    };
    Ok(Some(step))
}
