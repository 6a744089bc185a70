// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur record`: what the kernel's scheduler does, as a trace or as counts.

use super::console::{note, say, tell};
use super::number::seconds;
use super::number::whole;
use super::{UsageError, interrupt};
use crate::live::recorder::command::{Held, Message, NotStarted, Running, exit_code};
use crate::live::recorder::{self, Counter, Counts, Recorded, Recorder};
use anyhow::{Context, Result, ensure};
use augur_base::file::STANDARD;
use augur_trace::{Format, Writer};
use clap::Parser;
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

const AFTER_HELP: &str = "\
Recorded are, on all CPUs and for all tasks, sched_switch, sched_waking, sched_wakeup_new, sched_migrate_task, \
sched_process_fork, sched_process_exec and sched_process_exit. Any kernel with BTF will do (5.8 or later), whatever its \
scheduler; no sched_ext is needed. It takes root (CAP_BPF and CAP_PERFMON).

With a COMMAND, the recording begins before its first instruction and ends with it; its exit code is passed on (128 and \
the signal where one ended it). Without, --duration or Ctrl-C ends the recording. A command that outlives --duration \
goes on, unrecorded; one that outlives Ctrl-C is asked to end.

The ending of FILE chooses the format: .augur native, and any other ending, too; .perfetto-trace or .pftrace Perfetto, \
for ui.perfetto.dev; .ftrace or .txt ftrace text; .parquet a table; .json a workload for rt-app. The file appears when \
the recording is whole; after an error there is none.

Events wait in a ring in the kernel until they are fetched, every 50 ms. What has no room there is lost, counted, and \
noted in the trace where it happened; then choose a larger --buffer-mb. The recorder is part of what it records: at the \
beginning and at the end it runs once on every CPU, so that whoever runs there shows, and in between 20 times a second.

With --count no event leaves the kernel: it counts migrations by how far they went, and wakeup latencies by powers of two.

Exit codes:
  0  done; of a COMMAND, its own
  1  failed, with one sentence that says what, where and what to do
  2  wrong use
  126, 127  the COMMAND cannot be started, or is not there

Examples:
  sudo scx_augur record -o build.augur -- make -j8
  sudo scx_augur record --duration 10 -o now.perfetto-trace
  sudo scx_augur record --count --json -- ./benchmark";

/// Record what the kernel's scheduler does, under any scheduler, or count it.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// The trace to write; its ending chooses the format. With `-`, standard output, what the command prints goes to standard
    /// error
    #[arg(short, long, value_name = "FILE", default_value = "trace.augur")]
    output: PathBuf,
    /// native, perfetto, ftrace, parquet or rt-app [default: by the ending of FILE]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Record for at most so many seconds
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    duration: Option<Duration>,
    /// Only count, in the kernel: migrations by kind, switches, wakeups and their latencies; writes no file
    #[arg(long, conflicts_with_all = ["output", "format", "buffer_mb"])]
    count: bool,
    /// Print one JSON object about the recording, or with --count the counts, to standard output
    #[arg(long)]
    json: bool,
    /// The ring in the kernel that events wait in, in MiB; rounded up to a power of two
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = whole::<u32>(1..=1024))]
    buffer_mb: u32,
    /// What to record; without it, everything until --duration or Ctrl-C
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command. The exit code is that of the recorded command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<u8> {
    let (tell, hear) = channel();
    let stop = tell.clone();
    interrupt::call(move || {
        // Nobody listens any more: the program is about to end.
        let _ = stop.send(Message::Stop);
    })?;
    let mut course = Course {
        hear,
        running: None,
        ended: None,
        stopped: false,
        deadline: None,
    };
    let done = match args.count {
        true => count(args, &mut course, tell),
        false => record(args, &mut course, tell),
    };
    // As shells, sudo and env have it.
    match done {
        Err(err) => match err.downcast_ref::<NotStarted>() {
            Some(why) => {
                tell!("scx_augur: {}", super::console::sentence(&err));
                Ok(why.exit_code())
            }
            None => Err(err),
        },
        Ok(()) => course.exit_code(),
    }
}

/// What `--json` prints of a recording.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    format: &'static str,
    kernel: &'a str,
    scheduler: &'a str,
    cpus: u32,
    span_ns: u64,
    events: u64,
    events_per_s: f64,
    lost: u64,
    retimed: u64,
    /// Unknown where it is not a plain file.
    bytes: Option<u64>,
    #[serde(flatten)]
    cost: recorder::Cost,
    /// Share of one CPU that the recorder took in user space.
    recorder_share: f64,
}

fn record(args: &Args, course: &mut Course, tell: Sender<Message>) -> Result<()> {
    let (header, _) = recorder::header(&words(&args.command))?;
    let format = format(args)?;
    let mut writer = Writer::create(&args.output, format, &header)?;
    let held = hold(args)?;
    let mut object = MaybeUninit::uninit();
    let recorder = Recorder::attach(&mut object, args.buffer_mb)?;
    course.begin(args.duration, held, tell)?;
    let recorded = recorder.follow(|time| course.go_on(time), |event| writer.write(event))?;
    writer.finish()?;
    let bytes = std::fs::metadata(&args.output).ok();
    let bytes = bytes.filter(std::fs::Metadata::is_file).map(|file| file.len());
    let span_s = recorded.span_ns.max(1) as f64 / 1e9;
    let report = Report {
        file: &args.output,
        format: format.name(),
        kernel: &header.kernel,
        scheduler: &header.scheduler,
        cpus: header.cpus,
        span_ns: recorded.span_ns,
        events: recorded.events,
        events_per_s: recorded.events as f64 / span_s,
        lost: recorded.lost,
        retimed: recorded.retimed,
        bytes,
        cost: recorded.cost,
        recorder_share: recorded.cost.recorder_cpu_ns as f64 / 1e9 / span_s,
    };
    tell_recorded(&report, &recorded, args.buffer_mb);
    if args.json {
        say!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

/// What was done goes to standard error: standard output is the command's.
fn tell_recorded(report: &Report, recorded: &Recorded, buffer_mb: u32) {
    let size = report.bytes.map(size).unwrap_or_default();
    note!(
        "{}: {} events in {:.3} s{size}; the recorder took {:.1} % of a CPU",
        report.file.display(),
        report.events,
        report.span_ns as f64 / 1e9,
        report.recorder_share * 100.0,
    );
    if report.lost > 0 {
        let more = buffer_mb.saturating_mul(4).min(1024);
        tell!(
            "{} events had no room and are lost; record with --buffer-mb {more}",
            report.lost
        );
    }
    if recorded.unreadable > 0 {
        tell!("{} records of the ring could not be read", recorded.unreadable);
    }
}

/// What `--count --json` prints.
#[derive(Serialize)]
struct Counted {
    kernel: String,
    scheduler: String,
    machine: String,
    command: Vec<String>,
    span_ns: u64,
    #[serde(flatten)]
    counts: Counts,
}

fn count(args: &Args, course: &mut Course, tell: Sender<Message>) -> Result<()> {
    let (header, machine) = recorder::header(&words(&args.command))?;
    let held = hold(args)?;
    let mut object = MaybeUninit::uninit();
    let counter = Counter::attach(&mut object, &machine)?;
    let begun = Instant::now();
    course.begin(args.duration, held, tell)?;
    while course.go_on(Duration::from_secs(3600)) {}
    let span_ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let counted = Counted {
        kernel: header.kernel,
        scheduler: header.scheduler,
        machine: machine.to_string(),
        command: header.command,
        span_ns,
        counts: counter.finish()?,
    };
    if args.json {
        say!("{}", serde_json::to_string(&counted)?);
    } else {
        say!("{counted}");
    }
    Ok(())
}

impl Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.span_ns.max(1) as f64 / 1e9;
        let counts = &self.counts;
        writeln!(
            f,
            "{seconds:.3} s on {}, Linux {}, {}\n",
            self.machine, self.kernel, self.scheduler
        )?;
        writeln!(f, "{:<20} {:>12} {:>12}", "", "count", "a second")?;
        let moved = &counts.migrations;
        for (name, value) in [
            ("switches", counts.switches),
            ("wakeups", counts.wakeups),
            ("new tasks", counts.new_tasks),
            ("execs", counts.execs),
            ("exits", counts.exits),
            ("migrations", moved.total),
            ("  same core", moved.known.same_core),
            ("  same LLC", moved.known.same_llc),
            ("  cross LLC", moved.known.cross_llc),
            ("  cross node", moved.known.cross_node),
        ] {
            writeln!(f, "{name:<20} {value:>12} {:>12.1}", value as f64 / seconds)?;
        }
        if moved.unplaced > 0 {
            writeln!(f, "{:<20} {:>12}", "  CPU unknown", moved.unplaced)?;
        }
        writeln!(
            f,
            "\nwakeup latency of {}: mean {}, half below {}, 99 % below {}, all below {}",
            counts.latencies,
            time(counts.latency_mean_ns),
            time(counts.latency_below_ns(500) as f64),
            time(counts.latency_below_ns(990) as f64),
            time(counts.latency_below_ns(1000) as f64),
        )?;
        let most = counts
            .latency
            .iter()
            .map(|bucket| bucket.count)
            .max()
            .unwrap_or(0);
        for bucket in &counts.latency {
            const WIDTH: u64 = 40;
            let bar = bucket.count * WIDTH / most.max(1);
            let below = time(bucket.below_ns as f64);
            let line = format!(
                "  below {below:>9} {:>12}  {}",
                bucket.count,
                "#".repeat(bar as usize)
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        if counts.untracked > 0 {
            writeln!(
                f,
                "{} wakeups are not in it: too many tasks waited at once",
                counts.untracked
            )?;
        }
        Ok(())
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!(", {:.1} KB", bytes as f64 / 1e3),
        _ => format!(", {:.1} MB", bytes as f64 / 1e6),
    }
}

/// A time in the unit that reads best.
fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

fn words(command: &[OsString]) -> Vec<String> {
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    command.iter().map(text).collect()
}

/// The command, held. What it prints must not come between the bytes of a trace.
fn hold(args: &Args) -> Result<Option<Held>> {
    let apart = !args.count && is_standard(&args.output);
    let command = &args.command;
    (!command.is_empty())
        .then(|| Held::new(command, apart))
        .transpose()
}

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

fn format(args: &Args) -> Result<Format> {
    ensure!(
        !(args.json && is_standard(&args.output)),
        UsageError("standard output cannot take both the trace and --json; name a file for -o".to_owned())
    );
    let Some(name) = &args.format else {
        return Ok(Format::by_ending(&args.output).unwrap_or(Format::Native));
    };
    let known = Format::by_name(name).filter(|format| format.is_written());
    known.with_context(|| {
        UsageError(format!(
            "`{name}` is not a format that is written; there are {}",
            Format::written()
        ))
    })
}

/// How a recording goes on: until its command ends, its time is over, or somebody asks.
struct Course {
    hear: Receiver<Message>,
    running: Option<Running>,
    ended: Option<std::io::Result<std::process::ExitStatus>>,
    stopped: bool,
    deadline: Option<Instant>,
}

impl Course {
    /// The clock starts, and the command, if there is one.
    fn begin(&mut self, duration: Option<Duration>, held: Option<Held>, tell: Sender<Message>) -> Result<()> {
        self.deadline = duration.map(|duration| Instant::now() + duration);
        self.running = held.map(|held| held.release(tell)).transpose()?;
        Ok(())
    }

    /// Waits so long, less where the end comes before; whether the recording goes on.
    fn go_on(&mut self, time: Duration) -> bool {
        let left = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return false;
        }
        match self.hear.recv_timeout(left.map_or(time, |left| left.min(time))) {
            Ok(message) => {
                self.note(message);
                false
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn note(&mut self, message: Message) {
        match message {
            Message::Ended(status) => self.ended = Some(status),
            Message::Stop => self.stopped = true,
        }
    }

    /// The command's exit code, once it has ended; 0 without one. Whoever asked for the end of the recording asked for
    /// the command's end, too; who asks again does not want to wait.
    fn exit_code(mut self) -> Result<u8> {
        let Some(running) = self.running else { return Ok(0) };
        if self.stopped {
            running.end(false);
        }
        while self.ended.is_none() {
            match self.hear.recv() {
                Ok(Message::Stop) => {
                    running.end(self.stopped);
                    self.stopped = true;
                }
                Ok(message) => self.note(message),
                Err(_) => break,
            }
        }
        let status = self.ended.transpose().context("cannot wait for the command")?;
        Ok(status.map_or(u8::MAX, exit_code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_migrations_by_kind_and_the_latencies() {
        let counts = Counts {
            switches: 10,
            latencies: 3,
            latency_mean_ns: 1500.0,
            latency: vec![recorder::LatencyBucket {
                from_ns: 1024,
                below_ns: 2048,
                count: 3,
            }],
            migrations: recorder::Migrations {
                total: 5,
                known: [0, 5, 0, 0].into(),
                ..recorder::Migrations::default()
            },
            ..Counts::default()
        };
        let text = Counted {
            kernel: "6.18".into(),
            scheduler: "EEVDF".into(),
            machine: "1 node".into(),
            command: Vec::new(),
            span_ns: 2_000_000_000,
            counts,
        }
        .to_string();
        let has = |part: &str| assert!(text.contains(part), "`{part}` is not in:\n{text}");
        has("2.000 s on 1 node, Linux 6.18, EEVDF\n");
        has("switches                       10          5.0\n");
        has("  same LLC                      5          2.5\n");
        has("of 3: mean 1.5 µs, half below 2.0 µs, 99 % below 2.0 µs");
        has(&format!("            3  {}\n", "#".repeat(40)));
    }
}
