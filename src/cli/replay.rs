// SPDX-License-Identifier: GPL-2.0-only
//! `scx_augur replay`: a recorded trace again, under other policies and on other machines.

use super::console::note;
use super::input::{self, Reading};
use super::number::whole;
use super::progress::Runs;
use super::trace::Part;
use super::{UsageError, convert, interrupt, machine_of, policies, taskset, threads};
use anyhow::{Context, Result, bail, ensure};
use augur_base::file::{self, Output, STANDARD};
use augur_base::topology::{Cpu, MAX_CPUS, Machine};
use augur_sched::experiment::replay::{self, Findings, Plan, makes_decisions};
use augur_sched::model::place::Place;
use augur_sched::model::{Engine, Mlp, Predictor, canary};
use augur_sched::policy::cpu::{Places, registry};
use augur_sched::policy::decision::{self, Row};
use augur_sched::report::replay::Report;
use augur_sched::sim::burst::{BURSTS_MAX, Builder, Rebuilt};
use augur_sched::sim::cpu::{Costs, Options};
use augur_tensorflow::prepare_library;
use augur_trace::report::NO_WAKEUPS;
use augur_trace::report::step_remark;
use augur_trace::{Format, Header, Scope, Writer};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

/// A model of a replay is tried out within this time.
const MODEL_LIMIT: Duration = Duration::from_secs(5);

/// What stands beside each other unless others are named.
pub(super) const DEFAULT_POLICIES: &str = "recorded,eevdf-like,augur";

const AFTER_HELP: &str = "\
Policies:
  recorded      what really happened, in the same figures
  eevdf-like    a model of the kernel's own scheduler; no claim
  rusty         scx_rusty's heuristic, with moves that are carried out
  augur         this project's heuristic: the code of `run`; augur[high=0.2,steal_far_us=2000]
  model         augur, gated by the usual model, or by model[dir=model_dir/augur] (engine=twin or engine=tensorflow)
  never         augur's placement and stealing; no moves are named, as of `run --policy never`; never[steal=0]: nothing is
                stolen either
  random        augur's placement and stealing, and random moves between domains
  least-loaded  every wakeup to the least loaded CPU
  fcfs, rr      one queue for all CPUs; rr[slice_us=3000]; fifo is fcfs
  priority      one queue for all CPUs, greater weight first; priority[preempt=0] interrupts nobody
  power_of_d    every wakeup to the CPU with the fewest tasks of two drawn ones: power_of_d[d=2]
  sjf, srtf     shortest burst, shortest remaining burst first; they know the future
  clairvoyant   the best of everything that is found, with the future known; not a bound: the first line says what is

Every task does in the replay what it did in the trace: the same bursts of work, the same forks and wakeups. Who was \
woken by a task wakes up when that task gets there; who was woken by a timer or a device, so long after it fell asleep. \
A task that goes to another CPU pays for filling its caches again (--costs). Times are those of the simulated machine.

A workload of rt-app (JSON) is replayed as it is: run, runtime, sleep, timer, loop, phases, instance, delay, cpus, policy and \
priority, suspend and resume, wait, signal, sync and broad, barrier, semaphores and fork. What is not simulated (locks, memory, I/O, \
yield, budgets of SCHED_DEADLINE) is named on standard error. Who wakes whom is found by going through all threads as if each had a \
CPU of its own; a timer's ticks stay where they are then. Without --machine there are four CPUs, or as many as `cpus` names.

Memory: a trace may be larger than that. Events are read one by one and not kept; lists of bursts, wakeups and waits lie in files \
without a name, in $TMPDIR or /var/tmp, once they are longer than 64 MB or a 64th of the memory that there is: about 200 MB of disk \
a million events. What has to fit into memory is what is known of each task, and for policies that know the future 16 bytes a burst.

--log-decisions asks every question both ways, moved and stayed, permitted and denied, and runs the 200 ms after it twice: \
`gain_ns` is by how much the move cost less, `label` is 1 where that is above 0.

The makespan is the end of all recorded work, that of tasks that the end of the trace cut short included.

Exit codes:
  0  done
  1  failed, with one sentence that says what, where and what to do; no file is left behind
  2  wrong use
  130  interrupted; no file is left behind";

/// Replay a recorded trace under policies, side by side.
#[derive(Debug, Parser)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// The trace: native, Perfetto, or text of ftrace, `trace-cmd report` or `perf script`; or a workload of rt-app; `-` is
    /// standard input
    file: PathBuf,
    /// Policies, `name[key=value,...]`, separated by commas
    #[arg(
        long = "policies",
        alias = "policy",
        value_name = "P,...",
        default_value = DEFAULT_POLICIES
    )]
    policy: String,
    /// The machine: nodes × LLCs of each × cores of each × threads of each, such as 2x2x4x2, or a TOML file [default:
    /// the trace's own]
    #[arg(long, value_name = "SPEC|FILE")]
    machine: Option<String>,
    /// What is drawn at random is drawn from this
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(..))]
    seed: u64,
    /// So many seeds, each one more than the last; with confidence intervals
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = whole::<u64>(1..=10_000))]
    seeds: u64,
    /// Timers and devices come up to so much later than in the trace; 0: exactly then
    #[arg(long, value_name = "US", default_value_t = 10, value_parser = whole::<u64>(0..=1_000_000))]
    jitter_us: u64,
    /// What migrations cost, as `scx_augur calibrate` measures it, in TOML: same_core_ns, same_llc_ns, cross_llc_ns,
    /// cross_node_ns, cooling_halflife_ns, footprint_halflife_ns, working_set_kb, switch_ns; tables same_core,
    /// same_llc, cross_llc, cross_node with working_set_kb and refill_ns
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// With --json: figures of each task, too
    #[arg(long, requires = "json")]
    per_task: bool,
    /// Write the first policy's run as a trace for ui.perfetto.dev (or another format, by the ending)
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// Write every question of the first policy that has any, moves and stealing, with what would have been right, to a
    /// CSV file
    #[arg(long, value_name = "FILE")]
    log_decisions: Option<PathBuf>,
    /// Threads [default: one a CPU]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=4096))]
    threads: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    part: Part,
}

/// Runs the command.
///
/// # Errors
/// One sentence: what failed, where, what to do.
pub fn run(args: &Args) -> Result<()> {
    let mut policies = policies(args)?;
    let named = args.machine.as_deref().map(machine_of).transpose()?;
    let costs = args.costs.as_deref().map_or(Ok(Costs::default()), read_costs)?;
    interrupt::end_at_once()?;
    let taskset = taskset::read(&args.file)?;
    let (rebuilt, header) = match &taskset {
        Some(_) if !args.part.scope()?.is_all() => {
            let why = "--task, --cpu, --from and --to take a part of a trace; this is a workload of rt-app";
            bail!(UsageError(why.to_owned()))
        }
        Some(taskset) => {
            taskset::leave_out_recorded(&mut policies, &args.policy)?;
            (taskset::rebuilt(&args.file, taskset)?, Header::default())
        }
        None => read(&args.file, &args.reading, args.part.scope()?)?,
    };
    let recorded = recorded_machine(&rebuilt, &header)?;
    remarks(&rebuilt, named.as_ref());
    let recorded_places = Arc::new(Places::new(Arc::new(recorded)));
    let places = match named {
        Some(machine) => Arc::new(Places::new(Arc::new(machine))),
        None => recorded_places.clone(),
    };
    let progress = Runs::new();
    let plan = Plan {
        rebuilt: &rebuilt,
        places,
        recorded_places,
        policies: &policies,
        seeds: (0..args.seeds)
            .map(|number| args.seed.wrapping_add(number))
            .collect(),
        options: Options {
            costs,
            jitter_ns: args.jitter_us * 1_000,
            ..Options::default()
        },
        timeline: args.timeline.is_some(),
        log: args.log_decisions.is_some(),
        tasks: args.per_task,
        threads: threads(args.threads),
        watch: &|policy, seed, share| match args.seeds {
            1 => progress.tell(policy.to_owned(), share),
            _ => progress.tell(format!("{policy} #{seed}"), share),
        },
    };
    let findings = replay::replay(&plan, &load_model)?;
    progress.end();
    write_files(args, &plan, &findings)?;
    if to_standard_output(args) > 0 {
        return Ok(());
    }
    let machine = &plan.places.machine;
    let machine = args.machine.clone().unwrap_or_else(|| machine.to_string());
    let report = Report::new(machine, args.seed, findings.bound_ns, findings.results);
    super::print(&report, args.json)
}

/// The policies, all of them checked.
fn policies(args: &Args) -> Result<Vec<String>> {
    let policies = policies::as_today(policies::split(&args.policy)?, registry::current)?;
    for policy in &policies {
        registry::parse(policy, args.seed).map_err(|err| UsageError(format!("{err:#}")))?;
    }
    one_to_standard_output(args)?;
    if args.log_decisions.is_some() && !policies.iter().any(|policy| makes_decisions(policy)) {
        bail!(UsageError(
            "none of the policies names moves, so there are no decisions to log; add augur, random or rusty"
                .to_owned()
        ));
    }
    let first = policies.first().map(String::as_str);
    if args.timeline.is_some() && matches!(first, Some("recorded" | "clairvoyant")) {
        bail!(UsageError(
            "the timeline is that of the first policy, which must be a simulated one; name that first"
                .to_owned()
        ));
    }
    if let Some(path) = args.timeline.as_deref()
        && !Format::by_ending(path).is_some_and(Format::is_written)
    {
        bail!(UsageError(format!(
            "the ending of {} names no format; give one of {}",
            path.display(),
            Format::written()
        )));
    }
    Ok(policies)
}

/// How many files go to standard output.
fn to_standard_output(args: &Args) -> usize {
    let files = [&args.timeline, &args.log_decisions].into_iter().flatten();
    files.filter(|path| path.as_os_str() == STANDARD).count()
}

/// A file that goes to standard output must be alone there.
fn one_to_standard_output(args: &Args) -> Result<()> {
    match to_standard_output(args) {
        0 => Ok(()),
        1 if !args.json => Ok(()),
        _ => bail!(UsageError(
            "standard output can take one of --json, --timeline and --log-decisions; name files for the others".to_owned()
        )),
    }
}

fn read_costs(path: &Path) -> Result<Costs> {
    let named = || format!("cannot read the costs {}", path.display());
    let text = file::text(path).with_context(named)?;
    Costs::from_toml(&text).with_context(named)
}

/// Reads a trace: the only place here that knows what reading looks like.
fn read(path: &Path, reading: &Reading, mut scope: Scope) -> Result<(Rebuilt, Header)> {
    let mut reader = input::open(path, reading)?;
    let mut builder = Builder::default();
    let mut switches = 0u64;
    let mut next = input::next(&mut reader, path)?;
    // What is known begins with the first line, whatever that tells of.
    let first_ns = reader.notes().span().map_or(0, |(first_ns, _)| first_ns);
    scope.starts(first_ns);
    let (from_ns, to_ns) = scope.span_ns();
    builder.begins(first_ns.max(from_ns));
    while let Some(event) = next {
        switches += u64::from(event.kind.name() == "sched_switch");
        if let Some(event) = scope.narrow(event) {
            builder.push(&event);
        }
        next = input::next(&mut reader, path)?;
    }
    let notes = reader.notes();
    reading.judge(path, notes)?;
    if switches == 0 {
        bail!("{}: {}", path.display(), convert::no_switch(notes));
    }
    if let Some(why) = notes.torn().filter(|_| !reading.partial) {
        bail!(
            "{}: {why}; --partial takes the events before that",
            path.display()
        );
    }
    ensure!(
        builder.bursts() <= BURSTS_MAX,
        "{} has more than {BURSTS_MAX} bursts, which is more than a replay can number; replay a part of it",
        path.display()
    );
    let mut header = reader.header().clone();
    if !scope.is_all() {
        header.topology.retain(|place| scope.has_cpu(place.id as u32));
        header.cpus = if scope.cpus.is_some() { 0 } else { header.cpus };
    }
    // Packets come CPU by CPU, so a torn file ends at different times.
    let torn = notes.torn().is_some() && reader.format() == Format::Perfetto;
    let last_ns = notes.span().map(|(_, last_ns)| last_ns.min(to_ns));
    let rebuilt = builder.finish_at(last_ns, torn);
    ensure!(
        rebuilt.program.tasks.iter().any(|task| task.bursts > 0),
        "{}: nobody runs in that part of it; name another with --task, --cpu, --from and --to",
        path.display()
    );
    if let Some(why) = rebuilt.recording.doubt.as_ref().filter(|_| !reading.partial) {
        bail!("{}: {why}; --partial replays it all the same", path.display());
    }
    Ok((rebuilt, header))
}

/// What a reader of the table has to know goes to standard error.
fn remarks(rebuilt: &Rebuilt, named: Option<&Machine>) {
    let recording = &rebuilt.recording;
    if let Some(why) = &recording.doubt {
        note!("{why}");
    }
    if recording.hides_waits {
        note!("{NO_WAKEUPS}");
    }
    if let Some(step) = &recording.step {
        note!("{}", step_remark(step));
    }
    if let Some(machine) = named {
        let homeless = |pinned: &u32| machine.cpu(*pinned as usize).is_none();
        let count = rebuilt
            .program
            .tasks
            .iter()
            .filter(|task| task.pinned.as_ref().is_some_and(homeless))
            .count();
        if count > 0 {
            note!(
                "{count} tasks are bound to a CPU that this machine does not have; each is bound to another instead"
            );
        }
    }
}

/// The machine that was recorded; where the trace does not say, one cache for all CPUs that it names.
fn recorded_machine(rebuilt: &Rebuilt, header: &Header) -> Result<Machine> {
    let seen = &rebuilt.recording.cpus;
    if let Some(machine) = header.machine()?
        && seen.iter().all(|&cpu| machine.cpu(cpu as usize).is_some())
    {
        return Ok(machine);
    }
    // CPUs of which nothing was heard are there all the same.
    let mut seen = seen.clone();
    let online = header.cpus.min(MAX_CPUS as u32);
    let silent = (0..online).filter(|id| seen.binary_search(id).is_err());
    let silent: Vec<u32> = silent
        .take((online as usize).saturating_sub(seen.len()))
        .collect();
    seen.extend(silent);
    seen.sort_unstable();
    let cpu = |&id: &u32| Cpu {
        id: id as usize,
        core: id as usize,
        llc: 0,
        node: 0,
        capacity: 1.0,
        domain: 0,
    };
    Machine::from_cpus(seen.iter().map(cpu).collect(), None)
}

/// The twin where the model has one, for that needs no library; else TensorFlow.
fn load_model(directory: Option<&str>, engine: Option<&str>) -> Result<Box<dyn Predictor>> {
    static TOLD: Once = Once::new();
    let place = Place::of(directory.map(Path::new));
    let wanted = match engine {
        Some("tensorflow") => Engine::TensorFlow,
        _ => Engine::Either,
    };
    if let Some(remark) = place.remark(wanted) {
        TOLD.call_once(|| note!("{remark}"));
    }
    let manifest = place.manifest(wanted)?;
    if wanted != Engine::TensorFlow {
        if let Some(twin) = Mlp::from_manifest(&manifest)? {
            return Ok(Box::new(twin));
        }
        if engine == Some("twin") {
            let directory = place.directory.display();
            bail!("the model in {directory} has no weights in its manifest; use engine=tensorflow");
        }
    }
    // A missing library is told by the load.
    let _ = prepare_library(None);
    Ok(canary::load(&place.directory, Engine::TensorFlow, MODEL_LIMIT)?.predictor)
}

/// Files that were asked for. All are begun before any is given its name.
fn write_files(args: &Args, plan: &Plan, findings: &Findings) -> Result<()> {
    if let (Some(path), Some(timeline)) = (&args.timeline, &findings.timeline) {
        let mut header = Header {
            scheduler: plan.policies.first().cloned().unwrap_or_default(),
            ..Header::default()
        };
        header.set_machine(&plan.places.machine);
        // The ending was looked at before anything was done.
        let format = Format::by_ending(path).unwrap_or(Format::Perfetto);
        let mut writer = Writer::create(path, format, &header)?;
        let start_ns = plan.rebuilt.recording.start_ns;
        for event in timeline.events(&plan.rebuilt.program, &plan.places.machine, start_ns) {
            writer.write(&event)?;
        }
        writer.finish()?;
    }
    match &args.log_decisions {
        Some(path) => write_log(path, &findings.log, plan.rebuilt.recording.start_ns),
        None => Ok(()),
    }
}

/// The columns of the live decision log, and what would have been right.
fn write_log(path: &Path, rows: &[Row], start_ns: u64) -> Result<()> {
    let named = || format!("cannot write {}", path.display());
    let mut writer = decision::Writer::new(Output::create(path)?, true).with_context(named)?;
    for row in rows {
        let row = Row {
            at_ns: row.at_ns + start_ns,
            ..row.clone()
        };
        writer.write(&row).with_context(named)?;
    }
    writer.into_inner().with_context(named)?.finish()?;
    if rows.is_empty() {
        let path = path.display();
        super::console::tell!(
            "scx_augur: {path} has no row, because no policy had a question; replay a longer or busier trace"
        );
    }
    Ok(())
}
