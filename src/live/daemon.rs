// SPDX-License-Identifier: GPL-2.0-only
//! The loop: every interval one snapshot, one batch through the model, the accepted decisions back.
//!
//! The kernel's half needs none of this to go on; where the daemon is stopped, scheduling continues without decisions.

use super::collect::{self, Observation};
use super::counters::Counters;
use super::decisions::{DecisionChannel, Ledger};
use super::inquiry::StatsRequests;
use super::log::DecisionLog;
use super::pace::Pace;
use super::stats::Metrics;
use super::steady::{ThisMachine, Watch};
use super::{LoadOptions, Scheduler, bpf::intf, doctor, machine, pod};
use anyhow::Result;
use augur_base::topology::Machine;
use augur_sched::model::{ModelEvent, ModelHandle};
use augur_sched::policy::decision::Outcome;
use augur_sched::policy::{Gate, Judged, Mode, Pair, Permissions, Phase, Policy, Rounds, Stealing};
use augur_tensorflow::Fault;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// How often in a row attaching may fail because CPUs came or went meanwhile, and the pause before the next try.
const ATTACH_TRIES: u32 = 30;
const ATTACH_PAUSE: Duration = Duration::from_millis(500);
/// How long rounds are remembered for their median.
const ROUND_TIMES: usize = 1024;

/// What the daemon is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the kernel's half is loaded.
    pub load: LoadOptions,
    /// Time between rounds.
    pub interval: Duration,
    /// The longest time between rounds that find nothing to do, in intervals.
    pub rest: u32,
    /// Who decides at the gate.
    pub mode: Mode,
    /// Where the decision log goes.
    pub log: Option<PathBuf>,
    /// Detach by itself after this.
    pub duration: Option<Duration>,
    /// Split larger last-level caches.
    pub max_domain_cpus: Option<usize>,
}

/// What outlives a restart of the scheduler: the deciders, the log, the counters that are kept here.
struct DaemonState {
    rounds: Rounds,
    model: ModelHandle,
    log: Option<DecisionLog>,
    metrics: Metrics,
    /// The books of earlier lives of the scheduler.
    ledger: Ledger,
    /// What the kernel counted in earlier lives.
    past: Counters,
    round_times: Vec<Duration>,
    /// The cause of the last fallback, so that each change is logged once.
    fallback: Option<String>,
}

/// Attaches, decides until `stop`, detaches. Where the kernel asks for a restart (a CPU came or went), starts again.
/// Returns the last statistics.
///
/// # Errors
/// Where the scheduler cannot be attached, or the kernel ended it because of an error.
pub fn run(
    options: &Options,
    policy: Box<dyn Policy>,
    model: ModelHandle,
    stop: &AtomicBool,
) -> Result<Metrics> {
    doctor::preconditions(options.max_domain_cpus)?;
    let log = options.log.as_deref().map(DecisionLog::create).transpose()?;
    let mut state = DaemonState {
        rounds: Rounds::new(policy, Gate::new(options.mode.clone())),
        model,
        log,
        metrics: Metrics::default(),
        ledger: Ledger::default(),
        past: Counters::default(),
        round_times: Vec::new(),
        fallback: None,
    };
    state.metrics.policy = state.rounds.policy();
    let started = Instant::now();
    let mut requests = None;
    let outcome = keep_attached(options, &mut state, &mut requests, started, stop);
    // The server leaves its socket behind.
    if requests.take().is_some() {
        let _ = std::fs::remove_file(doctor::STATS_SOCKET);
    }
    outcome?;
    if let Some(log) = state.log.take() {
        let rows = log.close()?;
        info!("decision log: {rows} rows");
    }
    Ok(state.metrics)
}

/// How a life of the scheduler ended.
enum Life {
    /// It was told to stop.
    Over,
    /// The machine changed.
    Again,
    /// The machine changed while it was attached, and that is why it could not be.
    Unborn(anyhow::Error),
}

/// Starts again as often as the machine changes.
fn keep_attached(
    options: &Options,
    state: &mut DaemonState,
    requests: &mut Option<StatsRequests>,
    started: Instant,
    stop: &AtomicBool,
) -> Result<()> {
    let mut object = MaybeUninit::uninit();
    let mut unborn = 0;
    loop {
        match attach_and_decide(options, state, &mut object, requests, started, stop)? {
            Life::Over => return Ok(()),
            Life::Again => unborn = 0,
            Life::Unborn(err) if unborn >= ATTACH_TRIES => {
                return Err(err.context("CPUs went off and on all the time; start it again once they stay"));
            }
            Life::Unborn(_) if stop.load(Ordering::Relaxed) => return Ok(()),
            Life::Unborn(err) => {
                unborn += 1;
                info!("not attached, because CPUs came or went meanwhile: {err:#}");
                std::thread::sleep(ATTACH_PAUSE);
            }
        }
        info!("the machine changed: starting again");
    }
}

/// One life of the scheduler.
fn attach_and_decide(
    options: &Options,
    state: &mut DaemonState,
    object: &mut MaybeUninit<libbpf_rs::OpenObject>,
    requests: &mut Option<StatsRequests>,
    started: Instant,
    stop: &AtomicBool,
) -> Result<Life> {
    let before = ThisMachine.generation();
    let changed = || ThisMachine.generation() != before;
    let read = machine::read(options.max_domain_cpus);
    let attached = read.and_then(|machine| {
        let scheduler = Scheduler::attach(object, &machine, &options.load)?;
        Ok((Arc::new(machine), scheduler))
    });
    let (machine, scheduler) = match attached {
        Err(err) if changed() => return Ok(Life::Unborn(err)),
        Err(err) => return Err(err),
        // The kernel compares with the moment at which the program was opened, and that is after the reading.
        Ok((_, scheduler)) if changed() && !scheduler.exited() => {
            scheduler.detach()?;
            return Ok(Life::Again);
        }
        Ok(attached) => attached,
    };
    info!("attached: {machine}");
    let mut channel = DecisionChannel::open(&scheduler, std::mem::take(&mut state.ledger), options.interval)?;
    let mut attachment = Attachment {
        machine,
        scheduler,
        watched: Vec::new(),
        denied: false,
        last: None,
    };
    let requests = match requests {
        Some(open) => open,
        none => none.insert(StatsRequests::open()?),
    };
    let over = |started: Instant| options.duration.is_some_and(|limit| started.elapsed() >= limit);
    let mut due = Instant::now();
    let mut pace = Pace::new(options.interval, options.rest);
    let result = loop {
        if stop.load(Ordering::Relaxed) || over(started) || attachment.scheduler.exited() {
            break Ok(());
        }
        let idle = match state.round(&mut attachment, &mut channel) {
            Ok(idle) => idle,
            Err(err) => break Err(err),
        };
        due = (due + pace.after(idle)).max(Instant::now());
        while requests.sleep(due) {
            state.update_statistics(&attachment, &channel, started);
            requests.answer(state.metrics.clone())?;
        }
    };
    let exited = attachment.scheduler.exited();
    state.end_life(&attachment, channel, started);
    let end = attachment.scheduler.detach()?;
    // A map that fails because the kernel has just ended the scheduler is no failure of its own.
    if !exited {
        result?;
    }
    match end.should_restart() && !stop.load(Ordering::Relaxed) {
        true => Ok(Life::Again),
        false => Ok(Life::Over),
    }
}

/// The scheduler that is attached, and what was last seen of it.
struct Attachment<'a> {
    machine: Arc<Machine>,
    scheduler: Scheduler<'a>,
    watched: Vec<i32>,
    /// Some pair of domains was told last not to steal.
    denied: bool,
    last: Option<Observation>,
}

impl DaemonState {
    /// Says whether there was nothing to do.
    fn round(&mut self, attachment: &mut Attachment, channel: &mut DecisionChannel) -> Result<bool> {
        let begin = Instant::now();
        let seen = collect::collect(&attachment.scheduler, &attachment.machine, &attachment.watched)?;
        let ended = channel.hear(seen.snapshot.now_ns)?;
        if let Some(log) = &mut self.log {
            log.hear(&ended);
            log.settle(&seen)?;
        }
        let named = self.decide(attachment, channel, &seen)?;
        self.metrics.dropped_tasks += u64::from(seen.dropped);
        self.metrics.rounds += 1;
        self.note_model();
        attachment.watch(&seen, self.log.as_ref());
        attachment.last = Some(seen);
        if self.round_times.len() == ROUND_TIMES {
            self.round_times.clear();
        }
        self.round_times.push(begin.elapsed());
        // What was denied must be denied again before it goes stale, and a log has a row for every interval.
        Ok(named == 0 && !attachment.denied && channel.ledger.pending() == 0 && self.log.is_none())
    }

    /// The kernel's half goes: keeps what it counted, and ends what was under way.
    fn end_life(&mut self, attachment: &Attachment, mut channel: DecisionChannel, started: Instant) {
        let abandoned: Vec<_> = channel
            .ledger
            .abandon()
            .into_iter()
            .map(|seq| (seq, Outcome::Expired))
            .collect();
        if let Some(log) = &mut self.log {
            log.hear(&abandoned);
        }
        if let Some(counted) = self.update_statistics(attachment, &channel, started) {
            self.past = counted;
        }
        self.ledger = channel.ledger;
    }

    /// Decides, and sends what follows from it down. Returns how many moves were named.
    fn decide(
        &mut self,
        attachment: &mut Attachment,
        channel: &mut DecisionChannel,
        seen: &Observation,
    ) -> Result<usize> {
        let snapshot = &seen.snapshot;
        let stealing = match self.log {
            Some(_) => Stealing::Always,
            None => Stealing::Open,
        };
        let verdicts = self.rounds.decide(snapshot, Some(&mut self.model), stealing);
        match &verdicts.fallback {
            Some(fault) => self.fell_back(fault),
            None if verdicts.is_empty() => {}
            None => self.fallback = None,
        }
        attachment.permit(&verdicts.steals, snapshot.now_ns)?;
        let sent = channel.send(&attachment.scheduler, verdicts.moves, snapshot.now_ns)?;
        if let Some(log) = &mut self.log {
            log.open(&sent, &verdicts.steals, seen);
        }
        Ok(sent.len())
    }

    /// One counter each round, one log line each change.
    fn fell_back(&mut self, fault: &Fault) {
        let label = fault.label();
        *self
            .metrics
            .model_events
            .entry(format!("fallback_{label}"))
            .or_default() += 1;
        // A model that was refused or taken out of service tells its fault itself: one line is enough.
        if self.note_events().is_some() {
            self.fallback = Some(label.to_owned());
        }
        if self.fallback.as_deref() != Some(label) {
            if !matches!(fault, Fault::Off | Fault::Loading) {
                warn!("the heuristic decides: {fault}");
            }
            self.fallback = Some(label.to_owned());
        }
    }

    /// Logs and counts what happened to the model; what it failed of last, where it did.
    fn note_events(&mut self) -> Option<&'static str> {
        let mut failed = None;
        for event in self.model.poll_events() {
            let label = match &event {
                ModelEvent::Refused { fault } => format!("refused_{}", fault.label()),
                other => other.label().to_owned(),
            };
            *self.metrics.model_events.entry(label).or_default() += 1;
            match &event {
                ModelEvent::Refused { fault } | ModelEvent::OutOfService { fault } => {
                    failed = Some(fault.label());
                    warn!("{event}");
                }
                _ => info!("{event}"),
            }
        }
        failed
    }

    fn note_model(&mut self) {
        // Told after this round was judged: the next round need not say so again.
        if let Some(label) = self.note_events()
            && self.model.name().is_none()
        {
            self.fallback = Some(label.to_owned());
        }
        self.metrics.model = match (self.model.name(), &self.fallback) {
            (_, Some(cause)) => format!("none ({cause}): the heuristic decides"),
            (Some(name), None) => name.to_owned(),
            (None, None) => "none".to_owned(),
        };
        let engine = self.model.engine().filter(|_| self.fallback.is_none());
        self.metrics.engine = engine.map(|engine| engine.to_string()).unwrap_or_default();
    }

    /// Brings the statistics up to date; what was counted so far, in all lives.
    fn update_statistics(
        &mut self,
        attachment: &Attachment,
        channel: &DecisionChannel,
        started: Instant,
    ) -> Option<Counters> {
        self.metrics.uptime_s = started.elapsed().as_secs_f64();
        channel.ledger.fill(&mut self.metrics);
        self.metrics.set_tally(&self.rounds.tally);
        if let Some(seen) = &attachment.last {
            self.metrics.set_snapshot(&seen.snapshot);
        }
        let mut times = self.round_times.clone();
        times.sort();
        self.metrics.round_us = times
            .get(times.len() / 2)
            .map_or(0.0, |time| time.as_secs_f64() * 1e6);
        let cpus = attachment.machine.cpus.iter().map(|cpu| cpu.id);
        match Counters::read(&attachment.scheduler, cpus) {
            Ok(counters) => {
                let total = counters.plus(&self.past);
                total.fill(&mut self.metrics);
                Some(total)
            }
            Err(err) => {
                warn!("{err:#}");
                None
            }
        }
    }
}

impl Attachment<'_> {
    /// Tells the kernel's half who may steal from whom, until the next round. It need not hear twice that all may.
    fn permit(&mut self, steals: &[Judged<Pair>], now_ns: u64) -> Result<()> {
        let denies = steals.iter().any(|judged| !judged.accepted);
        if !denies && !self.denied {
            return Ok(());
        }
        let domains = self.machine.domains.len();
        let allowed = Permissions::from_verdicts(domains, steals);
        let most = intf::augur_limits_AUGUR_MAX_DOMS as usize;
        let mut value = intf::augur_permissions {
            at_ns: now_ns,
            denied: [[0; 64]; 64],
        };
        for from in 0..domains.min(most) {
            for to in 0..domains.min(most) {
                value.denied[from][to] = u8::from(!allowed.allows(from, to));
            }
        }
        self.denied = denies;
        collect::update(&self.scheduler.skel.maps.permissions, 0, pod::bytes(&value))
    }

    /// Tasks to see again: those that wait or run, and those whose outcome is still open.
    fn watch(&mut self, seen: &Observation, log: Option<&DecisionLog>) {
        self.watched.clear();
        let awake = seen
            .snapshot
            .tasks
            .iter()
            .filter(|task| task.phase != Phase::Sleeping);
        self.watched.extend(awake.map(|task| task.id.pid));
        self.watched
            .extend(log.into_iter().flat_map(DecisionLog::watched));
    }
}
