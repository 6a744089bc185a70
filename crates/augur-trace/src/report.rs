// SPDX-License-Identifier: GPL-2.0-only
//! What a trace holds, as JSON and as tables. What it does not tell is null, and `-`.

use crate::coverage::Step;
use crate::summary::{Finished, TaskSummary};
use crate::{Header, Notes, Skip, shown};
use anyhow::Result;
use augur_base::statistics::Percentiles;
use augur_base::topology::MAX_CPUS;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// Why latencies and waits are unknown.
pub const NO_WAKEUPS: &str = "there is no wakeup in this trace, so latencies and waits are unknown; record sched_waking (or \
                              sched_wakeup), too";

/// The report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The file's format.
    pub format: &'static str,
    /// How many CPUs were online, or at least have events.
    pub cpus: u64,
    /// Its first moment.
    pub start_ns: u64,
    /// Its last moment.
    pub end_ns: u64,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The scheduler that ran.
    pub scheduler: Option<String>,
    /// The clock of its times.
    pub clock: Option<String>,
    /// The command that was recorded.
    pub command: Option<Vec<String>>,
    /// The machine, in words.
    pub machine: Option<String>,
    /// Events by name.
    pub events: BTreeMap<String, u64>,
    /// Events that are known to be missing.
    pub lost: u64,
    /// Events that newer ones took the place of, before the trace begins.
    pub overwritten: Option<u64>,
    /// Where the clock was set while nothing happened.
    pub clock_step: Option<Step>,
    /// Switches, against who ran before.
    pub consistency: Consistency,
    /// What could not be read.
    pub skipped: Vec<Skip>,
    /// Everything else that is not an event and was left out, by its name.
    pub left_out: BTreeMap<String, u64>,
    /// How often something was skipped, by reason.
    #[serde(skip)]
    pub reasons: BTreeMap<String, u64>,
    /// Remarks on what is unknown, and why.
    pub notes: Vec<String>,
    /// What is known of each CPU, and what it did.
    pub coverage: Vec<CpuRow>,
    /// Every task.
    pub tasks: Vec<TaskRow>,
}

/// Whether switches say the same as the ones before them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Consistency {
    /// Switches whose predecessor on their CPU is known,
    pub checked: u64,
    /// and those of them that say that somebody else left than had come.
    pub misfits: u64,
}

/// One CPU.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct CpuRow {
    /// Its number.
    pub cpu: u32,
    /// From when it is known.
    pub begin_ns: Option<u64>,
    /// Until when.
    pub end_ns: Option<u64>,
    /// How often something is missing in between.
    pub gaps: u64,
    /// Time that it ran tasks.
    pub busy_ns: Option<u64>,
    /// Time that it idled.
    pub idle_ns: Option<u64>,
    /// Its switches.
    pub switches: u64,
    /// Those that do not fit who ran before.
    pub misfits: u64,
}

/// One task. Of a trace without wakeups nobody can tell latencies and sleeps; of one whose switches contradict each
/// other, nothing but that it was there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskRow {
    /// Its pid.
    pub pid: i32,
    /// Its name.
    pub comm: String,
    /// Time on CPUs.
    pub run_ns: Option<u64>,
    /// How often it started to run.
    pub runs: u64,
    /// How often it was woken.
    pub wakeups: Option<u64>,
    /// From each wakeup to the run that followed.
    pub latencies_ns: Option<Vec<u64>>,
    /// How often it started to run on another CPU than before.
    pub migrations: Option<u64>,
    /// How long it waited after it was interrupted.
    pub preempted_ns: Option<u64>,
    /// How long it slept.
    pub sleep_ns: Option<u64>,
    /// How long it slept uninterruptibly.
    pub blocked_ns: Option<u64>,
}

fn told(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Report {
    /// The report on a trace that was read to its end.
    ///
    /// # Errors
    /// Where the trace's machine is damaged.
    pub fn new(format: &'static str, header: &Header, notes: &Notes, found: Finished) -> Result<Report> {
        let (checked, misfits) = found.coverage.consistency();
        let seen = found.cpus.len() as u64;
        let mut events = notes.foreign_events().clone();
        events.extend(
            found
                .events
                .iter()
                .map(|(name, &count)| ((*name).to_owned(), count)),
        );
        let mut skipped = notes.skipped();
        if found.dropped {
            let why =
                "this trace has more tasks or latencies than are kept; those beyond are not listed".into();
            skipped.push(Skip { line: 0, why });
        }
        let overwritten = notes
            .overwritten()
            .or((header.overwritten > 0).then_some(header.overwritten));
        Ok(Report {
            format,
            cpus: u64::from(header.cpus).max(seen),
            start_ns: found.start_ns,
            end_ns: found.end_ns,
            kernel: told(&header.kernel),
            scheduler: told(&header.scheduler),
            clock: told(&header.clock),
            command: (!header.command.is_empty()).then(|| header.command.clone()),
            machine: header.machine()?.map(|machine| machine.to_string()),
            events,
            lost: found.lost.max(header.lost),
            overwritten,
            clock_step: found.coverage.step(),
            consistency: Consistency { checked, misfits },
            skipped,
            left_out: notes.asides().clone(),
            reasons: notes.reasons().clone(),
            notes: remarks(&found),
            coverage: coverage(&found, header.cpus),
            tasks: rows(found),
        })
    }
}

/// What is unknown, why, and what to do.
fn remarks(found: &Finished) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(found.coverage.doubt());
    if found.coverage.doubt().is_none() {
        let (checked, misfits) = found.coverage.consistency();
        if misfits > 0 {
            remarks.push(format!(
                "{misfits} of {checked} switches do not fit who ran before; their runs count no time"
            ));
        }
    }
    if !found.tells_wakeups {
        remarks.push(NO_WAKEUPS.to_owned());
    }
    remarks.extend(found.coverage.step().map(|step| step_remark(&step)));
    remarks
}

/// A clock that was set, in a sentence.
pub fn step_remark(step: &Step) -> String {
    format!(
        "the clock goes from {}.{:09} s on by {} s without any event: it was set, or there are two recordings in one \
         file; nothing is known of that time",
        step.at_ns / 1_000_000_000,
        step.at_ns % 1_000_000_000,
        step.step_ns / 1_000_000_000
    )
}

fn coverage(found: &Finished, online: u32) -> Vec<CpuRow> {
    let mut rows: BTreeMap<u32, CpuRow> = BTreeMap::new();
    let silent = |cpu| CpuRow {
        cpu,
        ..CpuRow::default()
    };
    // Nothing was heard of these, which is no proof that they idled.
    if found.coverage.cpus().keys().all(|&cpu| cpu < online) && online as usize <= MAX_CPUS {
        rows.extend((0..online).map(|cpu| (cpu, silent(cpu))));
    }
    for summary in &found.cpus {
        let known = found
            .coverage
            .cpus()
            .get(&summary.cpu)
            .copied()
            .unwrap_or_default();
        let told = summary.busy_ns + summary.idle_ns > 0 && !known.is_inconsistent();
        let row = CpuRow {
            cpu: summary.cpu,
            begin_ns: Some(known.begin_ns),
            end_ns: Some(known.end_ns),
            gaps: known.gaps,
            busy_ns: told.then_some(summary.busy_ns),
            idle_ns: told.then_some(summary.idle_ns),
            switches: summary.switches,
            misfits: known.misfits,
        };
        rows.insert(summary.cpu, row);
    }
    rows.into_values().collect()
}

fn rows(found: Finished) -> Vec<TaskRow> {
    let (wakeups, times) = (found.tells_wakeups, found.coverage.doubt().is_none());
    let row = |task: TaskSummary| TaskRow {
        pid: task.pid,
        comm: task.comm.text().into_owned(),
        run_ns: times.then_some(task.run_ns),
        runs: task.runs,
        wakeups: wakeups.then_some(task.wakeups),
        latencies_ns: (wakeups && times).then_some(task.latencies_ns),
        migrations: times.then_some(task.migrations),
        preempted_ns: times.then_some(task.preempted_ns),
        sleep_ns: (wakeups && times).then_some(task.sleep_ns),
        blocked_ns: (wakeups && times).then_some(task.blocked_ns),
    };
    found.tasks.into_iter().map(row).collect()
}

fn unless_unknown<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or("-".to_owned(), show)
}

fn millis(ns: Option<u64>) -> String {
    unless_unknown(ns, |ns| format!("{:.3}", ns as f64 / 1e6))
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = (self.end_ns - self.start_ns) as f64 / 1e9;
        writeln!(
            f,
            "{} trace, {} CPUs, {seconds:.6} s from {}.{:09} s",
            self.format,
            self.cpus,
            self.start_ns / 1_000_000_000,
            self.start_ns % 1_000_000_000
        )?;
        let command = self.command.as_ref().map(|words| words.join(" "));
        for (name, value) in [
            ("kernel", &self.kernel),
            ("scheduler", &self.scheduler),
            ("clock", &self.clock),
            ("command", &command),
            ("machine", &self.machine),
        ] {
            if let Some(value) = value {
                writeln!(f, "{name}: {}", shown(value))?;
            }
        }
        writeln!(f, "\n{:>12}  event", "count")?;
        for (name, count) in &self.events {
            writeln!(f, "{count:>12}  {}", shown(name))?;
        }
        writeln!(f, "\n{} events were lost", self.lost)?;
        if let Some(overwritten) = self.overwritten.filter(|&count| count > 0) {
            writeln!(
                f,
                "{overwritten} events were overwritten by newer ones before this begins"
            )?;
        }
        skipped(f, &self.skipped, &self.reasons)?;
        for (what, count) in &self.left_out {
            writeln!(f, "{count} {} are left out", shown(what))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))?;
        cpus(f, &self.coverage, self.start_ns)?;
        tasks(f, &self.tasks)
    }
}

/// The first few, and how many there are of each kind; `--json` has more.
fn skipped(f: &mut fmt::Formatter<'_>, skipped: &[Skip], reasons: &BTreeMap<String, u64>) -> fmt::Result {
    const SHOWN: usize = 10;
    for Skip { line, why } in skipped.iter().take(SHOWN) {
        match line {
            0 => writeln!(f, "{}", shown(why))?,
            _ => writeln!(f, "line {line} is skipped: {}", shown(why))?,
        }
    }
    if skipped.len() > SHOWN {
        writeln!(
            f,
            "and {} more; --json lists them. In all:",
            skipped.len() - SHOWN
        )?;
        for (why, count) in reasons.iter().take(SHOWN) {
            writeln!(f, "{count:>12}  {}", shown(why))?;
        }
    }
    Ok(())
}

fn cpus(f: &mut fmt::Formatter<'_>, rows: &[CpuRow], start_ns: u64) -> fmt::Result {
    writeln!(
        f,
        "\n{:>4} {:>12} {:>12} {:>12} {:>12} {:>9} {:>5} {:>8}",
        "CPU", "known from s", "until s", "busy ms", "idle ms", "switches", "gaps", "misfits"
    )?;
    let since = |ns: Option<u64>| {
        unless_unknown(ns, |ns| {
            format!("{:.6}", ns.saturating_sub(start_ns) as f64 / 1e9)
        })
    };
    for row in rows {
        writeln!(
            f,
            "{:>4} {:>12} {:>12} {:>12} {:>12} {:>9} {:>5} {:>8}",
            row.cpu,
            since(row.begin_ns),
            since(row.end_ns),
            millis(row.busy_ns),
            millis(row.idle_ns),
            row.switches,
            row.gaps,
            row.misfits
        )?;
    }
    Ok(())
}

/// Those who ran longest first.
fn tasks(f: &mut fmt::Formatter<'_>, tasks: &[TaskRow]) -> fmt::Result {
    writeln!(
        f,
        "\n{:>8} {:<16} {:>12} {:>8} {:>8} {:>12} {:>12} {:>10} {:>12} {:>12} {:>12}",
        "pid",
        "task",
        "on CPU ms",
        "runs",
        "wakeups",
        "median µs",
        "worst µs",
        "migrations",
        "preempted ms",
        "sleep ms",
        "blocked ms"
    )?;
    let mut order: Vec<&TaskRow> = tasks.iter().collect();
    order.sort_by_key(|task| std::cmp::Reverse(task.run_ns));
    for task in order {
        let mut latencies = task.latencies_ns.clone().unwrap_or_default();
        let latency = Percentiles::of(&mut latencies);
        let micros = |ns: u64| format!("{:.1}", ns as f64 / 1e3);
        let count = |count: Option<u64>| unless_unknown(count, |count| count.to_string());
        let median = latencies.get(latencies.len() / 2).copied();
        writeln!(
            f,
            "{:>8} {:<16} {:>12} {:>8} {:>8} {:>12} {:>12} {:>10} {:>12} {:>12} {:>12}",
            task.pid,
            shown(&task.comm),
            millis(task.run_ns),
            task.runs,
            count(task.wakeups),
            unless_unknown(median, micros),
            unless_unknown(latency.known().map(|latency| latency.max), micros),
            count(task.migrations),
            millis(task.preempted_ns),
            millis(task.sleep_ns),
            millis(task.blocked_ns)
        )?;
    }
    Ok(())
}
