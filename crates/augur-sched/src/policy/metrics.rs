// SPDX-License-Identifier: GPL-2.0-only
//! What a scheduler shows of itself, attached or simulated: plain figures, and one table that says what each of them is.

use super::{DomainState, Snapshot, Tally};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What kind of value a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Whole,
    /// Any other number.
    Real,
    /// Words.
    Text,
    /// Counts by name.
    Counts,
    /// [`DomainStats`] by the domain's number.
    Domains,
}

/// What a figure does from one moment to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// It only grows; what came since the last time is shown as a difference.
    Counter,
    /// It goes up and down, and is shown as it is.
    State,
}

/// A figure's entry in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The field, and what it is called wherever it is shown.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// Counter or state.
    pub course: Course,
    /// What it means.
    pub description: &'static str,
}

/// A type that a figure may have.
trait Shown {
    const KIND: Kind;
    /// Whole numbers count, unless the table says otherwise.
    const COURSE: Course = Course::State;
}

impl Shown for u32 {
    const KIND: Kind = Kind::Whole;
}

impl Shown for u64 {
    const KIND: Kind = Kind::Whole;
    const COURSE: Course = Course::Counter;
}

impl Shown for f64 {
    const KIND: Kind = Kind::Real;
}

impl Shown for String {
    const KIND: Kind = Kind::Text;
}

impl Shown for BTreeMap<String, u64> {
    const KIND: Kind = Kind::Counts;
}

impl Shown for BTreeMap<usize, DomainStats> {
    const KIND: Kind = Kind::Domains;
}

/// What the table says, or else what the type says.
const fn course(said: &[Course], of_type: Course) -> Course {
    match said {
        [] => of_type,
        [said, ..] => *said,
    }
}

/// A structure of figures, from the table of them.
macro_rules! figures {
    ($(#[$about:meta])* $name:ident {
        $($(#[$attribute:meta])* $field:ident: $type:ty $([$course:ident])? = $description:literal,)*
    }) => {
        $(#[$about])*
        // A scheduler of another version may have other figures.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $(#[doc = $description] $(#[$attribute])* pub $field: $type,)*
        }

        impl $name {
            /// All figures, in order.
            pub const FIGURES: &'static [Figure] = &[$(Figure {
                name: stringify!($field),
                kind: <$type as Shown>::KIND,
                course: course(&[$(Course::$course)?], <$type as Shown>::COURSE),
                description: $description,
            },)*];
        }
    };
}

figures! {
    /// One domain.
    DomainStats {
        load: f64 = "decayed weight of runnable tasks over capacity; one nice-0 task on one CPU is 1.0",
        util: f64 = "busy share of its CPUs, 0 to 1",
        queue: u32 = "tasks that wait",
        idle_cpus: u32 = "CPUs that idle",
        capacity: f64 = "summed capacity; a full CPU is 1.0",
    }
}

figures! {
    /// Everything, since the scheduler was attached; `--stats` and `--monitor` print what came since the last line.
    Metrics {
        uptime_s: f64 = "seconds since the scheduler was attached",
        model: String = "model that decides, or why none does",
        engine: String = "what runs the model: TensorFlow or the Rust twin; empty where no model decides",
        policy: String = "policy that names the candidates",
        rounds: u64 = "balance rounds",
        model_rounds: u64 = "rounds with questions, in which the model's word counted",
        fallback_rounds: u64 = "rounds with questions, in which the heuristic decided alone",
        proposed: u64 = "moves that the policy proposed",
        accepted: u64 = "proposed moves that were accepted; applied + refused + expired + pending",
        applied: u64 = "accepted moves after which the task was seen to run in the other domain",
        refused: u64 = "accepted moves that the kernel's half refused",
        refused_gone: u64 = "refused: the task had ended",
        refused_moved: u64 = "refused: the task was no longer in the domain",
        refused_affinity: u64 = "refused: the affinity forbids the other domain",
        refused_pinned: u64 = "refused: the task is bound to its CPU",
        expired: u64 = "accepted moves whose task did not run in time",
        pending: u64 [State] = "accepted moves that are under way",
        pairs: u64 = "domain pairs that were judged for stealing",
        pairs_denied: u64 = "domain pairs for which stealing was denied",
        migrations: u64 = "migrations",
        mig_core: u64 = "migrations to an SMT sibling",
        mig_llc: u64 = "migrations within a last-level cache",
        mig_cross_llc: u64 = "migrations to another last-level cache",
        mig_cross_node: u64 = "migrations to another NUMA node",
        mig_wakeup: u64 = "migrations because a task woke up while its CPU was busy",
        mig_steal: u64 = "migrations because an idle CPU took a task that waited",
        mig_balance: u64 = "migrations because of a decision",
        mig_affinity: u64 = "migrations because the affinity changed",
        mig_other: u64 = "migrations that the kernel made by itself",
        wakeups: u64 = "wakeups",
        wake_prev_idle: u64 = "wakeups whose previous CPU idled",
        wake_idle_elsewhere: u64 = "wakeups that went to another CPU, which idled",
        wake_wait: u64 = "wakeups that stayed on their CPU although it was busy: to interrupt, or because it is predicted to be free soon",
        wake_preempt: u64 = "wakeups that interrupted the task on their CPU",
        tick_preempt: u64 = "waiting tasks that interrupted the running one at a tick",
        forks: u64 = "new tasks",
        arrivals: u64 = "times that a task got another CPU than the last one",
        queued: u64 = "times that a task was put into a queue",
        kept: u64 = "times that a task whose slice had ended went on, because it was its turn again",
        kicks: u64 = "idle CPUs that were called to take a task that waited",
        steal_too_soon: u64 = "steals that were put off, because the wait is predicted to be short",
        steal_denied: u64 = "steals that the model denied",
        rescued: u64 = "tasks that got a turn because they had waited too long",
        runs: u64 = "times that a task got a CPU",
        run_ms: u64 = "milliseconds that tasks ran",
        wait_ms: u64 = "milliseconds that tasks waited for a CPU",
        wait_fork_ms: u64 = "milliseconds of them: new tasks",
        wait_short_ms: u64 = "milliseconds of them: woken tasks with short bursts",
        wait_long_ms: u64 = "milliseconds of them: woken tasks with long bursts",
        wait_preempted_ms: u64 = "milliseconds of them: tasks that were interrupted",
        wait_expired_ms: u64 = "milliseconds of them: tasks whose slice had ended",
        latency_p50_us: f64 = "wakeup latency, median, us",
        latency_p90_us: f64 = "wakeup latency, 90th percentile, us",
        latency_p99_us: f64 = "wakeup latency, 99th percentile, us",
        latency_p999_us: f64 = "wakeup latency, 99.9th percentile, us",
        latency_max_us: f64 = "wakeup latency, longest, us",
        round_us: f64 = "median time of a balance round, us",
        lost_outcomes: u64 = "outcomes of moves that had no room on their way from the kernel's half",
        dropped_tasks: u64 = "tasks that had no place in a snapshot",
        model_events: BTreeMap<String, u64> = "what happened to models, and why the heuristic decided: cause to count",
        domains: BTreeMap<usize, DomainStats> = "domains",
    }
}

impl Metrics {
    /// Puts what was asked and answered into its places. How many moves were accepted is the ledger's to say.
    pub fn set_tally(&mut self, tally: &Tally) {
        self.proposed = tally.proposed;
        self.pairs = tally.pairs;
        self.pairs_denied = tally.pairs_denied;
        self.model_rounds = tally.model_rounds;
        self.fallback_rounds = tally.fallback_rounds;
    }

    /// Puts the domains into their place.
    pub fn set_snapshot(&mut self, snapshot: &Snapshot) {
        self.domains = snapshot
            .domains
            .iter()
            .map(DomainStats::from)
            .enumerate()
            .collect();
    }
}

/// What the terminal shows of the figures, each in the place of its name.
const LINES: &str = "  decisions   proposed {proposed}  accepted {accepted}  applied {applied}  refused {refused}  expired {expired}  \
pending {pending}   rounds {rounds} ({fallback_rounds} by the heuristic alone)
  migrations  {migrations} = wakeup {mig_wakeup} + steal {mig_steal} + balance {mig_balance} + affinity {mig_affinity} \
+ other {mig_other}   (core {mig_core}, LLC {mig_llc}, cross LLC {mig_cross_llc}, cross node {mig_cross_node})
  latency us  p50 {latency_p50_us}  p90 {latency_p90_us}  p99 {latency_p99_us}  p99.9 {latency_p999_us}  \
max {latency_max_us}   wakeups {wakeups}  forks {forks}  waited {wait_ms} ms  ran {run_ms} ms
  woken       to their idle CPU {wake_prev_idle}  to another idle one {wake_idle_elsewhere}  \
staying on their busy one {wake_wait}  interrupting {wake_preempt}
  queues      entered {queued}  kept the CPU {kept}  interrupted at a tick {tick_preempt}  rescued {rescued}  \
idle CPUs called {kicks}  steals too soon {steal_too_soon} denied {steal_denied}
";

/// One block for the terminal; each of its lines ends.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_each = |show: fn(&DomainStats) -> String| {
            let shown: Vec<String> = self.domains.values().map(show).collect();
            shown.join(" | ")
        };
        let engine = match self.engine.as_str() {
            "" => String::new(),
            engine => format!(", run by {engine}"),
        };
        writeln!(
            f,
            "[augur] {:>7.1}s  {}  model {}{engine}",
            self.uptime_s, self.policy, self.model
        )?;
        writeln!(
            f,
            "  domains     load {}   waiting {}",
            of_each(|domain| format!("{:.2}", domain.load)),
            of_each(|domain| domain.queue.to_string())
        )?;
        let figures = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        for (place, part) in LINES.split(['{', '}']).enumerate() {
            match (place % 2, &figures[part]) {
                (0, _) => f.write_str(part)?,
                (_, Value::Number(real)) if real.is_f64() => {
                    write!(f, "{:.0}", real.as_f64().unwrap_or_default())?;
                }
                (_, whole) => write!(f, "{whole}")?,
            }
        }
        // Where nothing was lost, there is nothing to say.
        if self.lost_outcomes + self.dropped_tasks > 0 {
            writeln!(
                f,
                "  lost        outcomes {}  tasks of snapshots {}",
                self.lost_outcomes, self.dropped_tasks
            )?;
        }
        for (cause, count) in &self.model_events {
            writeln!(f, "  model       {cause}: {count}")?;
        }
        Ok(())
    }
}

impl From<&DomainState> for DomainStats {
    fn from(state: &DomainState) -> DomainStats {
        DomainStats {
            load: f64::from(state.load),
            util: f64::from(state.util),
            queue: state.queue,
            idle_cpus: state.idle_cpus,
            capacity: f64::from(state.capacity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_figure_as_it_is_here() {
        let reference = include_str!("../../../../docs/reference.md");
        for figure in Metrics::FIGURES.iter().chain(DomainStats::FIGURES) {
            let course = match figure.course {
                Course::Counter => "counter",
                Course::State => "state",
            };
            let row = format!("| `{}` | {course} | {} |\n", figure.name, figure.description);
            assert!(reference.contains(&row), "docs/reference.md lacks {row}");
        }
    }
}
