// SPDX-License-Identifier: GPL-2.0-only
//! The balancer's rounds: snapshot, candidates, gate, decisions, as the live daemon does them.

use super::decisions::{self, Open};
use super::event::Kind;
use super::hindsight;
use super::state::State;
use crate::model::Predictor;
use crate::policy::cpu::Order;
use crate::policy::decision::{Outcome, Row};
use crate::policy::{
    Candidate, Gate, Pair, Permissions, Phase, Policy, Rounds, Stealing, Tally, TaskId, Verdicts,
};
use augur_base::invariant::Violation;
use serde::Serialize;

/// Time between rounds, unless told otherwise.
pub const INTERVAL_NS: u64 = 100_000_000;

/// A machine that sleeps for so long is not looked at meanwhile.
const LONG_SLEEP_NS: u64 = 60_000_000_000;

/// Who decides, round after round.
pub struct Balancer {
    /// Names the moves.
    pub policy: Box<dyn Policy>,
    /// Judges them, where there is one; it also judges who may steal from whom.
    pub model: Option<Box<dyn Predictor>>,
    /// How the model's word counts.
    pub gate: Gate,
    /// Time between rounds.
    pub interval_ns: u64,
    /// Nobody steals, whatever the policy.
    pub forbids_steals: bool,
}

impl Balancer {
    /// A balancer without a model.
    pub fn new(policy: Box<dyn Policy>) -> Balancer {
        Balancer {
            policy,
            model: None,
            gate: Gate::default(),
            interval_ns: INTERVAL_NS,
            forbids_steals: false,
        }
    }

    /// The same, gated by a model.
    pub fn with_model(mut self, model: Box<dyn Predictor>) -> Balancer {
        self.model = Some(model);
        self
    }
}

/// What became of a run's decisions. Each accepted one is applied, refused, expired, or still pending at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decisions {
    /// Rounds.
    pub rounds: u64,
    /// What was asked and answered in them.
    #[serde(flatten)]
    pub tally: Tally,
    /// Seen to run where the decision said.
    pub applied: u64,
    /// Impossible by the time they came: gone, moved, pinned or bound elsewhere.
    pub refused: u64,
    /// Not seen there in time.
    pub expired: u64,
}

/// The balancer of one run, at work.
pub(super) struct Balancing {
    rounds: Rounds,
    model: Option<Box<dyn Predictor>>,
    interval_ns: u64,
    forbids_steals: bool,
    pub decisions: Decisions,
    numbers: u32,
    /// Those that hold.
    permissions: Permissions,
    pub log: Vec<Row>,
    /// Rows that wait for their outcome.
    open: Vec<Open>,
}

impl Balancing {
    pub(super) fn new(balancer: Balancer, state: &mut State) -> Balancing {
        let domains = state.world.places.domains();
        let mut permissions = Permissions::all(domains);
        if balancer.forbids_steals {
            permissions = Permissions::none(domains);
            state.discipline.permit(&permissions, 0);
        }
        state.schedule(balancer.interval_ns, Kind::Round);
        Balancing {
            rounds: Rounds::new(balancer.policy, balancer.gate),
            model: balancer.model,
            interval_ns: balancer.interval_ns,
            forbids_steals: balancer.forbids_steals,
            decisions: Decisions::default(),
            numbers: 0,
            permissions,
            log: Vec::new(),
            open: Vec::new(),
        }
    }

    /// One round.
    pub(super) fn round(&mut self, state: &mut State) -> Result<(), Violation> {
        if state.is_over() {
            return Ok(());
        }
        let now = state.world.now_ns;
        let rounds = self.rounds_until_something(state);
        state.schedule(now + rounds * self.interval_ns, Kind::Round);
        self.decisions.rounds += rounds;
        self.settle(state);
        let (observed, seen) = state.observe();
        let snapshot = observed.snapshot(&state.world.places.machine);
        let stealing = match (self.forbids_steals, state.options.log) {
            (true, _) => Stealing::Settled,
            (false, true) => Stealing::Always,
            (false, false) => Stealing::Open,
        };
        let model = self
            .model
            .as_mut()
            .map(|model| &mut **model as &mut dyn Predictor);
        let verdicts = self.rounds.decide(&snapshot, model, stealing);
        self.decisions.tally = self.rounds.tally;
        if state.options.log {
            self.note(state, &seen, &verdicts)?;
        }
        self.permit(state, &verdicts);
        for candidate in verdicts.accepted() {
            self.numbers += 1;
            let number = self.numbers;
            let refused = order(state, candidate, &seen, number, self.interval_ns)?;
            self.decisions.refused += u64::from(refused.is_some());
            decisions::number(&mut self.open, candidate.task, now, number, refused);
        }
        state.dispatch_pending()
    }

    /// Rows for the log, with what would have been right, before any of the answers counts.
    fn note(&mut self, state: &State, seen: &[u32], verdicts: &Verdicts) -> Result<(), Violation> {
        let moves = decisions::open_moves(state, seen, &verdicts.moves, self.interval_ns)?;
        self.open.extend(moves);
        let pairs: Vec<Pair> = verdicts.steals.iter().map(|judged| judged.about).collect();
        let gains = hindsight::gains_of_permissions(state, &self.permissions, &pairs, self.interval_ns)?;
        self.open
            .extend(decisions::open_pairs(state, seen, &verdicts.steals, &gains));
        Ok(())
    }

    /// Who may steal from whom until the next round.
    fn permit(&mut self, state: &mut State, verdicts: &Verdicts) {
        if !self.forbids_steals {
            if verdicts.steals.is_empty() {
                return;
            }
            self.permissions = Permissions::from_verdicts(self.permissions.domains(), &verdicts.steals);
        }
        // Said again each round, also where it is the same: the word of a daemon that went silent does not hold.
        state.discipline.permit(&self.permissions, state.world.now_ns);
    }

    /// After how many intervals there is something to look at: one, but where the machine sleeps for long, the last
    /// before it wakes up. Rounds in between find nobody who could be moved.
    fn rounds_until_something(&self, state: &State) -> u64 {
        let next_ns = match (state.next_event_ns(), state.runnable) {
            (Some(next_ns), 0) => next_ns,
            _ => return 1,
        };
        match next_ns.saturating_sub(state.world.now_ns) {
            nap_ns if nap_ns >= LONG_SLEEP_NS => ((nap_ns - 1) / self.interval_ns).max(1),
            _ => 1,
        }
    }

    /// Rows whose outcome can be seen by now go into the log.
    fn settle(&mut self, state: &mut State) {
        if !self.open.is_empty() {
            decisions::settle(state, &mut self.open, &mut self.log);
        }
        state.settled.clear();
    }
}

/// Carries a decision out as far as it can be at once; why it was refused, where it was.
fn order(
    state: &mut State,
    candidate: &Candidate,
    seen: &[u32],
    number: u32,
    ttl_ns: u64,
) -> Result<Option<Outcome>, Violation> {
    let Some(&task) = seen.get(candidate.task_index) else {
        return Ok(Some(Outcome::Gone));
    };
    let mover = state.world.task(task);
    let (id, phase, cpu, pinned): (TaskId, Phase, u32, bool) =
        (mover.id, mover.phase, mover.cpu, mover.pinned());
    let to = candidate.to as u32;
    let target = state.world.cpu_in_domain(task, to);
    let ended = state.is_gone(task);
    let refusal = match target {
        _ if id != candidate.task || ended => Some(Outcome::Gone),
        _ if state.world.places.domain_of(cpu) as usize != candidate.from => Some(Outcome::Moved),
        _ if pinned => Some(Outcome::Pinned),
        None => Some(Outcome::Affinity),
        Some(_) => None,
    };
    if refusal.is_some() {
        return Ok(refusal);
    }
    let now = state.world.now_ns;
    let before = state.world.tasks[task as usize].order.replace(Order {
        number,
        to,
        deadline_ns: now + ttl_ns,
    });
    if let Some(before) = before {
        state.expired += 1;
        state.settled.push((before.number, false));
    }
    match phase {
        Phase::Running => state.pend(cpu),
        Phase::Queued => {
            if let Some(target) = target {
                state.move_waiting(task, target)?;
            }
        }
        Phase::Sleeping => {}
    }
    Ok(None)
}

/// A decision forced onto the machine, for trying out what would happen.
pub(super) fn force(
    state: &mut State,
    candidate: &Candidate,
    seen: &[u32],
    ttl_ns: u64,
) -> Result<(), Violation> {
    order(state, candidate, seen, u32::MAX, ttl_ns)?;
    state.dispatch_pending()
}
